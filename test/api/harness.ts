/** The API over a real store and journal; only the switchboard is a stand-in that remembers what it was asked. */
import { join } from 'node:path';
import type { Api } from '../../src/api/deps.ts';
import { createServer } from '../../src/api/server.ts';
import type { ControlCommand } from '../../src/call/control.ts';
import type { CallEventBody } from '../../src/call/events.ts';
import { readConfig } from '../../src/config.ts';
import { createJournal, type Journal } from '../../src/journal/journal.ts';
import { createMetrics } from '../../src/journal/metrics.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { randomToken } from '../../src/kernel/ids.ts';
import { type Log, type LogFields, silentLog } from '../../src/kernel/log.ts';
import type { OpenInput, Switchboard } from '../../src/switchboard/switchboard.ts';
import { type LabStore, openLabStore } from '../store/lab-store.ts';

export const PUBLIC_URL = 'https://voice.example.com';
export const TWILIO = {
  TWILIO_ACCOUNT_SID: 'ACfedcba9876543210fedcba9876543210',
  TWILIO_AUTH_TOKEN: 'twilio-test-token-0001',
  TWILIO_PHONE_NUMBER: '+14155550100',
};

/** Never used: no call of these tests reaches a vendor. */
const VENDORS = { DEEPGRAM_API_KEY: 'deepgram-key', OPENAI_API_KEY: 'openai-key', ELEVENLABS_API_KEY: 'elevenlabs-key' };

/** A short call from its first event to its last. */
export const LIFE: readonly CallEventBody[] = [
  { type: 'call.created', channel: 'websocket', agent: 'Clinic', assistantId: null, from: null, to: null, node: 'test', host: 'host-1' },
  { type: 'call.answered' },
  { type: 'caller.turn', turn: 1, text: 'Are you open?', from: 100, to: 900, waitedMs: 300 },
  { type: 'reply.begun', reply: 1, cause: 'turn', turn: 1, adopted: false },
  { type: 'reply.first_token', reply: 1 },
  { type: 'reply.audible', reply: 1 },
  { type: 'agent.said', reply: 1, text: 'Until five.', complete: true, from: 1_500, to: 2_300 },
  { type: 'reply.ended', reply: 1, outcome: 'complete' },
  { type: 'recording.stored', file: 'call.wav', bytes: 84, durationMs: 5 },
  { type: 'call.ended', reason: 'caller-hung-up', detail: null, durationMs: 800 },
];

interface FakeSwitchboard extends Switchboard {
  readonly opened: (OpenInput & { mediaToken: string })[];
  readonly commands: { call: string; command: ControlCommand }[];
  readonly reports: unknown[][];
  /** What `open` throws instead of opening. */
  refuse: AywaError | undefined;
  /** What `reattach` gives. */
  again: { mediaToken: string } | null;
}

function fakeSwitchboard(journal: Journal): FakeSwitchboard {
  const opened: FakeSwitchboard['opened'] = [];
  const board: FakeSwitchboard = {
    opened,
    commands: [],
    reports: [],
    refuse: undefined,
    open(input) {
      if (board.refuse) throw board.refuse;
      const mediaToken = randomToken();
      opened.push({ ...input, mediaToken });
      journal.open({ ...input, prompt: null });
      return { mediaToken };
    },
    control(call, command) {
      if (!opened.some(({ row }) => row.id === call)) throw new AywaError('call_over');
      board.commands.push({ call, command });
    },
    progress: (...report) => void board.reports.push(['progress', ...report]),
    end: (...report) => void board.reports.push(['end', ...report]),
    reattach: (...report) => {
      board.reports.push(['reattach', ...report]);
      return board.again;
    },
    again: null,
    upgrade(_request, socket) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    },
    live: [],
    get capacity() {
      return { calls: opened.length, most: 10, accepting: board.refuse === undefined };
    },
    drain() {},
    close: async () => {},
  };
  return board;
}

export interface TestApi {
  readonly app: Api;
  readonly board: FakeSwitchboard;
  readonly journal: Journal;
  readonly store: LabStore['store'];
  readonly organization: string;
  readonly recordingsDir: string;
  /** The database's answers about credentials stay out while this is set. */
  away: boolean;
  readonly logged: { event: string; fields: LogFields }[];
  /** A key of the organisation with these scopes. */
  key(...scopes: string[]): Promise<string>;
  /** A key of another organisation. */
  foreignKey(): Promise<string>;
  /** Appends events to a call that was opened, and waits until they are stored. */
  happens(call: string, ...bodies: readonly CallEventBody[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startApi(env: Readonly<Record<string, string>> = {}): Promise<TestApi> {
  const lab = await openLabStore();
  try {
    return await over(lab, env);
  } catch (error) {
    // A database server without an owner would outlive the tests.
    await lab.stop();
    throw error;
  }
}

async function over(lab: LabStore, env: Readonly<Record<string, string>>): Promise<TestApi> {
  const { store, organization, scope, dataDir } = lab;
  const config = readConfig(
    { NODE_ENV: 'test', RUNTIME_PUBLIC_URL: PUBLIC_URL, RUNTIME_DATA_DIR: dataDir, ...TWILIO, ...VENDORS, ...env },
    { cores: 2, hostname: 'test', cwd: dataDir },
  );
  const logged: TestApi['logged'] = [];
  const write = (event: string, fields: LogFields = {}) => void logged.push({ event, fields });
  const log: Log = { ...silentLog, info: write, warn: write, error: write, with: () => log };
  const journal = await createJournal({
    store,
    spoolDir: join(dataDir, 'spool'),
    node: 'test',
    boot: '00000000-0000-4000-8000-000000000001',
    publicUrl: PUBLIC_URL,
    metrics: createMetrics(() => store.outbox.counts()),
    onDeliveries() {},
    clock: realClock,
    scope,
    log,
  });
  const board = fakeSwitchboard(journal);
  const credentials: typeof store.credentials = {
    ...store.credentials,
    list: (...ask) => (api.away ? Promise.reject(new AywaError('store_away')) : store.credentials.list(...ask)),
  };
  const deps = {
    config,
    store: { ...store, credentials },
    journal,
    switchboard: board,
    log,
    clock: realClock,
    scope,
    egress: createEgress('any'),
    version: '0.0.0',
  };
  const app = await createServer(deps);
  const seqs = new Map<string, number>();

  const keyOf = async (owner: string, scopes: string[]) => (await store.apiKeys.create(owner, { name: 'test', scopes, kind: 'lab' })).key;
  const api: TestApi = {
    app,
    away: false,
    board,
    journal,
    store,
    organization,
    recordingsDir: config.recordingsDir,
    logged,
    key: (...scopes) => keyOf(organization, scopes),
    foreignKey: async () => keyOf((await store.organizations.ensure('other')).id, ['*']),
    async happens(call, ...bodies) {
      for (const body of bodies) {
        const seq = (seqs.get(call) ?? 0) + 1;
        seqs.set(call, seq);
        journal.append([{ ...body, call, seq, at: seq * 100, wall: realClock.wall() }]);
      }
      await journal.settled(call);
    },
    async stop() {
      await app.close();
      await lab.stop();
    },
  };
  return api;
}
