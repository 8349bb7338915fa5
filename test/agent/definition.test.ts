/** Assistants as clients write them: what is accepted, refused by path, warned of, patched and overridden. */
import { describe, expect, it } from 'vitest';
import { mergeOverrides, patchAssistant, unknownFields, validateAssistant } from '../../src/agent/definition.ts';
import { AywaError } from '../../src/kernel/errors.ts';

function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof AywaError) return error.faults.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('validateAssistant', () => {
  it('accepts an empty object and keeps what it does not know', () => {
    expect(validateAssistant({})).toEqual({});
    const odd = {
      name: 'Ann',
      somethingNew: { deep: [1] },
      voice: { provider: '11labs', stability: 0.5 },
      model: { provider: 'lab', x: 1 },
    };
    expect(validateAssistant(odd)).toEqual(odd);
  });

  it('takes null fields as absent', () => {
    expect(validateAssistant({ name: null, firstMessage: 'Hi' })).toEqual({ firstMessage: 'Hi' });
  });

  it.each([
    ['name', { name: 'x'.repeat(41) }],
    ['model.provider', { model: {} }],
    [
      'model.messages[1].role',
      {
        model: {
          provider: 'lab',
          messages: [
            { role: 'system', content: 'a' },
            { role: 'boss', content: 'b' },
          ],
        },
      },
    ],
    ['model.temperature', { model: { provider: 'lab', temperature: 3 } }],
    ['model.tools[0].function.name', { model: { provider: 'lab', tools: [{ type: 'function', function: { name: 'two words' } }] } }],
    ['maxDurationSeconds', { maxDurationSeconds: 9 }],
    ['endCallPhrases[0]', { endCallPhrases: ['x'] }],
    ['server.url', { server: { url: 'ftp://example.com' } }],
    [
      'startSpeakingPlan.customEndpointingRules[0].timeoutSeconds',
      { startSpeakingPlan: { customEndpointingRules: [{ type: 'assistant', regex: 'a', timeoutSeconds: 16 }] } },
    ],
    ['body', 'not an object'],
    ['body', [1]],
  ])('refuses %s by its path', (path, body) => {
    expect(faultsOf(() => validateAssistant(body))).toEqual([path]);
  });

  it('never repeats a value in a fault', () => {
    expect(() => validateAssistant({ server: { url: 'hunter2-secret' } })).toThrow(expect.not.stringMatching(/hunter2/));
  });
});

describe('unknownFields', () => {
  it('names typing errors by path and leaves vendors and users their own fields', () => {
    const body = {
      frist: 1,
      model: { provider: 'lab', script: [], messages: [{ role: 'system', content: 'x', weight: 2 }] },
      voice: { provider: '11labs', stability: 1 },
      startSpeakingPlan: { waitSecs: 1 },
      metadata: { anything: true },
    };
    expect(unknownFields(body)).toEqual(['frist', 'model.messages[0].weight', 'startSpeakingPlan.waitSecs']);
    expect(unknownFields('nonsense')).toEqual([]);
  });
});

describe('patchAssistant', () => {
  const stored = validateAssistant({
    name: 'Ann',
    model: { provider: 'openai', model: 'gpt-4o', messages: [{ role: 'system', content: 'Be kind.' }] },
    stopSpeakingPlan: { numWords: 2, voiceSeconds: 0.3 },
  });

  it('replaces an object that comes with its provider', () => {
    expect(patchAssistant(stored, { model: { provider: 'openai', model: 'gpt-4o-mini' } }).model).toEqual({
      provider: 'openai',
      model: 'gpt-4o-mini',
    });
  });

  it('merges one level into a stored object when the provider is left out', () => {
    const { model } = patchAssistant(stored, { model: { toolIds: ['t1'] } });
    expect(model).toEqual({ ...stored.model, toolIds: ['t1'] });
  });

  it('replaces plans whole, clears by null, leaves the rest', () => {
    expect(patchAssistant(stored, { stopSpeakingPlan: { numWords: 1 }, name: null })).toEqual({
      model: stored.model,
      stopSpeakingPlan: { numWords: 1 },
    });
  });

  it('refuses a patch that makes the assistant invalid', () => {
    expect(faultsOf(() => patchAssistant(stored, { model: { temperature: 'hot' } }))).toEqual(['model.temperature']);
    expect(faultsOf(() => patchAssistant(stored, { voice: { voiceId: 'x' } }))).toEqual(['voice.provider']);
  });
});

describe('mergeOverrides', () => {
  const assistant = validateAssistant({
    firstMessage: 'Hi',
    model: { provider: 'lab', temperature: 0.2, messages: [{ role: 'system', content: 'a' }], tools: [{ type: 'endCall' }] },
  });

  it('merges deeply, replaces lists, ignores null and leaves variables out', () => {
    const merged = mergeOverrides(assistant, {
      variableValues: { name: 'Bob' },
      firstMessage: null,
      model: { maxTokens: 100, messages: [{ role: 'system', content: 'b' }] },
    });
    expect(merged).toEqual({ ...assistant, model: { ...assistant.model, maxTokens: 100, messages: [{ role: 'system', content: 'b' }] } });
  });

  it('appends tools', () => {
    expect(mergeOverrides(assistant, { 'tools:append': [{ type: 'dtmf' }] }).model?.tools).toEqual([{ type: 'endCall' }, { type: 'dtmf' }]);
    expect(faultsOf(() => mergeOverrides(assistant, { 'tools:append': 'dtmf' }))).toEqual(['assistantOverrides.tools:append']);
  });

  it('does not touch prototypes', () => {
    mergeOverrides(assistant, JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
