/**
 * Plays a fixture through a provider: `call` lines are what the engine does, `out` what must then have gone over the wire, `in`
 * what the vendor answers, `give` what must then have come out of the port. Each file is a conversation as the vendor's protocol has it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { channel } from '../../src/kernel/channel.ts';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import type { Egress, HttpRequest, SocketRequest } from '../../src/kernel/egress.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import type { ProviderContext } from '../../src/providers/contract.ts';
import { context } from './kit.ts';

export interface Line {
  readonly dir: 'call' | 'out' | 'in' | 'give';
  readonly [field: string]: unknown;
}

export interface Driven {
  /** Does what a `call` line says. */
  call(line: Line): void;
  /** What came out of the port since the last look. */
  readonly given: unknown[];
}

/** Plays a file of `test/fixtures/providers`. */
export function replay(file: string, drive: (ctx: ProviderContext) => Driven): Promise<void> {
  return replayLines(file, readFileSync(join(import.meta.dirname, '../fixtures/providers', file), 'utf8'), drive);
}

/** Plays `text`, one JSON object per line; `file` is what it is called in failures. */
export async function replayLines(file: string, text: string, drive: (ctx: ProviderContext) => Driven): Promise<void> {
  const lines = text.trim().split('\n');
  const wire = scriptedWire();
  const ctx = context(new VirtualClock(), wire.egress);
  const driven = drive(ctx);
  for (const [index, line] of lines.entries()) {
    const { dir, ...fields } = JSON.parse(line) as Line;
    const where = `${file}:${index + 1}`;
    if (dir === 'call') driven.call({ dir, ...fields });
    if (dir === 'in') wire.deliver(fields);
    await settle();
    if (dir === 'out') expect(wire.sent.shift(), where).toEqual(fields);
    if (dir === 'give') expect(driven.given.shift(), where).toEqual(fields);
  }
  expect(wire.sent, `${file}: more was sent`).toEqual([]);
  expect(driven.given, `${file}: more was given`).toEqual([]);
  await ctx.scope.close('done');
  expect(ctx.leaks).toEqual([]);
}

/** An egress door whose other side is the fixture. Headers are noted without the key. */
function scriptedWire() {
  const sent: unknown[] = [];
  let deliver: (fields: Record<string, unknown>) => void = () => {};
  const opened = (request: SocketRequest | HttpRequest) => ({
    url: request.url.replace(/^http:\/\/vendor/, ''),
    headers: request.headers ?? {},
  });
  const egress: Egress = {
    opened: { http: 0, sockets: 0 },
    async socket(request) {
      sent.push({ open: opened(request) });
      let message: (message: string | Buffer) => void = () => {};
      deliver = ({ text, binary }) => message(binary === undefined ? JSON.stringify(text) : Buffer.from(String(binary), 'base64'));
      return {
        buffered: 0,
        open: true,
        send: (data) => sent.push(typeof data === 'string' ? { text: JSON.parse(data) } : { binary: Buffer.from(data).toString('base64') }),
        close() {},
        onMessage: (take) => {
          message = take;
        },
        onClose() {},
      };
    },
    async http(request) {
      const { body } = request;
      if (typeof body === 'object') sent.push({ post: request.url.replace('http://vendor', ''), form: formOf(Buffer.from(body)) });
      else sent.push({ post: opened(request), body: body === undefined ? null : JSON.parse(body) });
      const chunks = channel<Uint8Array>(rootScope('fixture'));
      const head = Promise.withResolvers<{ status: number; headers: Record<string, string> }>();
      deliver = ({ status, headers, chunk, binary, end }) => {
        if (typeof status === 'number') head.resolve({ status, headers: (headers ?? {}) as Record<string, string> });
        if (typeof chunk === 'string') chunks.push(Buffer.from(chunk));
        if (typeof binary === 'string') chunks.push(Buffer.from(binary, 'base64'));
        if (end) chunks.close();
      };
      const answer = await head.promise;
      const text = async () => {
        const all: Uint8Array[] = [];
        for await (const chunk of chunks) all.push(chunk);
        return Buffer.concat(all).toString('utf8');
      };
      return { ...answer, body: chunks, text, discard() {} };
    },
  };
  return { egress, sent, deliver: (fields: Record<string, unknown>) => deliver(fields) };
}

/** The fields of a multipart body; of a file its length, since its boundary is new each time and its bytes are silence. */
function formOf(body: Buffer): Record<string, string | number> {
  const text = body.toString('latin1');
  const boundary = text.slice(0, text.indexOf('\r\n'));
  const parts = text.split(boundary).slice(1, -1);
  return Object.fromEntries(
    parts.map((part) => {
      const [head = '', ...rest] = part.split('\r\n\r\n');
      const content = rest.join('\r\n\r\n').slice(0, -2);
      return [/name="(\w+)"/.exec(head)?.[1] ?? '', head.includes('filename') ? content.length : content];
    }),
  );
}
