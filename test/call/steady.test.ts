/** The caller's audio at the pace of the clock, whatever the line does. */
import { describe, expect, it } from 'vitest';
import { type AudioFormat, bytesOf, MULAW_8K, msOf, PCM_16K } from '../../src/audio/format.ts';
import { steadyAudio } from '../../src/call/hear/steady.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';

const ALAW_8K: AudioFormat = { encoding: 'alaw', rate: 8000 };

function line(format: AudioFormat = MULAW_8K) {
  const clock = new VirtualClock();
  const scope = rootScope('leg', { clock });
  const got = { ms: 0, loudMs: 0, pieces: [] as number[], dropped: 0, mostAheadMs: 0, bytes: new Set<number>() };
  const loud = new Uint8Array(bytesOf(format, 20)).fill(format.encoding === 'pcm16' ? 0x20 : 0x00);
  const soft = new Uint8Array(bytesOf(format, 20)).fill(format.encoding === 'pcm16' ? 0 : format.encoding === 'mulaw' ? 0xfe : 0xd5);
  const steady = steadyAudio({
    format,
    scope,
    take(bytes) {
      const ms = msOf(format, bytes.length);
      got.ms += ms;
      got.pieces.push(ms);
      if (bytes[1] === loud[1]) got.loudMs += ms;
      else for (const byte of bytes) got.bytes.add(byte);
      got.mostAheadMs = Math.max(got.mostAheadMs, got.ms - clock.now());
    },
    dropped(ms) {
      got.dropped += ms;
    },
  });
  /** A frame every `everyMs`, for `ms`. */
  const sends = async (ms: number, { frame = loud, everyMs = 20 } = {}) => {
    for (let at = everyMs; at <= ms; at += everyMs) {
      await clock.advance(everyMs);
      steady.write(frame);
    }
  };
  const burst = (ms: number, frame = loud) => {
    for (let at = 0; at < ms; at += 20) steady.write(frame);
  };
  return { clock, scope, steady, got, sends, burst, loud, soft };
}

