/** Everything around the resources: description, docs page, dashboard, readiness, metrics, headers, CORS, credentials, providers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERMISSIONS } from '../../src/api/permissions.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
let key: string;
beforeAll(async () => {
  api = await startApi({ CORS_ORIGINS: 'https://app.example.com' });
  key = await api.key('*');
});
afterAll(() => api.stop());

const get = (url: string, headers: Record<string, string> = {}) => api.app.inject({ url, headers });
const withKey = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
  api.app.inject({ method, url, headers: { 'x-api-key': key }, ...(payload && { payload }) });

interface Operation {
  summary?: string;
  security?: unknown[];
  requestBody?: { content: Record<string, { schema: { $ref?: string; type?: string } }> };
  parameters?: { in: string; name: string; required?: boolean }[];
  responses?: Record<string, unknown>;
}
interface Description {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
}

describe('the OpenAPI document', () => {
  let description: Description;
  beforeAll(async () => {
    description = (await get('/openapi.json')).json();
  });

  it('is OpenAPI 3.1 of this server', () => {
    expect(description.openapi).toBe('3.1.0');
    expect(description.servers).toEqual([{ url: 'https://voice.example.com' }]);
  });

  it('has every route of a resource, each with a sentence, and says which need no key', () => {
    for (const [row, permission] of Object.entries(PERMISSIONS)) {
      const [method = '', path = ''] = row.split(' ');
      const operation = description.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      if (!operation) {
        expect(
          HIDDEN.some((prefix) => path.startsWith(prefix)),
          `${row} is not described`,
        ).toBe(true);
        continue;
      }
      expect(operation.summary).toBeTruthy();
      expect([row, operation.security?.length === 0]).toEqual([row, permission === 'public' || permission === 'signed']);
    }
  });

  it('has filled components, and no reference into nothing', () => {
    const { schemas } = description.components;
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Assistant', 'CreateAssistantInput', 'Call', 'CreateCallInput', 'Error']));
    expect(Object.keys(schemas.Assistant?.properties ?? {})).toEqual(expect.arrayContaining(['id', 'orgId', 'model', 'firstMessage']));
    const references = [...JSON.stringify(description).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(references.length).toBeGreaterThan(5);
    expect([...new Set(references)].sort()).toEqual(Object.keys(schemas).sort());
  });

  it('describes the body of every route that takes one, and every parameter of a path', () => {
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, { requestBody, parameters = [], responses = {} }] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        const [body] = Object.values(requestBody?.content ?? {});
        if (['post', 'patch'].includes(method)) expect(body?.schema.$ref ?? body?.schema.type, where).toBeTruthy();
        const named = parameters.filter((one) => one.in === 'path' && one.required).map(({ name }) => `{${name}}`);
        expect(named.sort(), where).toEqual((path.match(/\{\w+\}/g) ?? []).sort());
        expect(Object.keys(responses).length, where).toBeGreaterThan(0);
      }
    }
  });

  it('is shown as a page that loads nothing from elsewhere', async () => {
    const page = await get('/docs');
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.body).toContain('/call/{id}/timeline');
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

/** Routes that exist to be found by others, not to be built on. */
const HIDDEN = [
  '/openapi.json',
  '/docs',
  '/*',
  '/phone-number',
  '/tool',
  '/squad',
  '/file',
  '/token',
  '/workflow',
  '/v2/',
  '/chat',
  '/session',
].concat('/campaign', '/structured-output', '/eval', '/reporting', '/observability', '/logs');

describe('the runtime', () => {
  it('is alive and ready, and names its parts', async () => {
    expect((await get('/health')).json()).toMatchObject({ status: 'ok' });
    const ready = await get('/readyz');
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toMatchObject({
      ready: true,
      mode: 'lab',
      parts: [
        { name: 'database', state: 'ok' },
        { name: 'event spool', state: 'ok' },
        { name: 'call hosts', state: 'ok' },
        { name: 'providers', state: 'ok', means: expect.stringContaining('ears: deepgram') },
      ],
    });
  });

  it('answers what is not JSON with what to send, and a bare OPTIONS with nothing', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain']) {
      const headers = { authorization: `Bearer ${key}`, 'content-type': type };
      const reply = await api.app.inject({ method: 'POST', url: '/assistant', headers, payload: 'name=x' });
      expect(reply.json(), type).toMatchObject({ statusCode: 400, code: 'invalid_request' });
      expect(reply.json().message).toContain('application/json');
    }
    expect((await api.app.inject({ method: 'OPTIONS', url: '/assistant' })).statusCode).toBe(204);
  });

  it('counts its requests by route, never by path', async () => {
    await withKey('GET', '/assistant/0190a0a0-0000-7000-8000-000000000000');
    const text = (await get('/metrics')).body;
    expect(text).toMatch(/vr_http_request_seconds_count\{route="GET \/assistant\/:id",status="404"\} \d/);
    expect(text).not.toContain('0190a0a0');
  });

  it('sends the headers that keep a browser careful', async () => {
    expect((await get('/health')).headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
  });
});

