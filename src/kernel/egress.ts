/**
 * The egress door: every outbound HTTP request and websocket of the product passes here, and nowhere else.
 * It connects only to addresses that the policy allows (judged on the address in use, at connect time), never follows a redirect,
 * bounds every size and time, and attaches the `error` listener that a bare socket lacks.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { guardedConnect, judgeUrl, type Reach } from './addresses.ts';
import { AywaError } from './errors.ts';
import type { Scope } from './scope.ts';

export interface HttpRequest {
  url: string;
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Until the response's headers; 10 s unless said otherwise. */
  timeoutMs?: number;
  /** Longest silence inside the body; 10 s unless said otherwise. */
  idleMs?: number;
  /** `public` for an address that a tenant supplied; it narrows what the door allows and never widens it. */
  reach?: Reach | undefined;
}

export interface HttpReply {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Chunks as they arrive. Rejects with `provider_network` or `provider_timeout`; ends early when the scope closes. */
  body: AsyncIterable<Uint8Array>;
  /** The whole body as text, cut off with an error past `limit` bytes (1 MiB unless said otherwise). */
  text(limit?: number): Promise<string>;
  /** Stops reading; the connection is closed. */
  discard(): void;
}

export interface SocketRequest {
  url: string;
  headers?: Readonly<Record<string, string>>;
  protocols?: readonly string[];
  /** Until the socket is open; 5 s unless said otherwise. */
  timeoutMs?: number;
  /** Largest message accepted; 1 MiB unless said otherwise. */
  maxBytes?: number;
  /** As in `HttpRequest`. */
  reach?: Reach | undefined;
}

/**
 * An outbound websocket: callbacks, because audio passes through it. What the other side sent before they were set, its first messages
 * and its goodbye, is kept and given in order right after, never inside the call that sets them.
 */
export interface OutboundSocket {
  send(message: string | Uint8Array): void;
  /** Bytes that wait in this process. */
  readonly buffered: number;
  readonly open: boolean;
  close(code?: number): void;
  onMessage(take: (message: string | Buffer) => void): void;
  /** Called exactly once, with a clean close too. */
  onClose(take: (code: number, reason: string) => void): void;
}

