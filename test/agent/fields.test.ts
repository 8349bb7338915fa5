/** Single fields of an assistant, each with what becomes of it in the plan. */
import { describe, expect, it } from 'vitest';
import { validateAssistant } from '../../src/agent/definition.ts';
import { judge, makePlan, type PlanInput } from '../../src/agent/make-plan.ts';
import { DEFAULT_SPEECH } from '../../src/agent/plan.ts';
import { isAywaError } from '../../src/kernel/errors.ts';

const choose: PlanInput['choose'] = (_kind, name, settings) => ({
  provider: name ?? 'default',
  settings,
  access: { apiKey: '', baseUrl: '' },
});

function plan(body: unknown) {
  const call = { id: 'c1', organization: 'o1', channel: 'phone-inbound', assistantId: 'a1', from: '+15550001', to: '+15550002' } as const;
  const made = makePlan({ assistant: validateAssistant(body), variables: {}, call, choose, now: 0 });
  return { ...made.agent, ...made };
}

/** The faults of an assistant as it would be saved. */
function faults(body: unknown): string[] {
  try {
    judge(validateAssistant(body), choose);
  } catch (error) {
    if (isAywaError(error)) return error.faults.map(({ path, message }) => `${path} ${message}`);
    throw error;
  }
  return [];
}

const withTool = (tool: object) => ({ model: { provider: 'lab', tools: [{ type: 'function', function: { name: 'pay' }, ...tool }] } });
const toolOf = (tool: object, more: object = {}) => plan({ ...withTool(tool), ...more }).tools[0];

describe('tools', () => {
  it('hide the parameters whose values they fix', () => {
    const place = { type: 'object', properties: { shop: {}, city: {} }, required: ['shop'] };
    const parameters = {
      type: 'object',
      properties: { shop: { type: 'number' }, amount: { type: 'number' }, place },
      required: ['shop', 'amount'],
      dependentRequired: { shop: ['amount'] },
      anyOf: [{ required: ['shop'] }, { properties: { shop: {}, note: {} } }],
      additionalProperties: false,
    };
    const made = toolOf({ function: { name: 'pay', parameters }, parameters: [{ key: 'shop', value: 7 }] });
    expect(made?.fixed).toEqual({ shop: 7 });
    expect(made?.spec.parameters).toEqual({
      type: 'object',
      properties: { amount: { type: 'number' }, place },
      required: ['amount'],
      dependentRequired: {},
      anyOf: [{ required: [] }, { properties: { note: {} } }],
      additionalProperties: false,
    });
  });

  it('say their messages in the language of the call', () => {
    const messages = [
      {
        type: 'request-start',
        contents: [
          { type: 'text', text: 'One moment.', language: 'en' },
          { type: 'text', text: 'Einen Moment.', language: 'de' },
        ],
      },
    ];
    const said = (language?: string) =>
      toolOf({ messages }, language ? { transcriber: { provider: 'lab', language } } : {})?.messages[0]?.text;
    expect([said('de-AT'), said('en-GB'), said('fr'), said()]).toEqual(['Einen Moment.', 'One moment.', 'One moment.', 'One moment.']);
  });

  it('refuse conditions and rejections that nothing judges', () => {
    const messages = [{ type: 'request-start', content: 'x', conditions: [{ param: 'a', operator: 'eq', value: 1 }] }];
    expect(faults(withTool({ messages, rejectionPlan: { conditions: [] } }))).toEqual([
      'model.tools[0].rejectionPlan is not supported',
      'model.tools[0].messages[0].conditions are not supported',
    ]);
  });

  it('refuse tools that are stored elsewhere', () => {
    const refs = { model: { provider: 'lab', toolRefs: [{ toolId: 't' }] } };
    expect(faults(refs)).toEqual([expect.stringContaining('model.toolIds')]);
    expect(faults({ model: { provider: 'lab', toolIds: [], toolRefs: [] } })).toEqual([]);
  });
});

