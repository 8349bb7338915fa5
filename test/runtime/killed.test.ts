/** A runtime that is killed in the middle of a call: the next one on the same folder ends the call on record and loses nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallEvent } from '../../src/call/events.ts';
import { openReceiver } from '../journal/receiver.ts';
import { createWorld, type Env, hangUps, outside, phone, processesWith, promptVoice, speaks, WITHIN, type World } from './world.ts';

const GREETING = 'Hello, this is the workshop on the hill.';
const ASSISTANT = {
  firstMessage: GREETING,
  transcriber: { provider: 'lab' },
  model: { provider: 'lab', script: [{ when: 'where is my order', say: 'It left this morning.' }] },
  voice: { provider: 'cartesia' },
};
/** What a SIGKILL may cost. */
const LOST_MS = 200;

let world: World;
let voice: Env;
beforeAll(async () => {
  world = await createWorld();
  voice = await promptVoice(world);
});
afterAll(() => world.close());

describe('a database that is killed', () => {
  it('costs no call and no event', async () => {
    const runtime = outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info' });
    const client = await runtime.ready;
    const { leg, record } = await phone(world, client, ASSISTANT);
    await record.until('agent.said');
    for (const pid of processesWith(`${world.dataDir}/postgres/cluster`)) process.kill(pid, 'SIGKILL');
    await runtime.logged('store_server_died');
    await speaks(leg, 'Where is my order?');
    expect((await record.until('agent.said', 2)).text).toBe('It left this morning.');
    leg.hangUp('caller');
    expect((await record.ended).reason).toBe('caller-hung-up');
    const stored = async () => {
      const { status, body } = await client.ask<{ events?: CallEvent[] }>('GET', `/call/${record.call}/timeline`);
      return status === 200 && body.events?.map(({ seq, type }) => `${seq} ${type}`);
    };
    await expect.poll(stored, WITHIN).toEqual(record.events.map(({ seq, type }) => `${seq} ${type}`));
    runtime.kill('SIGTERM');
    expect((await runtime.exited).code).toBe(0);
  }, 60_000);
});

describe('a runtime that is killed', () => {
  it('leaves a record up to its last moment, and nothing running', async () => {
    const first = outside(world, { ...world.env, ...voice, RUNTIME_CALL_HOSTS: '1', LOG_LEVEL: 'info' });
    const client = await first.ready;
    const server = await openReceiver();
    world.defer(() => server.stop());
    const hooks = { server: { url: server.url }, serverMessages: ['end-of-call-report'] };
    const { leg, record } = await phone(world, client, { ...ASSISTANT, ...hooks });
    await record.until('agent.said');
    await speaks(leg, 'Where is my order?');
    await record.until('reply.audible', 2);
    const killed = Date.now();
    first.kill('SIGKILL');
    expect((await first.exited).signal).toBe('SIGKILL');
    await record.ended.catch(() => {});

    // The host is left alone: it hangs up what it can and ends; the carrier never holds a line that nobody serves.
    await leg.ended;
    await expect.poll(() => hangUps(world, leg), WITHIN).toBe(1);

    const second = outside(world, { ...world.env, ...voice, RUNTIME_CALL_HOSTS: '1', LOG_LEVEL: 'info' });
    const next = await second.ready;
    const { body: call } = await next.ask('GET', `/call/${record.call}`);
    expect(call).toMatchObject({
      status: 'ended',
      endedReason: expect.stringMatching(/worker-died/),
      transcript: expect.stringContaining(GREETING),
    });
    const { body } = await next.ask<{ events: CallEvent[] }>('GET', `/call/${record.call}/timeline`);
    expect(body.events.map(({ seq }) => seq)).toEqual(body.events.map((_, index) => index + 1));
    expect(body.events.at(-1)).toMatchObject({ type: 'call.ended', reason: 'node-lost' });
    expect(body.events.filter(({ type }) => type === 'call.ended')).toHaveLength(1);
    const kept = new Set(body.events.map(({ seq, type }) => `${seq} ${type}`));
    const lost = record.events.filter(({ seq, type, wall }) => wall < killed - LOST_MS && !kept.has(`${seq} ${type}`));
    expect(lost).toEqual([]);

    await server.got(1);
    expect(server.received[0]?.message).toMatchObject({
      type: 'end-of-call-report',
      endedReason: expect.stringMatching(/worker-died/),
      transcript: expect.stringContaining(GREETING),
    });

    // One server, one host, of the second runtime; and none when it is gone.
    await expect
      .poll(() => processesWith('"name":"host-').filter((pid) => processesWith(world.dataDir).includes(pid)).length, WITHIN)
      .toBe(1);
    expect(processesWith(`${world.dataDir}/postgres/cluster`)).toHaveLength(1);
    second.kill('SIGTERM');
    expect((await second.exited).code).toBe(0);
    expect(processesWith(world.dataDir)).toEqual([]);
  }, 60_000);

  it('is not joined by a second one on the same folder', async () => {
    const first = outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info' });
    const client = await first.ready;
    const { code, stderr } = await outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info' }).exited;
    expect(code).toBe(69);
    expect(stderr).toContain(`in use by process ${first.pid}`);
    expect(stderr).toContain('RUNTIME_DATA_DIR');
    expect((await client.ask('GET', '/call')).status).toBe(200);
    first.kill('SIGTERM');
    expect((await first.exited).code).toBe(0);
  }, 60_000);
});
