/** The resampler measured by tones: what it lets pass, what it keeps out, and that pieces join without a seam. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filterFor } from '../../src/audio/filter.ts';
import { resampler } from '../../src/audio/resample.ts';
import { buildResampler } from '../../tools/resample/build.ts';

const RATES = [8000, 16000, 24000, 48000] as const;
type Rate = number;
/** The usual ones among themselves; music's rates; rates whose ratio has more places than the filter has rows. */
const PAIRS: (readonly [Rate, Rate])[] = [
  ...RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as const)),
  [8000, 11025],
  [22050, 8000],
  [44100, 8000],
  [8000, 44100],
  [44100, 48000],
  [12345, 24000],
  [8001, 47999],
  [47999, 8001],
];
const FULL = 16_000;

function tone(frequency: number, rate: number, length: number = Math.floor(rate / 2)): Int16Array {
  return Int16Array.from({ length }, (_, i) => Math.round(FULL * Math.sin((2 * Math.PI * frequency * i) / rate)));
}

function resampled(from: Rate, to: Rate, samples: Int16Array): Int16Array {
  return take(resampler(from, to), samples);
}

function take(stage: ReturnType<typeof resampler>, samples: Int16Array): Int16Array {
  const length = stage.process(samples, samples.length);
  return stage.output.slice(0, length);
}

