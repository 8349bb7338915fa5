/** The pace in front of a client that plays what it gets: real time, 60 ms ahead, marks in their place, nothing after a clear. */
import { describe, expect, it } from 'vitest';
import { type AudioFormat, MULAW_8K, msOf, PCM_16K } from '../../src/audio/format.ts';
import { createPacer } from '../../src/carriers/pacing.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { createWheel } from '../../src/kernel/wheel.ts';

function paced(format: AudioFormat = MULAW_8K) {
  const clock = new VirtualClock();
  const wheel = createWheel(clock);
  const left: { at: number; bytes: Buffer }[] = [];
  const reached: { at: number; name: string }[] = [];
  let onMark = (_name: string) => {};
  const pacer = createPacer({
    format,
    clock,
    wheel,
    write: (audio) => void left.push({ at: clock.now(), bytes: Buffer.from(audio) }),
    reached: (name) => {
      reached.push({ at: clock.now(), name });
      onMark(name);
    },
  });
  const bytes = () => Buffer.concat(left.map((piece) => piece.bytes));
  return {
    clock,
    wheel,
    pacer,
    left,
    reached,
    bytes,
    leftMs: () => msOf(format, bytes().length),
    whenMarked: (take: typeof onMark) => (onMark = take),
  };
}

const sound = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 13) & 0xff);

describe('a paced line', () => {
  it('sends the first 60 ms at once and then as fast as it is heard, whatever the pieces were', async () => {
    for (const size of [1, 7, 160, 800, 16_000]) {
      const { clock, wheel, pacer, left, bytes, leftMs } = paced();
      const whole = sound(16_000);
      for (let at = 0; at < whole.length; at += size) pacer.send(whole.subarray(at, at + size));
      expect(leftMs()).toBeGreaterThanOrEqual(20);
      expect(leftMs()).toBeLessThanOrEqual(80);
      for (let now = 100; now <= 1_900; now += 100) {
        await clock.advance(100);
        expect(leftMs() - clock.now()).toBeGreaterThan(20);
        expect(leftMs() - clock.now()).toBeLessThanOrEqual(80);
      }
      await clock.advance(200);
      expect(bytes().equals(whole)).toBe(true);
      expect(Math.max(...left.map((piece) => piece.bytes.length))).toBe(160);
      expect(wheel.riders).toBe(0);
      expect(clock.waiting).toBe(0);
    }
  });

  it('never cuts a sample', async () => {
    const { clock, pacer, left } = paced(PCM_16K);
    for (let i = 0; i < 50; i += 1) {
      pacer.send(sound(2 * (i + 1)));
      await clock.advance(7);
    }
    expect(left.every((piece) => piece.bytes.length % 2 === 0)).toBe(true);
  });

  it('reaches marks in order, each when what is before it has left, and never from inside a call', async () => {
    const { clock, pacer, reached } = paced();
    pacer.mark('a');
    pacer.send(sound(800));
    pacer.mark('b');
    pacer.send(sound(1_600));
    pacer.mark('c');
    pacer.mark('d');
    expect(reached).toEqual([]);
    await clock.advance(400);
    expect(reached.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    const [a, b, c] = reached.map(({ at }) => at);
    expect(a).toBeLessThanOrEqual(20);
    // 100 ms of audio less the 60 that run ahead, and 300 less 60; told a turn later, within a turn of the wheel.
    expect(Math.abs((b ?? 0) - 70)).toBeLessThanOrEqual(20);
    expect(Math.abs((c ?? 0) - 270)).toBeLessThanOrEqual(20);
  });

  it('sends nothing that was cleared, and starts anew at once', async () => {
    const { clock, pacer, reached, leftMs } = paced();
    pacer.send(sound(16_000));
    pacer.mark('never');
    await clock.advance(100);
    pacer.clear();
    const before = leftMs();
    await clock.advance(500);
    expect(leftMs()).toBe(before);
    pacer.send(sound(160));
    pacer.mark('again');
    expect(leftMs()).toBe(before + 20);
    await clock.advance(20);
    expect(reached.map(({ name }) => name)).toEqual(['again']);
  });

  it('may be told anything from inside a mark', async () => {
    const { clock, pacer, reached, whenMarked, leftMs, wheel } = paced();
    pacer.send(sound(160));
    pacer.mark('a');
    pacer.mark('b');
    whenMarked((name) => {
      if (name !== 'a') return;
      pacer.clear();
      pacer.send(sound(320));
      pacer.mark('c');
    });
    await clock.advance(200);
    expect(reached.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(leftMs()).toBe(60);
    expect(wheel.riders).toBe(0);
  });

  it('keeps a minute of audio and no more', async () => {
    const { clock, pacer, leftMs } = paced();
    for (let i = 0; i < 200; i += 1) pacer.send(sound(8_000));
    await clock.advance(100_000);
    expect(leftMs()).toBeGreaterThan(58_000);
    expect(leftMs()).toBeLessThanOrEqual(60_100);
  });

  it('is silent once closed', async () => {
    const { clock, pacer, leftMs, reached } = paced();
    pacer.send(sound(16_000));
    pacer.mark('a');
    pacer.close();
    pacer.send(sound(160));
    pacer.mark('b');
    await clock.advance(500);
    expect(leftMs()).toBe(60);
    expect(reached).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});