it('the opening is the one that the mode names', () => {
  const opening = (mode: string | undefined, text: string, interrupt?: boolean) =>
    plan({
      firstMessage: text,
      ...(mode && { firstMessageMode: mode }),
      ...(interrupt !== undefined && { firstMessageInterruptionsEnabled: interrupt }),
    }).opening;
  expect(opening('assistant-speaks-first', 'Hello.', true)).toEqual({ mode: 'agent-text', text: 'Hello.', interruptible: true });
  expect(opening(undefined, 'Hello.', false)).toEqual({ mode: 'agent-text', text: 'Hello.', interruptible: false });
  expect(opening('assistant-waits-for-user', 'Hello.')).toMatchObject({ mode: 'caller' });
  expect(opening('assistant-speaks-first-with-model-generated-message', '')).toMatchObject({ mode: 'agent-model' });
  expect(opening('assistant-speaks-first', '')).toMatchObject({ mode: 'caller' });
});

it('the limits and the last words are those of the assistant', () => {
  const made = plan({ maxDurationSeconds: 60, silenceTimeoutSeconds: 15, endCallMessage: 'Goodbye.', endCallPhrases: ['so long'] });
  expect(made).toMatchObject({ durationMs: 60_000, silenceMs: 15_000, farewell: 'Goodbye.', endPhrases: ['so long'] });
});

describe('keys', () => {
  it.each<[object, { timeoutMs: number; delimiters: string[] } | null]>([
    [{ enabled: true }, { timeoutMs: 2_000, delimiters: ['#'] }],
    [
      { enabled: true, timeoutSeconds: 0.5, delimiters: [] },
      { timeoutMs: 500, delimiters: [] },
    ],
    [
      { enabled: true, timeoutSeconds: 10, delimiters: ['#', '*'] },
      { timeoutMs: 10_000, delimiters: ['#', '*'] },
    ],
    [
      { enabled: true, delimiters: '*' },
      { timeoutMs: 2_000, delimiters: ['*'] },
    ],
    [
      { enabled: true, delimiters: '' },
      { timeoutMs: 2_000, delimiters: [] },
    ],
    [
      { enabled: true, delimiters: ['', '#'] },
      { timeoutMs: 2_000, delimiters: ['#'] },
    ],
    [
      { enabled: true, timeoutSeconds: 0 },
      { timeoutMs: 0, delimiters: ['#'] },
    ],
    [{ enabled: false, delimiters: '#' }, null],
    [{}, null],
  ])('of %j', (keypadInputPlan, expected) => {
    expect(plan({ keypadInputPlan }).keypad).toEqual(expected);
  });

  it('keys are collected as the plan says', () => {
    expect(plan({}).keypad).toBeNull();
    expect(plan({ keypadInputPlan: { enabled: true, timeoutSeconds: 5, delimiters: '*' } }).keypad).toEqual({
      timeoutMs: 5_000,
      delimiters: ['*'],
    });
  });

  it('refuse a delimiter that no telephone has', () => {
    for (const delimiters of ['1', '##', '#*', 'x', ['#', '1'], [' '], 7])
      expect(() => validateAssistant({ keypadInputPlan: { enabled: true, delimiters } }), JSON.stringify(delimiters)).toThrow(
        /keypadInputPlan\.delimiters/,
      );
    expect(() => validateAssistant({ keypadInputPlan: { timeoutSeconds: 11 } })).toThrow(/keypadInputPlan\.timeoutSeconds/);
  });
});

