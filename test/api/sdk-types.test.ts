/**
 * Every answer as it goes over the wire, checked by the compiler against the types that the SDK publishes: field names, enum values,
 * required fields and union discriminators. The answers become literals in a file that is compiled beside this test.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Vapi } from '@vapi-ai/server-sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHANNELS } from '../../src/agent/plan.ts';
import { type CallEventBody, END_REASONS } from '../../src/call/events.ts';
import { PROVIDERS } from '../../src/providers/index.ts';
import { endedReasonOf } from '../../src/wire/ended-reason.ts';
import { LIFE, startApi, type TestApi } from './harness.ts';

/** Where the compiler finds the SDK, and nobody else finds the file. */
const FOLDER = join(import.meta.dirname, '../../node_modules/.cache/sdk-types');

let api: TestApi;
const answers: { readonly type: string; readonly what: string; readonly body: unknown }[] = [];
const carrier = createServer((_request, response) => {
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ sid: `CA${'0'.repeat(32)}`, status: 'queued' }));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => carrier.listen(0, '127.0.0.1', resolve));
  api = await startApi({ TWILIO_BASE_URL: `http://127.0.0.1:${(carrier.address() as AddressInfo).port}` });
});
afterAll(async () => {
  carrier.close();
  rmSync(FOLDER, { recursive: true, force: true });
  await api.stop();
});

/** A conversation with a tool, on top of the short life of the harness. */
const TOOLS: readonly CallEventBody[] = [
  { type: 'tool.called', reply: 1, id: 't1', name: 'hours', arguments: { day: 'monday' } },
  { type: 'tool.answered', reply: 1, id: 't1', name: 'hours', ok: true, result: 'nine to five', tookMs: 12 },
  { type: 'usage.counted', kind: 'llm', provider: 'openai', model: 'gpt-4.1', quantity: 90, completionTokens: 8, cachedTokens: 64 },
  { type: 'usage.counted', kind: 'stt', provider: 'deepgram', model: 'nova-3', quantity: 12, completionTokens: null, cachedTokens: null },
  { type: 'usage.counted', kind: 'tts', provider: '11labs', model: 'turbo', quantity: 20, completionTokens: null, cachedTokens: null },
];

