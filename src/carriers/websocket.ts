/**
 * A client's own websocket: binary frames are audio in the agreed format both ways, text frames are JSON. A plain client plays what
 * it gets and tells nothing, so that the line sends in real time and knows by itself what has left; a client whose first message is
 * `hello` may offer marks and clearing of its own.
 */
import { z } from 'zod';
import { bytesPerSample } from '../audio/format.ts';
import type { Line, LineContext, LineExpectation, MediaSocket } from './carrier.ts';
import { clientSignal } from './client.ts';
import { CANNOT, noVerbs, onSocket } from './connector.ts';
import { closedBy, delivery, jsonObject } from './delivery.ts';
import { createPacer, type Pacer } from './pacing.ts';
import { wholeSamples } from './whole-samples.ts';

/** How long a client that sends nothing at all may still be about to say hello; one that sends audio at once is not waited for. */
const HELLO_WITHIN_MS = 300;

const Hello = z.object({ type: z.literal('hello'), marks: z.boolean().default(false), clear: z.boolean().default(false) });
type Offer = Pick<z.infer<typeof Hello>, 'marks' | 'clear'>;
const NOTHING: Offer = { marks: false, clear: false };

export const websocketLine = onSocket('websocket', connect);

function connect(socket: MediaSocket, { format }: LineExpectation, ctx: LineContext): Promise<Line> {
  const { promise, resolve } = Promise.withResolvers<Line>();
  const arrived = delivery((detail) => socket.close(1008, detail));
  const heard = wholeSamples(bytesPerSample(format), arrived.audio);
  let pacer: Pacer | undefined;
  let settled: Offer | undefined;

  const sendMark = (name: string) => socket.send(JSON.stringify({ type: 'mark', name }));
  /** Only a client that can drop its buffer gets one: without clearing, every buffered word would outlive an interruption. */
  const playout = ({ marks, clear }: Offer): Pick<Line, 'send' | 'mark' | 'clear'> => {
    if (clear)
      return {
        send: (audio) => socket.send(audio),
        mark: (name) => {
          if (marks) sendMark(name);
        },
        clear: () => socket.send('{"type":"clear"}'),
      };
    const reached = marks ? sendMark : (name: string) => arrived.signal({ type: 'mark', name });
    pacer = createPacer({ format, clock: ctx.scope.clock, wheel: ctx.wheel, write: (audio) => socket.send(audio), reached });
    ctx.scope.defer(pacer.close);
    const { send, mark, clear: forget } = pacer;
    return { send, mark, clear: forget };
  };
  const line = (offer: Offer): Line => ({
    ...noVerbs('websocket'),
    id: ctx.id,
    carrier: 'websocket',
    format,
    can: {
      clear: true,
      mark: offer.marks || !offer.clear,
      dtmf: false,
      ...CANNOT,
      audio: true,
      leadMs: 400,
    },
    facts: {},
    listen: arrived.listen,
    ...playout(offer),
    tell: (message) => socket.send(JSON.stringify(message)),
    hangUp: async () => {
      pacer?.close();
      socket.close(1000, 'ended');
    },
  });
  const settle = (offer: Offer) => {
    if (settled) return;
    settled = offer;
    waiting.cancel();
    resolve(line(offer));
  };
  const waiting = ctx.scope.clock.timer(HELLO_WITHIN_MS, () => settle(NOTHING));
  ctx.scope.defer(waiting.cancel);

  socket.onMessage((message, binary) => {
    if (binary) {
      settle(NOTHING);
      return heard(message);
    }
    const wire = jsonObject(message);
    const hello = wire && Hello.safeParse(wire);
    if (hello?.success) return settle(hello.data);
    settle(NOTHING);
    const signal = wire && clientSignal(wire);
    // A mark that was never sent to the client would move the agent's place in its own sentence.
    if (signal?.type === 'mark' && !settled?.marks) return;
    if (signal) arrived.signal(signal);
    else arrived.malformed(wire ? 'A message whose fields are not right.' : 'Not a JSON object.');
  });
  socket.onClose((code, reason) => {
    settle(NOTHING);
    pacer?.close();
    arrived.ended(closedBy(code, 'caller'), reason || `closed with ${code}`);
  });
  return ctx.scope.wait(promise);
}
