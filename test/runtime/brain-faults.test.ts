/** Models that refuse, hang, send garbage or break off, in real calls: never silence, never a call that does not end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeAnthropic } from '../fakes/vendors/anthropic.ts';
import { startFakeCartesia } from '../fakes/vendors/cartesia.ts';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeGoogle } from '../fakes/vendors/google.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import type { Client } from './client.ts';
import { asks, drill, FAULTS, isOver, QUESTION, recovery } from './faults.ts';
import { createWorld, inside, phone, type World } from './world.ts';

const ANSWER = 'It left this morning, and it will be there soon.';
const FALLBACK = expect.stringMatching(/something went wrong on my side/);

const script = { answers: () => ({ text: ANSWER.match(/\S+ ?/g) ?? [] }) };
/** A vendor for each fault, so that they can all be tried at once. */
const START = {
  anthropic: () => startFakeAnthropic(script),
  google: () => startFakeGoogle(script),
  groq: () => startFakeOpenAi(script),
  openai: () => startFakeOpenAi(script),
  'custom-llm': () => startFakeOpenAi(script),
};
const PATHS: Partial<Record<keyof typeof START, string>> = { google: '/v1beta', groq: '/v1', openai: '/v1', 'custom-llm': '/v1' };

let world: World;
let client: Client;
const vendors = {} as Record<keyof typeof START, FakeVendor>;

beforeAll(async () => {
  world = await createWorld();
  const ears = await startFakeDeepgram({ hears: () => QUESTION });
  world.defer(() => ears.close());
  const voice = await startFakeCartesia({ msPerChar: 15 });
  world.defer(() => voice.close());
  const env: Record<string, string> = {
    DEEPGRAM_API_KEY: 'key',
    DEEPGRAM_BASE_URL: ears.url,
    CARTESIA_API_KEY: 'key',
    CARTESIA_BASE_URL: voice.url,
  };
  for (const name of Object.keys(START) as (keyof typeof START)[]) {
    vendors[name] = await START[name]();
    world.defer(() => vendors[name].close());
    const prefix = name.toUpperCase().replace('-', '_');
    env[`${prefix}_API_KEY`] = 'key';
    env[`${prefix}_BASE_URL`] = vendors[name].url + (PATHS[name] ?? '');
  }
  client = await inside(world, env);
});
afterAll(() => world.close());

const assistant = (provider: keyof typeof START, more: object = {}) => ({
  transcriber: { provider: 'deepgram' },
  voice: { provider: 'cartesia' },
  model: { provider, model: 'a-model', ...(provider === 'custom-llm' && { url: `${vendors[provider].url}/v1` }), ...more },
});

describe.concurrent('a model', () => {
  it.each([
    ['refuses the key', 'anthropic', 'provider_auth'],
    ['hangs', 'google', 'provider_timeout'],
    ['sends garbage', 'groq', 'provider_garbage'],
    ['closes in mid-sentence', 'openai', 'provider_network'],
  ] as const)(
    'that %s: the caller hears the fallback twice, then the call ends',
    async (fault, name, code) => {
      const { heard, reason, record } = await drill(world, client, assistant(name), vendors[name], FAULTS[fault]);
      expect(heard).toEqual([FALLBACK, FALLBACK]);
      expect(reason).toBe('llm-failed');
      // Drafts fail as well as replies.
      const failures = record.of('provider.failed').map((event) => [event.kind, event.provider, event.code]);
      expect(new Set(failures.map(String))).toEqual(new Set([`llm,${name},${code}`]));
    },
    60_000,
  );

  it('that refuses for a while: the call goes on', async () => {
    const vendor = vendors['custom-llm'];
    expect(await recovery(world, client, assistant('custom-llm'), vendor, FAULTS['refuses the key'])).toEqual([FALLBACK, ANSWER]);
  }, 60_000);

  it('that hangs is replaced by the one of the fallback plan', async () => {
    const fallbackPlan = { models: [{ provider: 'lab', script: [{ when: QUESTION, say: 'From the second.' }] }] };
    vendors.google.fault = 'hang';
    const phoned = await phone(world, client, assistant('google', { fallbackPlan }));
    expect((await asks(phoned)).text).toBe('From the second.');
    expect((await asks(phoned)).text).toBe('From the second.');
    expect(phoned.record.of('provider.switched')[0]).toMatchObject({ kind: 'llm', from: 'google', to: 'lab' });
    await client.ask('POST', `/call/${phoned.record.call}/control`, { type: 'end-call' });
    expect(await isOver(world, client, phoned)).toBe('api');
  }, 60_000);
});
