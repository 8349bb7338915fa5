/** Every field of an assistant is obeyed by a test that exists, refused, or named as not obeyed yet: none does nothing in silence. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Assistant } from '../../src/agent/assistant.ts';
import { notObeyed } from '../../src/agent/obedience.ts';
import { FIELDS } from '../../src/agent/obedience-table.ts';
import { VENDOR_LIMITS } from '../../src/agent/vendor-limits.ts';
import { settingsOf } from '../../src/api/vendor-settings.ts';
import { PROVIDERS } from '../../src/providers/index.ts';

const tests = join(import.meta.dirname, '..');
const SOURCES = globSync('**/*.test.ts', { cwd: tests }).map((file) => readFileSync(join(tests, file), 'utf8'));
const exists = (title: string) => SOURCES.some((text) => text.includes(`'${title.replaceAll("'", "\\'")}'`) || text.includes(`"${title}"`));

/** Every path of a schema down to what holds no further fields; a row of the table speaks for all below it. */
function paths(schema: z.core.$ZodType, at = ''): string[] {
  if (at && FIELDS[at]) return [at];
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return paths(schema.unwrap(), at);
  if (schema instanceof z.ZodArray) return paths(schema.element, `${at}[]`);
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap((option) => paths(option, at)))];
  if (!(schema instanceof z.ZodObject)) return [at];
  const inner = Object.entries(schema.shape as Record<string, z.ZodType>);
  return inner.length === 0 ? [at] : inner.flatMap(([name, field]) => paths(field, at ? `${at}.${name}` : name));
}

describe('the table of fields', () => {
  it('has a row for every path of the schema, and none for a path that is not there', () => {
    expect(paths(Assistant).filter((path) => !FIELDS[path])).toEqual([]);
    expect(Object.keys(FIELDS).filter((path) => !paths(Assistant).includes(path))).toEqual([]);
  });

  it('names only tests that exist', () => {
    const named = Object.values(FIELDS).flatMap((row) => (row.state === 'obeyed' || row.state === 'refused' ? row.tests : []));
    expect([...new Set(named)].filter((title) => !exists(title))).toEqual([]);
  });

  it('limits only settings that their vendors have', () => {
    for (const limited of Object.keys(VENDOR_LIMITS)) {
      const [kind, name = '', setting = ''] = limited.split('.');
      const vendor = PROVIDERS.find((one) => one.kind === kind && one.name === name);
      expect(vendor && settingsOf(vendor.kind, name)?.names.has(setting), limited).toBe(true);
    }
  });
});

/** An assistant that holds only `value` at `path`, in the first entry of each list. */
function holding(path: string, value: unknown): object {
  return path
    .split('.')
    .reverse()
    .reduce<unknown>((inner, step) => {
      const name = step.replaceAll('[]', '');
      const lists = step.split('[]').length - 1;
      return { [name]: Array.from({ length: lists }).reduce<unknown>((entry) => [entry], inner) };
    }, value) as object;
}
const first = (path: string) => path.replaceAll('[]', '[0]');
const later = Object.entries(FIELDS).filter(([, row]) => row.state === 'later');

