/** From assistants to plans: Vapi's fields where it has them, older ones in their place, and faults with paths. */
import { describe, expect, it } from 'vitest';
import { validateAssistant } from '../../src/agent/definition.ts';
import { effectiveAssistant, makePlan, type PlanInput } from '../../src/agent/make-plan.ts';
import { AywaError } from '../../src/kernel/errors.ts';

function input(body: unknown, change: Partial<PlanInput> = {}): PlanInput {
  return {
    assistant: validateAssistant(body),
    variables: {},
    call: { id: 'c1', organization: 'o1', channel: 'phone-inbound', assistantId: 'a1', from: '+15550001', to: '+15550002' },
    choose: (_kind, name, settings) => ({ provider: name ?? 'default', settings, access: { apiKey: '', baseUrl: '' } }),
    now: Date.UTC(2026, 0, 1),
    ...change,
  };
}
/** What is true of the call and of its agent, side by side. */
const plan = (body: unknown, change: Partial<PlanInput> = {}) => {
  const { agent, ...call } = makePlan(input(body, change));
  return { ...agent, ...call };
};

describe('an empty assistant', () => {
  it('waits for the caller, with fast turns and the limits of Vapi', () => {
    const { opening, turns, silenceMs, durationMs, stt, llm, tts, record, tools, prompt, idle } = plan({});
    expect(opening).toEqual({ mode: 'caller', text: '', interruptible: false });
    expect(turns).toMatchObject({
      waitCompleteMs: 300,
      waitIncompleteMs: 900,
      waitNumberMs: 500,
      waitBeforeSpeakingMs: 0,
      interruptWords: 0,
      backoffMs: 0,
    });
    expect([silenceMs, durationMs, record]).toEqual([30_000, 600_000, true]);
    expect([stt, llm, tts].map(([first]) => first.provider)).toEqual(['default', 'default', 'default']);
    expect([tools, prompt, idle.afterMs]).toEqual([[], [], 0]);
  });
});

describe('texts', () => {
  it('are filled from the call, given variables and overrides, in this order', () => {
    const { opening, prompt, tools } = plan(
      {
        name: 'Shop',
        firstMessage: 'Hello {{ name }} on {{ customer.number }}',
        model: {
          provider: 'lab',
          messages: [{ role: 'system', content: '{{ assistant.name }} {{ call.id }} {{ phoneNumber.number }} {{ colour }}' }],
          tools: [{ type: 'function', function: { name: 'f', description: 'for {{ name }}' } }],
        },
      },
      { variables: { name: 'one', colour: 'red' }, overrides: { variableValues: { name: 'two' } } },
    );
    expect(opening.text).toBe('Hello two on +15550001');
    expect(prompt).toEqual([{ role: 'system', content: 'Shop c1 +15550002 red' }]);
    expect(tools[0]?.spec.description).toBe('for two');
  });
});

describe('turn-taking', () => {
  it('obeys what the plans say', () => {
    const { turns } = plan({
      startSpeakingPlan: {
        waitSeconds: 0.4,
        transcriptionEndpointingPlan: { onPunctuationSeconds: 0.1, onNoPunctuationSeconds: 1.5, onNumberSeconds: 0.5 },
        customEndpointingRules: [
          { type: 'assistant', regex: 'number', regexOptions: [{ type: 'ignore-case', enabled: true }], timeoutSeconds: 3 },
          { type: 'both', assistantRegex: 'a', customerRegex: 'b', timeoutSeconds: 0.5 },
        ],
      },
      stopSpeakingPlan: { numWords: 2, voiceSeconds: 0.3, backoffSeconds: 1, acknowledgementPhrases: ['aha'], interruptionPhrases: [] },
    });
    expect(turns).toMatchObject({
      waitCompleteMs: 100,
      waitIncompleteMs: 1_500,
      waitNumberMs: 500,
      waitBeforeSpeakingMs: 400,
      interruptWords: 2,
      interruptVoiceMs: 300,
      backoffMs: 1_000,
      acknowledgements: ['aha'],
      interruptions: [],
    });
    expect(turns.rules).toEqual([
      { of: 'agent', agentPattern: 'number', callerPattern: '', ignoreCase: true, waitMs: 3_000 },
      { of: 'both', agentPattern: 'a', callerPattern: 'b', ignoreCase: false, waitMs: 500 },
    ]);
  });
});

