/**
 * A client's own websocket: binary frames are audio in the agreed format both ways, text frames are JSON. A plain client plays what
 * it gets and tells nothing, so that it is paced closely; a client whose first message is `hello` may offer marks and clearing.
 */
import { z } from 'zod';
import { bytesPerSample } from '../audio/format.ts';
import type { ConnectLine, Line, LineAbilities } from './carrier.ts';
import { clientSignal } from './client.ts';
import { closedBy, delivery, jsonObject } from './delivery.ts';

/** How long a client that sends nothing at all may still be about to say hello; one that sends audio at once is not waited for. */
const HELLO_WITHIN_MS = 300;

const Hello = z.object({ type: z.literal('hello'), marks: z.boolean().default(false), clear: z.boolean().default(false) });

export const connectWebsocket: ConnectLine = (socket, expectation, ctx) => {
  const { promise, resolve } = Promise.withResolvers<Line>();
  const arrived = delivery((detail) => socket.close(1008, detail));
  const sampleBytes = bytesPerSample(expectation.format);
  let settled = false;

  const line = (abilities: LineAbilities): Line => ({
    carrier: 'websocket',
    format: expectation.format,
    can: abilities,
    facts: {},
    listen: arrived.listen,
    send: (audio) => socket.send(audio),
    mark: (name) => {
      if (abilities.mark) socket.send(JSON.stringify({ type: 'mark', name }));
    },
    clear: () => {
      if (abilities.clear) socket.send('{"type":"clear"}');
    },
    tell: (message) => socket.send(JSON.stringify(message)),
    hangUp: async () => socket.close(1000, 'ended'),
  });

  const settle = (offer: { marks: boolean; clear: boolean }) => {
    if (settled) return;
    settled = true;
    waiting.cancel();
    // Only a client that can drop its buffer gets one: without clearing, every buffered word would outlive an interruption.
    const leadMs = offer.clear ? 400 : 60;
    resolve(line({ clear: offer.clear, mark: offer.marks, dtmf: false, press: false, transfer: false, audio: true, leadMs }));
  };
  const waiting = ctx.scope.clock.timer(HELLO_WITHIN_MS, () => settle({ marks: false, clear: false }));
  ctx.scope.defer(waiting.cancel);

  socket.onMessage((message, binary) => {
    if (binary) {
      settle({ marks: false, clear: false });
      if (message.length % sampleBytes === 0) arrived.audio(message);
      else arrived.malformed('An odd number of bytes of 16-bit audio.');
      return;
    }
    const wire = jsonObject(message);
    const hello = wire && Hello.safeParse(wire);
    if (hello?.success) return settle(hello.data);
    settle({ marks: false, clear: false });
    const signal = wire && clientSignal(wire);
    if (signal) arrived.signal(signal);
    else arrived.malformed(wire ? 'A message whose fields are not right.' : 'Not a JSON object.');
  });
  socket.onClose((code, reason) => {
    settle({ marks: false, clear: false });
    arrived.ended(closedBy(code, 'caller'), reason || `closed with ${code}`);
  });
  return ctx.scope.wait(promise);
};