describe('a browser', () => {
  it('gets the app for an address that no route knows, an API client the error', async () => {
    for (const path of ['/', '/calls/1']) {
      const page = await get(path, { accept: 'text/html,*/*' });
      expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    }
    expect((await get('/calls/1')).json()).toMatchObject({ statusCode: 404, error: 'Not Found', code: 'no_route' });
    expect((await api.app.inject({ method: 'PUT', url: '/assistant', headers: { accept: 'text/html' } })).json()).toMatchObject({
      statusCode: 404,
    });
  });

  it.each(['/../package.json', '/%2e%2e/package.json', '/assets/..%2f..%2fpackage.json'])(
    'gets no file outside of the dashboard: %s',
    async (url) => {
      expect((await get(url)).body).not.toContain('"dependencies"');
    },
  );

  it('may call from the origins that were named, and no other', async () => {
    const ask = (origin: string) =>
      api.app.inject({
        method: 'OPTIONS',
        url: '/assistant',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,x-fern-language' },
      });
    expect((await ask('https://app.example.com')).headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect((await ask('https://voice.example.com')).headers['access-control-allow-origin']).toBe('https://voice.example.com');
    expect((await ask('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('a credential', () => {
  it('is given back without its secrets, and they are sealed in the store', async () => {
    const reply = await withKey('POST', '/credential', { provider: 'openai', name: 'Main', apiKey: 'sk-very-secret' });
    expect(reply.statusCode).toBe(201);
    const { id } = reply.json();
    expect(reply.json()).toMatchObject({ provider: 'openai', name: 'Main', orgId: api.organization });
    for (const text of [reply.body, (await withKey('GET', '/credential')).body, (await withKey('GET', `/credential/${id}`)).body])
      expect(text).not.toContain('sk-very-secret');
    expect((await api.store.credentials.open(api.organization, id))?.secrets).toEqual({ apiKey: 'sk-very-secret' });
    expect((await withKey('DELETE', `/credential/${id}`)).json().id).toBe(id);
    expect((await withKey('GET', `/credential/${id}`)).statusCode).toBe(404);
  });

  it('of a carrier shows its account, not its token', async () => {
    const reply = await withKey('POST', '/credential', {
      provider: 'twilio',
      accountSid: `AC${'2'.repeat(32)}`,
      authToken: 'hidden',
      phoneNumber: '+1',
    });
    expect(reply.json()).toMatchObject({ accountSid: `AC${'2'.repeat(32)}`, phoneNumber: '+1' });
    expect(reply.body).not.toContain('hidden');
  });

  it.each([
    [{ provider: 'openai' }, 'invalid_request', /apiKey/],
    [{ provider: 'twilio', accountSid: 'AC1' }, 'invalid_request', /authToken/],
    [{ provider: 'acme', apiKey: 'x' }, 'unsupported', /twilio/],
    [{ apiKey: 'x' }, 'invalid_request', /provider/],
    [{ provider: 'openai', apiKey: { nested: true } }, 'invalid_request', /apiKey/],
  ])('%j is refused', async (body, code, sentence) => {
    const reply = await withKey('POST', '/credential', body);
    expect(reply.json()).toMatchObject({ statusCode: 400, code });
    expect(String(reply.json().message)).toMatch(sentence);
  });
});

describe('providers', () => {
  it('are listed with what they still need, without a key in sight', async () => {
    const reply = await withKey('GET', '/providers');
    const { providers } = reply.json();
    const find = (kind: string, name: string) =>
      providers.find((one: { kind: string; name: string }) => one.kind === kind && one.name === name);
    expect(find('llm', 'openai')).toMatchObject({ configured: true, needs: 'OPENAI_API_KEY' });
    expect(find('llm', 'anthropic')).toMatchObject({ configured: false, needs: 'ANTHROPIC_API_KEY' });
    expect(reply.body).not.toContain('openai-key');
  });
});
