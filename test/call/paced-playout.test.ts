/** Playout in front of a client that tells nothing: what it counts as heard is what really left the line, and an interruption loses nothing. */
import { expect, it } from 'vitest';
import { MULAW_8K } from '../../src/audio/format.ts';
import { createPlayout } from '../../src/call/play/playout.ts';
import { websocketLine } from '../../src/carriers/websocket.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { fakeSocket, lineContext, onWire } from '../carriers/fake-socket.ts';

it('knows what a plain client has been given', async () => {
  const clock = new VirtualClock();
  const socket = fakeSocket();
  const opening = websocketLine.connect(onWire(socket), { format: MULAW_8K }, lineContext({ scope: rootScope('leg', { clock }) }));
  socket.says(Buffer.alloc(160), true);
  const line = await opening;
  const playout = createPlayout({ line, clock, mediaMs: () => clock.now() });
  line.listen({
    audio() {},
    signal(signal) {
      if (signal.type === 'mark') playout.mark(signal.name);
    },
  });
  const left = () => Buffer.concat(socket.sent as Buffer[]);
  let ended = false;
  const track = playout.open(1, {
    audible() {},
    ended() {
      ended = true;
    },
  });
  const reply = Uint8Array.from({ length: 24_000 }, (_, i) => (i * 7) & 0x7f);
  track.write(reply);
  for (let at = 33; at < 1_200; at += 33) {
    await clock.advance(33);
    expect(Math.abs(left().length / 8 - track.heard().ms)).toBeLessThanOrEqual(80);
  }
  track.duck();
  const held = left().length / 8;
  expect(Math.abs(held - track.heard().ms)).toBeLessThanOrEqual(80);
  await clock.advance(500);
  expect(left().length / 8).toBe(held);
  track.resume();
  track.end();
  await clock.advance(3_000);
  expect(ended).toBe(true);
  // What was held back is sent again; all that may be said twice is what was on its way.
  expect(left().length - reply.length).toBeLessThanOrEqual(80 * 8);
  expect(left().length).toBeGreaterThanOrEqual(reply.length);
  expect(clock.waiting).toBe(0);
});
