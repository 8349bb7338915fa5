/** An assistant that cannot work is refused when it is saved, by the same sentences as when a caller rings. */
import { describe, expect, it } from 'vitest';
import { validateAssistant } from '../../src/agent/definition.ts';
import { judge, makePlan } from '../../src/agent/make-plan.ts';
import { isAywaError } from '../../src/kernel/errors.ts';
import type { ProviderKind } from '../../src/providers/contract.ts';
import { chooseProvider, defaultChoice } from '../../src/providers/index.ts';

const choose = (kind: ProviderKind, name: string | undefined, settings: Record<string, unknown>) =>
  chooseProvider(kind, name ?? defaultChoice(kind, {}).provider, settings, { OPENAI_API_KEY: 'key' });

function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (isAywaError(error)) return error.faults.map(({ path }) => path);
    throw error;
  }
  return [];
}
const saved = (body: unknown) => faultsOf(() => judge(validateAssistant(body), choose));
const rung = (body: unknown) => {
  const call = { id: 'c', organization: 'o', channel: 'websocket', assistantId: null, from: null, to: null } as const;
  return faultsOf(() => makePlan({ assistant: validateAssistant(body), variables: {}, call, choose, now: 0 }));
};
const rule = (change: object) => ({
  startSpeakingPlan: { customEndpointingRules: [{ type: 'customer', regex: 'a', timeoutSeconds: 1, ...change }] },
});
const openai = (change: object) => ({ model: { provider: 'openai', ...change } });

describe('an assistant', () => {
  it.each<[string, unknown, string[]]>([
    ['has a tool of an unknown type', openai({ tools: [{ type: 'query' }] }), ['model.tools[0].type']],
    ['has a function tool without a function', openai({ tools: [{ type: 'function' }] }), ['model.tools[0].function']],
    [
      'has a tool message of an unknown type',
      openai({ tools: [{ type: 'endCall', messages: [{ type: 'request-begun' }] }] }),
      ['model.tools[0].messages[0].type'],
    ],
    ['names stored tools', openai({ toolIds: ['t'] }), ['model.toolIds']],
    ['has a pattern that does not compile', rule({ regex: '(a' }), ['startSpeakingPlan.customEndpointingRules[0].regex']],
    ['has a pattern with look-around', rule({ regex: '(?=a)' }), ['startSpeakingPlan.customEndpointingRules[0].regex']],
    ['has a rule without a pattern', rule({ regex: '' }), ['startSpeakingPlan.customEndpointingRules[0].regex']],
    ['greets with a file', { firstMessage: 'https://example.com/a.mp3' }, ['firstMessage']],
    ['names a model vendor that is not known', { model: { provider: 'acme' } }, ['model.provider']],
    ['names a voice that is not known', { voice: { provider: 'acme' } }, ['voice.provider']],
    ['names ears that are not known', { transcriber: { provider: 'acme' } }, ['transcriber.provider']],
    ['has a setting that its vendor refuses', openai({ reasoningEffort: 'heroic' }), ['model.reasoningEffort']],
    [
      'has a fallback that is not known',
      openai({ fallbackPlan: { models: [{ provider: 'acme' }] } }),
      ['model.fallbackPlan.models[0].provider'],
    ],
    ['has a model server without an address', { model: { provider: 'custom-llm' } }, ['model.url']],
  ])('that %s is refused when it is saved, as when it is called', (_, body, paths) => {
    expect(saved(body)).toEqual(paths);
    expect(rung(body)).toEqual(paths);
  });

  it('is told of all its faults at once', () => {
    expect(
      saved({
        ...rule({ regex: '[' }),
        model: { provider: 'acme', tools: [{ type: 'mcp' }] },
        voice: { provider: 'acme', fallbackPlan: { voices: [{ provider: 'none' }] } },
        transcriber: { provider: 'acme' },
      }),
    ).toEqual([
      'model.tools[0].type',
      'startSpeakingPlan.customEndpointingRules[0].regex',
      'model.provider',
      'transcriber.provider',
      'voice.provider',
      'voice.fallbackPlan.voices[0].provider',
    ]);
  });

  it('is told of the keys that a call would miss, and saved', () => {
    const { lacking } = judge(
      validateAssistant({ model: { provider: 'openai', fallbackPlan: { models: [{ provider: 'groq' }] } }, voice: { provider: '11labs' } }),
      choose,
    );
    expect(lacking).toEqual([
      expect.stringMatching(/^model\.fallbackPlan\.models\[0\]: Set GROQ_API_KEY/),
      expect.stringMatching(/^voice: Set ELEVENLABS_API_KEY/),
    ]);
  });

  it.each<[string, unknown]>([
    ['a provider', { model: { provider: '{{ vendor }}' } }],
    ['a setting', { model: { provider: 'openai', reasoningEffort: '{{ effort }}' } }],
    ['a pattern', rule({ regex: '({{ names }' })],
    ['an address', { model: { provider: 'custom-llm', url: '{% if a %}https://example.com{% endif %}' } }],
    ['a text that is not Liquid', { firstMessage: 'Hello {{ name' }],
    ['nothing', {}],
  ])('may leave %s to a variable', (_, body) => {
    expect(saved(body)).toEqual([]);
  });
});
