/** The socket under a line, played by hand: what is sent is kept, what arrives is said by the test. */
import { expect } from 'vitest';
import type { IncomingMedia, Line, LineContext, LineSignal, MediaSocket } from '../../src/carriers/carrier.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { createWheel } from '../../src/kernel/wheel.ts';

export interface FakeSocket extends MediaSocket {
  readonly sent: (string | Buffer)[];
  readonly closed: { code: number; reason: string } | undefined;
  says(message: string | Buffer | Record<string, unknown>, binary?: boolean): void;
  hangsUp(code: number, reason?: string): void;
}

export function fakeSocket(): FakeSocket {
  let takeMessage: (message: Buffer, binary: boolean) => void = () => {};
  let takeClose: (code: number, reason: string) => void = () => {};
  let closed: { code: number; reason: string } | undefined;
  const sent: (string | Buffer)[] = [];
  const end = (code: number, reason: string) => {
    if (closed) return;
    closed = { code, reason };
    takeClose(code, reason);
  };
  return {
    sent,
    get closed() {
      return closed;
    },
    send: (message) => sent.push(typeof message === 'string' ? message : Buffer.from(message)),
    write(length, binary, write) {
      // As in a host: somewhere inside a buffer that held other things.
      const target = Buffer.alloc(length + 20, 0xaa);
      write(target, 10);
      expect(target.subarray(10 + length).every((byte) => byte === 0xaa)).toBe(true);
      const message = Buffer.from(target.subarray(10, 10 + length));
      sent.push(binary ? message : message.toString('utf8'));
    },
    close: end,
    onMessage(take) {
      takeMessage = take;
    },
    onClose(take) {
      takeClose = take;
    },
    says(message, binary = Buffer.isBuffer(message)) {
      const text = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
      takeMessage(Buffer.from(text), binary);
    },
    hangsUp: (code, reason = '') => end(code, reason),
  };
}

export function lineContext(extra: Partial<LineContext> = {}): LineContext {
  const scope = extra.scope ?? rootScope('leg');
  return { id: 'call-1.1', egress: createEgress('any'), wheel: createWheel(scope.clock), ...extra, scope };
}

export const onWire = (socket: MediaSocket): IncomingMedia => ({ kind: 'socket', socket });

/** Everything that a line tells, in order; audio as hex. */
export function heardOn(line: Line): { audio: string[]; signals: LineSignal[] } {
  const heard = { audio: [] as string[], signals: [] as LineSignal[] };
  line.listen({
    audio: (bytes) => void heard.audio.push(Buffer.from(bytes).toString('hex')),
    signal: (signal) => void heard.signals.push(signal),
  });
  return heard;
}
