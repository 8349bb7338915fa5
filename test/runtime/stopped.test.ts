/** How a runtime ends: asked to, in the middle of its start, by its own failure. Nothing is left running, and every call knows why it ended. */
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, type Env, hangUps, outside, phone, processesWith, promptVoice, speaks, WITHIN, type World } from './world.ts';

const GREETING = 'Hello, this is the workshop on the hill.';
const ASSISTANT = {
  firstMessage: GREETING,
  transcriber: { provider: 'lab' },
  model: { provider: 'lab', script: [{ when: 'where is my order', say: 'It left this morning.' }] },
  voice: { provider: 'cartesia' },
};

let world: World;
let voice: Env;
beforeAll(async () => {
  world = await createWorld();
  voice = await promptVoice(world);
});
afterAll(() => world.close());

describe('a runtime that is stopped', () => {
  it('while it starts leaves nothing running either', async () => {
    const runtime = outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info' });
    await runtime.logged('store_server_started');
    runtime.kill('SIGTERM');
    const { code, stderr } = await runtime.exited;
    expect([code, stderr]).toEqual([0, '']);
    expect(processesWith(world.dataDir)).toEqual([]);
  }, 60_000);

  it('by a failure that belongs to no call lets the calls go on to their end', async () => {
    const plant = "--import=data:text/javascript,process.on('SIGUSR2',()=>{throw(new(Error)('planted'))})";
    const runtime = outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info', NODE_OPTIONS: plant });
    const client = await runtime.ready;
    const { leg, record } = await phone(world, client, ASSISTANT);
    await record.until('agent.said');
    runtime.kill('SIGUSR2');
    await expect.poll(async () => (await fetch(`${client.url}/readyz`)).status, WITHIN).toBe(503);
    await speaks(leg, 'Where is my order?');
    expect((await record.until('agent.said', 2)).text).toBe('It left this morning.');
    leg.hangUp('caller');
    expect((await record.ended).reason).toBe('caller-hung-up');
    const { code, stderr } = await runtime.exited;
    expect([code, stderr]).toEqual([70, expect.stringContaining('planted')]);
    expect(processesWith(world.dataDir)).toEqual([]);
  }, 60_000);

  it('because another one took its name says so', async () => {
    const key = { RUNTIME_STORE_ENCRYPTION_KEY: 'k1:Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg==', RUNTIME_NODE_ID: 'the-name' };
    const dataDir = mkdtempSync(join(world.dataDir, 'taken-'));
    chmodSync(dataDir, 0o755);
    const first = outside(world, { ...world.env, ...key, RUNTIME_DATA_DIR: dataDir, LOG_LEVEL: 'info' });
    await first.ready;
    const { port } = await first.logged('store_server_started');
    const password = readFileSync(join(dataDir, 'postgres/password'), 'utf8').trim();
    const url = `postgres://aywa:${password}@127.0.0.1:${port}/postgres`;
    const second = outside(world, {
      ...world.env,
      ...key,
      RUNTIME_DATA_DIR: mkdtempSync(join(world.dataDir, 'taker-')),
      RUNTIME_STORE_POSTGRES_URL: url,
      LOG_LEVEL: 'info',
    });
    const client = await second.ready;
    const { code, stderr } = await first.exited;
    expect([code, stderr]).toEqual([75, expect.stringContaining('RUNTIME_NODE_ID')]);
    expect((await client.ask('GET', '/call')).status).toBe(200);
    second.kill('SIGTERM');
    expect((await second.exited).code).toBe(0);
    // Its own database server outlives it, because others may be using it; the next start in its folder takes care of it.
    for (const pid of processesWith(`${dataDir}/postgres/cluster`)) process.kill(pid, 'SIGINT');
  }, 60_000);

  it('hangs up, says so on record, and leaves nothing running', async () => {
    const first = outside(world, { ...world.env, ...voice, RUNTIME_CALL_HOSTS: '1', LOG_LEVEL: 'info' });
    const { leg, record } = await phone(world, await first.ready, ASSISTANT);
    await leg.when(({ agentTalksMs }) => agentTalksMs > 300);
    first.kill('SIGTERM');
    const { code, stderr } = await first.exited;
    expect([code, stderr.includes('did not')]).toEqual([0, false]);
    await leg.ended;
    expect(hangUps(world, leg)).toBe(1);
    expect((await record.ended).reason).toBe('shutdown');
    expect(processesWith(world.dataDir)).toEqual([]);

    const second = outside(world, { ...world.env, ...voice, LOG_LEVEL: 'info' });
    const client = await second.ready;
    expect((await client.ask('GET', `/call/${record.call}`)).body).toMatchObject({ status: 'ended', endedReason: 'worker-shutdown' });
    second.kill('SIGTERM');
    await second.exited;
  }, 60_000);
});
