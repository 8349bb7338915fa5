/**
 * What is measured over sockets, started in its own processes: the product as an operator starts it (control, one call host, PostgreSQL,
 * journal, recordings) or the bare floor. The call host is moved to a core of its own where there is one.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pin } from '../lib/cores.ts';
import { mono, type ProcessUse, processesOf, processTree } from '../lib/stats.ts';
import { ACCOUNT, TOKEN } from './caller.ts';
import type { FloorSettings } from './floor.ts';

export interface WireSubject {
  readonly name: 'ours' | 'floor';
  readonly base: string;
  /** Process -> ready, ms; the database was made before. */
  readonly readyMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The process that holds the calls. */
  readonly hostPid: number;
  readonly controlPid: number;
  /** Makes an assistant and says how its number is rung. */
  assistant(body: Readonly<Record<string, unknown>> & { readonly name: string }): Promise<string>;
  /** Everything but the database. */
  use(): ProcessUse;
  host(): ProcessUse;
  postgres(): ProcessUse;
  /** Open file descriptors of control and call host. */
  handles(): number;
  stop(): Promise<void>;
}

export interface ProductSettings {
  readonly vendorPort: number;
  readonly maxCalls: number;
  /** A module that every process of the subject loads first. */
  readonly preload?: string;
}

const root = join(import.meta.dirname, '../..');
const KEY = 'bench-administrator-key-0123456789abcdef';
const PORT = 18_080;
const isPostgres = (command: string) => command.includes('postgres');
const isHost = (command: string) => command.includes('child-main');
const handlesOf = (pid: number) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
};

export async function startProduct({ vendorPort, maxCalls, preload }: ProductSettings): Promise<WireSubject> {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-bench-'));
  const base = `http://127.0.0.1:${PORT}`;
  const vendors = `127.0.0.1:${vendorPort}`;
  const launch = async () => {
    const child = spawn(process.execPath, ['--max-semi-space-size=8', join(root, 'src/main.ts')], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        ...(process.env.BENCH_PROFILE && { BENCH_PROFILE: process.env.BENCH_PROFILE }),
        ...(preload && { NODE_OPTIONS: `--import=${preload}` }),
        NODE_ENV: 'development',
        LOG_LEVEL: 'info',
        RUNTIME_PORT: String(PORT),
        RUNTIME_PUBLIC_URL: base,
        RUNTIME_DATA_DIR: folder,
        RUNTIME_CALL_HOSTS: '1',
        RUNTIME_API_KEY: KEY,
        RUNTIME_MAX_CALLS: String(maxCalls),
        TWILIO_ACCOUNT_SID: ACCOUNT,
        TWILIO_AUTH_TOKEN: TOKEN,
        TWILIO_PHONE_NUMBER: '+14155550199',
        TWILIO_BASE_URL: `http://${vendors}`,
        DEEPGRAM_API_KEY: 'bench',
        DEEPGRAM_BASE_URL: `ws://${vendors}`,
        OPENAI_API_KEY: 'bench',
        OPENAI_BASE_URL: `http://${vendors}/v1`,
      },
    });
    pin(child.pid, 'others');
    await ready(child);
    return child;
  };
  // The first start makes the database; the second one is what an operator waits for.
  const first = await launch();
  first.kill('SIGTERM');
  await once(first, 'exit');
  const start = mono();
  const product = await launch();
  const readyMs = mono() - start;
  const pid = product.pid ?? 0;
  const [hostPid = 0] = processesOf(pid, isHost);
  pin(hostPid, 'host');
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  return {
    name: 'ours',
    base,
    readyMs,
    headers,
    hostPid,
    controlPid: pid,
    async assistant(body) {
      const answer = await fetch(`${base}/assistant`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (answer.status !== 201) throw new Error(`POST /assistant answered ${answer.status}: ${await answer.text()}`);
      return ((await answer.json()) as { id: string }).id;
    },
    use: () => processTree(pid, (command) => !isPostgres(command)),
    host: () => processTree(pid, isHost),
    postgres: () => processTree(pid, isPostgres),
    handles: () => handlesOf(pid) + handlesOf(hostPid),
    async stop() {
      product.kill('SIGTERM');
      await once(product, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its log is read to the end of its life: a pipe that nobody empties would stop it. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text: string | undefined = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text === undefined) return;
      text += String(chunk);
      if (!text.includes('runtime.ready')) return;
      text = undefined;
      resolve();
    });
    child.once('exit', () => reject(new Error(`The runtime did not start:\n${text}`)));
  });
}

export async function startFloor(settings: FloorSettings, preload?: string): Promise<WireSubject> {
  const start = mono();
  const child = fork(join(import.meta.dirname, 'floor.ts'), [JSON.stringify(settings)], {
    // The nursery of the product's call host, so that the two collect garbage alike.
    execArgv: ['--max-semi-space-size=4', ...(preload ? [`--import=${preload}`] : [])],
  });
  const { port } = (await once(child, 'message'))[0] as { port: number };
  const pid = child.pid ?? 0;
  pin(pid, 'host');
  const use = () => processTree(pid);
  return {
    name: 'floor',
    base: `http://127.0.0.1:${port}`,
    readyMs: mono() - start,
    headers: {},
    hostPid: pid,
    controlPid: pid,
    assistant: async ({ name }) => name,
    use,
    host: use,
    postgres: () => ({ cpuSeconds: 0, rssMb: 0 }),
    handles: () => handlesOf(pid),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