/** Level of one frequency in the steady middle of a signal, in dB of the tone that went in; Hann window. */
function levelDb(samples: Int16Array, frequency: number, rate: number): number {
  const from = Math.floor(samples.length / 4);
  const length = Math.floor(samples.length / 2);
  let re = 0;
  let im = 0;
  for (let i = 0; i < length; i++) {
    const value = (samples[from + i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
    const angle = (2 * Math.PI * frequency * i) / rate;
    re += value * Math.cos(angle);
    im += value * Math.sin(angle);
  }
  return 20 * Math.log10((4 * Math.hypot(re, im)) / length / FULL);
}

describe('the resampler', () => {
  it.each(PAIRS)('%i -> %i Hz is flat to 0.8 of the smaller Nyquist frequency', (from, to) => {
    const nyquist = Math.min(from, to) / 2;
    for (const part of [0.05, 0.25, 0.5, 0.7, 0.8]) {
      expect(Math.abs(levelDb(resampled(from, to, tone(nyquist * part, from)), nyquist * part, to))).toBeLessThan(0.5);
    }
  });

  it.each(PAIRS.filter(([from, to]) => to > from))('%i -> %i Hz keeps images 70 dB down', (from, to) => {
    for (const part of [0.1, 0.5, 0.8]) {
      const frequency = (from / 2) * part;
      const out = resampled(from, to, tone(frequency, from));
      for (let k = 1; k * from - frequency < to / 2; k++)
        for (const image of [k * from - frequency, k * from + frequency])
          if (image < to / 2) expect(levelDb(out, image, to), `${frequency} Hz at ${image} Hz`).toBeLessThan(-70);
    }
  });

  it.each(PAIRS.filter(([from, to]) => to < from))('%i -> %i Hz keeps aliases 70 dB down', (from, to) => {
    for (let frequency = 0.6 * to + 37; frequency < from / 2; frequency += 301) {
      const folded = frequency % to;
      const alias = Math.min(folded, to - folded);
      expect(levelDb(resampled(from, to, tone(frequency, from)), alias, to), `${frequency} Hz at ${alias} Hz`).toBeLessThan(-70);
    }
  });

  it.each(PAIRS)('%i -> %i Hz gives the same samples in one piece and in pieces of any length', (from, to) => {
    const input = tone(440, from, Math.floor(from / 5));
    const whole = resampled(from, to, input);
    const stage = resampler(from, to);
    const pieces: number[] = [];
    for (let at = 0, size = 1; at < input.length; at += size, size = 1 + ((size * 7) % 331)) {
      const piece = input.subarray(at, at + size);
      pieces.push(...take(stage, piece));
    }
    expect(Int16Array.from(pieces)).toEqual(whole);
    expect(whole.length).toBe(Math.ceil((input.length * to) / from));
  });

  it('gives the end of an utterance when flushed, then starts from silence', () => {
    const stage = resampler(24000, 8000);
    const input = tone(500, 24000, 4800);
    take(stage, input);
    const tail = stage.flush();
    expect(tail).toBe(12);
    expect(Math.max(...stage.output.slice(0, tail).map(Math.abs))).toBeGreaterThan(1_000);
    expect(stage.flush()).toBe(0);
    expect(take(stage, input)).toEqual(resampled(24000, 8000, input));
  });

  it('clips instead of wrapping around', () => {
    const square = Int16Array.from({ length: 800 }, (_, i) => (i % 16 < 8 ? 32_767 : -32_768));
    const out = resampled(8000, 48000, square);
    for (let i = 1; i < out.length; i++) expect(Math.abs((out[i] ?? 0) - (out[i - 1] ?? 0))).toBeLessThan(40_000);
    expect(Math.max(...out)).toBe(32_767);
    expect(Math.min(...out)).toBe(-32_768);
  });

  it.each(PAIRS)('%i -> %i Hz is within one step of the same sums made exactly', (from, to) => {
    const input = Int16Array.from({ length: 2_000 }, (_, i) => Math.round(9_000 * Math.sin(i / 9) + 6_000 * Math.sin(i * i)));
    const made = resampled(from, to, input);
    const expected = exactly(from, to, input, made.length);
    expect(Math.max(...made.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))).toBeLessThanOrEqual(1);
  });

  it('keeps streams of many ratios apart, more than its memory holds filters for', () => {
    const rates = Array.from({ length: 60 }, (_, i) => 8_001 + 2 * i);
    const input = tone(440, 47_999, 1_920);
    const alone = rates.map((to) => resampled(47_999, to, input));
    const stages = rates.map((to) => ({ stage: resampler(47_999, to), pieces: [] as number[] }));
    for (let at = 0; at < input.length; at += 960)
      for (const { stage, pieces } of stages) pieces.push(...take(stage, input.subarray(at, at + 960)));
    expect(stages.map(({ pieces }) => Int16Array.from(pieces))).toEqual(alone);
  });

  it('takes a minute in one piece', () => {
    const input = tone(440, 24000, 24000 * 60);
    const pieces = resampler(24000, 8000);
    const whole = resampled(24000, 8000, input);
    expect(whole.length).toBe(8000 * 60);
    expect(take(pieces, input.subarray(0, 12_000))).toEqual(whole.subarray(0, 4_000));
  });

  it('refuses rates that no line and no voice has', () => {
    expect(() => resampler(8, 48_000)).toThrow('8 Hz cannot become');
    expect(() => resampler(192_000, 8)).toThrow('cannot become 8 Hz');
  });

  it('is built from the source beside the tool, byte for byte', async () => {
    expect(Buffer.compare(await buildResampler(), readFileSync(new URL('../../src/audio/resample.wasm', import.meta.url)))).toBe(0);
  });
});

/** The filter's own definition, in double precision and one sample after the other. */
function exactly(from: Rate, to: Rate, input: Int16Array, length: number): number[] {
  const { up, down, taps, rows, between } = filterFor(from, to);
  const row = (p: number, at: number) => {
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += (rows[p * taps + k] ?? 0) * (input[at + k - (taps - 1)] ?? 0);
    return sum;
  };
  return Array.from({ length }, (_, i) => {
    const at = Math.floor((i * down) / up);
    const place = (((i * down) % up) * (between ?? up)) / up;
    const share = place - Math.floor(place);
    const low = row(Math.floor(place), at);
    const sum = share === 0 ? low : low + (row(Math.floor(place) + 1, at) - low) * share;
    return Math.max(-32_768, Math.min(32_767, sum));
  });
}
