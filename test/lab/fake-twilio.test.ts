/** The fake carrier is only worth something if it behaves as Twilio: signatures, real-time playout, marks, clear, REST. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CarrierAccount } from '../../src/carriers/carrier.ts';
import { twilio } from '../../src/carriers/twilio.ts';
import { realClock as clock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { FakeLeg } from '../../src/lab/fake-leg.ts';
import { type FakeTwilio, startFakeTwilio } from '../../src/lab/fake-twilio.ts';

interface Wire {
  event: string;
  streamSid?: string;
  sequenceNumber?: string;
  start?: Record<string, unknown>;
  media?: { payload: string; timestamp: string; chunk: string };
  mark?: { name: string };
  dtmf?: { digit: string };
}

/** A runtime of a few lines: answers the webhook, takes the stream, keeps what it gets. */
let scope: Scope;
let carrier: FakeTwilio;
let server: Server;
let origin = '';
let verified: boolean[];
let posts: { url: string; form: Record<string, string> }[];
let wire: Wire[];
let socket: WebSocket;
let watch: () => void;

const until = (condition: () => boolean) =>
  new Promise<void>((resolve) => {
    watch = () => condition() && resolve();
    watch();
  });

/** Whether the question behind a stream is answered with another stream. */
let goesOn = false;

const account = (authToken = carrier.authToken): CarrierAccount => {
  const { accountSid, number, url: baseUrl } = carrier;
  return { carrier: 'twilio', id: accountSid, fields: { accountSid, authToken }, number, baseUrl };
};
const stream = () =>
  twilio.answer({
    mediaUrl: `${origin.replace('http', 'ws')}/media?a=1&b=2`,
    continueUrl: `${origin}/continue`,
    parameters: { call_id: '"7" & 8' },
  });

