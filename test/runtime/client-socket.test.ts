/** A client on a websocket of its own: hears the agent in the format that it asked for, and can spoil nothing but its own call. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import { spoken } from '../../src/providers/tts/lab.ts';
import type { CallRecord, Client } from './client.ts';
import { createWorld, inside, type World } from './world.ts';

const GREETING = 'Hello, this is the workshop.';
let world: World;
let client: Client;
beforeAll(async () => {
  world = await createWorld();
  client = await inside(world);
  // From memory when the calls come: on a starved machine the voice would be late, and the caller rightly hear the apology instead.
  for (const format of [PCM_16K, MULAW_8K]) await spoken('slt', GREETING, format);
});
afterAll(() => world.close());

interface Placed {
  readonly url: string;
  readonly record: CallRecord;
}
async function placed(transport: object = {}): Promise<Placed> {
  const assistant = {
    firstMessage: GREETING,
    transcriber: { provider: 'lab' },
    voice: { provider: 'lab' },
    model: { provider: 'lab', script: [{ when: 'where is my order', say: 'It left this morning.' }] },
  };
  const call = { assistant, transport: { provider: 'vapi.websocket', ...transport } };
  const { status, body } = await client.ask<{ id: string; transport: { websocketCallUrl: string } }>('POST', '/call', call);
  expect(status).toBe(201);
  return { url: body.transport.websocketCallUrl, record: client.follow(body.id) };
}

/** `refused` is the status of an upgrade that was not let in. */
function connect(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  const messages: Record<string, unknown>[] = [];
  let audio = 0;
  socket.on('error', () => {});
  socket.on('message', (data: Buffer, binary) => {
    if (binary) audio += data.length;
    else messages.push(JSON.parse(data.toString('utf8')));
  });
  return {
    socket,
    messages,
    get audio() {
      return audio;
    },
    open: new Promise((resolve) => socket.once('open', resolve)),
    closed: new Promise<number>((resolve) => socket.once('close', resolve)),
    refused: new Promise<number>((resolve) => socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode ?? 0))),
  };
}

describe.concurrent('a client', () => {
  it.each([
    ['pcm_s16le', 16_000, 32],
    ['mulaw', 8_000, 8],
  ] as const)('hears the agent as %s at %i Hz', async (format, sampleRate, bytesPerMs) => {
    const { url, record } = await placed({ audioFormat: { format, container: 'raw', sampleRate } });
    const caller = connect(url);
    const said = await record.until('agent.said');
    expect(said).toMatchObject({ text: GREETING, complete: true });
    // The greeting takes more than two seconds to say.
    expect(caller.audio / bytesPerMs).toBeGreaterThan(2_000);
    expect(caller.audio / bytesPerMs).toBeLessThan(4_000);
    expect(caller.messages.some(({ type }) => type === 'transcript' || type === 'conversation-update')).toBe(true);
    caller.socket.close(1000);
    expect((await record.ended).reason).toBe('caller-hung-up');
  });

  it('talks in writing as well, and is answered', async () => {
    const { url, record } = await placed({ provider: 'aywa.text' });
    const caller = connect(url);
    await caller.open;
    caller.socket.send(JSON.stringify({ type: 'text', text: 'Where is my order?' }));
    expect((await record.until('agent.said', 2)).text).toBe('It left this morning.');
    caller.socket.close(1000);
    await record.ended;
  });

  it.each([
    ['what is not JSON', 'hello?'],
    ['an unknown type', '{"type":"format-the-disk"}'],
    ['deep JSON', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ] as const)('that sends %s is told nothing worse than nothing', async (_, message) => {
    const { url, record } = await placed();
    const caller = connect(url);
    await caller.open;
    caller.socket.send(message);
    expect((await record.until('line.malformed')).detail).toMatch(/./);
    expect((await record.until('agent.said')).text).toBe(GREETING);
    caller.socket.close(1000);
    expect((await record.ended).reason).toBe('caller-hung-up');
  });

  it('that cuts its samples anywhere is told nothing, and goes on', async () => {
    const { url, record } = await placed();
    const caller = connect(url);
    await caller.open;
    for (const bytes of [1, 641, 641, 3, 640]) caller.socket.send(Buffer.alloc(bytes));
    expect((await record.until('agent.said')).text).toBe(GREETING);
    caller.socket.close(1000);
    expect((await record.ended).reason).toBe('caller-hung-up');
    expect(record.of('line.malformed')).toEqual([]);
  });

  it('that sends a message of 1 MB is cut off', async () => {
    const { url, record } = await placed();
    const caller = connect(url);
    await caller.open;
    caller.socket.send(Buffer.alloc(1024 * 1024));
    expect(await caller.closed).toBe(1009);
    expect((await record.ended).reason).toBe('carrier-lost');
  });

  it('cannot use an address twice, or that of another call, or from a strange page', async () => {
    const [first, second] = [await placed(), await placed()];
    const strange = connect(first.url, { origin: 'https://evil.example' });
    expect(await strange.refused).toBe(403);
    const token = second.url.split('/').at(-1);
    expect(await connect(first.url.replace(/[^/]+$/, token ?? '')).refused).toBe(403);
    const caller = connect(first.url);
    await caller.open;
    expect(await connect(first.url).refused).toBe(403);
    expect((await first.record.until('agent.said')).text).toBe(GREETING);
    caller.socket.close(1000);
    await first.record.ended;
    await client.ask('POST', `/call/${second.record.call}/control`, { type: 'end-call' });
    expect((await second.record.ended).reason).toBe('api');
  });
});