describe('tools', () => {
  it('become specs, messages, fixed values and targets, without secrets', () => {
    const { tools } = plan({
      server: { url: 'https://example.com/hook', timeoutSeconds: 7 },
      model: {
        provider: 'lab',
        tools: [
          {
            type: 'function',
            async: true,
            finishes: true,
            function: { name: 'pay', description: 'Pays.', parameters: { type: 'object' } },
            server: { url: 'https://example.com/pay', secret: 'hush', headers: { authorization: 'hush' } },
            parameters: [{ key: 'shop', value: 7 }],
            messages: [
              { type: 'request-start', content: 'One moment.', blocking: true },
              { type: 'request-response-delayed', content: 'Still at it.', timingMilliseconds: 2_000 },
              { type: 'request-complete', content: 'Paid.', role: 'system', endCallAfterSpokenEnabled: true },
            ],
          },
          { type: 'endCall' },
          { type: 'transferCall', destinations: [{ type: 'number', number: '+15559' }] },
        ],
      },
    });
    expect(tools.map(({ kind, target, timeoutMs, spec }) => [kind, target, timeoutMs, spec.name])).toEqual([
      ['function', 'tool:0', 20_000, 'pay'],
      ['endCall', 'assistant', 7_000, 'endCall'],
      ['transferCall', 'assistant', 7_000, 'transferCall'],
    ]);
    expect(tools[0]).toMatchObject({ async: true, finishes: true, fixed: { shop: 7 } });
    expect(tools[0]?.messages).toEqual([
      { when: 'start', text: 'One moment.', role: 'assistant', delayMs: 0, blocking: true, endsCall: false },
      { when: 'delayed', text: 'Still at it.', role: 'assistant', delayMs: 2_000, blocking: false, endsCall: false },
      { when: 'complete', text: 'Paid.', role: 'system', delayMs: 0, blocking: false, endsCall: true },
    ]);
    expect(JSON.stringify(tools)).not.toContain('hush');
    expect(tools[2]?.spec.parameters).toMatchObject({ properties: { destination: { enum: ['+15559'] } } });
  });

  it('are numbered as in the effective assistant', () => {
    const assistant = effectiveAssistant(
      input({ model: { provider: 'lab', functions: [{ name: 'old', serverUrl: 'https://example.com/old' }] } }),
    );
    expect(assistant.model?.tools?.[0]).toMatchObject({
      type: 'function',
      function: { name: 'old' },
      server: { url: 'https://example.com/old' },
    });
  });
});

describe('older fields', () => {
  it('mean what they meant', () => {
    const { prompt, tools, record, turns, idle } = plan({
      serverUrl: 'https://example.com/all',
      recordingEnabled: false,
      endCallFunctionEnabled: true,
      dialKeypadFunctionEnabled: true,
      forwardingPhoneNumber: '+15551',
      numWordsToInterruptAssistant: 3,
      responseDelaySeconds: 0.2,
      messagePlan: { idleMessages: ['Still there?'], idleTimeoutSeconds: 5 },
      model: { provider: 'lab', systemPrompt: 'Be kind.', functions: [{ name: 'look' }] },
    });
    expect(prompt).toEqual([{ role: 'system', content: 'Be kind.' }]);
    expect(tools.map(({ kind }) => kind)).toEqual(['function', 'endCall', 'dtmf', 'transferCall']);
    expect([record, turns.interruptWords, turns.waitBeforeSpeakingMs]).toEqual([false, 3, 200]);
    expect(idle).toEqual({ afterMs: 5_000, texts: ['Still there?'], most: 3 });
  });

  it('give way to those of today', () => {
    const today = effectiveAssistant(
      input({
        serverUrl: 'https://old.example',
        server: { url: 'https://new.example' },
        artifactPlan: { recordingEnabled: true },
        recordingEnabled: false,
      }),
    );
    expect([today.server?.url, today.artifactPlan?.recordingEnabled]).toEqual(['https://new.example', true]);
  });
});

