/**
 * The whole product over sockets: the real runtime (control, one call host, PostgreSQL, journal, recording) in its own processes,
 * scripted vendors in another, and callers in Twilio's dialect here. Figures join the notes of all processes on one clock.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SCRIPT } from '../lib/speech.ts';
import { machineBusy, mono, processTree, type Summary, summary, waitQuiet } from '../lib/stats.ts';
import { ACCOUNT, Caller, type CallerNotes, TOKEN } from './caller.ts';
import type { VendorNote } from './vendors.ts';

export interface WireOptions {
  calls: number;
  seconds: number;
  hosts?: number;
  /** Requests per second on the API while the calls run, and a webhook for every server message of every call. */
  load?: number;
}

export interface WireResult {
  calls: number;
  turns: number;
  added: Summary;
  stages: { finalToModel: Summary; tokenToVoice: Summary; voiceToMedia: Summary };
  gap: Summary;
  barge: Summary;
  unanswered: number;
  missedBarge: number;
  afterClear: number;
  corePercent: number;
  hostPercent: number;
  perCallPercent: number;
  rssPerCallMb: number;
  postgresPercent: number;
  othersCores: number;
  newSockets: number;
  readyMs: number;
  apiErrors: number;
  hooks: number;
}

const root = join(import.meta.dirname, '../..');
const KEY = 'bench-administrator-key-0123456789abcdef';
const PORT = 18_080;

export async function wire(options: WireOptions): Promise<WireResult> {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-bench-'));
  const vendors = fork(join(import.meta.dirname, 'vendors.ts'));
  const { port } = (await once(vendors, 'message'))[0] as { port: number };
  const base = `http://127.0.0.1:${PORT}`;
  const { process: product, readyMs } = await startProduct(folder, port, base, options.hosts ?? 1);
  try {
    return { readyMs, ...(await measure(options, vendors, product, base, port)) };
  } finally {
    product.kill('SIGTERM');
    vendors.send('exit');
    await once(product, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startProduct(
  folder: string,
  vendorPort: number,
  base: string,
  hosts: number,
): Promise<{ process: ChildProcess; readyMs: number }> {
  const launch = () =>
    spawn(process.execPath, [join(root, 'src/main.ts')], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        NODE_OPTIONS: process.env.BENCH_NODE_OPTIONS,
        NODE_ENV: 'development',
        LOG_LEVEL: 'info',
        RUNTIME_PORT: String(PORT),
        RUNTIME_PUBLIC_URL: base,
        RUNTIME_DATA_DIR: folder,
        RUNTIME_CALL_HOSTS: String(hosts),
        RUNTIME_API_KEY: KEY,
        RUNTIME_MAX_CALLS: '1000',
        TWILIO_ACCOUNT_SID: ACCOUNT,
        TWILIO_AUTH_TOKEN: TOKEN,
        TWILIO_PHONE_NUMBER: '+14155550199',
        TWILIO_BASE_URL: `http://127.0.0.1:${vendorPort}`,
        DEEPGRAM_API_KEY: 'bench',
        DEEPGRAM_BASE_URL: `ws://127.0.0.1:${vendorPort}`,
        OPENAI_API_KEY: 'bench',
        OPENAI_BASE_URL: `http://127.0.0.1:${vendorPort}/v1`,
      },
    });
  // The first start makes the database; the second one is what an operator waits for.
  const first = launch();
  await ready(first);
  first.kill('SIGTERM');
  await once(first, 'exit');
  const start = mono();
  const product = launch();
  await ready(product);
  return { process: product, readyMs: mono() - start };
}

async function ready(child: ChildProcess): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('runtime.ready')) break;
  }
  if (!text.includes('runtime.ready')) throw new Error(`The runtime did not start:\n${text}`);
  child.stdout?.resume();
}

/** One assistant a call, so that the vendors can tell the calls apart; no endpoint wait, so that only work is measured. */
function assistant(id: number, hookPort: number | undefined) {
  return {
    name: `bench-${id}`,
    firstMessageMode: 'assistant-waits-for-user',
    transcriber: { provider: 'deepgram', model: 'nova-3', language: 'en', keyterm: [`bench-${id}`] },
    model: { provider: 'openai', model: 'gpt-4o', messages: [{ role: 'system', content: `You are a receptionist. This is bench-${id}.` }] },
    voice: { provider: 'deepgram', voiceId: `bench-${id}` },
    startSpeakingPlan: {
      waitSeconds: 0,
      transcriptionEndpointingPlan: { onPunctuationSeconds: 0, onNoPunctuationSeconds: 0, onNumberSeconds: 0 },
    },
    silenceTimeoutSeconds: 3600,
    maxDurationSeconds: 3600,
    ...(hookPort
      ? {
          server: { url: `http://127.0.0.1:${hookPort}/hook` },
          serverMessages: ['status-update', 'conversation-update', 'speech-update', 'transcript', 'end-of-call-report'],
        }
      : {}),
  };
}

