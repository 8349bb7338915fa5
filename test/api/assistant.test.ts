/** `/assistant` over HTTP: shapes, lists, patch, warnings, bodies of all kinds, idempotency, other organisations. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
let key: string;
let foreign: string;
beforeAll(async () => {
  api = await startApi();
  key = await api.key('*');
  foreign = await api.foreignKey();
});
afterAll(() => api.stop());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const ask = (method: Method, url: string, payload?: unknown, headers: Record<string, string> = {}) =>
  api.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${key}`, ...(payload !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(payload !== undefined && { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
  });
const clinic = {
  name: 'Clinic',
  firstMessage: 'Hello.',
  model: { provider: 'openai', model: 'gpt-4.1', messages: [{ role: 'system', content: 'Be brief.' }] },
  voice: { provider: '11labs', voiceId: 'sarah' },
};
const create = async (body: object = clinic) => (await ask('POST', '/assistant', body)).json();

describe('creating', () => {
  it('answers 201 with the resource, and keeps what it does not know', async () => {
    const reply = await ask('POST', '/assistant', { ...clinic, favouriteColour: 'blue', 'né\n': 1 });
    expect(reply.statusCode).toBe(201);
    expect(reply.json()).toMatchObject({ ...clinic, favouriteColour: 'blue', orgId: api.organization });
    expect(reply.json().createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(reply.headers.warnings).toBe('Stored, but not known to this server: favouriteColour, n??.');
    expect((await ask('POST', '/assistant', clinic)).headers.warnings).toBeUndefined();
  });

  it('ignores an id and an organisation that came along', async () => {
    const made = await create({ ...clinic, id: 'mine', orgId: 'mine', createdAt: 'mine' });
    expect(made.id).not.toBe('mine');
    expect(made.orgId).toBe(api.organization);
  });

  it('names every wrong field by its path', async () => {
    const reply = await ask('POST', '/assistant', { name: 'x'.repeat(41), model: { provider: 'openai', messages: [{ role: 'nobody' }] } });
    expect(reply.statusCode).toBe(400);
    const body = reply.json();
    expect(body).toMatchObject({ error: 'Bad Request', statusCode: 400, code: 'invalid_request' });
    expect(body.faults.map((fault: { path: string }) => fault.path)).toEqual(['name', 'model.messages[0].role']);
    expect(body.message[0]).toMatch(/^name /);
  });

  it.each([
    ['{"name":', 400],
    ['[]', 400],
    ['"text"', 400],
    ['', 400],
    ['{"__proto__":{"x":1}}', 400],
    [`{"metadata":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`, 400],
    [JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413],
  ])('refuses body %#', async (payload, status) => {
    const reply = await ask('POST', '/assistant', payload);
    expect(reply.statusCode).toBe(status);
    expect(Object.keys(reply.json())).toEqual(expect.arrayContaining(['message', 'error', 'statusCode', 'code', 'fix']));
  });

  it('refuses another kind of body without a 5xx', async () => {
    const reply = await ask('POST', '/assistant', '<xml/>', { 'content-type': 'text/xml' });
    expect(reply.json()).toMatchObject({ statusCode: 400, code: 'invalid_request' });
  });

  it('runs once per Idempotency-Key', async () => {
    const header = { 'idempotency-key': 'create-1' };
    const [first, second] = [await ask('POST', '/assistant', clinic, header), await ask('POST', '/assistant', clinic, header)];
    expect(second.statusCode).toBe(201);
    expect(second.json()).toEqual(first.json());
    expect(second.headers['idempotent-replay']).toBe('true');
    expect((await ask('POST', '/assistant', { name: 'Other' }, header)).json()).toMatchObject({ statusCode: 409, code: 'conflict' });
    expect((await ask('POST', '/credential', { provider: 'openai', apiKey: 'k' }, header)).statusCode).toBe(201);
  });

  it('repeats a refusal too', async () => {
    const header = { 'idempotency-key': 'create-2' };
    const bad = { name: 'x'.repeat(41) };
    const [first, second] = [await ask('POST', '/assistant', bad, header), await ask('POST', '/assistant', bad, header)];
    expect(second.statusCode).toBe(400);
    expect(second.json()).toEqual(first.json());
  });

  it('runs once for fifty requests at the same moment', async () => {
    const before = (await ask('GET', '/assistant?limit=1000')).json().length;
    const header = { 'idempotency-key': 'create-3' };
    const replies = await Promise.all(Array.from({ length: 50 }, () => ask('POST', '/assistant', clinic, header)));
    expect(new Set(replies.map(({ statusCode }) => statusCode)).size).toBeLessThanOrEqual(2);
    for (const { statusCode } of replies) expect([201, 409]).toContain(statusCode);
    expect((await ask('GET', '/assistant?limit=1000')).json().length).toBe(before + 1);
  });
});

describe('listing', () => {
  it('is a bare array, newest first, narrowed by limit and dates', async () => {
    const [one, two, three] = [await create(), await create(), await create()];
    const list = (await ask('GET', '/assistant?limit=3')).json();
    expect(list.map(({ id }: { id: string }) => id)).toEqual([three.id, two.id, one.id]);
    expect((await ask('GET', '/assistant?limit=0')).json()).toEqual([]);
    const at = new Date(list[0].createdAt).getTime();
    expect((await ask('GET', `/assistant?createdAtGt=${new Date(at + 60_000).toISOString()}`)).json()).toEqual([]);
    expect((await ask('GET', '/assistant?createdAtGt=1970-01-01T00%3A00%3A00Z&limit=2')).json()).toHaveLength(2);
  });

  it.each([
    ['limit=1001', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=many', 'limit'],
    ['createdAtLt=yesterday', 'createdAtLt'],
  ])('refuses %s', async (query, path) => {
    expect((await ask('GET', `/assistant?${query}`)).json()).toMatchObject({ statusCode: 400, faults: [{ path }] });
  });
});

describe('reading', () => {
  it('shows the secrets of its servers to those who may write it, and to nobody else', async () => {
    const server = { url: 'https://example.com/hook', secret: 'hush-hush', headers: { 'x-key': 'hush-hush' } };
    const { id } = await create({ ...clinic, server });
    const by = async (...scopes: string[]) =>
      (await ask('GET', `/assistant/${id}`, undefined, { authorization: `Bearer ${await api.key(...scopes)}` })).json();
    expect((await by('editor')).server).toEqual(server);
    const seen = await by('viewer');
    expect(seen).toMatchObject({ ...clinic, id, server: { url: server.url } });
    expect(JSON.stringify(seen)).not.toContain('hush');
  });
});

describe('changing', () => {
  it('touches the fields that are sent: whole with their discriminator, merged without, cleared by null', async () => {
    const { id } = await create();
    const patch = async (body: object) => (await ask('PATCH', `/assistant/${id}`, body)).json();
    expect((await patch({ firstMessage: 'Good day.' })).model).toEqual(clinic.model);
    expect((await patch({ model: { temperature: 0.5 } })).model).toEqual({ ...clinic.model, temperature: 0.5 });
    expect((await patch({ model: { provider: 'openai' } })).model).toEqual({ provider: 'openai' });
    const cleared = await patch({ voice: null });
    expect(cleared).not.toHaveProperty('voice');
    expect(cleared.firstMessage).toBe('Good day.');
    const whole = await ask('PATCH', `/assistant/${id}`, { ...cleared, mood: 'good' });
    expect(whole.headers.warnings).toBe('Stored, but not known to this server: mood.');
    expect((await ask('PATCH', `/assistant/${id}`, { name: 7 })).json()).toMatchObject({ statusCode: 400, faults: [{ path: 'name' }] });
  });

  it('loses nothing when many do it at once', async () => {
    const { id } = await create();
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask('PATCH', `/assistant/${id}`, { [`field${i}`]: i })));
    const now = (await ask('GET', `/assistant/${id}`)).json();
    expect(Array.from({ length: 20 }, (_, i) => now[`field${i}`])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe('deleting', () => {
  it('answers what was deleted, with the body `{}` or none', async () => {
    for (const payload of [{}, undefined, '']) {
      const made = await create();
      const reply = await ask('DELETE', `/assistant/${made.id}`, payload);
      expect(reply.statusCode).toBe(200);
      expect(reply.json()).toEqual(made);
      expect((await ask('GET', `/assistant/${made.id}`)).json()).toMatchObject({ statusCode: 404, error: 'Not Found', code: 'not_found' });
    }
  });
});

describe('paths', () => {
  it('may end in a slash', async () => {
    const { id } = await create();
    expect((await ask('GET', `/assistant/${id}/`)).statusCode).toBe(200);
    expect((await ask('GET', '/assistant/?limit=1')).statusCode).toBe(200);
  });

  it.each(['nothing', 'a%20b%2Fc', '0190a0a0-0000-7000-8000-000000000000', '%00'])('%s is not found', async (id) => {
    for (const method of ['GET', 'PATCH', 'DELETE'] as const)
      expect((await ask(method, `/assistant/${id}`, method === 'GET' ? undefined : {})).json()).toMatchObject({
        statusCode: 404,
        code: 'not_found',
      });
  });

  it('that cannot be decoded are refused in the same shape', async () => {
    expect((await ask('GET', '/assistant/%E0%A4%A')).json()).toMatchObject({ statusCode: 400, code: 'invalid_request' });
  });

  it('of another organisation answer like absent ones', async () => {
    const { id } = await create();
    const other = { authorization: `Bearer ${foreign}` };
    const absent = (await ask('GET', '/assistant/0190a0a0-0000-7000-8000-000000000000', undefined, other)).json();
    for (const method of ['GET', 'PATCH', 'DELETE'] as const)
      expect((await ask(method, `/assistant/${id}`, method === 'GET' ? undefined : {}, other)).json()).toEqual(absent);
    expect((await ask('GET', '/assistant', undefined, other)).json()).toEqual([]);
  });
});

describe('what this server does not have', () => {
  it('is an empty list, and a 400 for those who create', async () => {
    expect((await ask('GET', '/squad')).json()).toEqual([]);
    expect((await ask('GET', '/eval/run')).json()).toMatchObject({ results: [], metadata: { totalItems: 0 } });
    expect((await ask('POST', '/squad', {})).json()).toMatchObject({
      statusCode: 400,
      code: 'unsupported',
      message: expect.stringContaining('squad'),
    });
  });
});
