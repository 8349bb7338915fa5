/** Who may call what: every route of the permission table, with no key, a foreign one, a weak one and the right one. */
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardRoutes } from '../../src/api/auth.ts';
import { allows, PERMISSIONS } from '../../src/api/permissions.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const SOME = '0190a0a0-0000-7000-8000-000000000000';
const rows = Object.entries(PERMISSIONS).map(([row, permission]) => {
  const [method = '', path = ''] = row.split(' ');
  return { method: method as 'GET', path, url: path.replace(/:\w+/g, SOME).replace('*', 'index.html'), permission };
});
const guarded = rows.filter(({ permission }) => permission !== 'public' && permission !== 'signed');
const call = ({ method, url }: { method: 'GET'; url: string }, headers: Record<string, string> = {}) =>
  api.app.inject({ method, url, headers, ...(method === 'GET' ? {} : { payload: {} }) });

describe('a key', () => {
  it('is asked for on every guarded route', async () => {
    for (const row of guarded) {
      const reply = await call(row);
      expect([row.url, reply.statusCode, reply.headers['www-authenticate']]).toEqual([row.url, 401, 'Bearer']);
      expect(reply.json()).toMatchObject({ error: 'Unauthorized', statusCode: 401, code: 'unauthorized' });
    }
  });

  it('is not asked for on public routes', async () => {
    for (const row of rows.filter(({ permission }) => permission === 'public'))
      expect([401, 403]).not.toContain((await call(row)).statusCode);
  });

  it('opens a route with its scope and no other', async () => {
    for (const row of guarded) {
      const right = await api.key(String(row.permission));
      expect([401, 403]).not.toContain((await call(row, { authorization: `Bearer ${right}` })).statusCode);
    }
    const weak = await api.key('nothing:read');
    for (const row of guarded) {
      const reply = await call(row, { 'x-api-key': weak });
      expect([row.url, reply.statusCode]).toEqual([row.url, 403]);
      expect(reply.json().message).toContain(row.permission);
    }
  });

  it('is taken from either header, and refused when it is wrong, cut off or revoked', async () => {
    const key = await api.key('*');
    const at = (headers: Record<string, string>) => call({ method: 'GET', url: '/assistant' }, headers);
    expect((await at({ authorization: `Bearer ${key}` })).statusCode).toBe(200);
    expect((await at({ authorization: `bearer  ${key}` })).statusCode).toBe(200);
    expect((await at({ 'x-api-key': key })).statusCode).toBe(200);
    for (const wrong of [key.slice(0, -1), `${key}x`, 'x', key.replace('ak_lab', 'ak_live'), '\u00e9'.repeat(40)])
      expect((await at({ 'x-api-key': wrong })).statusCode).toBe(401);
    expect((await at({ authorization: `Basic ${key}` })).statusCode).toBe(401);
    const [row] = await api.store.apiKeys.list(api.organization);
    for (const one of await api.store.apiKeys.list(api.organization)) await api.store.apiKeys.revoke(api.organization, one.id);
    expect(row).toBeDefined();
    expect((await at({ 'x-api-key': key })).statusCode).toBe(401);
  });

  it('never appears in the log, nor do the secrets of a path', async () => {
    const key = await api.key('*');
    await call({ method: 'GET', url: '/assistant' }, { 'x-api-key': key });
    await api.app.inject({ method: 'POST', url: `/call/${SOME}/control/very-secret-token`, payload: { type: 'end-call' } });
    const text = JSON.stringify(api.logged);
    expect(text).toContain('POST /call/:id/control/:token');
    expect(text).not.toContain(key);
    expect(text).not.toContain('very-secret-token');
  });
});

describe('the permission table', () => {
  it('has a row for every route, or the server does not start', async () => {
    const bare = Fastify();
    guardRoutes(bare as unknown as TestApi['app'], async () => undefined);
    expect(() => bare.get('/forgotten', async () => 'open to all')).toThrow(/GET \/forgotten has no row/);
    await bare.close();
  });

  it('has no row without a route', () => {
    const lost = rows.filter(({ method, path }) => path !== '/*' && !api.app.hasRoute({ method, url: path }));
    expect(lost).toEqual([]);
  });

  it.each([
    [['admin'], true, true, true],
    [['*'], true, true, true],
    [['editor'], true, true, false],
    [['viewer'], true, false, false],
    [['call:*'], true, false, false],
    [['call:read'], true, false, false],
    [['credential:write'], false, false, true],
    [['constructor', 'toString'], false, false, false],
    [[], false, false, false],
  ])('%j', (scopes, reads, edits, keeps) => {
    expect(allows(scopes, 'call:read')).toBe(reads);
    expect(allows(scopes, 'assistant:write')).toBe(edits);
    expect(allows(scopes, 'credential:write')).toBe(keeps);
  });
});
