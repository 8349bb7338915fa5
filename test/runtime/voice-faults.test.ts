/** Voices that refuse, hang, send garbage or break off, in real calls: the caller hears the recorded apology, or the second voice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeCartesia } from '../fakes/vendors/cartesia.ts';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeElevenLabs } from '../fakes/vendors/elevenlabs.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import type { Client } from './client.ts';
import { asks, drill, FAULTS, isOver, QUESTION } from './faults.ts';
import { createWorld, inside, phone, type World } from './world.ts';

const ANSWER = 'It left this morning.';
const APOLOGY = expect.stringMatching(/sorry/);

/** A vendor for each fault, so that they can all be tried at once. */
const START = { elevenlabs: startFakeElevenLabs, cartesia: startFakeCartesia, deepgram: startFakeDeepgram, openai: startFakeOpenAi };

let world: World;
let client: Client;
const vendors = {} as Record<keyof typeof START, FakeVendor>;

beforeAll(async () => {
  world = await createWorld();
  const env: Record<string, string> = {};
  for (const name of Object.keys(START) as (keyof typeof START)[]) {
    vendors[name] = await START[name]();
    world.defer(() => vendors[name].close());
    env[`${name.toUpperCase()}_API_KEY`] = 'key';
    env[`${name.toUpperCase()}_BASE_URL`] = vendors[name].url + (name === 'openai' ? '/v1' : '');
  }
  client = await inside(world, env);
});
afterAll(() => world.close());

const assistant = (provider: keyof typeof START, more: object = {}) => ({
  transcriber: { provider: 'lab' },
  model: { provider: 'lab', script: [{ when: QUESTION, say: ANSWER }] },
  voice: { provider, ...more },
});

describe.concurrent('a voice', () => {
  it.each([
    ['refuses the key', 'elevenlabs', 'provider_auth'],
    ['hangs', 'cartesia', 'provider_timeout'],
    ['sends garbage', 'openai', 'provider_garbage'],
    ['closes in mid-sentence', 'deepgram', 'provider_network'],
  ] as const)(
    'that %s: the caller hears the apology twice, then the call ends',
    async (fault, name, code) => {
      const { heard, reason, record } = await drill(world, client, assistant(name), vendors[name], FAULTS[fault]);
      expect(heard).toEqual([APOLOGY, APOLOGY]);
      expect(reason).toBe('tts-failed');
      const failures = record.of('provider.failed').map((event) => [event.kind, event.code]);
      expect(new Set(failures.map(String))).toEqual(new Set([`tts,${code}`]));
    },
    60_000,
  );

  it('that refuses, with ears that fail as well: the caller hears the apology before the call ends', async () => {
    vendors.elevenlabs.fault = FAULTS['refuses the key'];
    vendors.openai.fault = FAULTS['sends garbage'];
    const phoned = await phone(world, client, { ...assistant('elevenlabs'), transcriber: { provider: 'openai' } });
    expect((await asks(phoned)).text).toEqual(APOLOGY);
    expect(await isOver(world, client, phoned)).toBe('stt-failed');
  }, 60_000);

  it('that hangs is replaced by the one of the fallback plan', async () => {
    vendors.cartesia.fault = 'hang';
    const phoned = await phone(world, client, assistant('cartesia', { fallbackPlan: { voices: [{ provider: 'lab' }] } }));
    expect((await asks(phoned)).text).toBe(ANSWER);
    expect((await asks(phoned)).text).toBe(ANSWER);
    expect(phoned.record.of('provider.switched')).toMatchObject([{ kind: 'tts', from: 'cartesia', to: 'lab' }]);
    await client.ask('POST', `/call/${phoned.record.call}/control`, { type: 'end-call' });
    expect(await isOver(world, client, phoned)).toBe('api');
  }, 60_000);
});
