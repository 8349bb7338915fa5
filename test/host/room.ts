/** What the tests of call hosts have in common: plans and legs, a door that hands sockets over, a carrier's REST, and report queues. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type CallPlan, type Channel, DEFAULT_SPEECH } from '../../src/agent/plan.ts';
import { type AudioFormat, MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import type { CallEvent, EventOf } from '../../src/call/events.ts';
import type { HostSettings } from '../../src/host/parts.ts';
import type { CallHost, LegPlan, Report } from '../../src/host/protocol.ts';
import { SIDS, twilioAccount } from '../carriers/twilio-wire.ts';

export const FAKE_CHILD = new URL('./fake-child.ts', import.meta.url);

export function fakeSettings(name: string): HostSettings {
  return { name, node: 'node-1', recordingsDir: null, logLevel: 'info', reach: 'any' };
}

const choice = { provider: 'lab', settings: {}, access: { apiKey: '', baseUrl: '' } };

export function planOf(call: string, channel: Channel, agentName = 'Mia'): CallPlan {
  return {
    call,
    organization: 'default',
    channel,
    from: null,
    to: null,
    agent: {
      assistantId: null,
      name: agentName,
      language: 'en',
      opening: { mode: 'caller', text: '', interruptible: true },
      screening: null,
      prompt: [],
      tools: [],
      stt: [choice],
      llm: [choice],
      tts: [choice],
      expected: [],
      turns: {
        waitCompleteMs: 300,
        waitIncompleteMs: 900,
        waitNumberMs: 500,
        explicit: { complete: false, incomplete: false, number: false },
        waitBeforeSpeakingMs: 0,
        interruptWords: 0,
        interruptVoiceMs: 200,
        falseAlarmMs: 1_200,
        backoffMs: 0,
        acknowledgements: [],
        interruptions: [],
        rules: [],
        drafts: true,
      },
      keypad: null,
      speech: DEFAULT_SPEECH,
      idle: { afterMs: 0, texts: [], most: 0 },
      silenceMs: 30_000,
      endPhrases: [],
      farewell: '',
      fallback: 'Sorry.',
    },
    durationMs: 600_000,
    record: false,
    metadata: {},
  };
}

export function clientLeg(carrier: 'websocket' | 'text' = 'websocket', format: AudioFormat = PCM_16K): LegPlan {
  return { carrier, expectation: { format }, account: null, arriveWithinMs: 5_000 };
}

export function phoneLeg(baseUrl: string): LegPlan {
  const expectation = { format: MULAW_8K, providerCallId: SIDS.call };
  return { carrier: 'twilio', expectation, account: twilioAccount(baseUrl), arriveWithinMs: 5_000 };
}

export interface Reports {
  readonly all: Report[];
  /** The first report, past or future, that fits. */
  next<T>(fits: (report: Report) => T | undefined | false): Promise<T>;
  /** The first event of this type in this call. */
  event<T extends CallEvent['type']>(call: string, type: T): Promise<EventOf<T>>;
  eventsOf(call: string): CallEvent[];
  closed(call: string): Promise<true>;
}

export function reportsOf(host: Pick<CallHost, 'onReport'>): Reports {
  const all: Report[] = [];
  const waiting = new Set<() => void>();
  host.onReport((report) => {
    all.push(report);
    for (const look of waiting) look();
  });
  const next: Reports['next'] = (fits) =>
    new Promise((resolve) => {
      const look = () => {
        for (const report of all) {
          const found = fits(report);
          if (found === undefined || found === false) continue;
          waiting.delete(look);
          return resolve(found);
        }
      };
      waiting.add(look);
      look();
    });
  const events = () => all.flatMap((report) => (report.type === 'events' ? report.events : []));
  return {
    all,
    next,
    event: (call, type) =>
      next((report) => {
        if (report.type !== 'events') return undefined;
        return report.events.find((event) => event.call === call && event.type === type) as EventOf<typeof type> | undefined;
      }),
    eventsOf: (call) => events().filter((event) => event.call === call),
    closed: (call) => next((report) => report.type === 'closed' && report.call === call && (true as const)),
  };
}

export interface Origin {
  readonly url: string;
  /** Resolves when nothing holds the server's connections any more. */
  close(): Promise<void>;
}

/** Listens on loopback; upgrades go to `upgrade`. */
export async function door(upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void): Promise<Origin> {
  const server = createServer((_request, response) => void response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => upgrade(request, socket as Socket, head));
  return { ...(await listening(server)), close: () => closed(server) };
}

/** A carrier's REST that agrees to everything and keeps what it was asked. */
export async function carrierRest(): Promise<Origin & { readonly hangUps: string[]; hungUp(sid: string): Promise<void> }> {
  const hangUps: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    request.resume();
    const sid = /Calls\/(CA[0-9a-f]+)\.json$/.exec(request.url ?? '')?.[1];
    if (sid) hangUps.push(sid);
    for (const look of waiting) look();
    response.writeHead(200).end('{}');
  });
  return {
    ...(await listening(server)),
    hangUps,
    hungUp: (sid) =>
      new Promise((resolve) => {
        const look = () => void (hangUps.includes(sid) && resolve());
        waiting.add(look);
        look();
      }),
    close() {
      server.closeAllConnections();
      return closed(server);
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function listening(server: Server): Promise<{ url: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export interface Client {
  readonly ws: WebSocket;
  readonly opened: Promise<void>;
  /** The close code; 1006 when there was no close frame. */
  readonly closed: Promise<number>;
  /** The status and body of a refused upgrade. */
  readonly refused: Promise<{ status: number; body: string }>;
  /** The first message, past or future, that fits; text messages are parsed. */
  message<T>(fits: (message: Buffer | Record<string, unknown>) => T | undefined | false): Promise<T>;
}

export function client(url: string, headers: Record<string, string> = {}, options: { autoPong?: boolean } = {}): Client {
  const ws = new WebSocket(url.replace('http', 'ws'), { headers, ...options });
  const messages: (Buffer | Record<string, unknown>)[] = [];
  const waiting = new Set<() => void>();
  ws.on('error', () => {});
  ws.on('message', (data, binary) => {
    messages.push(binary ? (data as Buffer) : JSON.parse(String(data)));
    for (const look of waiting) look();
  });
  return {
    ws,
    opened: new Promise((resolve) => ws.once('open', resolve)),
    closed: new Promise((resolve) => ws.once('close', resolve)),
    refused: new Promise((resolve) =>
      ws.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      }),
    ),
    message: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          for (const message of messages) {
            const found = fits(message);
            if (found === undefined || found === false) continue;
            waiting.delete(look);
            return resolve(found);
          }
        };
        waiting.add(look);
        look();
      }),
  };
}
