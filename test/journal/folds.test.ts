/** Latency, cost, targets, signatures and answers of tools: pure functions over small inputs. */
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { costsOf, usage } from '../../src/journal/cost.ts';
import { latency, performanceMetrics, turnsOf } from '../../src/journal/latency.ts';
import { deliveryHeaders } from '../../src/journal/signing.ts';
import { shownAssistant, targetsOf } from '../../src/journal/targets.ts';
import { timelineOf } from '../../src/journal/timeline.ts';
import { aCall, begun, created, type Step, stamped, turn, words } from './a-call.ts';

const latencyOf = (steps: readonly Step[]) => stamped('c', steps).reduce(latency.fold, latency.start());

describe('latency', () => {
  it('is exact for each part of a turn', () => {
    const state = aCall().events.reduce(latency.fold, latency.start());
    expect(turnsOf(state)).toEqual([
      {
        turn: 1,
        reply: 2,
        caller: 'Where is my order?',
        agent: 'It is on its way.',
        stoppedAt: 3000,
        decidedAt: 3400,
        audibleAt: 4300,
        decideMs: 400,
        thinkMs: 300,
        voiceMs: 600,
        totalMs: 1300,
        adopted: false,
        cut: false,
      },
    ]);
    expect(performanceMetrics(state)).toMatchObject({
      turnLatencies: [{ modelLatency: 300, voiceLatency: 600, transcriberLatency: 100, endpointingLatency: 300, turnLatency: 1300 }],
      turnLatencyAverage: 1300,
      numAssistantInterrupted: 0,
    });
  });

  it('counts the reply that was heard, not the one that was superseded', () => {
    const state = latencyOf([
      [0, created],
      [100, turn(1, 'a')],
      [100, begun(1, 1)],
      [150, { type: 'reply.first_token', reply: 1 }],
      [160, { type: 'reply.cut', reply: 1, by: 'superseded' }],
      [200, begun(2, 1)],
      [260, { type: 'reply.first_token', reply: 2 }],
      [300, { type: 'reply.audible', reply: 2 }],
      [310, { type: 'reply.cut', reply: 2, by: 'caller' }],
    ]);
    expect(turnsOf(state)).toMatchObject([{ reply: 2, thinkMs: 60, voiceMs: 40, totalMs: null, decideMs: null, cut: true }]);
  });

  it('of a turn that comes again counts from the last time the caller stopped, when the voice was really gone', () => {
    const state = latencyOf([
      [0, created],
      [900, { type: 'caller.stopped', silentMs: 300 }],
      [1000, turn(1, 'a')],
      [1000, begun(1, 1)],
      [1100, { type: 'reply.cut', reply: 1, by: 'caller' }],
      [1100, { type: 'reply.ended', reply: 1, outcome: 'cut' }],
      [1900, { type: 'caller.stopped', silentMs: 300 }],
      [2000, turn(1, 'a b')],
      [2000, begun(2, 1)],
      [2100, { type: 'reply.audible', reply: 2 }],
    ]);
    expect(turnsOf(state)).toMatchObject([{ turn: 1, caller: 'a b', reply: 2, stoppedAt: 1600, decideMs: 400, totalMs: 500 }]);
  });

  it('lets who types stop when the words arrive', () => {
    const state = latencyOf([
      [0, created],
      [100, words('hi', 0, 0, true)],
      [130, turn(1, 'hi')],
      [130, begun(1, 1)],
      [200, { type: 'reply.audible', reply: 1 }],
    ]);
    expect(turnsOf(state)).toMatchObject([{ stoppedAt: 100, decideMs: 30, thinkMs: null, voiceMs: null, totalMs: 100 }]);
  });

  it('makes a timeline with counts of what went wrong', () => {
    const { events } = aCall();
    expect(timelineOf(events, [])).toMatchObject({ turns: [{ totalMs: 1300 }], warningCount: 0, errorCount: 0 });
  });
});