describe('steady audio', () => {
  it('passes frames on as they are, at once', async () => {
    const { got, sends, clock, steady } = line();
    await sends(60_000);
    expect(got.pieces.every((ms) => ms === 20)).toBe(true);
    expect(got.ms).toBe(60_000);
    expect(clock.waiting).toBe(1);
    steady.close();
    expect(clock.waiting).toBe(0);
  });

  it.each([MULAW_8K, ALAW_8K, PCM_16K])('is silence of the missing length when frames stop ($encoding)', async (format) => {
    const { got, sends, clock } = line(format);
    await sends(1_000);
    await clock.advance(180);
    expect(got.ms).toBe(1_000);
    await clock.advance(60_000);
    expect(got.ms).toBeGreaterThan(61_000);
    expect(got.ms).toBeLessThanOrEqual(61_180);
    expect(Math.min(...got.pieces.slice(51))).toBeGreaterThanOrEqual(80);
    expect([...got.bytes]).toEqual([{ mulaw: 0xff, alaw: 0xd5, pcm16: 0 }[format.encoding]]);
  });

  it('is silence when no frame ever comes', async () => {
    const { got, clock } = line();
    await clock.advance(5_000);
    expect(got.ms).toBeGreaterThanOrEqual(4_900);
  });

  it('goes on without a seam when frames come back', async () => {
    const { got, sends, clock } = line();
    for (let i = 0; i < 20; i += 1) {
      await sends(1_000);
      await clock.advance(3_000);
    }
    expect(got.loudMs).toBe(20_000);
    expect(Math.abs(got.ms - clock.now())).toBeLessThanOrEqual(200);
  });

  it.each([
    ['one frame in two', 40],
    ['one frame in five', 100],
    ['comfort noise every 160 ms', 160],
    ['comfort noise every 400 ms', 400],
  ])('keeps to the clock when %s comes', async (_, everyMs) => {
    const { got, clock, sends } = line();
    await sends(60_000, { everyMs });
    // A frame that comes may be of a slow clock: half a percent.
    expect(Math.abs(got.ms - clock.now())).toBeLessThanOrEqual(400);
    // All that came, and nothing of it twice.
    expect(got.loudMs).toBe((60_000 / everyMs) * 20);
  });

  it.each([19.8, 19.9, 20.1, 20.2])('neither inserts nor leaves out anything for a sender of %f ms a frame', async (everyMs) => {
    for (const sound of ['loud', 'soft'] as const) {
      const { got, sends, ...made } = line();
      await sends(600_000, { everyMs, frame: made[sound] });
      expect(new Set(got.pieces)).toEqual(new Set([20]));
      expect(got.pieces.length).toBe(Math.floor(600_000 / everyMs + 1e-6));
    }
  });

  it.each([60, 120, 180])('takes jitter of %i ms for what it is', async (jitterMs) => {
    const { got, clock, burst, soft } = line();
    for (let at = 0; at < 36_000; at += jitterMs) {
      await clock.advance(jitterMs);
      burst(jitterMs, soft);
    }
    expect(got.ms).toBe(36_000);
  });

  it.each([300, 1_000, 4_000])('loses no sound that was %i ms late, and comes back to the clock in the next silence', async (stallMs) => {
    const { got, clock, sends, burst, soft } = line();
    await sends(2_000);
    await clock.advance(stallMs);
    burst(stallMs);
    await sends(1_000);
    expect(got.loudMs).toBe(3_000 + stallMs);
    expect(got.ms - clock.now()).toBeLessThanOrEqual(stallMs + 20);
    const before = got.ms;
    await sends(1_400, { frame: soft });
    // The end of what was said is heard as soon as ever.
    expect(got.ms - before).toBe(1_400);
    await sends(stallMs + 500, { frame: soft });
    expect(Math.abs(got.ms - clock.now())).toBeLessThanOrEqual(40);
    await sends(5_000);
    expect(got.loudMs).toBe(8_000 + stallMs);
  });

  it('pays a lead back in the next gap', async () => {
    const { got, clock, sends, burst } = line();
    await sends(1_000);
    await clock.advance(2_000);
    burst(2_000);
    const before = got.ms;
    await clock.advance(1_750);
    // The quiet that ends voice, words and turns comes at the pace of the clock.
    expect(got.ms - before).toBeGreaterThanOrEqual(1_400);
    await clock.advance(2_200);
    expect(Math.abs(got.ms - clock.now())).toBeLessThanOrEqual(200);
  });

  it('does not add up stalls', async () => {
    const { got, clock, sends, burst, soft } = line();
    for (let i = 0; i < 100; i += 1) {
      await sends(500);
      await clock.advance(1_500);
      burst(1_500);
      await sends(3_500, { frame: soft });
    }
    expect(got.loudMs).toBe(200_000);
    expect(got.mostAheadMs).toBeLessThan(2_000);
    expect(Math.abs(got.ms - clock.now())).toBeLessThanOrEqual(400);
  });

  it('stays within seconds of the clock on a line that is never quiet', async () => {
    const { got, clock, sends, burst } = line();
    for (let i = 0; i < 50; i += 1) {
      await sends(3_000);
      await clock.advance(1_500);
      burst(1_500);
    }
    expect(got.loudMs).toBe(225_000);
    expect(got.mostAheadMs).toBeLessThanOrEqual(4_700);
  });

  it('bounds a flood, and says what it left out', async () => {
    const { got, burst, sends } = line();
    await sends(1_000);
    burst(60_000);
    expect(got.mostAheadMs).toBeLessThanOrEqual(10_220);
    expect(got.dropped).toBeGreaterThanOrEqual(49_000);
    expect(got.dropped + got.ms).toBeGreaterThanOrEqual(60_000);
  });

  it('feeds nothing for time in which the process stood still', async () => {
    const clock = new VirtualClock();
    let now = 0;
    const due: (() => void)[] = [];
    const timer = (_ms: number, fire: () => void) => {
      due.push(fire);
      return { cancel() {}, [Symbol.dispose]() {} };
    };
    const stopped = { now: () => now, wall: () => now, sleep: clock.sleep, timer };
    let ms = 0;
    const take = (bytes: Uint8Array) => {
      ms += bytes.length / 8;
    };
    const steady = steadyAudio({ format: MULAW_8K, scope: rootScope('leg', { clock: stopped }), take });
    // The timer of 200 ms fires after three seconds; what came meanwhile is read afterwards.
    now = 3_000;
    due.shift()?.();
    expect(ms).toBe(0);
    for (let i = 0; i < 150; i += 1) steady.write(new Uint8Array(160));
    expect(ms).toBe(3_000);
    // Nothing came: a second at most.
    now = 3_100;
    due.shift()?.();
    now = 3_300;
    due.shift()?.();
    expect(ms).toBeLessThanOrEqual(4_000);
    expect(due.length).toBe(1);
  });

  it('ends with its scope', async () => {
    const { got, scope, clock, steady, loud } = line();
    await scope.close('over');
    steady.write(loud);
    await clock.advance(5_000);
    expect(got.ms).toBe(0);
    expect(clock.waiting).toBe(0);
  });
});
