/** Recognisers that refuse, hang, send garbage or break off, in real calls: the caller is told, and never left talking to nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import type { Client } from './client.ts';
import { asks, FAULTS, isOver, QUESTION } from './faults.ts';
import { createWorld, inside, phone, speaks, type World } from './world.ts';

const ANSWER = 'It left this morning.';
const script = { hears: () => QUESTION };
const START = { deepgram: startFakeDeepgram, openai: startFakeOpenAi };

let world: World;
let client: Client;
const vendors = {} as Record<keyof typeof START, FakeVendor>;

beforeAll(async () => {
  world = await createWorld();
  const env: Record<string, string> = {};
  for (const name of Object.keys(START) as (keyof typeof START)[]) {
    vendors[name] = await START[name](script);
    world.defer(() => vendors[name].close());
    env[`${name.toUpperCase()}_API_KEY`] = 'key';
    env[`${name.toUpperCase()}_BASE_URL`] = vendors[name].url + (name === 'openai' ? '/v1' : '');
  }
  client = await inside(world, env);
});
afterAll(() => world.close());

const assistant = (provider: keyof typeof START, more: object = {}) => ({
  transcriber: { provider, ...more },
  model: { provider: 'lab', script: [{ when: QUESTION, say: ANSWER }] },
  voice: { provider: 'lab' },
});

describe.each([
  ['refuses the key', 'closes in mid-sentence'],
  ['sends garbage', 'hangs'],
] as const)('recognisers', (first, second) => {
  describe.concurrent.each([
    [first, 'deepgram'],
    [second, 'openai'],
  ] as const)('that %s', (fault, name) => {
    it('the caller is told, and the call ends with a reason', async () => {
      vendors[name].fault = FAULTS[fault];
      const phoned = await phone(world, client, assistant(name));
      await speaks(phoned.leg, QUESTION).catch(() => {});
      const reason = await isOver(world, client, phoned);
      console.log(fault, name, reason, JSON.stringify(phoned.record.events.map((e) => ({ ...e, call: undefined, wall: undefined })), null, 0));
      expect(reason).toBe('stt-failed');
      expect(phoned.record.of('agent.said')).toHaveLength(1);
    }, 60_000);

    it('the second one hears the same words', async () => {
      vendors[name].fault = FAULTS[fault];
      const phoned = await phone(world, client, assistant(name, { fallbackPlan: { transcribers: [{ provider: 'lab' }] } }));
      expect((await asks(phoned)).text).toBe(ANSWER);
      phoned.leg.hangUp('caller');
      expect((await phoned.record.ended).reason).toBe('caller-hung-up');
    }, 60_000);
  });
});
