/** Strangers and broken carriers at the media door: refused with a reason in the log and a counter, while another call goes on. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type CallRecord, type Client, tillTaken } from './client.ts';
import { QUESTION } from './faults.ts';
import { createWorld, type Outside, outside, type Phoned, phone, promptVoice, speaks, type World } from './world.ts';

const ANSWER = 'It left this morning.';
const assistant = {
  transcriber: { provider: 'lab' },
  model: { provider: 'lab', script: [{ when: QUESTION, say: ANSWER }] },
  voice: { provider: 'cartesia' },
};

let world: World;
let runtime: Outside;
let client: Client;
let id: string;
/** A call that nothing of all this may touch. */
let bystander: Phoned;

beforeAll(async () => {
  world = await createWorld();
  runtime = outside(world, { ...world.env, ...(await promptVoice(world)), LOG_LEVEL: 'info' });
  client = await runtime.ready;
  id = await client.assistant(assistant);
  bystander = await phone(world, client, id);
});
afterAll(() => world.close());

interface Inbound {
  readonly call: string;
  readonly callSid: string;
  /** The address of the media stream, with its token. */
  readonly media: string;
  readonly record: CallRecord;
}

/** A carrier announces a caller; the stream is up to the test. */
async function announced(): Promise<Inbound> {
  const inbound = await tillTaken(announce, ({ media }) => media === '');
  return { ...inbound, record: client.follow(inbound.call) };
}

async function announce() {
  const callSid = `CA${crypto.randomUUID().replaceAll('-', '')}`;
  const { accountSid, number } = world.carrier;
  const url = `${client.url}/telephony/twilio/inbound/${id}`;
  const form = { AccountSid: accountSid, CallSid: callSid, CallStatus: 'ringing', From: '+15550100301', To: number };
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'x-twilio-signature': signed(url, form) },
    body: new URLSearchParams(form),
  });
  const document = await answer.text();
  const media = /url="([^"]+)"/.exec(document)?.[1] ?? '';
  const call = /name="call_id" value="([^"]+)"/.exec(document)?.[1] ?? '';
  return { call, callSid, media };
}

function signed(url: string, form: Record<string, string> = {}): string {
  const pairs = Object.keys(form)
    .sort()
    .map((key) => key + form[key]);
  return createHmac('sha1', world.carrier.authToken)
    .update(url + pairs.join(''))
    .digest('base64');
}

interface Knock {
  /** The status that refused the upgrade; `101` when it was let in. */
  readonly status: number;
  readonly socket: WebSocket;
  /** The close code of a socket that was let in. */
  readonly closed: Promise<number>;
}

function knock(url: string, signature = signed(url)): Promise<Knock> {
  const socket = new WebSocket(url, { headers: { 'x-twilio-signature': signature } });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket.once('open', () => resolve({ status: 101, socket, closed }));
    socket.once('unexpected-response', (_, response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, socket, closed });
    });
  });
}

/** The call is kept for a stream that may follow; the carrier says instead that its caller is gone. */
async function isGivenBack({ call, callSid, record }: Inbound): Promise<void> {
  expect(await record.until('line.held')).toMatchObject({ on: true, why: 'lost' });
  const url = `${client.url}/telephony/twilio/status/${call}`;
  const form = { AccountSid: world.carrier.accountSid, CallSid: callSid, CallStatus: 'completed' };
  const headers = { 'x-twilio-signature': signed(url, form) };
  expect((await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) })).status).toBe(204);
  expect((await record.ended).reason).toBe('caller-hung-up');
}

const STREAM = `MZ${'1'.repeat(32)}`;
const OTHER_STREAM = `MZ${'2'.repeat(32)}`;
const start = ({ callSid }: Inbound, streamSid = STREAM) =>
  JSON.stringify({
    event: 'start',
    sequenceNumber: '1',
    streamSid,
    start: {
      streamSid,
      accountSid: world.carrier.accountSid,
      callSid,
      tracks: ['inbound'],
      customParameters: {},
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    },
  });
const media = (payload: string, streamSid = STREAM) =>
  JSON.stringify({ event: 'media', sequenceNumber: '2', streamSid, media: { track: 'inbound', chunk: '1', timestamp: '0', payload } });
const stop = ({ callSid }: Inbound) =>
  JSON.stringify({ event: 'stop', sequenceNumber: '9', streamSid: STREAM, stop: { accountSid: world.carrier.accountSid, callSid } });
const SILENCE = Buffer.alloc(160, 0xff).toString('base64');