describe('costs', () => {
  const used = aCall().events.reduce(usage.fold, usage.start());

  it('count everything and cost nothing without a rate card', () => {
    const { cost, costBreakdown, costs } = costsOf(used, 9_000, {});
    expect(cost).toBe(0);
    expect(costBreakdown).toMatchObject({
      total: 0,
      llmPromptTokens: 1200,
      llmCompletionTokens: 30,
      llmCachedPromptTokens: 200,
      ttsCharacters: 36,
    });
    expect(costs.map((part) => part.type)).toEqual(['transport', 'model', 'voice', 'transcriber', 'vapi']);
  });

  it('are usage times price', () => {
    const { cost, costBreakdown } = costsOf(used, 9_000, {
      sttPerMinute: { deepgram: 0.01 },
      ttsPerMillionCharacters: { 'cartesia/sonic': 50 },
      llmPerMillionTokens: { openai: { prompt: 2, cached: 1, completion: 10 } },
      transportPerMinute: { websocket: 0.02 },
    });
    expect(costBreakdown).toMatchObject({ transport: 0.003, stt: 0.0015, tts: 0.0018, llm: 0.0025, vapi: 0 });
    expect(cost).toBe(0.0088);
  });
});

describe('targets', () => {
  const assistant = {
    name: 'Ada',
    server: { url: 'https://a.example/hook', secret: 'shh', headers: { authorization: 'Bearer key' }, timeoutSeconds: 5 },
    serverUrl: 'https://old.example',
    serverUrlSecret: 'old',
    model: { tools: [{ type: 'endCall' }, { type: 'function', server: { url: 'https://tool.example' } }] },
  };

  it('are the assistant and the tools that have a server of their own', () => {
    const targets = targetsOf(assistant);
    expect([...targets.keys()]).toEqual(['assistant', 'tool:1']);
    expect(targets.get('assistant')).toEqual({
      name: 'assistant',
      url: 'https://a.example/hook',
      secret: 'shh',
      headers: { authorization: 'Bearer key' },
      timeoutMs: 5000,
    });
    expect(targetsOf({ serverUrl: 'https://old.example', serverUrlSecret: 'old' }).get('assistant')).toMatchObject({ secret: 'old' });
    expect(targetsOf({}).size).toBe(0);
  });

  it('show no secret', () => {
    const shown = JSON.stringify(shownAssistant({ ...assistant, model: { ...assistant.model, apiKey: 'sk-1' } }));
    expect(shown).toContain('https://a.example/hook');
    for (const secret of ['shh', 'Bearer key', '"old"', 'sk-1']) expect(shown).not.toContain(secret);
  });
});

describe('signatures', () => {
  const body = '{"message":{"type":"status-update"}}';
  const now = () => ({ id: 'msg_1', timestamp: Math.floor(Date.now() / 1000), body });
  const plain = { secret: null, headers: {} };

  it('hold for the reference library, with both forms of secret', () => {
    const raw = 'an owner secret of more than thirty-two characters';
    expect(() => new Webhook(raw, { format: 'raw' }).verify(body, deliveryHeaders(plain, now(), raw))).not.toThrow();
    const own = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
    const headers = deliveryHeaders({ secret: own, headers: {} }, now(), raw);
    expect(() => new Webhook(own).verify(body, headers)).not.toThrow();
    expect(() => new Webhook(own).verify(`${body} `, headers)).toThrow();
    expect(JSON.stringify(headers)).not.toContain(own);
  });

  it('cannot be replaced by the headers of a target, which else go along', () => {
    const target = {
      secret: 'legacy',
      headers: { 'X-Team': 'a', 'Webhook-Signature': 'v1,forged', Host: 'evil', 'bad name': 'x', 'x-line': 'a\r\nb' },
    };
    const headers = deliveryHeaders(target, now(), 'owner');
    expect(headers).toMatchObject({ 'x-team': 'a', 'x-vapi-secret': 'legacy', 'content-type': 'application/json' });
    expect(headers['webhook-signature']).not.toBe('v1,forged');
    expect(Object.keys(headers)).not.toContain('host');
    expect(Object.keys(headers)).not.toContain('bad name');
    expect(Object.keys(headers)).not.toContain('x-line');
  });
});
