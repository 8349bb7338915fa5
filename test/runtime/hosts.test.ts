/** Call hosts as processes: one that is killed takes its own calls with it and nobody else's, and its callers are hung up. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { QUESTION } from './faults.ts';
import { childrenOf, createWorld, hangUps, inside, type Phoned, phone, promptVoice, speaks, WITHIN, type World } from './world.ts';

const ANSWER = 'It left this morning.';
let world: World;
let client: Client;
let id: string;

beforeAll(async () => {
  world = await createWorld();
  client = await inside(world, { ...(await promptVoice(world)), RUNTIME_CALL_HOSTS: '2' });
  id = await client.assistant({
    transcriber: { provider: 'lab' },
    model: { provider: 'lab', script: [{ when: QUESTION, say: ANSWER }] },
    voice: { provider: 'cartesia' },
  });
});
afterAll(() => world.close());

const hostOf = async ({ record }: Phoned) => (await record.until('call.created')).host;
const processOf = (host: string) =>
  childrenOf(process.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`"name":"${host}"`)) ?? 0;

async function isAnswered({ leg, record }: Phoned): Promise<void> {
  await speaks(leg, QUESTION);
  expect((await record.until('agent.said')).text).toBe(ANSWER);
  leg.hangUp('caller');
  expect((await record.ended).reason).toBe('caller-hung-up');
}

it('a host that is killed costs its own calls only', async () => {
  for (const host of ['host-1', 'host-2'])
    await expect.poll(() => client.metric(`vr_host_resident_bytes{host="${host}"}`), WITHIN).toBeGreaterThan(0);
  const unlucky = await phone(world, client, id);
  const lucky = await phone(world, client, id);
  const lost = await hostOf(unlucky);
  expect(await hostOf(lucky)).not.toBe(lost);
  await Promise.all([unlucky.record.until('line.connected'), lucky.record.until('line.connected')]);

  process.kill(processOf(lost), 'SIGKILL');
  const ended = await unlucky.record.ended;
  expect(ended).toMatchObject({ reason: 'host-lost', detail: expect.stringContaining('SIGKILL') });
  expect(unlucky.record.events.map(({ seq }) => seq)).toEqual(unlucky.record.events.map((_, index) => index + 1));
  await unlucky.leg.ended;
  await expect.poll(() => hangUps(world, unlucky.leg), WITHIN).toBe(1);
  const { body } = await client.ask('GET', `/call/${unlucky.record.call}`);
  expect(body).toMatchObject({ status: 'ended', endedReason: expect.stringMatching(/worker-died/) });

  await isAnswered(lucky);
  expect(lucky.record.of('line.malformed')).toEqual([]);
  expect(await client.metric('vr_hosts_lost_total')).toBe(1);

  // Another one takes its place.
  await expect
    .poll(
      () => childrenOf(process.pid).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('"name":"host-')).length,
      WITHIN,
    )
    .toBe(2);
  await isAnswered(await phone(world, client, id));
}, 60_000);
