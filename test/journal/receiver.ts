/** A webhook receiver over a true socket: keeps what it got and answers as the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly message: Record<string, unknown> & { readonly call: { readonly id: string }; readonly seq: number; readonly type: string };
}

export type Behaviour = (received: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Resolves when `count` requests came in since the start. */
  got(count: number): Promise<void>;
  behave(how: Behaviour): void;
  stop(): Promise<void>;
}

const accept: Behaviour = (_, response) => void response.end('{}');

export async function openReceiver(behaviour: Behaviour = accept): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let behave = behaviour;
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const one = { path: request.url ?? '', headers: request.headers as Record<string, string>, body, message: JSON.parse(body).message };
    received.push(one);
    for (const waiter of waiting) if (received.length >= waiter.count) waiter.resolve();
    behave(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    got: (count) => new Promise((resolve) => (received.length >= count ? resolve() : waiting.push({ count, resolve }))),
    behave: (how) => {
      behave = how;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
