/** What a vendor says before anybody listens: in the segment of its 101 answer, or while the one who asked is still busy. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress, type OutboundSocket } from '../../src/kernel/egress.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';

const text = (words: string) => frame(0x81, Buffer.from(words));
const binary = (...bytes: number[]) => frame(0x82, Buffer.from(bytes));
const goodbye = (code: number, reason = '') => frame(0x88, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));

/** RFC 6455 §5.2, from a server: no mask. */
function frame(head: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 0xff]
        : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([head, ...size]), payload]);
}

let server: Server | undefined;
let scope: Scope | undefined;
afterEach(async () => {
  await scope?.close('over');
  server?.close();
});

/** A server that answers the upgrade and says `frames` in one write. `read` resolves when the client has read all that was written. */
async function opened(frames: readonly Buffer[], maxBytes?: number) {
  const ready = Promise.withResolvers<{ write: (later: Buffer) => void; read: () => Promise<void> }>();
  const listening = createServer((tcp) => {
    tcp.on('error', () => {});
    tcp.once('data', (request) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(request.toString())?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      tcp.write(Buffer.concat([Buffer.from(head), ...frames]));
      const write = (later: Buffer) => void tcp.write(later);
      // Whatever was said before is read when the client answers a ping, or a goodbye.
      const answered = new Promise<void>((resolve) => tcp.once('data', () => resolve()));
      const read = () => {
        write(frame(0x89, Buffer.alloc(0)));
        return answered;
      };
      ready.resolve({ write, read });
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  const port = typeof address === 'object' ? address?.port : 0;
  scope = rootScope('test');
  const socket = await createEgress('any').socket({ url: `ws://127.0.0.1:${port}/`, ...(maxBytes ? { maxBytes } : {}) }, scope);
  return { socket, ...(await ready.promise) };
}

/** Everything that the listeners are told, in order; resolves when `last` was told. */
function told(socket: OutboundSocket, last: string, order: 'message first' | 'close first' = 'message first') {
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const note = (what: string) => {
    said.push(what);
    if (what === last) resolve(said);
  };
  const message = () => socket.onMessage((data) => note(typeof data === 'string' ? data : `bytes ${[...data].join(' ')}`));
  const close = () => socket.onClose((code, reason) => note(`closed ${code} ${reason}`.trim()));
  for (const listen of order === 'message first' ? [message, close] : [close, message]) listen();
  return { said, all: promise };
}

const CASES: [string, Buffer[], string[]][] = [
  ['one message', [text('hello')], ['hello']],
  ['several', [text('session.created'), text('error'), text('third')], ['session.created', 'error', 'third']],
  ['text and bytes', [binary(1, 2), text('a'), binary(3)], ['bytes 1 2', 'a', 'bytes 3']],
  ['an empty one', [text(''), text('b')], ['', 'b']],
  ['a refusal and a goodbye', [text('invalid api key'), goodbye(1008, 'no')], ['invalid api key', 'closed 1008 no']],
  ['a goodbye alone', [goodbye(1013)], ['closed 1013']],
  ['a long one', [text('x'.repeat(100_000)), text('end')], ['x'.repeat(100_000), 'end']],
];

describe('messages that come with the 101', () => {
  it.each(CASES)('are given in order: %s', async (_name, frames, expected) => {
    const { socket } = await opened(frames);
    expect(await told(socket, expected.at(-1) ?? '').all).toEqual(expected);
  });

  it.each(CASES)('are given in order to one who listens late, for the end first: %s', async (_name, frames, expected) => {
    const { socket, read } = await opened(frames);
    await read();
    expect(await told(socket, expected.at(-1) ?? '', 'close first').all).toEqual(expected);
  });

  it('come before what follows, and nobody is told inside the call that sets a listener', async () => {
    const { socket, write } = await opened([text('first'), text('second')]);
    const { said, all } = told(socket, 'later');
    expect(said).toEqual([]);
    write(text('later'));
    expect(await all).toEqual(['first', 'second', 'later']);
  });

  it('are bounded: a flood that nobody listens to ends the connection', async () => {
    const { socket, write } = await opened([]);
    for (let i = 0; i < 20; i++) write(text('x'.repeat(60_000)));
    const code = await new Promise<number>((resolve) => socket.onClose(resolve));
    expect(code).toBe(1006);
    expect(socket.open).toBe(false);
  });

  it('may be as many as the largest message that was allowed', async () => {
    const { socket, write, read } = await opened([], 4_000_000);
    for (let i = 0; i < 20; i++) write(text('x'.repeat(60_000)));
    write(text('end'));
    await read();
    const { said, all } = told(socket, 'end');
    await all;
    expect(said).toHaveLength(21);
  });
});
