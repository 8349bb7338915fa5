/**
 * One HTTP and websocket server under every fake vendor: listens on loopback, notes what it was asked, and misbehaves on demand.
 * It knows no vendor's protocol; the files beside it do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

/**
 * How the vendor misbehaves until told otherwise: a status instead of service, silence, words that are no protocol, or an end in
 * the middle of the sentence (each fake says what the middle is).
 */
type Fault = { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> } | 'hang' | 'garbage' | 'close';

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  /** The whole body of a request; empty for a websocket. */
  readonly body: Buffer;
  /** What came over the websocket as text, parsed, in order; without audio. */
  readonly messages: unknown[];
}

export interface FakeVendor {
  /** `http://127.0.0.1:<port>`; websockets are reached by it as well. */
  readonly url: string;
  readonly asked: Asked[];
  readonly stats: { requests: number; sockets: number; open: number; audioBytes: number };
  fault: Fault | undefined;
  /** Resolves when `true`; asked again whenever something arrives or goes. */
  until(happened: (vendor: FakeVendor) => boolean): Promise<void>;
  /** Breaks every open connection without a goodbye. */
  drop(): void;
  close(): Promise<void>;
}

export interface Socket {
  readonly asked: Asked;
  readonly open: boolean;
  send(message: object | Uint8Array | string): void;
  /** Text messages are parsed; binary ones come as they are. */
  onMessage(take: (message: Record<string, unknown> | Buffer) => void): void;
  onClose(take: () => void): void;
  close(code?: number, reason?: string): void;
}

export interface Protocol {
  request?(asked: Asked, response: ServerResponse, vendor: FakeVendor): void;
  socket?(socket: Socket, vendor: FakeVendor): void;
}

export async function startVendor(protocol: Protocol): Promise<FakeVendor> {
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of watchers) look();
  };
  const note = (request: IncomingMessage, body: Buffer): Asked => {
    const asked: Asked = {
      method: request.method ?? 'GET',
      url: new URL(request.url ?? '/', 'http://fake'),
      headers: request.headers,
      body,
      messages: [],
    };
    vendor.asked.push(asked);
    return asked;
  };

  const server = createServer((request, response) => {
    vendor.stats.requests += 1;
    vendor.stats.open += 1;
    response.on('close', () => {
      vendor.stats.open -= 1;
      changed();
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = note(request, Buffer.concat(chunks));
      changed();
      const { fault } = vendor;
      if (fault === 'hang') return;
      if (fault === 'garbage') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>');
      if (typeof fault === 'object') {
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(JSON.stringify(fault.body ?? {}));
        return;
      }
      if (protocol.request) protocol.request(asked, response, vendor);
      else response.writeHead(404).end();
    });
  });

  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, tcp, head) => {
    const { fault } = vendor;
    if (typeof fault === 'object') {
      const body = JSON.stringify(fault.body ?? {});
      const headers = {
        connection: 'close',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...fault.headers,
      };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      tcp.end(`HTTP/1.1 ${fault.status} Refused\r\n${lines.join('')}\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, tcp, head, (ws) => {
      vendor.stats.sockets += 1;
      vendor.stats.open += 1;
      const asked = note(request, Buffer.alloc(0));
      const socket = wrap(ws, asked, vendor, changed);
      ws.on('close', () => {
        vendor.stats.open -= 1;
        changed();
      });
      changed();
      if (vendor.fault === undefined || vendor.fault === 'close') protocol.socket?.(socket, vendor);
      else if (vendor.fault === 'garbage') socket.onMessage(() => socket.send('It works!'));
    });
  });

  const vendor: FakeVendor = {
    url: '',
    asked: [],
    stats: { requests: 0, sockets: 0, open: 0, audioBytes: 0 },
    fault: undefined,
    until(happened) {
      return new Promise((resolve) => {
        const look = () => {
          if (!happened(vendor)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
    drop() {
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
    },
    close() {
      vendor.drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(vendor, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function wrap(ws: WebSocket, asked: Asked, vendor: FakeVendor, changed: () => void): Socket {
  let take: (message: Record<string, unknown> | Buffer) => void = () => {};
  ws.on('error', () => {});
  ws.on('message', (data: RawData, binary) => {
    const bytes = data as Buffer;
    if (binary) vendor.stats.audioBytes += bytes.length;
    const message = binary ? bytes : (JSON.parse(bytes.toString('utf8')) as Record<string, unknown>);
    // Sound inside JSON is not kept: a server that stands for hours would only grow.
    if (!Buffer.isBuffer(message) && message.audio === undefined) asked.messages.push(message);
    take(message);
    changed();
  });
  return {
    asked,
    get open() {
      return ws.readyState === ws.OPEN;
    },
    send(message) {
      if (ws.readyState !== ws.OPEN) return;
      ws.send(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
    },
    onMessage: (listener) => {
      take = listener;
    },
    onClose: (listener) => void ws.on('close', listener),
    close: (code = 1000, reason = '') => ws.close(code, reason),
  };
}