it('fits the types of @vapi-ai/server-sdk', async () => {
  const headers = { authorization: `Bearer ${await api.key('*')}` };
  const ask = async (type: string, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) => {
    const body = (await api.app.inject({ method, url, headers, ...(payload && { payload }) })).json();
    answers.push({ type, what: `${method} ${url}`, body });
    return body;
  };
  const live = async (call: string, carried: string, facts: Record<string, string>) => {
    const connected = { type: 'line.connected', carrier: carried, encoding: 'mulaw', rate: 8000, facts } as const;
    const [created, answered, ...rest] = LIFE as [CallEventBody, CallEventBody, ...CallEventBody[]];
    await api.happens(call, created, answered, connected, ...rest.slice(0, 3), ...TOOLS, ...rest.slice(3));
  };

  const { id: assistantId } = await ask('Vapi.Assistant', 'POST', '/assistant', {
    name: 'Clinic',
    firstMessage: 'Hello.',
    firstMessageMode: 'assistant-speaks-first',
    model: { provider: 'openai', model: 'gpt-4.1', messages: [{ role: 'system', content: 'Be brief.' }], tools: [{ type: 'endCall' }] },
    voice: { provider: '11labs', voiceId: 'sarah' },
    transcriber: { provider: 'deepgram', model: 'nova-3' },
    server: { url: 'https://example.com/hook', timeoutSeconds: 10 },
  });
  await ask('Vapi.Assistant', 'PATCH', `/assistant/${assistantId}`, { endCallPhrases: ['goodbye'] });
  await ask('Vapi.Assistant[]', 'GET', '/assistant');

  const audioFormat = { format: 'pcm_s16le', container: 'raw', sampleRate: 16000 };
  const bySocket = { assistantId, transport: { provider: 'vapi.websocket', audioFormat }, name: 'By socket' };
  const { id: socket } = await ask('Vapi.Call', 'POST', '/call', bySocket);
  await ask('Vapi.Call', 'GET', `/call/${socket}`);
  await live(socket, 'websocket', {});
  await ask('Vapi.Call', 'GET', `/call/${socket}`);
  const { id: web } = await ask('Vapi.Call', 'POST', '/call/web', { assistantId, assistantOverrides: { variableValues: { who: 'Ada' } } });
  await live(web, 'websocket', {});
  await ask('Vapi.Call', 'GET', `/call/${web}`);

  const { id: phone, phoneCallProviderId } = await ask('Vapi.Call', 'POST', '/call', { assistantId, customer: { number: '+14155550101' } });
  const dialing = { type: 'call.dialing', carrier: 'twilio', providerCallId: phoneCallProviderId } as const;
  await api.happens(phone, LIFE[0] as CallEventBody, dialing);
  const dialled = await ask('Vapi.Call', 'GET', `/call/${phone}`);
  expect(dialled).toMatchObject({ phoneCallProvider: 'twilio', phoneCallTransport: 'pstn', phoneCallProviderId, status: 'ringing' });
  await api.happens(phone, { type: 'call.ended', reason: 'no-answer', detail: null, durationMs: 0 });
  const ended = await ask('Vapi.Call', 'GET', `/call/${phone}`);
  expect(ended).toMatchObject({ status: 'ended', endedReason: 'customer-did-not-answer', phoneCallProviderId });

  const phoneNumber = { twilioAccountSid: `AC${'1'.repeat(32)}`, twilioAuthToken: 'token-of-the-request', number: '+14155550177' };
  await ask('Vapi.Call', 'POST', '/call', { assistantId, customer: { number: '+14155550101', name: 'Ada' }, phoneNumber });
  await ask('Vapi.Call[]', 'GET', '/call');
  await ask('Vapi.Call', 'PATCH', `/call/${web}`, { name: 'Renamed' });
  await ask('Vapi.Call', 'DELETE', `/call/${web}`);
  await ask('Vapi.Assistant', 'DELETE', `/assistant/${assistantId}`);
  for (const [type, path] of [
    ['Vapi.ListToolsResponseItem[]', '/tool'],
    ['Vapi.ListPhoneNumbersResponseItem[]', '/phone-number'],
    ['Vapi.Squad[]', '/squad'],
    ['Vapi.File_[]', '/file'],
    ['Vapi.SessionPaginatedResponse', '/session'],
    ['Vapi.ChatPaginatedResponse', '/chat'],
    ['Vapi.StructuredOutputPaginatedResponse', '/structured-output'],
  ] as const)
    await ask(type, 'GET', path);

  expect(await compiled()).toBe('');
  // And the check would find something: a status that was never published, a field of another type.
  answers.splice(0, answers.length, { type: 'Vapi.Call', what: 'a slip', body: { ...ended, status: 'over', cost: '0' } });
  expect(await compiled()).toMatch(/CallStatus[\s\S]*number/);
}, 120_000);

it('names the end of a call only in published words', () => {
  const published = new Set<string>(Object.values(Vapi.CallEndedReason));
  const vendors = [null, 'nobody', ...PROVIDERS.flatMap(({ name, aliases = [] }) => [name, ...aliases])];
  for (const reason of END_REASONS)
    for (const vendor of vendors) for (const channel of CHANNELS) expect(published).toContain(endedReasonOf(reason, vendor, channel));
});

/** What the compiler has against the answers. A type parameter lets an answer hold more than the type knows, as the wire may. */
async function compiled(): Promise<string> {
  const checks = answers.map(({ type, what, body }) => `// ${what}\nfits<${type}>()(${JSON.stringify(body, withoutSlips, 1)});`);
  const head = `import type { Vapi } from '@vapi-ai/server-sdk';\ndeclare function fits<T>(): <const V extends T>(value: V) => void;\n`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'answers.ts'), head + checks.join('\n'));
  const options = { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', target: 'es2023', types: [] };
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['answers.ts'] }));
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  return promisify(execFile)(tsc, ['-p', FOLDER]).then(
    ({ stdout }) => stdout,
    (failed: { stdout: string }) => failed.stdout,
  );
}

/** The SDK says that `audioFormat.format` is an object; the API, and the SDK's own documentation, send a string. */
function withoutSlips(this: unknown, key: string, value: unknown): unknown {
  return key === 'audioFormat' ? undefined : value;
}
