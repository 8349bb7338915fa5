/** Every setting that a vendor's description has changes what the vendor is sent: none of them is accepted and dropped. */
import { describe, expect, it } from 'vitest';
import { VENDOR_LIMITS } from '../../src/agent/vendor-limits.ts';
import { settingsOf } from '../../src/api/vendor-settings.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import type { ProviderKind } from '../../src/providers/contract.ts';
import { chooseProvider, PROVIDERS, providerSet } from '../../src/providers/index.ts';
import { context, earsOnTape, earsRecorder, KEY, MULAW } from '../providers/kit.ts';

/** Obeyed here, not by the vendor: `provider.setting`, and the test that shows it. */
const OWN: Readonly<Record<string, string>> = {
  'stt.deepgram.confidenceThreshold': 'of Deepgram call an unsure final not understood',
};
/** The lab answers itself, and its settings have tests of their own; `timeoutSeconds` is a matter of the engine's patience. */
const settings = PROVIDERS.filter(({ name }) => name !== 'lab').flatMap(({ kind, name }) =>
  [...(settingsOf(kind, name)?.names ?? [])]
    .filter((setting) => setting !== 'timeoutSeconds' && !(`${kind}.${name}.${setting}` in OWN))
    .map((setting) => [kind, name, setting] as const),
);

/** Another value than any default, of the form that the setting takes. */
const SAMPLES: readonly unknown[] = [
  'other',
  'de',
  0.85,
  1.1,
  333,
  5_432,
  ['de', 'fr'],
  true,
  false,
  'low',
  'batch',
  'destructured',
  'https://other.example/v1',
  { 'x-other': 'other' },
];

/** What a vendor is sent at first with these settings, as text. */
async function sent(kind: ProviderKind, name: string, chosen: Record<string, unknown>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const said: string[] = [];
  const refuse = async (request: unknown) => {
    resolve(JSON.stringify([...said, request]));
    throw new AywaError('provider_network');
  };
  const egress: Egress = {
    http: async (request) => {
      // A voice that is spoken to over HTTP opens the connection first.
      if (request.url.endsWith('/models')) throw new AywaError('provider_network');
      return refuse({ ...request, body: bodyOf(request.body) });
    },
    socket: async (request) => {
      said.push(JSON.stringify(request));
      return {
        send: (message) => {
          said.push(String(message));
          if (said.some((one) => one.includes('fine day')) || kind === 'stt') resolve(JSON.stringify(said));
        },
        buffered: 0,
        open: true,
        close: () => {},
        onMessage: () => {},
        onClose: () => {},
      };
    },
    opened: { http: 0, sockets: 0 },
  };
  const ctx = context(undefined, egress);
  const choice = chooseProvider(kind, name, chosen, {}, { variables: variablesOf(kind, name), reach: 'any' });
  const spoken = { language: 'en', format: MULAW, expected: [] };
  if (kind === 'stt') {
    const vendor = providerSet.stt(name);
    if (!vendor) throw new Error(`no ears named ${name}`);
    const { listener } = earsRecorder();
    const ears = earsOnTape(MULAW, (history) => vendor.listen({ ...spoken, history }, choice.settings, choice.access, listener, ctx));
    ears.write(new Uint8Array(8_000));
    ears.flush();
  } else if (kind === 'tts') {
    const nothing = () => {};
    const speech = providerSet
      .tts(name)
      ?.open(spoken, choice.settings, choice.access, ctx)
      .speak({ audio: nothing, done: nothing, failed: nothing });
    speech?.say('A fine day. ');
    speech?.end();
  } else {
    const metadata = { call: { id: 'c' }, metadata: { own: 1 } };
    const reply = providerSet
      .llm(name)
      ?.reply({ messages: [{ role: 'user', content: 'Hi' }], tools: [], metadata }, choice.settings, choice.access, ctx);
    void reply?.[Symbol.asyncIterator]()
      .next()
      .catch(() => {});
  }
  const first = await promise;
  await ctx.scope.close('seen');
  return first.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|----[\w-]+/g, 'id').replace(/"context_id\\*":\\*"[^"\\]+/g, 'context');
}

const bodyOf = (body: string | Uint8Array | undefined) => (body instanceof Uint8Array ? Buffer.from(body).toString('latin1') : body);

function variablesOf(kind: ProviderKind, name: string): Record<string, string> {
  const env = PROVIDERS.find((one) => one.kind === kind && one.name === name)?.env ?? '';
  return { [`${env}_API_KEY`]: KEY, ...(env === 'CUSTOM_LLM' && { CUSTOM_LLM_BASE_URL: 'https://own.example/v1' }) };
}

/** The settings beside the one that is looked at: the model that takes it. */
function beside(kind: ProviderKind, name: string, setting: string): Record<string, unknown> {
  if (kind === 'stt' && name === 'deepgram') {
    const limit = VENDOR_LIMITS[`${kind}.${name}.${setting}`];
    if (limit?.only({ model: 'flux-general-multi' })) return { model: 'flux-general-multi' };
    return setting === 'keywords' ? { model: 'nova-2' } : {};
  }
  return kind === 'tts' && name === 'deepgram' && setting === 'model' ? { voiceId: 'luna' } : {};
}

function accepted(kind: ProviderKind, name: string, chosen: Record<string, unknown>): boolean {
  try {
    chooseProvider(kind, name, chosen, {}, { variables: variablesOf(kind, name), reach: 'any' });
    return true;
  } catch {
    return false;
  }
}

describe('a setting reaches its vendor', () => {
  it.each(settings)('%s %s %s', async (kind, name, setting) => {
    const base = beside(kind, name, setting);
    const usual = await sent(kind, name, base);
    expect(await sent(kind, name, base), 'two alike').toBe(usual);
    const values = SAMPLES.filter((value) => accepted(kind, name, { ...base, [setting]: value }));
    expect(values.length).toBeGreaterThan(0);
    const different = await Promise.all(values.map(async (value) => (await sent(kind, name, { ...base, [setting]: value })) !== usual));
    expect(different).toContain(true);
  });
});