beforeEach(async () => {
  goesOn = false;
  scope = rootScope('test');
  carrier = await startFakeTwilio({ scope, clock });
  verified = [];
  posts = [];
  wire = [];
  watch = () => {};
  const headersOf = (headers: Record<string, string | string[] | undefined>) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      const url = origin + request.url;
      verified.push(twilio.verify({ url, headers: headersOf(request.headers), form }, account()));
      posts.push({ url: request.url ?? '', form });
      const { body: document } =
        request.url === '/busy' ? twilio.refuse() : request.url === '/continue' && !goesOn ? twilio.continuation.over() : stream();
      response.end(document);
      watch();
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (opened, request) => {
    verified.push(
      twilio.verify({ url: origin.replace('http', 'ws') + request.url, headers: headersOf(request.headers), form: {} }, account()),
    );
    socket = opened;
    opened.on('message', (message) => {
      wire.push(JSON.parse(message.toString()) as Wire);
      watch();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await scope.close('done');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const call = () => carrier.call(`${origin}/inbound`, '+15550001');
const say = (message: object) => socket.send(JSON.stringify(message));
const audio = (ms: number) => ({ event: 'media', media: { payload: Buffer.alloc(ms * 8, 0x10).toString('base64') } });
const marks = () => wire.flatMap(({ mark }) => mark?.name ?? []);

describe('a call to the number', () => {
  it('comes signed, with its parties, and opens a signed stream', async () => {
    const leg = await call();
    await until(() => wire.length >= 4);
    expect(verified).toEqual([true, true]);
    expect(posts[0]?.form).toMatchObject({ AccountSid: carrier.accountSid, CallSid: leg.callSid, From: '+15550001', To: carrier.number });
    expect(wire.slice(0, 3).map(({ event }) => event)).toEqual(['connected', 'start', 'media']);
    expect(leg.parameters).toEqual({ call_id: '"7" & 8' });
    expect(wire[1]?.start).toMatchObject({ callSid: leg.callSid, customParameters: { call_id: '"7" & 8' }, tracks: ['inbound'] });
    expect(wire[3]).toMatchObject({ sequenceNumber: '3', media: { timestamp: '20', chunk: '2' } });
  });

  it('that is refused never becomes a stream', async () => {
    await expect(carrier.call(`${origin}/busy`, '+15550001')).rejects.toMatchObject({ code: 'carrier_refused' });
  });

  it('carries what the caller says in frames of 20 ms, then silence', async () => {
    const leg = await call();
    await until(() => wire.length > 3);
    leg.speak(new Uint8Array(400).fill(0x22));
    const spokenBytes = () =>
      wire.flatMap(({ media }) => [...Buffer.from(media?.payload ?? '', 'base64')]).filter((byte) => byte === 0x22).length;
    await until(() => spokenBytes() === 400);
    const payloads = wire.flatMap(({ media }) => (media ? [Buffer.from(media.payload, 'base64').length] : []));
    expect(new Set(payloads)).toEqual(new Set([160]));
    expect(leg.speaking).toBe(false);
  });
});

describe('the agent on the stream', () => {
  let leg: FakeLeg;
  beforeEach(async () => {
    leg = await call();
    await until(() => wire.length > 2);
  });

  it('is heard in real time, and marks come back when they were reached', async () => {
    let heard = 0;
    leg.onHeard((frame) => {
      heard += frame.filter((byte) => byte === 0x10).length;
    });
    say(audio(200));
    say({ event: 'mark', mark: { name: 'half' } });
    say(audio(100));
    say({ event: 'mark', mark: { name: 'end' } });
    await until(() => marks().includes('half'));
    expect(heard).toBeGreaterThanOrEqual(1_440);
    expect(heard).toBeLessThan(2_400);
    await until(() => marks().includes('end'));
    expect(heard).toBe(2_400);
    expect(marks()).toEqual(['half', 'end']);
  });

  it('is silenced by clear, and pending marks come back at once', async () => {
    say(audio(5_000));
    say({ event: 'mark', mark: { name: 'never reached' } });
    await leg.when(({ agentTalksMs }) => agentTalksMs > 0);
    say({ event: 'clear' });
    await until(() => marks().length === 1);
    await leg.when(({ agentSilentMs }) => agentSilentMs > 0);
    expect(leg.now).toBeLessThan(4_000);
    expect(leg.received).toEqual({ media: 1, marks: 1, clears: 1 });
  });

  it('hears keys, and learns when the caller goes', async () => {
    leg.press('5');
    leg.hangUp('caller');
    await until(() => wire.at(-1)?.event === 'stop');
    expect(wire.at(-2)?.dtmf?.digit).toBe('5');
    expect(await leg.ended).toBe('caller');
    await expect(leg.when(() => true)).rejects.toThrow('the call is over');
  });

  it('ends the call by closing the stream, or by REST', async () => {
    const waiting = expect(leg.when(() => false)).rejects.toThrow('by the agent');
    await twilio.hangUp(leg.callSid, account(), createEgress('any'), scope);
    expect(await leg.ended).toBe('agent');
    await waiting;
    await twilio.hangUp(`CA${'0'.repeat(32)}`, account(), createEgress('any'), scope);
    expect(carrier.requests).toHaveLength(2);

    const other = await call();
    socket.close();
    expect(await other.ended).toBe('agent');
  });
});

it('asks how to go on when a stream breaks, and opens the one that it is given', async () => {
  const leg = await call();
  await until(() => wire.length > 2);
  goesOn = true;
  leg.leave('network');
  expect(await leg.ended).toBe('network');
  const again = await carrier.nextContinued();
  expect(again.callSid).toBe(leg.callSid);
  expect(posts.at(-1)).toMatchObject({ url: '/continue', form: { CallSid: leg.callSid } });
  goesOn = false;
  socket.close();
  await until(() => posts.filter(({ url }) => url === '/continue').length === 2);
  expect(verified.every(Boolean)).toBe(true);
});

it('leaves the stream for another document without asking', async () => {
  const leg = await call();
  await until(() => wire.length > 2);
  const socketClosed = new Promise((resolve) => socket.once('close', resolve));
  const url = `${carrier.url}/2010-04-01/Accounts/${carrier.accountSid}/Calls/${leg.callSid}.json`;
  const authorization = `Basic ${Buffer.from(`${carrier.accountSid}:${carrier.authToken}`).toString('base64')}`;
  await fetch(url, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ Twiml: '<Response><Dial/></Response>' }) });
  await socketClosed;
  expect(wire.at(-1)?.event).toBe('stop');
  expect(await leg.ended).toBe('elsewhere');
  expect(carrier.redirects).toEqual([{ callSid: leg.callSid, document: '<Response><Dial/></Response>' }]);
  expect(posts.some(({ url: asked }) => asked === '/continue')).toBe(false);
});

it('places calls that the runtime asks for, and reports their progress', async () => {
  const order = {
    to: '+15559',
    from: carrier.number,
    mediaUrl: `${origin.replace('http', 'ws')}/media`,
    statusUrl: `${origin}/status`,
    continueUrl: `${origin}/continue`,
    callId: 'c1',
    ringSeconds: 20,
  };
  const { providerCallId } = await twilio.dial(order, account(), createEgress('any'), scope);
  const leg = await carrier.nextPlaced();
  expect(leg.callSid).toBe(providerCallId);
  leg.hangUp('caller');
  const states = () => posts.filter(({ url }) => url === '/status').map(({ form }) => form.CallStatus);
  await until(() => states().includes('completed'));
  expect(states()).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
  expect(verified.every(Boolean)).toBe(true);
  await expect(twilio.dial(order, account('wrong'), createEgress('any'), scope)).rejects.toThrow(/20003|Authenticate/);
});
