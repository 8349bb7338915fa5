/** The egress door over true sockets: bounded in time and size, never redirected, never private when it must be public. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createEgress, type HttpReply } from '../../src/kernel/egress.ts';
import { rootScope } from '../../src/kernel/scope.ts';

const egress = createEgress('any');
let server: Server;
let origin: string;
let connections = 0;
const closedBy: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/ok') response.end('hello');
    else if (path === '/redirect') response.writeHead(302, { location: `${origin}/secret` }).end();
    else if (path === '/silent') request.on('close', () => closedBy.push('/silent'));
    else if (path === '/stall') response.write('first');
    else if (path === '/cut') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.socket?.destroy());
    } else if (path === '/large') response.end('x'.repeat(2_000_000));
  });
  server.on('connection', () => {
    connections += 1;
  });
  const wss = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/refuse') return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
    if (request.url === '/explain')
      return void socket.end('HTTP/1.1 402 No\r\nretry-after: 9\r\nconnection: close\r\n\r\n{"error":"no credit"}');
    if (request.url === '/explain-for-ever')
      return void socket.write(`HTTP/1.1 403 No\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(9_000)}`);
    if (request.url === '/hang') return;
    wss.handleUpgrade(request, socket, head, (ws) => {
      if (request.url === '/drop') ws.terminate();
      ws.on('message', (data, binary) => ws.send(data, { binary }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const get = (path: string, more = {}) => egress.http({ url: origin + path, ...more }, rootScope('test'));

describe('http', () => {
  it('reuses its connections', async () => {
    const before = connections;
    for (let i = 0; i < 20; i++) expect(await (await get('/ok')).text()).toBe('hello');
    // A connection is free again a moment after its body was read, so one more may be opened for the next request; never one each.
    expect(connections - before).toBeLessThanOrEqual(2);
  });

  it('does not follow a redirect', async () => {
    const reply: HttpReply = await get('/redirect');
    expect(reply.status).toBe(302);
    reply.discard();
  });

  it('times out on silence before the headers and inside the body', async () => {
    await expect(get('/silent', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'provider_timeout' });
    const stalled = await get('/stall', { idleMs: 100 });
    await expect(stalled.text()).rejects.toMatchObject({ code: 'provider_timeout' });
  });

  it('reports a body that breaks off, and refuses one that is too large', async () => {
    await expect((await get('/cut')).text()).rejects.toMatchObject({ code: 'provider_network' });
    await expect((await get('/large')).text(1_000_000)).rejects.toMatchObject({ code: 'provider_garbage' });
  });

  it('closes the connection when its scope closes', async () => {
    const scope = rootScope('reply');
    closedBy.length = 0;
    const waiting = egress.http({ url: `${origin}/silent` }, scope).catch((e: unknown) => e);
    const seen = new Promise<void>((resolve) => server.once('request', (request) => request.once('close', () => resolve())));
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    await scope.close('cut');
    expect(await waiting).toMatchObject({ code: 'cancelled' });
    await seen;
  });

  it('names what cannot be reached', async () => {
    await expect(egress.http({ url: 'http://127.0.0.1:9/' }, rootScope('test'))).rejects.toMatchObject({ code: 'provider_network' });
  });
});

describe('websocket', () => {
  const open = (path: string, more = {}) => egress.socket({ url: origin.replace('http', 'ws') + path, ...more }, rootScope('test'));

  it('carries text and bytes', async () => {
    const socket = await open('/echo');
    const got: (string | Buffer)[] = [];
    const both = new Promise<void>((resolve) => socket.onMessage((message) => got.push(message) === 2 && resolve()));
    socket.send('text');
    socket.send(new Uint8Array([1, 2, 3]));
    await both;
    expect(got[0]).toBe('text');
    expect(Buffer.from(got[1] as Buffer)).toEqual(Buffer.from([1, 2, 3]));
    const closed = new Promise<number>((resolve) => socket.onClose((code) => resolve(code)));
    socket.close();
    expect(await closed).toBe(1000);
  });

  it('turns a refusal, silence and a drop into errors of the table', async () => {
    await expect(open('/refuse')).rejects.toMatchObject({ code: 'provider_auth' });
    await expect(open('/hang', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'provider_timeout' });
    const dropped = await open('/drop').catch((e: unknown) => e);
    if (!(dropped instanceof Error)) {
      const code = await new Promise<number>((resolve) => (dropped as Awaited<ReturnType<typeof open>>).onClose(resolve));
      expect(code).toBe(1006);
    }
  });

  it.each([
    ['/refuse', 'provider_auth', { refused: 401, body: '' }],
    ['/explain', 'provider_quota', { refused: 402, body: '{"error":"no credit"}', retryAfter: '9' }],
    ['/explain-for-ever', 'provider_auth', { refused: 403, body: 'x'.repeat(4_096) }],
  ])('keeps what the other side said when it refused: %s', async (path, code, cause) => {
    await expect(open(path)).rejects.toMatchObject({ code, cause });
  });

  it('ends with its scope', async () => {
    const scope = rootScope('call');
    const socket = await egress.socket({ url: `${origin.replace('http', 'ws')}/echo` }, scope);
    const closed = new Promise<number>((resolve) => socket.onClose((code) => resolve(code)));
    await scope.close('over');
    expect(await closed).toBe(1006);
  });
});

describe('public reach', () => {
  const guarded = createEgress('public');
  it('never connects to a private address, by name or by number, by http or websocket', async () => {
    const before = connections;
    const port = new URL(origin).port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433']) {
      await expect(guarded.http({ url: `http://${host}:${port}/ok` }, rootScope('t')), host).rejects.toMatchObject({
        code: 'egress_denied',
      });
      await expect((async () => guarded.socket({ url: `ws://${host}:${port}/echo` }, rootScope('t')))(), host).rejects.toMatchObject({
        code: 'egress_denied',
      });
    }
    expect(connections).toBe(before);
  });

  it('may be asked for by one request of a door that allows more, and is never widened by one', async () => {
    expect(await (await get('/ok')).text()).toBe('hello');
    const denied = { code: 'egress_denied' };
    await expect(get('/ok', { reach: 'public' })).rejects.toMatchObject(denied);
    const url = origin.replace('http', 'ws');
    await expect((async () => egress.socket({ url: `${url}/echo`, reach: 'public' }, rootScope('t')))()).rejects.toMatchObject(denied);
    await expect(guarded.http({ url: `${origin}/ok`, reach: 'any' }, rootScope('t'))).rejects.toMatchObject(denied);
  });
});