async function measure(
  options: WireOptions,
  vendors: ChildProcess,
  product: ChildProcess,
  base: string,
  vendorPort: number,
): Promise<Omit<WireResult, 'readyMs'>> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const notes: CallerNotes = { gap: [], barge: [], media: [], unanswered: 0, missedBarge: 0, afterClear: 0, turns: 0 };
  const ids: string[] = [];
  for (let i = 0; i < options.calls; i++) {
    const answer = await fetch(`${base}/assistant`, {
      method: 'POST',
      headers,
      body: JSON.stringify(assistant(i, options.load ? vendorPort : undefined)),
    });
    if (answer.status !== 201) throw new Error(`POST /assistant answered ${answer.status}: ${await answer.text()}`);
    ids.push(((await answer.json()) as { id: string }).id);
  }
  await waitQuiet();
  const pid = product.pid ?? 0;
  const ours = (command: string) => !command.includes('postgres');
  const idle = processTree(pid, ours);
  const callers: Caller[] = [];
  for (const [index, id] of ids.entries()) {
    const caller = new Caller(String(index), notes);
    await caller.call(base, base, id);
    callers.push(caller);
  }
  const origin = mono();
  for (const [index, caller] of callers.entries()) caller.startAt = origin + 500 + (index * 3_700) / callers.length;
  let running = true;
  let slot = 0;
  const wheel = () => {
    for (; origin + (slot + 1) * 5 <= mono() + 0.5; slot++) for (let i = slot & 3; i < callers.length; i += 4) callers[i]?.step();
    if (running) setTimeout(wheel, Math.max(0, origin + (slot + 1) * 5 - mono()));
  };
  wheel();
  const api = options.load ? apiLoad(base, headers, options.load, () => running) : { errors: () => 0 };
  await wait(9_000);
  const before = await dump(vendors);
  for (const caller of callers) caller.measuring = true;
  const [use0, host0, pg0, busy0, t0] = [
    processTree(pid, ours),
    processTree(pid, (c) => c.includes('child-main')),
    processTree(pid, (c) => c.includes('postgres')),
    machineBusy(),
    mono(),
  ];
  await wait(options.seconds * 1_000);
  const seconds = (mono() - t0) / 1_000;
  const [use1, host1, pg1] = [
    processTree(pid, ours),
    processTree(pid, (c) => c.includes('child-main')),
    processTree(pid, (c) => c.includes('postgres')),
  ];
  const others = (machineBusy() - busy0 - (use1.cpuSeconds - use0.cpuSeconds)) / seconds;
  const after = await dump(vendors);
  running = false;
  for (const caller of callers) caller.hangUp();
  const joined = join3(after.notes, notes.media);
  const percent = (a: number, b: number) => ((b - a) / seconds) * 100;
  return {
    calls: options.calls,
    turns: notes.turns,
    added: summary(joined.added),
    stages: {
      finalToModel: summary(joined.finalToModel),
      tokenToVoice: summary(joined.tokenToVoice),
      voiceToMedia: summary(joined.voiceToMedia),
    },
    gap: summary(notes.gap),
    barge: summary(notes.barge),
    unanswered: notes.unanswered,
    missedBarge: notes.missedBarge,
    afterClear: notes.afterClear,
    corePercent: percent(use0.cpuSeconds, use1.cpuSeconds),
    hostPercent: percent(host0.cpuSeconds, host1.cpuSeconds),
    perCallPercent: percent(use0.cpuSeconds, use1.cpuSeconds) / options.calls,
    rssPerCallMb: (use1.rssMb - idle.rssMb) / options.calls,
    postgresPercent: percent(pg0.cpuSeconds, pg1.cpuSeconds),
    othersCores: others,
    newSockets: after.connections.http + after.connections.sockets - before.connections.http - before.connections.sockets,
    apiErrors: api.errors(),
    hooks: after.hooks - before.hooks,
  };
}

interface Dump {
  notes: VendorNote[];
  connections: { http: number; sockets: number };
  hooks: number;
}

async function dump(vendors: ChildProcess): Promise<Dump> {
  vendors.send('dump');
  return (await once(vendors, 'message'))[0] as Dump;
}

/** Per call and in order of time: the distance from each stimulus to the next reaction. */
function join3(vendorNotes: readonly VendorNote[], media: readonly [string, number][]) {
  const lanes = new Map<string, [string, number][]>();
  const lane = (call: string) => lanes.get(call) ?? lanes.set(call, []).get(call) ?? [];
  for (const [moment, call, at] of vendorNotes) lane(call).push([moment, at]);
  for (const [call, at] of media) lane(call).push(['media', at]);
  const out = { added: [] as number[], finalToModel: [] as number[], tokenToVoice: [] as number[], voiceToMedia: [] as number[] };
  const pairs: [keyof typeof out, string, string, number][] = [
    ['finalToModel', 'sttFinal', 'llmAsked', 0],
    ['tokenToVoice', 'llmFirst', 'ttsText', 0],
    ['voiceToMedia', 'ttsFirst', 'media', 0],
    ['added', 'sttFinal', 'media', SCRIPT.firstToken + SCRIPT.firstAudio],
  ];
  for (const moments of lanes.values()) {
    moments.sort((a, b) => a[1] - b[1]);
    for (const [name, from, to, scripted] of pairs) {
      let begun = 0;
      for (const [moment, at] of moments) {
        if (moment === from) begun = at;
        else if (moment === to && begun) {
          out[name].push(at - begun - scripted);
          begun = 0;
        }
      }
    }
  }
  return out;
}

/** Reads and lists at a fixed rate, whatever the answers take. */
function apiLoad(base: string, headers: Record<string, string>, perSecond: number, running: () => boolean): { errors(): number } {
  let errors = 0;
  const paths = ['/assistant?limit=20', '/call?limit=20', '/assistant?limit=5', '/health'];
  let count = 0;
  const tick = () => {
    if (!running()) return;
    for (let i = 0; i < perSecond / 50; i++) {
      void fetch(base + (paths[count++ % paths.length] ?? '/health'), { headers }).then(
        async (answer) => {
          await answer.arrayBuffer();
          if (!answer.ok) errors += 1;
        },
        () => {
          errors += 1;
        },
      );
    }
    setTimeout(tick, 20);
  };
  tick();
  return { errors: () => errors };
}
