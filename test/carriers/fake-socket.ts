/** The socket under a line, played by hand: what is sent is kept, what arrives is said by the test. */
import type { Line, LineContext, LineSignal, MediaSocket } from '../../src/carriers/carrier.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { rootScope } from '../../src/kernel/scope.ts';

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
    buffered: 0,
    send: (message) => sent.push(typeof message === 'string' ? message : Buffer.from(message)),
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
  return { scope: rootScope('leg'), egress: createEgress('any'), ...extra };
}

/** Everything that a line tells, in order; audio as hex. */
export function heardOn(line: Line): { audio: string[]; signals: LineSignal[] } {
  const heard = { audio: [] as string[], signals: [] as LineSignal[] };
  line.listen({
    audio: (bytes) => void heard.audio.push(Buffer.from(bytes).toString('hex')),
    signal: (signal) => void heard.signals.push(signal),
  });
  return heard;
}