/** The cause of the error of a websocket that was answered with a status: what the other side said of it. */
export interface RefusedUpgrade {
  readonly refused: number;
  readonly url: string;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

export type OpenHttp = (request: HttpRequest, scope: Scope) => Promise<HttpReply>;
export type OpenSocket = (request: SocketRequest, scope: Scope) => Promise<OutboundSocket>;

/** The door in one direction of trust: operator-set addresses may be private, others may not. */
export interface Egress {
  http: OpenHttp;
  socket: OpenSocket;
  /** How many connections were opened so far, for the bench that counts them. */
  readonly opened: { readonly http: number; readonly sockets: number };
}

/** Bytes, of a socket whose reader or listener does not come. */
const MAX_BUFFERED = 1024 * 1024;
/** What a kept message costs beside its own bytes, so that empty ones are bounded, too. */
const KEPT_MESSAGE_BYTES = 64;

/** `reach` says which addresses are allowed: `any` for what the operator configured, `public` for what tenants or models supply. */
export function createEgress(reach: Reach): Egress {
  const opened = { http: 0, sockets: 0 };
  // One pool per reach: a connection that was opened to a private address must not serve a request that may not go there.
  const pool = (of: Reach) => {
    const connect = guardedConnect(of, () => {
      opened.http += 1;
    });
    return new Agent({ connect, keepAliveTimeout: 60_000, connections: 1024, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 });
  };
  const pools: Record<Reach, Agent> = { any: pool('any'), public: pool('public') };
  const narrowed = (asked: Reach = reach): Reach => (reach === 'public' ? 'public' : asked);

  const http: OpenHttp = async (ask, scope) => {
    const within = narrowed(ask.reach);
    judgeUrl(ask.url, ['http:', 'https:'], within);
    const controller = new AbortController();
    const stop = () => controller.abort(new AywaError('cancelled', { detail: ask.url.split('?')[0] ?? '' }));
    scope.signal.addEventListener('abort', stop, { once: true });
    const release = () => scope.signal.removeEventListener('abort', stop);
    try {
      const answer = await scope.wait(
        request(ask.url, {
          dispatcher: pools[within],
          method: ask.method ?? 'GET',
          headers: ask.headers ?? {},
          body: ask.body ?? null,
          signal: controller.signal,
          headersTimeout: ask.timeoutMs ?? 10_000,
          bodyTimeout: ask.idleMs ?? 10_000,
        }),
      );
      answer.body.once('close', release);
      return reply(answer.statusCode, flat(answer.headers), answer.body);
    } catch (error) {
      release();
      throw networkError(error, ask.url);
    }
  };

  const socket: OpenSocket = async (ask, scope) => {
    const within = narrowed(ask.reach);
    judgeUrl(ask.url, ['ws:', 'wss:', 'http:', 'https:'], within);
    opened.sockets += 1;
    return openSocket(ask, scope, within);
  };

  return { http, socket, opened };
}

function reply(status: number, headers: Record<string, string>, body: Readable): HttpReply {
  // A body that is discarded or fails late must not become an unhandled 'error'.
  body.on('error', () => {});
  return {
    status,
    headers,
    body: {
      async *[Symbol.asyncIterator]() {
        try {
          for await (const chunk of body) yield chunk as Uint8Array;
        } catch (error) {
          throw networkError(error, '');
        }
      },
    },
    async text(limit = 1024 * 1024) {
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        for await (const chunk of body) {
          size += (chunk as Buffer).length;
          if (size > limit) throw new AywaError('provider_garbage', { detail: `The body is larger than ${limit} bytes.` });
          chunks.push(chunk as Buffer);
        }
      } catch (error) {
        throw networkError(error, '');
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    discard: () => void body.destroy(),
  };
}

function openSocket(ask: SocketRequest, scope: Scope, reach: Reach): Promise<OutboundSocket> {
  const opening = new Promise<OutboundSocket>((resolve, reject) => {
    const ws = new WebSocket(ask.url, [...(ask.protocols ?? [])], {
      headers: { ...ask.headers },
      handshakeTimeout: ask.timeoutMs ?? 5_000,
      maxPayload: ask.maxBytes ?? 1024 * 1024,
      perMessageDeflate: false,
      followRedirects: false,
      createConnection: guardedSocket(reach, ask.url),
    });
    const told = arrivals(Math.max(MAX_BUFFERED, ask.maxBytes ?? 0), () => ws.terminate());
    let failure: Error | undefined;
    const stop = () => ws.terminate();
    scope.signal.addEventListener('abort', stop, { once: true });
    ws.on('error', (error) => {
      failure ??= error;
      reject(networkError(error, ask.url));
    });
    ws.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      explanationIn(response, (body) => {
        ws.terminate();
        const refused: RefusedUpgrade = { refused: status, url: ask.url, body, retryAfter: response.headers['retry-after'] };
        const { code, detail = '' } = statusError(status, ask.url);
        reject(new AywaError(code, { detail, cause: refused }));
      });
    });
    ws.on('message', (data, binary) => told.message(binary ? (data as Buffer) : (data as Buffer).toString('utf8')));
    ws.on('close', (code, reason) => {
      scope.signal.removeEventListener('abort', stop);
      told.close(code, failure?.message ?? reason.toString('utf8').slice(0, 200));
      reject(new AywaError('provider_network', { detail: `${hostOf(ask.url)} closed the connection (${code}).` }));
    });
    ws.on('open', () =>
      resolve({
        get buffered() {
          return ws.bufferedAmount;
        },
        get open() {
          return ws.readyState === WebSocket.OPEN;
        },
        send(message) {
          if (ws.readyState !== WebSocket.OPEN) return;
          // A reader that stopped reading would otherwise grow this process without a bound.
          if (ws.bufferedAmount > MAX_BUFFERED) ws.terminate();
          else ws.send(message);
        },
        close: (code = 1000) => ws.close(code),
        onMessage: told.onMessage,
        onClose: told.onClose,
      }),
    );
  });
  return scope.wait(opening);
}