describe('a client is told', () => {
  it.each(later.filter(([path]) => !path.startsWith('hooks')))('of %s', (path, row) => {
    expect(notObeyed(holding(path, 'something'), settingsOf)).toEqual([first(path)]);
    for (const value of [null, undefined, ...(row.state === 'later' ? row.anyway : [])])
      expect(notObeyed(holding(path, value), settingsOf), String(value)).toEqual([]);
    if (row.state === 'later' && row.always)
      for (const value of [false, '', [], {}, { enabled: false, text: 'x' }])
        expect(notObeyed(holding(path, value), settingsOf), JSON.stringify(value)).toEqual([]);
  });

  it('of a switch that is always on when it is switched off', () => {
    expect(notObeyed({ monitorPlan: { controlEnabled: false } }, settingsOf)).toEqual(['monitorPlan.controlEnabled']);
    expect(notObeyed({ artifactPlan: { transcriptPlan: { enabled: false } } }, settingsOf)).toEqual([
      'artifactPlan.transcriptPlan.enabled',
    ]);
  });

  it.each<[string, object, string[]]>([
    ['no mail box', { voicemailDetection: 'off' }, []],
    ['a mail box', { voicemailDetection: { provider: 'vapi' } }, ['voicemailDetection']],
    ['no background', { backgroundSound: 'off' }, []],
    ['an office', { backgroundSound: 'office' }, ['backgroundSound']],
    ['no analysis', { analysisPlan: { summaryPlan: { enabled: false }, successEvaluationPlan: { enabled: false } } }, []],
    ['an analysis', { analysisPlan: { summaryPlan: { enabled: true } } }, ['analysisPlan']],
    ['no cards', { compliancePlan: { pciEnabled: true } }, ['compliancePlan.pciEnabled']],
    [
      'both ends of the rules that are known',
      {
        startSpeakingPlan: {
          customEndpointingRules: [
            { type: 'customer', regex: 'a', timeoutSeconds: 1, regexOptions: [{ type: 'ignore-case', enabled: true }] },
            { type: 'customer', regex: 'a', timeoutSeconds: 1, regexOptions: [{ type: 'whole-word', enabled: true }] },
            { type: 'customer', regex: 'a', timeoutSeconds: 1, regexOptions: [{ type: 'whole-word', enabled: false }] },
          ],
        },
      },
      ['startSpeakingPlan.customEndpointingRules[1].regexOptions'],
    ],
    [
      'tools of all kinds',
      {
        model: {
          provider: 'openai',
          tools: [
            { type: 'endCall' },
            {
              type: 'transferCall',
              destinations: [
                { type: 'number', number: '+15550001' },
                { type: 'assistant', assistantName: 'Ada', message: 'x' },
              ],
            },
            { type: 'dtmf' },
          ],
        },
      },
      [
        'model.tools[1].destinations[1].type',
        'model.tools[1].destinations[1].assistantName',
        'model.tools[1].destinations[1].message',
        'model.tools[2].type',
      ],
    ],
    [
      'a formatting of its own',
      { voice: { provider: '11labs', chunkPlan: { enabled: true, minCharacters: 10, formatPlan: { enabled: true } } } },
      [],
    ],
    [
      'text as it is',
      {
        voice: {
          provider: '11labs',
          chunkPlan: { enabled: false },
          fallbackPlan: { voices: [{ provider: 'openai', cachingEnabled: true, chunkPlan: { enabled: true } }] },
        },
      },
      ['voice.chunkPlan.enabled', 'voice.fallbackPlan.voices[0].chunkPlan'],
    ],
    [
      'numbers in another language',
      {
        transcriber: { provider: 'deepgram', language: 'de' },
        voice: { provider: '11labs', chunkPlan: { formatPlan: { numberToDigitsCutoff: 9, formattersEnabled: ['markdown', 'number'] } } },
      },
      ['voice.chunkPlan.formatPlan.numberToDigitsCutoff', 'voice.chunkPlan.formatPlan.formattersEnabled'],
    ],
    [
      'marks in another language',
      {
        transcriber: { provider: 'deepgram', language: 'de' },
        voice: { provider: '11labs', chunkPlan: { formatPlan: { formattersEnabled: ['markdown'] } } },
      },
      [],
    ],
  ])('what is asked for: %s', (_, sent, expected) => {
    expect(notObeyed(sent, settingsOf)).toEqual(expected);
  });

  const say = { type: 'say', exact: 'Hello?' };
  const silent = { on: 'customer.speech.timeout', do: [say] };
  it.each<[string, object, string[]]>([
    ['only the first into silence is heard', { hooks: [{ on: 'call.ending', do: [say] }, silent, silent] }, ['hooks[0]', 'hooks[2]']],
    ['none beside a message plan', { hooks: [silent], messagePlan: { idleMessages: ['Hm?'] } }, ['hooks[0]']],
    ['one without words', { hooks: [{ ...silent, do: [{ type: 'say', prompt: 'x' }] }] }, ['hooks[0]']],
    ['one with filters', { hooks: [{ ...silent, filters: [{ type: 'oneOf' }] }] }, ['hooks[0].filters']],
    [
      'a count that never begins anew',
      { hooks: [{ ...silent, options: { triggerResetMode: 'never' } }] },
      ['hooks[0].options.triggerResetMode'],
    ],
    ['a count that begins anew', { hooks: [{ ...silent, options: { triggerResetMode: 'onUserSpeech', timeoutSeconds: 3 } }] }, []],
    ['another deed', { hooks: [{ ...silent, do: [say, { type: 'tool', toolId: 't' }] }] }, ['hooks[0].do[1]']],
    ['a second sentence', { hooks: [{ ...silent, do: [say, say] }] }, ['hooks[0].do[1]']],
  ])('of hooks: %s', (_, sent, expected) => {
    expect(notObeyed(sent, settingsOf)).toEqual(expected);
  });

  it.each<[string, object, string[]]>([
    ['known ones', { voice: { provider: '11labs', voiceId: 'v', stability: 0.5, speed: 1 } }, []],
    ['those of another vendor', { voice: { provider: 'cartesia', stability: 0.5 } }, ['voice.stability']],
    ['those of nobody', { voice: { provider: 'elevenlabs', optimizeStreamingLatency: 3 } }, ['voice.optimizeStreamingLatency']],
    ['empty ones', { voice: { provider: '11labs', optimizeStreamingLatency: null, other: false, list: [] } }, []],
    ['those of another model', { transcriber: { provider: 'deepgram', model: 'nova-3', eotThreshold: 0.8 } }, ['transcriber.eotThreshold']],
    ['those of the model', { transcriber: { provider: 'deepgram', model: 'flux-general-en', eotThreshold: 0.8 } }, []],
    ['shared ones', { model: { provider: 'openai', model: 'gpt-4.1', temperature: 0.3, maxTokens: 100, reasoningEffort: 'low' } }, []],
    [
      'those of a cousin',
      { model: { provider: 'groq', reasoningEffort: 'low', thinking: { type: 'enabled' } } },
      ['model.reasoningEffort', 'model.thinking'],
    ],
    [
      'those of a fallback',
      { voice: { provider: '11labs', fallbackPlan: { voices: [{ provider: 'openai', stability: 1, speed: 1 }] } } },
      ['voice.fallbackPlan.voices[0].stability'],
    ],
    ['those of a vendor that is not named', { model: { provider: 'acme', anything: 1 } }, []],
  ])('of settings: %s', (_, sent, expected) => {
    expect(notObeyed(sent, settingsOf)).toEqual(expected);
  });
});