describe('providers', () => {
  it('come as chains with their own settings only', () => {
    const { llm, stt, tts } = plan({
      model: { provider: 'openai', model: 'a', messages: [], temperature: 0, fallbackModels: ['b'] },
      transcriber: { provider: 'deepgram', model: 'nova-3', fallbackPlan: { transcribers: [{ provider: 'openai' }] } },
      voice: { provider: '11labs', voiceId: 'v', chunkPlan: {}, fallbackPlan: { voices: [{ provider: 'lab' }] } },
    });
    expect(llm.map(({ provider, settings }) => [provider, settings])).toEqual([
      ['openai', { model: 'a', temperature: 0 }],
      ['openai', { model: 'b', temperature: 0 }],
    ]);
    expect(stt.map(({ provider, settings }) => [provider, settings])).toEqual([
      ['deepgram', { model: 'nova-3' }],
      ['openai', {}],
    ]);
    expect(tts.map(({ provider, settings }) => [provider, settings])).toEqual([
      ['11labs', { voiceId: 'v' }],
      ['lab', {}],
    ]);
  });

  it('of a text call need no ears and no voice', () => {
    const call = { ...input({}).call, channel: 'text' as const };
    const { stt, tts, llm, record } = plan(
      { transcriber: { provider: 'deepgram' }, voice: { provider: '11labs' }, model: { provider: 'openai' } },
      { call },
    );
    expect([stt[0].provider, tts[0].provider, llm[0].provider, record]).toEqual(['lab', 'lab', 'openai', false]);
  });

  it('tell the recogniser what to expect', () => {
    const choose: PlanInput['choose'] = (kind, name, settings) => ({
      provider: name ?? 'lab',
      settings: kind === 'llm' ? { expects: ['when are you open'] } : settings,
      access: { apiKey: '', baseUrl: '' },
    });
    const { expected } = plan({ transcriber: { provider: 'deepgram', keywords: ['Aywa:2'], keyterm: ['Hilltop'] } }, { choose });
    expect(expected).toEqual(['when are you open', 'Hilltop', 'Aywa']);
  });
});

describe('faults', () => {
  const faults = (body: unknown, change: Partial<PlanInput> = {}) => {
    try {
      plan(body, change);
    } catch (error) {
      if (error instanceof AywaError) return [error.code, ...error.faults.map(({ path }) => path)];
      throw error;
    }
    return [];
  };

  it('name every unsupported part at once', () => {
    const body = {
      firstMessage: 'https://example.com/hello.mp3',
      startSpeakingPlan: { smartEndpointingPlan: { provider: 'custom-endpointing-model' } },
      model: { provider: 'lab', toolIds: ['t'], tools: [{ type: 'mcp' }, { type: 'function' }] },
    };
    expect(faults(body)).toEqual([
      'unsupported',
      'model.tools[0].type',
      'model.tools[1].function',
      'startSpeakingPlan.smartEndpointingPlan.provider',
      'firstMessage',
      'model.toolIds',
    ]);
  });

  it('of a provider get the path of the part that names it', () => {
    const choose: PlanInput['choose'] = () => {
      throw new AywaError('assistant_invalid', { faults: [{ path: 'temperature', message: 'is too hot' }] });
    };
    expect(faults({ model: { provider: 'openai' } }, { choose })).toEqual(['assistant_invalid', 'model.temperature']);
  });

  it('name a rule of endpointing whose pattern is missing or cannot run', () => {
    const customEndpointingRules = [
      { type: 'assistant', timeoutSeconds: 1 },
      { type: 'customer', regex: '(a', timeoutSeconds: 1 },
      { type: 'both', assistantRegex: 'a', customerRegex: '(?=b)', timeoutSeconds: 1 },
      { type: 'customer', regex: '(?i)number', timeoutSeconds: 1 },
    ];
    expect(faults({ startSpeakingPlan: { customEndpointingRules } })).toEqual([
      'unsupported',
      'startSpeakingPlan.customEndpointingRules[0].regex',
      'startSpeakingPlan.customEndpointingRules[1].regex',
      'startSpeakingPlan.customEndpointingRules[2].customerRegex',
    ]);
  });
});
