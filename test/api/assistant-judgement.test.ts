/** What `/assistant` and `/call` refuse and warn of, so that nothing is found out only when a caller rings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
let key: string;
beforeAll(async () => {
  api = await startApi();
  key = await api.key('*');
});
afterAll(() => api.stop());

const ask = (method: 'GET' | 'POST' | 'PATCH', url: string, payload?: object) =>
  api.app.inject({ method, url, headers: { authorization: `Bearer ${key}` }, ...(payload && { payload }) });
const model = { provider: 'openai', model: 'gpt-4.1' };
const websocket = { transport: { provider: 'vapi.websocket' } };
const broken: [string, object, string][] = [
  ['a tool that is not supported', { model: { ...model, tools: [{ type: 'mcp' }] } }, 'model.tools[0].type'],
  ['stored tools', { model: { ...model, toolIds: ['0190a0a0-0000-7000-8000-000000000000'] } }, 'model.toolIds'],
  [
    'a pattern that does not compile',
    { startSpeakingPlan: { customEndpointingRules: [{ type: 'customer', regex: '(', timeoutSeconds: 1 }] } },
    'startSpeakingPlan.customEndpointingRules[0].regex',
  ],
  ['a vendor that is not known', { voice: { provider: 'acme' } }, 'voice.provider'],
  ['a setting that is out of bounds', { voice: { provider: '11labs', speed: 9 } }, 'voice.speed'],
  ['a delimiter that no telephone has', { keypadInputPlan: { enabled: true, delimiters: ['x'] } }, 'keypadInputPlan.delimiters'],
  ['a thousand phrases', { endCallPhrases: Array.from({ length: 1_000 }, () => 'bye') }, 'endCallPhrases'],
];

describe('an assistant that cannot work', () => {
  it.each(broken)('for %s is refused when it is made, changed and called', async (_, body, path) => {
    const refusal = { statusCode: 400, faults: [{ path }] };
    expect((await ask('POST', '/assistant', body)).json()).toMatchObject(refusal);
    const { id } = (await ask('POST', '/assistant', { name: 'Sound', model })).json();
    expect((await ask('PATCH', `/assistant/${id}`, body)).json()).toMatchObject(refusal);
    expect((await ask('GET', `/assistant/${id}`)).json()).toMatchObject({ name: 'Sound', model });
    expect((await ask('POST', '/call', { assistant: { model, ...body }, ...websocket })).json().faults[0].path).toContain(path);
    expect((await ask('POST', '/call', { assistantId: id, assistantOverrides: body, ...websocket })).json().faults[0].path).toContain(path);
  });

  it('for want of a key alone is saved, with a word about it', async () => {
    const reply = await ask('POST', '/assistant', { voice: { provider: 'cartesia' } });
    expect(reply.statusCode).toBe(201);
    expect(reply.headers.warnings).toMatch(/^voice: Set CARTESIA_API_KEY, or create a cartesia credential/);
  });
});

describe('what is not obeyed yet', () => {
  const asking = {
    voicemailDetection: { provider: 'vapi' },
    backgroundSound: 'office',
    model: { ...model, thinking: { type: 'enabled' } },
  };

  it('is named when an assistant is saved, beside what is not known, and kept', async () => {
    const reply = await ask('POST', '/assistant', { ...asking, mood: 'good' });
    expect(reply.headers.warnings).toBe(
      'Stored, but not known to this server: mood. ' +
        'model.thinking is not obeyed yet; voicemailDetection is not obeyed yet; backgroundSound is not obeyed yet.',
    );
    expect(reply.json()).toMatchObject(asking);
    const quiet = { voicemailDetection: 'off', backgroundSound: 'off', analysisPlan: { summaryPlan: { enabled: false } }, model };
    expect((await ask('POST', '/assistant', quiet)).headers.warnings).toBeUndefined();
  });

  it('is named when it is changed, for the fields that were sent', async () => {
    const { id } = (await ask('POST', '/assistant', asking)).json();
    const changed = async (body: object) => (await ask('PATCH', `/assistant/${id}`, body)).headers.warnings;
    expect(await changed({ name: 'Other' })).toBeUndefined();
    expect(await changed({ backgroundSound: 'https://example.com/sea.mp3' })).toBe('backgroundSound is not obeyed yet.');
    // Merged into the stored part: the vendor is the one that stands there.
    expect(await changed({ model: { numFastTurns: 2 } })).toBe('model.numFastTurns is not obeyed yet; model.thinking is not obeyed yet.');
    expect(await changed({ backgroundSound: null })).toBeUndefined();
  });

  it('is named when a call brings it, and only then', async () => {
    const warned = async (body: object) => (await ask('POST', '/call', { ...websocket, ...body })).headers.warnings;
    const { id: assistantId } = (await ask('POST', '/assistant', asking)).json();
    expect(await warned({ assistantId })).toBeUndefined();
    expect(await warned({ assistant: asking })).toContain('assistant.voicemailDetection is not obeyed yet; assistant.backgroundSound');
    expect(await warned({ assistantId, assistantOverrides: { backgroundSound: 'office', variableValues: { backgroundSound: 'x' } } })).toBe(
      'assistantOverrides.backgroundSound is not obeyed yet.',
    );
    // The vendor that a setting is for stands in the stored assistant.
    expect(await warned({ assistantId, assistantOverrides: { model: { reasoningSummary: 'auto' } } })).toBe(
      'assistantOverrides.model.reasoningSummary is not obeyed yet.',
    );
    expect(await warned({ assistantId, assistantOverrides: { 'tools:append': [{ type: 'dtmf' }] } })).toBe(
      'assistantOverrides.model.tools[0].type is not obeyed yet.',
    );
    expect(await warned({ assistantId, assistantOverrides: { mood: 'good' } })).toBe(
      'Stored, but not known to this server: assistantOverrides.mood.',
    );
  });

  it('keeps the header short, however much it is', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${'é'.repeat(150)}\n${i}`, 1]));
    const hooks = Array.from({ length: 50 }, () => ({ on: 'call.ending' }));
    const { warnings = '' } = (await ask('POST', '/assistant', { ...many, hooks, model: { ...model, ...many } })).headers;
    expect(String(warnings).length).toBeLessThan(4_000);
    expect(warnings).toMatch(/^[\x20-\x7e]+$/);
    expect(warnings).toMatch(/ and \d+ more\. .* and \d+ more\.$/);
  });
});
