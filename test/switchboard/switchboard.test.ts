/** Control's side of live calls: the media door, commands, the record of a dead host's calls. Fake calls, everything else real. */
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer, Question } from '../../src/agent/desk.ts';
import type { CallEvent } from '../../src/call/events.ts';
import { carrierSet } from '../../src/carriers/index.ts';
import { childHost } from '../../src/host/child.ts';
import { inProcessHost } from '../../src/host/in-process.ts';
import type { CallHost, LegPlan } from '../../src/host/protocol.ts';
import { realClock, VirtualClock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { createSwitchboard, type OpenInput, type Switchboard, type SwitchboardDeps } from '../../src/switchboard/switchboard.ts';
import { mediaMessage, SIDS, startMessage } from '../carriers/twilio-wire.ts';
import { say } from '../host/contract.ts';
import { fakeParts } from '../host/fake-parts.ts';
import { carrierRest, client, clientLeg, door, FAKE_CHILD, fakeSettings, phoneLeg, planOf } from '../host/room.ts';

const PUBLIC_URL = 'https://voice.example.com';
const inProcess = (name: string) => inProcessHost(fakeParts(name, silentLog));
const child = (name: string) => childHost(fakeSettings(name), realClock, FAKE_CHILD);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A switchboard behind a listening door, with everything that it told. */
async function room(changes: Partial<SwitchboardDeps> = {}) {
  const scope = rootScope('test');
  const opened: OpenInput[] = [];
  const events: CallEvent[] = [];
  const refusals: string[] = [];
  const lost: string[] = [];
  const lines: string[] = [];
  const ready: string[] = [];
  const waiting = new Set<() => void>();
  const write = (event: string, fields?: object) => void lines.push(JSON.stringify({ event, ...fields }));
  const { makeHost = inProcess, ...others } = changes;
  /** A host whose every report, once control has taken it, lets the test look again. */
  const watched = (name: string): CallHost => {
    const host = makeHost(name);
    const onReport: CallHost['onReport'] = (take) =>
      host.onReport((report) => {
        take(report);
        if (report.type === 'ready') ready.push(name);
        for (const look of waiting) look();
      });
    return Object.assign(Object.create(host), { onReport });
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
  const board: Switchboard = createSwitchboard({
    hosts: 1,
    makeHost: watched,
    journal: {
      open: (input) => void opened.push(input),
      append(batch) {
        events.push(...batch);
        for (const look of waiting) look();
      },
    },
    answer: async () => ({ type: 'tool-calls', results: [{ id: 'a', ok: true, result: 'sunny' }] }),
    carriers: carrierSet(),
    egress: createEgress('any'),
    log,
    clock: realClock,
    scope,
    publicUrl: PUBLIC_URL,
    corsOrigins: ['https://app.example.com'],
    maxCalls: 5,
    metrics: { refused: (code) => void refusals.push(code), load() {}, hostLost: (host) => void lost.push(host) },
    ...others,
  });
  const origin = await door(board.upgrade);
  cleanups.push(
    () => scope.close('done'),
    origin.close,
    () => board.close(2_000),
  );
  const until = (ready: () => unknown) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!ready()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const open = (call: string, leg: LegPlan = clientLeg(), agentName = 'Mia') => {
    const plan = planOf(call, leg.account ? 'phone-inbound' : 'websocket', agentName);
    const row = { id: call, organization: 'o', type: 'webCall', assistantId: null, request: {}, controlHash: null };
    return board.open({ row, plan, leg, assistant: {} }).mediaToken;
  };
  const eventsOf = (call: string) => events.filter((event) => event.call === call);
  const seen = (call: string, type: CallEvent['type']) => until(() => eventsOf(call).some((event) => event.type === type));
  return { board, origin, open, opened, events, eventsOf, seen, until, refusals, lost, lines, ready };
}

const signature = (path: string, secret = 'token') => ({
  'x-twilio-signature': createHmac('sha1', secret).update(`wss://voice.example.com${path}`).digest('base64'),
});

describe('a call', () => {
  it('is registered, reached by its token, recorded and forgotten', async () => {
    const { board, origin, open, opened, eventsOf, seen, until } = await room();
    const token = open('call-1');
    expect(opened.map(({ row }) => row.id)).toEqual(['call-1']);
    expect(board.live).toEqual([{ call: 'call-1', host: 'host-1' }]);
    expect(board.capacity).toEqual({ calls: 1, most: 5, accepting: true });
    const caller = client(`${origin.url}/call/call-1/transport/${token}`);
    await caller.opened;
    caller.ws.send(Buffer.from([1, 2]));
    await seen('call-1', 'call.answered');
    board.control('call-1', say('Hello'));
    await seen('call-1', 'control.received');
    board.control('call-1', { type: 'end' });
    expect(await caller.closed).toBe(1000);
    await seen('call-1', 'call.ended');
    await until(() => board.live.length === 0);
    expect(eventsOf('call-1').map(({ seq }) => seq)).toEqual(eventsOf('call-1').map((_, index) => index + 1));
    expect(() => board.control('call-1', { type: 'end' })).toThrow(expect.objectContaining({ code: 'call_over' }));
    board.progress('call-1', 'ringing', 'twilio', null);
    board.end('call-1', 'busy', '');
  });

  it('hears of its progress once, forwards only', async () => {
    const { board, open, eventsOf, seen } = await room();
    open('call-1', phoneLeg('http://127.0.0.1:9'));
    for (const state of ['ringing', 'dialing', 'ringing', 'answered', 'ringing'] as const)
      board.progress('call-1', state, 'twilio', SIDS.call);
    board.end('call-1', 'caller-hung-up', 'completed');
    await seen('call-1', 'call.ended');
    expect(eventsOf('call-1').map(({ type }) => type)).toEqual(['call.created', 'call.ringing', 'call.answered', 'call.ended']);
  });

  it('gets another leg when the carrier asks behind a broken stream', async () => {
    const { board, origin, open, eventsOf, seen, until } = await room();
    const connect = async (token: string) => {
      const path = `/telephony/twilio/media/${token}`;
      const caller = client(origin.url + path, signature(path));
      await caller.opened;
      caller.ws.send(JSON.stringify(startMessage()));
      return caller;
    };
    const token = open('call-1', phoneLeg('http://127.0.0.1:9'), 'waits for its leg');
    const first = await connect(token);
    await seen('call-1', 'line.connected');
    first.ws.terminate();
    expect(board.reattach('call-1', SIDS.call.replace(/1$/, '2'))).toBeNull();
    expect(board.reattach('call-2', SIDS.call)).toBeNull();
    const next = board.reattach('call-1', SIDS.call);
    const path = `/telephony/twilio/media/${next?.mediaToken}`;
    expect((await client(origin.url + path, signature(path, 'another')).refused).status).toBe(403);
    await connect(next?.mediaToken ?? '');
    await until(() => eventsOf('call-1').filter(({ type }) => type === 'line.connected').length === 2);
    // Single use, like the first one.
    expect((await client(origin.url + path, signature(path)).refused).status).toBe(403);
    const old = `/telephony/twilio/media/${token}`;
    expect((await client(origin.url + old, signature(old)).refused).status).toBe(403);
    board.end('call-1', 'caller-hung-up', 'completed');
    await seen('call-1', 'call.ended');
    expect(board.reattach('call-1', SIDS.call)).toBeNull();
  });

  it('is not reattached for ever', async () => {
    const { board, open } = await room();
    open('call-1', phoneLeg('http://127.0.0.1:9'), 'waits for its leg');
    let given = 0;
    while (given < 100 && board.reattach('call-1', SIDS.call)) given += 1;
    expect(given).toBe(20);
  });

  it('gets answers to its questions, and refusals', async () => {
    const answers: (() => Promise<Answer>)[] = [
      async () => ({ type: 'tool-calls', results: [{ id: 'a', ok: true, result: 'sunny' }] }),
      () => Promise.reject(new AywaError('tool_failed', { detail: 'away' })),
      () => Promise.reject(new TypeError('planted')),
    ];
    const asked: Question[] = [];
    const { board, open, events, until } = await room({
      answer(question) {
        asked.push(question);
        return answers.shift()?.() ?? Promise.reject(new Error('no more answers'));
      },
    });
    const told: (string | null)[] = [];
    for (const call of ['call-1', 'call-2', 'call-3']) {
      open(call);
      board.control(call, say('ask'));
      const answered = () =>
        events.find((event) => event.call === call && event.type === 'control.received' && event.command === 'answered');
      await until(answered);
      const event = answered();
      told.push(event?.type === 'control.received' ? event.text : '');
    }
    expect(told).toEqual(['sunny', 'tool_failed', 'tool_failed']);
    expect(asked.map(({ call }) => call)).toEqual(['call-1', 'call-2', 'call-3']);
  });

  it('that no host could start still ends', async () => {
    const { board, open, eventsOf, seen } = await room();
    open('call-1', clientLeg(), 'refuses to start');
    await seen('call-1', 'call.ended');
    expect(eventsOf('call-1')).toMatchObject([{ type: 'call.ended', reason: 'bug', seq: 1, durationMs: 0 }]);
    expect(board.live).toEqual([]);
  });

  it('is refused when all lines are busy, while draining, and without a host', async () => {
    const { board, open, opened } = await room({ maxCalls: 1 });
    open('call-1');
    expect(() => open('call-2')).toThrow(expect.objectContaining({ code: 'at_capacity', retryAfter: 10 }));
    expect(board.capacity).toEqual({ calls: 1, most: 1, accepting: false });
    const draining = await room();
    draining.board.drain();
    expect(() => draining.open('call-1')).toThrow(expect.objectContaining({ code: 'host_unavailable' }));
    const none = await room({ hosts: 0 });
    expect(() => none.open('call-1')).toThrow(expect.objectContaining({ code: 'host_unavailable' }));
    expect([...opened, ...draining.opened, ...none.opened].map(({ row }) => row.id)).toEqual(['call-1']);
  });
});

describe('the media door', () => {
  it.each([
    ['an unknown token', () => '/call/call-1/transport/nonsense', {}, 403, 'media_token_unknown'],
    ['a token of another call', (token: string) => `/call/call-2/transport/${token}`, {}, 403, 'media_token_unknown'],
    ['the path of a carrier', (token: string) => `/telephony/twilio/media/${token}`, {}, 403, 'media_token_unknown'],
    ['the path of no carrier', (token: string) => `/telephony/websocket/media/${token}`, {}, 403, 'media_token_unknown'],
    ['another path', () => '/call/call-1', {}, 404, 'not_found'],
    ['a page of a stranger', (token: string) => `/call/call-1/transport/${token}`, { origin: 'https://evil.example' }, 403, 'forbidden'],
    ['a page of nowhere', (token: string) => `/call/call-1/transport/${token}`, { origin: 'null' }, 403, 'forbidden'],
  ])('refuses %s, says why, counts it, and leaves the call alone', async (_name, path, headers, status, code) => {
    const { board, origin, open, refusals, lines } = await room();
    const token = open('call-1');
    const refused = await client(origin.url + path(token), headers).refused;
    expect(refused.status).toBe(status);
    expect(JSON.parse(refused.body)).toMatchObject({ code, statusCode: status, message: expect.any(String), fix: expect.any(String) });
    expect(refusals).toEqual([code]);
    expect(lines.filter((line) => line.includes('media_refused') && line.includes(code))).toHaveLength(1);
    expect(lines.join()).not.toContain(token);
    expect(board.live).toHaveLength(1);
    const caller = client(`${origin.url}/call/call-1/transport/${token}?marks=1`, { origin: 'https://app.example.com' });
    await caller.opened;
  });

  it('opens once', async () => {
    const { origin, open, refusals } = await room();
    const url = `${origin.url}/call/call-1/transport/${open('call-1')}`;
    await client(url).opened;
    expect((await client(url).refused).status).toBe(403);
    expect(refusals).toEqual(['media_token_unknown']);
  });

  it('opens for a minute, and for another one whenever the carrier reports progress', async () => {
    const clock = new VirtualClock();
    const { board, origin, open } = await room({ clock });
    const late = open('call-1');
    const renewed = open('call-2');
    await clock.advance(50_000);
    board.progress('call-2', 'ringing', 'twilio', null);
    await clock.advance(10_001);
    expect((await client(`${origin.url}/call/call-1/transport/${late}`).refused).status).toBe(403);
    await client(`${origin.url}/call/call-2/transport/${renewed}`).opened;
  });

  it('closes with its call', async () => {
    const { board, origin, open, until } = await room();
    const token = open('call-1');
    board.end('call-1', 'canceled', '');
    await until(() => board.live.length === 0);
    expect((await client(`${origin.url}/call/call-1/transport/${token}`).refused).status).toBe(403);
  });

  it('lets a carrier in by its signature over the public address alone', async () => {
    const rest = await carrierRest();
    cleanups.push(rest.close);
    const { origin, open, seen, refusals } = await room();
    const path = `/telephony/twilio/media/${open('call-1', phoneLeg(rest.url))}`;
    for (const headers of [{}, signature(path, 'another token'), signature('/elsewhere'), { ...signature('/'), host: 'voice.example.com' }])
      expect((await client(origin.url + path, headers).refused).status).toBe(403);
    expect(refusals).toEqual(Array(4).fill('signature_wrong'));
    // A wrong signature does not spend the token: it would be a way to cut off other people's calls.
    const carrier = client(origin.url + path, signature(path));
    await carrier.opened;
    carrier.ws.send(JSON.stringify(startMessage()));
    carrier.ws.send(mediaMessage(new Uint8Array(160)));
    await seen('call-1', 'line.connected');
    await carrier.message((message) => !Buffer.isBuffer(message) && message.event === 'media');
  });

  it('knows its own machine by any name', async () => {
    const { origin, open } = await room({ publicUrl: 'http://127.0.0.1:8080' });
    const url = `${origin.url}/call/call-1/transport/${open('call-1')}`;
    expect((await client(url, { origin: 'http://localhost:8081' }).refused).status).toBe(403);
    await client(url, { origin: 'http://localhost:8080' }).opened;
  });
});

describe('a host that dies', () => {
  it('costs its own calls and nothing else: ended once, hung up, replaced', async () => {
    const rest = await carrierRest();
    cleanups.push(rest.close);
    const { board, origin, open, eventsOf, seen, until, lost, ready } = await room({ hosts: 2, makeHost: child });
    await until(() => ready.length === 2);
    const token = open('call-a', phoneLeg(rest.url), 'pid');
    const survivor = client(`${origin.url}/call/call-b/transport/${open('call-b')}`);
    await survivor.opened;
    const [victim, other] = board.live.map(({ host }) => host);
    expect(new Set([victim, other])).toEqual(new Set(['host-1', 'host-2']));
    const path = `/telephony/twilio/media/${token}`;
    const carrier = client(origin.url + path, signature(path));
    await carrier.opened;
    carrier.ws.send(JSON.stringify(startMessage()));
    await seen('call-a', 'call.answered');
    const before = eventsOf('call-a').length;
    const [created] = eventsOf('call-a');
    process.kill(Number(created?.type === 'call.created' && created.agent.split(' ')[1]), 'SIGKILL');

    await seen('call-a', 'call.ended');
    expect(await carrier.closed).toBe(1006);
    await rest.hungUp(SIDS.call);
    const last = eventsOf('call-a').at(-1);
    expect(last).toMatchObject({ type: 'call.ended', reason: 'host-lost', detail: 'killed by SIGKILL', seq: before + 1 });
    expect(last?.at).toBeGreaterThanOrEqual(eventsOf('call-a').at(-2)?.at ?? 0);
    expect(eventsOf('call-a').filter(({ type }) => type === 'call.ended')).toHaveLength(1);
    expect(rest.hangUps).toEqual([SIDS.call]);
    expect(lost).toEqual([victim]);

    survivor.ws.send(Buffer.from([7, 7]));
    await survivor.message((message) => Buffer.isBuffer(message) && message.equals(Buffer.from([7, 7])));
    await until(() => ready.length === 3);
    open('call-c');
    expect(board.live).toEqual([
      { call: 'call-b', host: other },
      { call: 'call-c', host: 'host-3' },
    ]);
  });
});

describe('closing', () => {
  it('ends every call with a record, also those of a host that does not obey', async () => {
    const rest = await carrierRest();
    cleanups.push(rest.close);
    const deaf = (name: string) => ({ ...inProcess(name), accepting: true, send() {}, close: async () => {} });
    const { board, open, eventsOf } = await room({ makeHost: deaf });
    open('call-1', phoneLeg(rest.url));
    await board.close(100);
    expect(eventsOf('call-1')).toMatchObject([{ type: 'call.ended', reason: 'shutdown', seq: 1 }]);
    expect(rest.hangUps).toEqual([SIDS.call]);
    expect(board.live).toEqual([]);
    expect(() => open('call-2')).toThrow(expect.objectContaining({ code: 'host_unavailable' }));
  });
});
