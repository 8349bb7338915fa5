/** Recognisers that refuse, hang, send garbage or break off, in real calls: the caller is told, and never left talking to nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import type { Client } from './client.ts';
import { asks, FAULTS, isOver, QUESTION } from './faults.ts';
import { createWorld, inside, phone, promptVoice, type World } from './world.ts';

const ANSWER = 'It left this morning.';
const script = { hears: () => QUESTION };
const START = { deepgram: startFakeDeepgram, openai: startFakeOpenAi };

let world: World;
let client: Client;
const vendors = {} as Record<keyof typeof START, FakeVendor>;

beforeAll(async () => {
  world = await createWorld();
  const env: Record<string, string> = { ...(await promptVoice(world)) };
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
  voice: { provider: 'cartesia' },
});

/** These ears may take 2 s for a final: they are doubted 0.7 s later, and fresh ones get as long as they have, and 0.3 s to connect. */
const DOUBTED_MS = 2_700 + 2_300;

const alone = async () => {
  const phoned = await phone(world, client, assistant('openai'));
  expect((await asks(phoned, DOUBTED_MS)).text).toMatch(/did not get that/);
  phoned.leg.hangUp('caller');
  expect((await phoned.record.ended).reason).toBe('caller-hung-up');
};
const helped = async () => {
  const phoned = await phone(world, client, assistant('openai', { fallbackPlan: { transcribers: [{ provider: 'deepgram' }] } }));
  expect((await asks(phoned, DOUBTED_MS)).text).toBe(ANSWER);
  phoned.leg.hangUp('caller');
  expect((await phoned.record.ended).reason).toBe('caller-hung-up');
};

const SORRY = expect.stringMatching(/cannot hear you/);

describe('recognisers', () => {
  describe.concurrent.each([
    ['refuses the key', 'deepgram'],
    ['closes in mid-sentence', 'openai'],
    ['sends garbage', 'deepgram'],
  ] as const)('one that %s (%s)', (fault, name) => {
    it('is owned up to, and the call ends with a reason', async () => {
      await free(name, async () => {
        vendors[name].fault = FAULTS[fault];
        const phoned = await phone(world, client, assistant(name));
        const asking = asks(phoned);
        // One that refuses is known before anybody has spoken.
        if (fault === 'refuses the key') await asking.catch(() => {});
        else expect((await asking).text).toEqual(SORRY);
        expect(await isOver(world, client, phoned)).toBe('stt-failed');
        expect(phoned.record.of('agent.said').map(({ text }) => text)).toEqual([SORRY]);
      });
    }, 60_000);

    it('is replaced by the next one, which hears the same words', async () => {
      await free(name, async () => {
        vendors[name].fault = FAULTS[fault];
        const phoned = await phone(world, client, assistant(name, { fallbackPlan: { transcribers: [{ provider: 'lab' }] } }));
        expect((await asks(phoned)).text).toBe(ANSWER);
        expect(phoned.record.of('provider.switched')).toMatchObject([{ kind: 'stt', from: name, to: 'lab' }]);
        phoned.leg.hangUp('caller');
        expect((await phoned.record.ended).reason).toBe('caller-hung-up');
      });
    }, 60_000);
  });

  it.concurrent('one that hangs costs the caller a repetition, and the next one hears the same words', async () => {
    await free('openai', async () => {
      vendors.openai.fault = 'hang';
      // Who helps has none of the other tests' faults meanwhile.
      const healthy = () => {
        vendors.deepgram.fault = undefined;
        return helped();
      };
      await Promise.all([alone(), free('deepgram', healthy)]);
    });
  }, 60_000);
});

const queues = new Map<string, Promise<unknown>>();

/** A fault is the vendor's, for everybody: its tests wait for each other. */
function free<T>(name: string, work: () => Promise<T>): Promise<T> {
  const mine = (queues.get(name) ?? Promise.resolve()).catch(() => {}).then(work);
  queues.set(name, mine);
  return mine;
}