describe('a media socket', () => {
  it.each([
    [
      'an unknown token',
      async () => `${client.url.replace('http', 'ws')}/telephony/twilio/media/${'A'.repeat(43)}`,
      403,
      'media_token_unknown',
    ],
    ['no token at all', async () => `${client.url.replace('http', 'ws')}/telephony/twilio/media/`, 404, 'not_found'],
    ['the token of another carrier', async () => (await announced()).media.replace('/twilio/', '/acme/'), 403, 'media_token_unknown'],
    [
      "a phone call's token at the door for clients",
      async () => {
        const { media, call } = await announced();
        return media.replace(/telephony\/twilio\/media/, `call/${call}/transport`);
      },
      403,
      'media_token_unknown',
    ],
  ] as const)('with %s is refused', async (_, address, status, code) => {
    const url = await address();
    const before = await client.metric(`vr_refused_total{door="media",reason="${code}"}`);
    const lines = runtime.log.length;
    expect((await knock(url)).status).toBe(status);
    const line = await runtime.logged('media_refused', (one) => runtime.log.indexOf(one) >= lines);
    expect(line).toMatchObject({ code, detail: expect.stringMatching(/./) });
    expect(JSON.stringify(line)).not.toMatch(/[\w-]{43}/);
    expect(await client.metric(`vr_refused_total{door="media",reason="${code}"}`)).toBe(before + 1);
  });

  it('with a wrong signature is refused, and the carrier may still come', async () => {
    const inbound = await announced();
    const before = await client.metric('vr_refused_total{door="media",reason="signature_wrong"}');
    expect((await knock(inbound.media, signed(`${inbound.media}x`))).status).toBe(403);
    expect(await client.metric('vr_refused_total{door="media",reason="signature_wrong"}')).toBe(before + 1);
    const { status, socket } = await knock(inbound.media);
    expect(status).toBe(101);
    socket.send(start(inbound));
    await inbound.record.until('line.connected');
    socket.send(stop(inbound));
    expect((await inbound.record.ended).reason).toBe('caller-hung-up');
  });

  it('with a token that was used already is refused, and the first one goes on', async () => {
    const inbound = await announced();
    const first = await knock(inbound.media);
    expect((await knock(inbound.media)).status).toBe(403);
    first.socket.send(start(inbound));
    await inbound.record.until('line.connected');
    first.socket.close(1000);
    await inbound.record.ended;
  });
});

describe('a media stream', () => {
  it('that sends media before its start is heard from its start on', async () => {
    const inbound = await announced();
    const { socket } = await knock(inbound.media);
    socket.send(media(SILENCE));
    socket.send(start(inbound));
    expect((await inbound.record.until('line.malformed')).detail).toMatch(/before start/);
    socket.send(stop(inbound));
    expect((await inbound.record.ended).reason).toBe('caller-hung-up');
  });

  it('that starts for another call is refused, and its call ends', async () => {
    const inbound = await announced();
    const { socket, closed } = await knock(inbound.media);
    const before = await client.metric('vr_calls_ended_total{reason="never-connected"}');
    socket.send(start({ ...inbound, callSid: 'CA00000000000000000000000000000000' }));
    expect(await closed).toBe(1008);
    expect((await inbound.record.ended).reason).toBe('never-connected');
    expect((await runtime.logged('leg_refused', ({ call }) => call === inbound.call)).detail).toMatch(/another call/);
    expect(await client.metric('vr_calls_ended_total{reason="never-connected"}')).toBe(before + 1);
  });

  it.each([
    ['what is not JSON', () => 'hello?'],
    ['binary', () => Buffer.from([0, 1, 2, 3])],
    ['an array', () => '[1,2,3]'],
    ['an unknown stream', () => media(SILENCE, OTHER_STREAM)],
    ['a second start', (inbound: Inbound) => start(inbound, OTHER_STREAM)],
    ['media that is not base64', () => media('%%%%')],
    ['an empty object', () => '{}'],
  ] as const)('that sends %s is noted, and its call goes on', async (_, message) => {
    const inbound = await announced();
    const { socket, closed } = await knock(inbound.media);
    socket.send(start(inbound));
    await inbound.record.until('line.connected');
    const before = await client.metric('vr_media_malformed_total{code="media_malformed"}');
    socket.send(message(inbound));
    const { code, detail } = await inbound.record.until('line.malformed');
    expect([code, detail]).toEqual(['media_malformed', expect.stringMatching(/./)]);
    expect(await client.metric('vr_media_malformed_total{code="media_malformed"}')).toBe(before + 1);
    const heard = new Promise((resolve) => socket.once('message', resolve));
    await client.ask('POST', `/call/${inbound.call}/control`, { type: 'say', content: 'Still here.' });
    await heard;
    socket.send(stop(inbound));
    await closed;
    expect((await inbound.record.ended).reason).toBe('caller-hung-up');
  });

  it('that sends nothing but rubbish is given up, and its call waits for another one', async () => {
    const inbound = await announced();
    const { socket, closed } = await knock(inbound.media);
    socket.send(start(inbound));
    await inbound.record.until('line.connected');
    for (let i = 0; i < 60; i++) socket.send('rubbish');
    expect(await closed).toBe(1008);
    await isGivenBack(inbound);
  });

  it('that sends a message of 1 MB is cut off, and its call waits for another one', async () => {
    const inbound = await announced();
    const { socket, closed } = await knock(inbound.media);
    socket.send(start(inbound));
    await inbound.record.until('line.connected');
    socket.send(media('A'.repeat(1024 * 1024)));
    // RFC 6455 §7.4.1: too big to process.
    expect(await closed).toBe(1009);
    await isGivenBack(inbound);
  });
});

it('has not touched the other call', async () => {
  await speaks(bystander.leg, QUESTION);
  expect((await bystander.record.until('agent.said')).text).toBe(ANSWER);
  bystander.leg.hangUp('caller');
  expect((await bystander.record.ended).reason).toBe('caller-hung-up');
  expect(bystander.record.of('line.malformed')).toEqual([]);
});