/** The beginning of a refusal's body: what is there within a second, of 4 KiB at most. Told once. */
function explanationIn(response: IncomingMessage, take: (body: string) => void): void {
  let body = '';
  let told = false;
  const end = () => {
    if (!told) take(body);
    told = true;
    response.destroy();
  };
  response.setEncoding('utf8');
  response.setTimeout(1_000, end);
  response.on('data', (chunk: string) => {
    body = (body + chunk).slice(0, 4_096);
    if (body.length === 4_096) end();
  });
  for (const last of ['end', 'close', 'error']) response.on(last, end);
}

/** What came from the other side, in order, for listeners that may be set later. `overflow`: more is kept than `most` bytes. */
function arrivals(most: number, overflow: () => void) {
  let takeMessage: ((message: string | Buffer) => void) | undefined;
  let takeClose: ((code: number, reason: string) => void) | undefined;
  let kept: (string | Buffer)[] = [];
  let bytes = 0;
  let end: { code: number; reason: string } | undefined;

  const give = () => {
    while (takeMessage && kept.length > 0) {
      const all = kept;
      kept = [];
      bytes = 0;
      for (const message of all) takeMessage(message);
    }
    if (!end || !takeClose) return;
    const { code, reason } = end;
    const take = takeClose;
    takeClose = undefined;
    take(code, reason);
  };

  return {
    message(message: string | Buffer) {
      if (takeMessage && kept.length === 0) return takeMessage(message);
      kept.push(message);
      bytes += message.length + KEPT_MESSAGE_BYTES;
      if (bytes > most) overflow();
    },
    close(code: number, reason: string) {
      end = { code, reason };
      give();
    },
    onMessage(take: (message: string | Buffer) => void) {
      takeMessage = take;
      if (kept.length > 0) queueMicrotask(give);
    },
    onClose(take: (code: number, reason: string) => void) {
      takeClose = take;
      if (end) queueMicrotask(give);
    },
  };
}

function guardedSocket(reach: Reach, url: string) {
  const secure = url.startsWith('wss:') || url.startsWith('https:');
  return ((options: Record<string, unknown>) =>
    guardedConnect.raw(reach, options, secure)) as unknown as typeof import('node:net').createConnection;
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(headers)) if (value !== undefined) out[key] = Array.isArray(value) ? value.join(', ') : value;
  return out;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server';
}

/** What an HTTP status of a provider means, as an error of the table. */
export function statusError(status: number, url: string, detail = ''): AywaError {
  const said = `${hostOf(url)} answered ${status}${detail ? `: ${detail.slice(0, 300)}` : '.'}`;
  if (status === 401 || status === 403) return new AywaError('provider_auth', { detail: said });
  if (status === 402) return new AywaError('provider_quota', { detail: said });
  if (status === 429) return new AywaError('provider_rate', { detail: said });
  if (status >= 500 || status === 408) return new AywaError('provider_network', { detail: said });
  return new AywaError('provider_invalid', { detail: said });
}

function networkError(error: unknown, url: string): AywaError {
  if (error instanceof AywaError) return error;
  const name = error instanceof Error ? error.name : '';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = error instanceof Error && error.cause instanceof AywaError ? error.cause : undefined;
  if (cause) return cause;
  const where = url ? hostOf(url) : 'the server';
  if (/TIMEOUT/i.test(code) || /Timeout/.test(name) || /timed out/.test(String(error))) {
    return new AywaError('provider_timeout', { detail: `${where} did not answer in time.`, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new AywaError('provider_network', { detail: `${where}: ${code || message}`, cause: error });
}
