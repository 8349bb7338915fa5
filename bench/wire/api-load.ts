/**
 * Load on the API from a process of its own, so that the process that plays the callers is not what slows down: reads and lists at a fixed
 * rate, whatever the answers take. It stops asking while too many wait for an answer, and counts what it could not ask.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { pin } from '../lib/cores.ts';
import { mono, type Summary, summary } from '../lib/stats.ts';

export interface LoadResult {
  perSecond: number;
  answered: number;
  errors: number;
  /** Due but not asked: `MOST` were waiting for their answers. */
  skipped: number;
  tookMs: Summary;
}

interface LoadOrder {
  base: string;
  headers: Record<string, string>;
  perSecond: number;
}

const PATHS = ['/assistant?limit=20', '/call?limit=20', '/assistant?limit=5', '/health'];
const MOST = 200;
const TICK_MS = 20;

export async function startLoad(order: LoadOrder): Promise<{ stop(): Promise<LoadResult> }> {
  const child: ChildProcess = fork(import.meta.filename, ['load', JSON.stringify(order)]);
  pin(child.pid, 'others');
  await once(child, 'message');
  return {
    async stop() {
      child.send('stop');
      const [result] = (await once(child, 'message')) as [LoadResult];
      await once(child, 'exit');
      return result;
    },
  };
}

function load({ base, headers, perSecond }: LoadOrder): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const took: number[] = [];
  const start = mono();
  let asked = 0;
  let waiting = 0;
  let errors = 0;
  let skipped = 0;
  const ask = (path: string) => {
    const at = mono();
    waiting += 1;
    const done = (ok: boolean) => {
      waiting -= 1;
      if (ok) took.push(mono() - at);
      else errors += 1;
    };
    get(base + path, { agent, headers }, (answer) => answer.resume().once('end', () => done(answer.statusCode === 200))).once('error', () =>
      done(false),
    );
  };
  const timer = setInterval(() => {
    for (const due = ((mono() - start) / 1_000) * perSecond; asked + skipped < due; ) {
      if (waiting >= MOST) skipped += 1;
      else ask(PATHS[asked++ % PATHS.length] ?? '/health');
    }
  }, TICK_MS);
  process.on('message', () => {
    clearInterval(timer);
    const seconds = (mono() - start) / 1_000;
    const result: LoadResult = { perSecond: took.length / seconds, answered: took.length, errors, skipped, tookMs: summary(took) };
    process.send?.(result, () => process.exit(0));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'load') load(JSON.parse(process.argv[3] ?? '{}') as LoadOrder);
