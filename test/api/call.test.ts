/** `/call` over HTTP: every door, what it refuses, what a call looks like before and after, control, events, recordings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AywaError } from '../../src/kernel/errors.ts';
import { sha256 } from '../../src/kernel/ids.ts';
import { LIFE, PUBLIC_URL, startApi, type TestApi, TWILIO } from './harness.ts';

let api: TestApi;
let key: string;
let assistantId: string;
let twilio: Server;
const dialled: { path: string; form: URLSearchParams; authorization: string }[] = [];
let twilioAnswers: { status: number; body: object };

beforeAll(async () => {
  twilio = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      dialled.push({ path: request.url ?? '', form: new URLSearchParams(body), authorization: request.headers.authorization ?? '' });
      response.writeHead(twilioAnswers.status, { 'content-type': 'application/json' }).end(JSON.stringify(twilioAnswers.body));
    });
  });
  await new Promise<void>((resolve) => twilio.listen(0, '127.0.0.1', resolve));
  api = await startApi({ TWILIO_BASE_URL: `http://127.0.0.1:${(twilio.address() as AddressInfo).port}` });
  key = await api.key('*');
  assistantId = (await ask('POST', '/assistant', definition)).json().id;
});
afterAll(async () => {
  await api.stop();
  twilio.close();
});
beforeEach(() => {
  dialled.length = 0;
  twilioAnswers = { status: 201, body: { sid: 'CA0123456789abcdef0123456789abcdef', status: 'queued' } };
  api.board.refuse = undefined;
  api.away = false;
  api.board.opened.length = 0;
});

const definition = { name: 'Clinic', firstMessage: 'Hello {{who}}.', model: { provider: 'openai', model: 'gpt-4.1' } };
const ask = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object, headers: Record<string, string> = {}) =>
  api.app.inject({ method, url, headers: { authorization: `Bearer ${key}`, ...headers }, ...(payload && { payload }) });
const bySocket = { provider: 'vapi.websocket' };
const place = async (body: object, path = '/call') => (await ask('POST', path, body)).json();

describe('a websocket call', () => {
  it('is opened on a host with a plan, and only its hashes are kept', async () => {
    const call = await place({
      assistantId,
      transport: bySocket,
      assistantOverrides: { variableValues: { who: 'Ada' } },
      metadata: { order: 7 },
    });
    const [opened] = api.board.opened;
    expect(call).toMatchObject({ id: opened?.row.id, status: 'queued', orgId: api.organization, metadata: { order: 7 } });
    expect(opened?.plan).toMatchObject({
      channel: 'websocket',
      agent: { opening: { text: 'Hello Ada.' }, llm: [{ access: { apiKey: 'openai-key' } }] },
      metadata: { call: { id: call.id, type: 'vapi.websocketCall', assistantId, metadata: { order: 7 }, monitor: call.monitor } },
    });
    expect(opened?.leg).toMatchObject({ carrier: 'websocket', expectation: { format: { encoding: 'pcm16', rate: 16000 } }, account: null });
    expect(call.transport.websocketCallUrl).toBe(`wss://voice.example.com/call/${call.id}/transport/${opened?.mediaToken}`);
    const token = call.monitor.controlUrl.split('/').at(-1);
    expect(opened?.row.controlHash).toBe(sha256(token));
    const read = (await ask('GET', `/call/${call.id}`)).json();
    expect(read.transport).not.toHaveProperty('websocketCallUrl');
    expect(JSON.stringify(read)).not.toContain('openai-key');
  });

  it('shows its control URL while it lives, to those who may command it', async () => {
    const call = await place({ assistantId, transport: bySocket });
    const readBy = async (...scopes: string[]) =>
      (await ask('GET', `/call/${call.id}`, undefined, { authorization: `Bearer ${await api.key(...scopes)}` })).json();
    expect(await readBy('call:read', 'call:control')).toMatchObject({ monitor: call.monitor, createdAt: call.createdAt });
    expect((await ask('GET', `/call?id=${call.id}`)).json()[0].monitor).toEqual(call.monitor);
    expect(await readBy('viewer')).not.toHaveProperty('monitor');
    expect(api.journal.about(call.id)?.subject.controlUrl).toBe(call.monitor.controlUrl);
    await api.happens(call.id, ...LIFE);
    expect(await readBy('*')).not.toHaveProperty('monitor');
  });

  it('is warned of what nothing here knows, when it was stored and only then', async () => {
    const made = await ask('POST', '/call', { assistantId, transport: bySocket, colour: 'red' });
    expect(made.headers.warnings).toContain('colour');
    const refused = await ask('POST', '/call', { transport: bySocket, colour: 'red' });
    expect(refused.statusCode).toBe(400);
    expect(refused.headers).not.toHaveProperty('warnings');
  });

  it.each([
    [{ format: 'mulaw' }, { encoding: 'mulaw', rate: 8000 }],
    [
      { format: 'pcm_s16le', sampleRate: 24000 },
      { encoding: 'pcm16', rate: 24000 },
    ],
    [
      { format: 'pcm_s16le', sampleRate: 44100 },
      { encoding: 'pcm16', rate: 44100 },
    ],
    [{}, { encoding: 'pcm16', rate: 16000 }],
  ])('speaks the format %j', async (audioFormat, format) => {
    await place({ assistantId, transport: { ...bySocket, audioFormat } });
    expect(api.board.opened[0]?.leg.expectation.format).toEqual(format);
  });

  it.each([0, 7_999, 48_001, 16_000.5, -16_000])('refuses a rate of %d Hz', async (sampleRate) => {
    const body = { assistantId, transport: { ...bySocket, audioFormat: { format: 'pcm_s16le', sampleRate } } };
    const reply = await ask('POST', '/call', body);
    expect(reply.statusCode).toBe(400);
    expect(reply.body).toContain('sampleRate');
  });

  it('takes a transient assistant, and keeps its secrets out of the record', async () => {
    const assistant = {
      ...definition,
      server: { url: 'https://example.com/hook', secret: 'tell-nobody', headers: { 'x-key': 'hidden-too' } },
    };
    const call = await place({ assistant, transport: bySocket });
    expect(api.board.opened[0]?.assistant).toMatchObject({ server: { secret: 'tell-nobody' } });
    expect(call.assistant).toMatchObject({ name: 'Clinic', server: { url: 'https://example.com/hook' } });
    const read = JSON.stringify((await ask('GET', `/call/${call.id}`)).json());
    for (const secret of ['tell-nobody', 'hidden-too']) expect(read).not.toContain(secret);
  });

  it('names the fields that nobody knows here', async () => {
    const reply = await ask('POST', '/call', { assistant: { ...definition, mood: 'good' }, transport: bySocket, colour: 'blue' });
    expect(reply.headers.warnings).toBe('Stored, but not known to this server: colour, assistant.mood.');
  });

  it('in the browser gives a URL to join', async () => {
    const call = await place({ assistantId }, '/call/web');
    expect(call).toMatchObject({ type: 'webCall', webCallUrl: call.transport.websocketCallUrl });
    expect(api.board.opened[0]?.plan.channel).toBe('web');
  });

  it('by text has no sound', async () => {
    const call = await place({ assistantId, transport: { provider: 'aywa.text' } });
    expect(call.transport.websocketCallUrl).toContain(`/call/${call.id}/transport/`);
    expect(api.board.opened[0]).toMatchObject({ leg: { carrier: 'text' }, plan: { channel: 'text' } });
  });
});

describe('a request that cannot become a call', () => {
  const missing = '0190a0a0-0000-7000-8000-000000000000';
  it.each([
    [{ transport: bySocket }, 'invalid_request', ['assistantId']],
    [{ assistantId: missing, transport: bySocket }, 'invalid_request', ['assistantId']],
    [{ assistant: { name: 'x'.repeat(41) }, transport: bySocket }, 'invalid_request', ['assistant.name']],
    [{ assistant: 'Clinic', transport: bySocket }, 'invalid_request', ['assistant']],
    [{ assistant: {}, transport: { provider: 'daily' } }, 'unsupported', ['transport.provider']],
    [{ assistant: {}, transport: { ...bySocket, audioFormat: { format: 'opus' } } }, 'invalid_request', ['transport.audioFormat.format']],
    [
      { assistant: {}, transport: { ...bySocket, audioFormat: { format: 'mulaw', sampleRate: 16000 } } },
      'invalid_request',
      ['transport.audioFormat.sampleRate'],
    ],
    [{ assistant: {} }, 'invalid_request', ['customer.number']],
    [{ assistant: {}, customer: { sipUri: 'sip:ada@example.com' } }, 'unsupported', ['customer.sipUri']],
    [{ assistant: {}, assistantVersion: '3', transport: bySocket }, 'unsupported', ['assistantVersion']],
    [{ assistant: { model: { provider: 'custom-llm' } }, transport: bySocket }, 'assistant_invalid', ['model.url']],
    [
      { assistant: {}, assistantOverrides: { model: { provider: 'openai', temperature: 9 } }, transport: bySocket },
      'invalid_request',
      ['assistantOverrides.model.temperature'],
    ],
    [
      { assistant: {}, assistantOverrides: { variableValues: ['Ada'] }, transport: bySocket },
      'invalid_request',
      ['assistantOverrides.variableValues'],
    ],
    [{ assistant: {}, customer: { number: '0415 5550100' } }, 'invalid_request', ['customer.number']],
    [{ squadId: missing, schedulePlan: {}, customer: { number: '+14155550101' } }, 'unsupported', ['squadId', 'schedulePlan']],
    [
      { assistant: { model: { provider: 'openai', tools: [{ type: 'mcp' }] } }, transport: bySocket },
      'unsupported',
      ['model.tools[0].type'],
    ],
    [{ assistant: { transcriber: { provider: 'nobody' } }, transport: bySocket }, 'unsupported', ['transcriber.provider']],
    [{ name: 'x'.repeat(41), assistant: {}, transport: bySocket }, 'invalid_request', ['name']],
  ])('%# is a 400 with the paths', async (body, code, paths) => {
    const reply = await ask('POST', '/call', body);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code, error: 'Bad Request' });
    expect(reply.json().faults.map(({ path }: { path: string }) => path)).toEqual(paths);
    expect(api.board.opened).toEqual([]);
  });

  it('for want of a key names the variable and the credential', async () => {
    const reply = await ask('POST', '/call', { assistant: { model: { provider: 'anthropic', model: 'claude' } }, transport: bySocket });
    expect(reply.json()).toMatchObject({ statusCode: 400, code: 'credential_missing' });
    expect(reply.json().message).toContain('ANTHROPIC_API_KEY');
    await ask('POST', '/credential', { provider: 'anthropic', apiKey: 'own-key' });
    expect(
      (await ask('POST', '/call', { assistant: { model: { provider: 'anthropic', model: 'claude' } }, transport: bySocket })).statusCode,
    ).toBe(201);
    expect(api.board.opened[0]?.plan.agent.llm[0].access.apiKey).toBe('own-key');
  });

  it('for want of a line says when to come back', async () => {
    api.board.refuse = new AywaError('at_capacity', { retryAfter: 10 });
    const reply = await ask('POST', '/call', { assistantId, transport: bySocket });
    expect([reply.statusCode, reply.headers['retry-after']]).toEqual([503, '10']);
    expect((await ask('GET', '/readyz')).statusCode).toBe(503);
  });

  it('while the database is away is a 503 that says when to come back', async () => {
    api.away = true;
    const reply = await ask('POST', '/call', { assistantId, transport: bySocket });
    expect(reply.json()).toMatchObject({ statusCode: 503, code: 'store_away' });
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    expect(api.board.opened).toEqual([]);
  });

  it('because of a bug tells nothing of its inside; the log does', async () => {
    api.board.refuse = new AywaError('bug', { detail: 'inner workings' });
    const reply = await ask('POST', '/call', { assistantId, transport: bySocket });
    expect(reply.json()).toMatchObject({ statusCode: 500, code: 'bug' });
    expect(reply.body).not.toContain('inner workings');
    expect(JSON.stringify(api.logged.filter(({ event }) => event === 'http_failed'))).toContain('inner workings');
  });

  it('is repeated once the lines are free, with the same Idempotency-Key', async () => {
    const header = { 'idempotency-key': 'call-1' };
    api.board.refuse = new AywaError('at_capacity');
    expect((await ask('POST', '/call', { assistantId, transport: bySocket }, header)).statusCode).toBe(503);
    api.board.refuse = undefined;
    const [one, two] = [
      await ask('POST', '/call', { assistantId, transport: bySocket }, header),
      await ask('POST', '/call', { assistantId, transport: bySocket }, header),
    ];
    expect([one.statusCode, two.statusCode]).toEqual([201, 201]);
    expect(two.json()).toEqual(one.json());
    expect(api.board.opened).toHaveLength(1);
  });
});

describe('a phone call', () => {
  const customer = { number: '+919876543210', name: 'Ada' };

  it('is dialled through Twilio and connected to its media URL', async () => {
    const call = await place({ assistantId, customer });
    expect(call).toMatchObject({
      type: 'outboundPhoneCall',
      customer,
      phoneCallProvider: 'twilio',
      phoneCallProviderId: 'CA0123456789abcdef0123456789abcdef',
    });
    expect(call).not.toHaveProperty('transport');
    const [dial] = dialled;
    const [opened] = api.board.opened;
    expect(dial?.path).toBe(`/2010-04-01/Accounts/${TWILIO.TWILIO_ACCOUNT_SID}/Calls.json`);
    expect(dial?.form.get('To')).toBe(customer.number);
    expect(dial?.form.get('From')).toBe(TWILIO.TWILIO_PHONE_NUMBER);
    expect(dial?.form.get('Twiml')).toContain(`wss://voice.example.com/telephony/twilio/media/${opened?.mediaToken}`);
    expect(dial?.form.get('StatusCallback')).toBe(`${PUBLIC_URL}/telephony/twilio/status/${call.id}`);
    expect(opened?.plan).toMatchObject({ channel: 'phone-outbound', from: TWILIO.TWILIO_PHONE_NUMBER, to: customer.number });
    expect(api.board.reports.at(-1)).toEqual(['progress', call.id, 'dialing', 'twilio', 'CA0123456789abcdef0123456789abcdef']);
  });

  it('uses the account of the request, whose token is not kept', async () => {
    const phoneNumber = {
      twilioAccountSid: `AC${'1'.repeat(32)}`,
      twilioAuthToken: 'token-of-the-request',
      twilioPhoneNumber: '+14155550177',
    };
    const call = await place({ assistantId, customer, phoneNumber }, '/call/phone');
    expect(dialled[0]?.authorization).toBe(
      `Basic ${Buffer.from(`${phoneNumber.twilioAccountSid}:token-of-the-request`).toString('base64')}`,
    );
    expect(dialled[0]?.form.get('From')).toBe(phoneNumber.twilioPhoneNumber);
    expect(JSON.stringify((await ask('GET', `/call/${call.id}`)).json())).not.toContain('token-of-the-request');
    expect(JSON.stringify(call)).not.toContain('token-of-the-request');
  });

  it.each([
    [400, { code: 21211, message: 'The number is invalid.' }, /21211: The number is invalid/],
    [503, { message: 'Come back later.' }, /Come back later/],
    [201, { status: 'queued' }, /carrier refused/],
  ])('that Twilio answers with %i ends, and is a 400 that nobody repeats', async (status, body, sentence) => {
    twilioAnswers = { status, body };
    const reply = await ask('POST', '/call', { assistantId, customer });
    expect(reply.json()).toMatchObject({ statusCode: 400, code: 'carrier_refused', message: expect.stringMatching(sentence) });
    expect(dialled).toHaveLength(1);
    expect(api.board.reports.at(-1)?.slice(0, 3)).toEqual(['end', api.board.opened[0]?.row.id, 'dial-failed']);
  });
});

describe('a call that is over', () => {
  it('shows its record, with the older copies at the top', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    await api.happens(id, ...LIFE);
    const call = (await ask('GET', `/call/${id}`)).json();
    expect(call).toMatchObject({
      status: 'ended',
      endedReason: 'customer-ended-call',
      artifact: { recordingUrl: `${PUBLIC_URL}/call/${id}/recording`, stereoRecordingUrl: `${PUBLIC_URL}/call/${id}/recording/stereo` },
    });
    expect(call.transcript).toBe('User: Are you open?\nAI: Until five.\n');
    expect(call.messages).toEqual(call.artifact.messages);
    expect(call.recordingUrl).toBe(call.artifact.recordingUrl);
    expect(call.startedAt && call.endedAt).toBeTruthy();
    expect(call.costBreakdown.total).toBe(call.cost);
  });

  it('has a timeline', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    await api.happens(id, ...LIFE);
    const timeline = (await ask('GET', `/call/${id}/timeline`)).json();
    expect(timeline.events.map(({ type }: { type: string }) => type)).toEqual(LIFE.map(({ type }) => type));
    expect(timeline.turns).toHaveLength(1);
    expect(timeline.call.id).toBe(id);
  });

  it('gives its recording by both names, and nothing outside of its folder', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    expect((await ask('GET', `/call/${id}/recording`)).json()).toMatchObject({ statusCode: 404, code: 'artifact_missing' });
    await api.happens(id, ...LIFE);
    mkdirSync(api.recordingsDir, { recursive: true });
    writeFileSync(join(api.recordingsDir, 'call.wav'), WAV);
    for (const path of ['recording/stereo', 'stereo-recording']) {
      const reply = await ask('GET', `/call/${id}/${path}`);
      expect([reply.headers['content-type'], reply.rawPayload.equals(WAV)]).toEqual(['audio/wav', true]);
    }
    for (const path of ['recording', 'mono-recording']) expect((await ask('GET', `/call/${id}/${path}`)).rawPayload).toHaveLength(44 + 20);

    const { id: hostile } = await place({ assistantId, transport: bySocket });
    const life = LIFE.map((body) => (body.type === 'recording.stored' ? { ...body, file: '../../../etc/passwd' } : body));
    await api.happens(hostile, ...life);
    expect((await ask('GET', `/call/${hostile}/recording/stereo`)).json()).toMatchObject({ code: 'artifact_missing' });
  });

  it('is not there for another organisation', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    const other = { authorization: `Bearer ${await api.foreignKey()}` };
    for (const path of ['', '/timeline', '/events', '/recording'])
      expect((await ask('GET', `/call/${id}${path}`, undefined, other)).statusCode).toBe(404);
    expect((await ask('POST', `/call/${id}/control`, { type: 'end-call' }, other)).statusCode).toBe(404);
    expect((await ask('POST', '/call', { assistantId, transport: bySocket }, other)).json().faults[0].path).toBe('assistantId');
  });
});

describe('control', () => {
  it('reaches a live call by key and by its own URL', async () => {
    const call = await place({ assistantId, transport: bySocket });
    const url = call.monitor.controlUrl.slice(PUBLIC_URL.length);
    expect((await ask('POST', `/call/${call.id}/control`, { type: 'say', content: 'Hello' })).statusCode).toBe(200);
    const free = await api.app.inject({ method: 'POST', url, payload: { type: 'say', message: 'Bye', endCallAfterSpoken: true } });
    expect(free.statusCode).toBe(200);
    expect(api.board.commands.slice(-2)).toMatchObject([
      { call: call.id, command: { type: 'say', text: 'Hello', endAfter: false } },
      { call: call.id, command: { type: 'say', text: 'Bye', endAfter: true } },
    ]);
  });

  it('refuses a wrong token like an unknown call, and a message that it does not know', async () => {
    const call = await place({ assistantId, transport: bySocket });
    const at = (url: string, payload: object) => api.app.inject({ method: 'POST', url, payload });
    const wrong = await at(`/call/${call.id}/control/${'x'.repeat(43)}`, { type: 'end-call' });
    const unknown = await at(`/call/0190a0a0-0000-7000-8000-000000000000/control/${'x'.repeat(43)}`, { type: 'end-call' });
    expect(wrong.statusCode).toBe(404);
    expect(wrong.json()).toEqual(unknown.json());
    const url = call.monitor.controlUrl.slice(PUBLIC_URL.length);
    expect((await at(url, { type: 'dance' })).json()).toMatchObject({ statusCode: 400, code: 'unsupported' });
    expect((await at(url, { type: 'say' })).json()).toMatchObject({ statusCode: 400, faults: [{ path: 'content' }] });
  });

  it('of a call that is over is a conflict', async () => {
    const call = await place({ assistantId, transport: bySocket });
    api.board.opened.length = 0;
    expect((await ask('POST', `/call/${call.id}/control`, { type: 'end-call' })).json()).toMatchObject({
      statusCode: 409,
      code: 'call_over',
    });
  });
});

describe('events', () => {
  /** Reads server-sent events over a true socket until the server ends the stream. */
  async function follow(path: string, onFirst: () => void = () => {}): Promise<{ seq: number; type: string }[]> {
    if (!api.app.server.listening) await api.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}${path}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    for await (const chunk of response.body ?? []) {
      const first = !text.includes('data:');
      text += Buffer.from(chunk).toString('utf8');
      if (first && text.includes('data:')) onFirst();
    }
    return [...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? ''));
  }

  it('come stored first, then live, and end with the call', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    await api.happens(id, ...LIFE.slice(0, 3));
    const events = await follow(`/call/${id}/events`, () => void api.happens(id, ...LIFE.slice(3)));
    expect(events.map(({ seq }) => seq)).toEqual(LIFE.map((_, i) => i + 1));
    expect(events.at(-1)?.type).toBe('call.ended');
  });

  it('of a call that is over come from where the reader was', async () => {
    const { id } = await place({ assistantId, transport: bySocket });
    await api.happens(id, ...LIFE);
    expect((await follow(`/call/${id}/events?after=${LIFE.length - 2}`)).map(({ seq }) => seq)).toEqual([LIFE.length - 1, LIFE.length]);
    expect(await follow(`/call/${id}/events?after=${LIFE.length}`)).toEqual([]);
  });
});

describe('an upgrade', () => {
  it('goes to the switchboard', async () => {
    if (!api.app.server.listening) await api.app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((api.app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /anything HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
    expect(answer).toMatch(/^HTTP\/1\.1 404/);
    socket.destroy();
  });
});

/** Ten frames of 16-bit stereo at 8 kHz. */
const WAV = Buffer.concat([
  Buffer.from('RIFF\x4c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\x28\0\0\0', 'latin1'),
  Buffer.alloc(40, 7),
]);