describe('silence', () => {
  const speaks = { on: 'customer.speech.timeout', do: [{ type: 'say', exact: 'Hello?' }] };
  it('a hook that speaks into silence is an idle plan', () => {
    const options = { timeoutSeconds: 8, triggerMaxCount: 2 };
    const hooks = [
      { on: 'call.ending', do: [{ type: 'say', exact: 'Bye.' }] },
      { ...speaks, on: 'customer.speech.timeout[first]', name: 'first', options },
      { ...speaks, do: [{ type: 'say', exact: 'Second.' }] },
    ];
    expect(plan({ hooks }).idle).toEqual({ afterMs: 8_000, texts: ['Hello?'], most: 2 });
    expect(plan({ hooks: [speaks] }).idle).toEqual({ afterMs: 7_500, texts: ['Hello?'], most: 3 });
    expect(plan({ hooks: [{ ...speaks, do: [{ type: 'say', prompt: 'Ask.' }] }] }).idle.texts).toEqual([]);
    expect(plan({ hooks: [{ ...speaks, on: 'customer.speech.timeouts' }] }).idle.texts).toEqual([]);
  });

  it('the silence of a caller is counted as the plan says', () => {
    const messagePlan = { idleMessages: ['One?', 'Two?'], idleTimeoutSeconds: 3, idleMessageMaxSpokenCount: 5 };
    expect(plan({ messagePlan, hooks: [speaks] }).idle).toEqual({ afterMs: 3_000, texts: ['One?', 'Two?'], most: 5 });
  });
});

describe('speech', () => {
  const speech = (chunkPlan: object, more: object = {}) => plan({ voice: { provider: 'lab', chunkPlan, ...more } }).speech;
  it('text becomes speech as the plan says', () => {
    expect(plan({}).speech).toEqual(DEFAULT_SPEECH);
    expect(speech({ enabled: true, formatPlan: { enabled: true } })).toEqual(DEFAULT_SPEECH);
    expect(speech({ enabled: false })).toMatchObject({ format: false });
    expect(speech({ formatPlan: { enabled: false } })).toMatchObject({ format: false });
    expect(speech({ minCharacters: 20, punctuationBoundaries: ['.', '。'] })).toMatchObject({ minCharacters: 20, boundaries: ['.', '。'] });
    expect(speech({ punctuationBoundaries: [] })).toMatchObject({ boundaries: null });
    expect(speech({}, { inputPunctuationBoundaries: ['!'] })).toMatchObject({ boundaries: ['!'] });
    const replacements = [
      { type: 'exact', key: 'ACME', value: 'Ak me' },
      { type: 'exact', key: 'kg', value: 'kilos', replaceAllEnabled: true },
      {
        type: 'regex',
        regex: 'v(\\d+)',
        value: 'version $1',
        options: [
          { type: 'whole-word', enabled: true },
          { type: 'ignore-case', enabled: false },
        ],
      },
    ];
    const formatPlan = { formattersEnabled: ['markdown', 'number'], numberToDigitsCutoff: 100, replacements };
    expect(speech({ formatPlan })).toMatchObject({
      format: true,
      formatters: ['markdown', 'number'],
      digitsAbove: 100,
      replacements: [
        { type: 'exact', key: 'ACME', value: 'Ak me', all: false },
        { type: 'exact', key: 'kg', value: 'kilos', all: true },
        { type: 'regex', pattern: 'v(\\d+)', value: 'version $1', ignoreCase: false, wholeWord: true, multiLine: false },
      ],
    });
    expect(speech({ formatPlan: { formattersEnabled: [] } }).formatters).toEqual([]);
  });

  it('refuses a replacement that cannot be made', () => {
    const replacements = [
      { type: 'regex', regex: '(', value: '' },
      { type: 'regex', value: '' },
      { type: 'exact', value: '' },
      { type: 'exact', key: '', value: '' },
    ];
    expect(faults({ voice: { provider: 'lab', chunkPlan: { formatPlan: { replacements } } } })).toEqual([
      'voice.chunkPlan.formatPlan.replacements[0].regex is not a pattern of RE2 (no look-around, no back references)',
      'voice.chunkPlan.formatPlan.replacements[1].regex is required',
      'voice.chunkPlan.formatPlan.replacements[2].key is required',
      'voice.chunkPlan.formatPlan.replacements[3].key is required',
    ]);
    expect(() => speech({ formatPlan: { formattersEnabled: ['sparkles'] } })).toThrow(/formattersEnabled\[0\]: must be one of markdown/);
  });
});

