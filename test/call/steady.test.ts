/** The caller's audio as a stream that never stands still: gaps are silence, late audio is not lost, and time is given back. */
import { describe, expect, it } from 'vitest';
import { bytesOf, MULAW_8K, msOf } from '../../src/audio/format.ts';
import { steadyAudio } from '../../src/call/hear/steady.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';

const LOUD = 0x00;
const SILENT = 0xff;
const frame = (value: number) => new Uint8Array(bytesOf(MULAW_8K, 20)).fill(value);

function world() {
  const clock = new VirtualClock();
  const taken: { at: number; ms: number; loud: boolean }[] = [];
  const steady = steadyAudio(MULAW_8K, clock, (bytes) => {
    taken.push({ at: clock.now(), ms: msOf(MULAW_8K, bytes.length), loud: bytes.includes(LOUD) });
  });
  const total = (loud?: boolean) => taken.reduce((ms, piece) => ms + (loud === undefined || piece.loud === loud ? piece.ms : 0), 0);
  /** Frames at a steady pace; `every` is how long the sender's 20 ms take. */
  const sends = async (ms: number, value: number, every = 20) => {
    for (let sent = 0; sent < ms; sent += 20) {
      steady.write(frame(value));
      await clock.advance(every);
    }
  };
  return { clock, taken, steady, total, sends };
}

describe('steady audio', () => {
  it('passes what comes as it is, and arms one timer for it', async () => {
    const { clock, total, sends, steady } = world();
    await sends(10_000, LOUD);
    expect(total()).toBe(10_000);
    expect(clock.waiting).toBe(1);
    steady.close();
    expect(clock.waiting).toBe(0);
  });

  it('feeds silence by the clock when frames stop, for as long as they do', async () => {
    const { clock, total, sends } = world();
    await sends(1_000, LOUD);
    await clock.advance(60_000);
    expect(total(true)).toBe(1_000);
    expect(Math.abs(total() - clock.now())).toBeLessThanOrEqual(200);
    await sends(1_000, LOUD);
    expect(total(true)).toBe(2_000);
    expect(Math.abs(total() - clock.now())).toBeLessThanOrEqual(200);
  });

  it('loses no word that was only late, and gives the time back in the next silence', async () => {
    const { clock, total, sends, steady } = world();
    await sends(1_000, LOUD);
    await clock.advance(1_500);
    // The stall is over: what was said meanwhile comes at once.
    for (let i = 0; i < 75; i++) steady.write(frame(LOUD));
    await sends(500, LOUD);
    expect(total(true)).toBe(3_000);
    await sends(3_000, SILENT);
    expect(total(true)).toBe(3_000);
    expect(Math.abs(total() - clock.now())).toBeLessThanOrEqual(200);
  });

  it.each([19.8, 20.2, 19, 21])('neither cuts nor fills where the sender takes %d ms for 20', async (every) => {
    const { total, sends } = world();
    await sends(60_000, SILENT, every);
    expect(total()).toBe(60_000);
  });

  it('does not begin before the first frame', async () => {
    const { clock, taken } = world();
    await clock.advance(5_000);
    expect(taken).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});
