/** Websocket frames of one buffer, read by the library's own client over a true socket. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frameWriter } from '../../src/host/frame-writer.ts';

let server: Server;
let client: WebSocket;
let ours: WebSocket;
let socket: Socket;
let got: { data: Buffer; binary: boolean }[];
let watch: () => void;
const until = (ready: () => boolean) =>
  new Promise<void>((resolve) => {
    watch = () => ready() && resolve();
    watch();
  });

beforeEach(async () => {
  got = [];
  watch = () => {};
  server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const opened = new Promise<void>((resolve) =>
    server.on('upgrade', (request, taken, head) => {
      socket = taken as Socket;
      sockets.handleUpgrade(request, taken, head, (ws) => {
        ours = ws;
        resolve();
      });
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('message', (data, binary) => {
    got.push({ data: data as Buffer, binary });
    watch();
  });
  await Promise.all([opened, new Promise((resolve) => client.once('open', resolve))]);
});
afterEach(async () => {
  client.terminate();
  ours.terminate();
  await new Promise((resolve) => server.close(resolve));
});

const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + length) & 0xff));

describe('a frame', () => {
  it('is read as it was meant, at every length of the header', async () => {
    const writer = frameWriter();
    const lengths = [0, 1, 125, 126, 127, 400, 65_525, 65_535, 65_536, 65_537, 300_000];
    for (const length of lengths) {
      writer.message(socket, bytesOf(length));
      writer.frame(socket, length, true, (target, at) => void bytesOf(length).copy(target, at));
    }
    await until(() => got.length === lengths.length * 2);
    for (const [i, length] of lengths.flatMap((one) => [one, one]).entries()) {
      expect(got[i]?.binary).toBe(true);
      expect(got[i]?.data.equals(bytesOf(length)), String(length)).toBe(true);
    }
  });

  it('carries any text', async () => {
    const writer = frameWriter();
    const texts = ['', '{"type":"clear"}', 'ä€𝄞', 'x'.repeat(70_000), 'é'.repeat(40_000)];
    for (const text of texts) writer.message(socket, text);
    await until(() => got.length === texts.length);
    expect(got.map(({ data, binary }) => [data.toString('utf8'), binary])).toEqual(texts.map((text) => [text, false]));
  });

  it('is not overwritten by the next one while its reader is behind', async () => {
    const writer = frameWriter();
    client.pause();
    const count = 4_000;
    for (let i = 0; i < count; i += 1) writer.frame(socket, 2_000, true, (target, at) => void target.fill(i & 0xff, at, at + 2_000));
    expect(socket.writableLength).toBeGreaterThan(0);
    client.resume();
    await until(() => got.length === count);
    expect(got.every(({ data }, i) => data.length === 2_000 && data.every((byte) => byte === (i & 0xff)))).toBe(true);
  });

  it("lets the library's own frames in between", async () => {
    const writer = frameWriter();
    const pong = new Promise((resolve) => ours.once('pong', resolve));
    writer.message(socket, 'before');
    ours.ping();
    writer.message(socket, 'after');
    await pong;
    const closed = new Promise<number>((resolve) => client.once('close', resolve));
    ours.close(1000, 'ended');
    expect(await closed).toBe(1000);
    expect(got.map(({ data }) => String(data))).toEqual(['before', 'after']);
  });

  it('leaves the process in one write', () => {
    const writes: number[] = [];
    const sink = new Socket();
    Object.defineProperty(sink, 'write', { value: (bytes: Uint8Array) => writes.push(bytes.length) });
    Object.defineProperty(sink, 'writableLength', { value: 0 });
    const writer = frameWriter();
    writer.message(sink, bytesOf(320));
    writer.frame(sink, 100, false, () => {});
    expect(writes).toEqual([324, 102]);
    sink.destroy();
  });
});