it('the metadata of the assistant goes to the model server', () => {
  expect(plan({ metadata: { branch: 'north' } }).metadata).toEqual({ metadata: { branch: 'north' } });
});

it('an older delay is a wait before speaking', () => {
  expect(plan({ llmRequestDelaySeconds: 0.3 }).turns.waitBeforeSpeakingMs).toBe(300);
  expect(plan({ llmRequestDelaySeconds: 0.3, responseDelaySeconds: 0.2 }).turns.waitBeforeSpeakingMs).toBe(200);
});

it('names the fallbacks of each part', () => {
  const { llm, stt, tts } = plan({
    model: { provider: 'openai', fallbackPlan: { models: [{ provider: 'groq', temperature: 1 }] } },
    transcriber: { provider: 'deepgram', fallbackPlan: { transcribers: [{ provider: 'openai' }] } },
    voice: { provider: '11labs', fallbackPlan: { voices: [{ provider: 'cartesia', voiceId: 'v' }] } },
  });
  expect([llm, stt, tts].map((chain) => chain.map(({ provider }) => provider))).toEqual([
    ['openai', 'groq'],
    ['deepgram', 'openai'],
    ['11labs', 'cartesia'],
  ]);
  expect([llm[1]?.settings, tts[1]?.settings]).toEqual([{ temperature: 1 }, { voiceId: 'v' }]);
});

describe('what is too large to be searched in every turn is refused by its path', () => {
  const many = (count: number, entry: unknown) => Array.from({ length: count }, () => entry);
  const rules = (change: object) => ({
    startSpeakingPlan: { customEndpointingRules: [{ type: 'customer', timeoutSeconds: 1, ...change }] },
  });
  it.each<[string, unknown]>([
    ['startSpeakingPlan.customEndpointingRules[0].regex', rules({ regex: 'a'.repeat(800_000) })],
    ['startSpeakingPlan.customEndpointingRules[0].customerRegex', rules({ customerRegex: 'a'.repeat(1_001) })],
    ['startSpeakingPlan.customEndpointingRules[0].regexOptions', rules({ regexOptions: many(11, { type: 'ignore-case', enabled: true }) })],
    [
      'startSpeakingPlan.customEndpointingRules',
      { startSpeakingPlan: { customEndpointingRules: many(51, { type: 'customer', regex: 'a', timeoutSeconds: 1 }) } },
    ],
    ['stopSpeakingPlan.acknowledgementPhrases', { stopSpeakingPlan: { acknowledgementPhrases: many(10_000, 'yes') } }],
    ['stopSpeakingPlan.interruptionPhrases', { stopSpeakingPlan: { interruptionPhrases: many(10_000, 'no') } }],
    ['stopSpeakingPlan.interruptionPhrases[0]', { stopSpeakingPlan: { interruptionPhrases: ['x'.repeat(241)] } }],
    ['endCallPhrases', { endCallPhrases: many(10_000, 'bye') }],
    ['endCallPhrases[0]', { endCallPhrases: ['x'.repeat(800_000)] }],
    ['transcriber.keyterm', { transcriber: { provider: 'deepgram', keyterm: many(10_000, 'term') } }],
    ['model.tools', { model: { provider: 'lab', tools: many(129, { type: 'endCall' }) } }],
    ['model.fallbackModels', { model: { provider: 'openai', fallbackModels: many(11, 'm') } }],
    ['hooks', { hooks: many(51, { on: 'call.ending' }) }],
    ['messagePlan.idleMessages', { messagePlan: { idleMessages: many(101, 'Hello?') } }],
    [
      'voice.chunkPlan.formatPlan.replacements[0].regex',
      { voice: { provider: 'lab', chunkPlan: { formatPlan: { replacements: [{ type: 'regex', regex: 'a'.repeat(1_001), value: '' }] } } } },
    ],
  ])('%s', (path, body) => {
    expect(() => validateAssistant(body)).toThrow(
      new RegExp(`${path.replace(/[[\].]/g, '\\$&')}: must have at most \\d+ (character|item)s`),
    );
  });
});
