/**
 * The outside world around a runtime of the lab: an empty data folder, a carrier, callers with a voice. The runtime runs here (`inside`)
 * or as the process that `npm start` makes (`outside`), and the world talks to it by its sockets alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { realClock as clock } from '../../src/kernel/clock.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { FakeLeg } from '../../src/lab/fake-leg.ts';
import { type FakeTwilio, startFakeTwilio } from '../../src/lab/fake-twilio.ts';
import { say } from '../../src/lab/speech.ts';
import { start } from '../../src/main.ts';
import { startFakeCartesia } from '../fakes/vendors/cartesia.ts';
import { type CallRecord, type Client, createClient, tillTaken, WITHIN } from './client.ts';

export type Env = Readonly<Record<string, string>>;

/** Every runtime of these tests has this key: what is told about one is never mistaken for another's, each has its own port. */
export const API_KEY = 'k-7c41f0b3a95e4d26815cfa90e3b72d64';

/** Nobody ever picks up at this number. */
export const NOBODY = '+15550100999';

export { WITHIN };

export interface World {
  readonly scope: Scope;
  readonly dataDir: string;
  readonly carrier: FakeTwilio;
  /** The environment of a lab runtime in this world. */
  readonly env: Env;
  /** Cleans up after the test, in reverse order. */
  defer(cleanup: () => void | Promise<void>): void;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const cleanups: (() => void | Promise<void>)[] = [];
  // The carrier's own requests fail when a runtime dies under them; the tests judge what the carrier was told.
  const scope = rootScope('world', { onFailure: () => {} });
  const dataDir = mkdtempSync(join(tmpdir(), 'aywa-test-'));
  // The database's user goes through here to its cluster.
  chmodSync(dataDir, 0o755);
  const carrier = await startFakeTwilio({
    scope,
    clock,
    picksUp: (number) => (number === NOBODY ? new Promise(() => {}) : Promise.resolve()),
  });
  return {
    scope,
    dataDir,
    carrier,
    env: {
      NODE_ENV: 'test',
      RUNTIME_PORT: '0',
      RUNTIME_DATA_DIR: dataDir,
      RUNTIME_API_KEY: API_KEY,
      LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
      TWILIO_ACCOUNT_SID: carrier.accountSid,
      TWILIO_AUTH_TOKEN: carrier.authToken,
      TWILIO_PHONE_NUMBER: carrier.number,
      TWILIO_BASE_URL: carrier.url,
    },
    defer: (cleanup) => void cleanups.push(cleanup),
    async close() {
      for (const cleanup of cleanups.reverse()) await cleanup();
      await scope.close('the test is over');
      // What a killed runtime has left behind.
      for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A runtime in this process; closed with its world. */
export async function inside(world: World, env: Env = {}): Promise<Client> {
  const runtime = await start({ ...world.env, ...env });
  world.defer(() => runtime.close());
  return createClient(runtime.url, runtime.apiKey);
}

/** The environment of a voice that is in time however busy the machine is (`cartesia`): what it says is heard, and no apology instead. */
export async function promptVoice(world: World): Promise<Env> {
  const voice = await startFakeCartesia({ msPerChar: 15 });
  world.defer(() => voice.close());
  return { CARTESIA_API_KEY: 'key', CARTESIA_BASE_URL: voice.url };
}

export interface Outside {
  readonly pid: number;
  /** Lines of its log, parsed. */
  readonly log: readonly LogLine[];
  /** The first line that fits, once it is there; rejects when the process ends without it. */
  logged(event: string, fits?: (line: LogLine) => boolean): Promise<LogLine>;
  /** Rejects with its last words when it ends instead of getting ready. */
  readonly ready: Promise<Client>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
  kill(signal: NodeJS.Signals): void;
}
export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

const ROOT = resolve(import.meta.dirname, '../..');

/** A runtime as `npm start` starts it, with nothing in its environment but what is given and a path; stopped with its world. */
export function outside(world: World, env: Env): Outside {
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], { cwd: ROOT, env: { PATH: process.env.PATH, ...env } });
  const log: LogLine[] = [];
  const watchers = new Set<() => void>();
  let stderr = '';
  let over = false;
  const tell = () => {
    for (const look of [...watchers]) look();
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => {
      log.push(JSON.parse(line) as LogLine);
      tell();
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => {
    over = true;
    tell();
    return { code, signal, stderr };
  });
  world.defer(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const logged: Outside['logged'] = (event, fits = () => true) =>
    new Promise((found, reject) => {
      const look = () => {
        const line = log.find((one) => one.event === event && fits(one));
        if (!line && !over) return;
        watchers.delete(look);
        if (line) found(line);
        else reject(new Error(`The runtime ended before ${event}: ${stderr}`));
      };
      watchers.add(look);
      look();
    });
  const ready = logged('runtime.ready').then((line) => createClient(String(line.url), env.RUNTIME_API_KEY ?? ''));
  ready.catch(() => {});
  return { pid: child.pid ?? 0, log, logged, ready, exited, kill: (signal) => void child.kill(signal) };
}

export interface Phoned {
  readonly leg: FakeLeg;
  readonly record: CallRecord;
}

/** Somebody calls the number of an assistant, again and again while it is busy: a machine that is late takes no new calls beside its old ones. */
export async function phone(world: World, client: Client, assistant: object | string): Promise<Phoned> {
  const id = typeof assistant === 'string' ? assistant : await client.assistant(assistant);
  const url = `${client.url}/telephony/twilio/inbound/${id}`;
  const call = () => world.carrier.call(url, '+15550100300').catch((error: Error) => error);
  const leg = await tillTaken(call, (answer) => answer instanceof Error && answer.message.includes('"busy"'));
  if (leg instanceof Error) throw leg;
  // A leg that ends is what many of these tests wait for; nobody else does.
  leg.ended.catch(() => {});
  return { leg, record: client.follow(leg.parameters.call_id ?? '') };
}

const sentences = new Map<string, Promise<Uint8Array>>();

/** The caller says a sentence, once the agent has been silent for a moment. Resolves when it was said. */
export async function speaks(leg: FakeLeg, sentence: string): Promise<void> {
  const audio = sentences.get(sentence) ?? say(sentence);
  sentences.set(sentence, audio);
  const speech = await audio;
  await leg.when(({ agentTalksMs, agentSilentMs }) => agentTalksMs === 0 && agentSilentMs >= 400);
  leg.speak(speech);
  await leg.when(({ speaking }) => !speaking);
}

/** What the carrier was told to do with a call. */
export function hangUps(world: World, leg: FakeLeg): number {
  return world.carrier.requests.filter((request) => request.endsWith(`/Calls/${leg.callSid}.json`)).length;
}

/** The processes that run with a text among their arguments, this one aside. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && argumentsOf(pid).includes(text));
}

/** The processes that a process has started and that still run. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === String(parent));
}

const argumentsOf = (pid: number) => read(`/proc/${pid}/cmdline`);

/** A process that ends while it is looked at has no arguments any more. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
