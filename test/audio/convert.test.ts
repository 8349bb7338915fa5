/** Streams of audio bytes from one format to another: identity, joins, odd pieces, round trips. */
import { describe, expect, it } from 'vitest';
import { converter, decoder } from '../../src/audio/convert.ts';
import { FADE_MS, fadeIn } from '../../src/audio/fade.ts';
import { type AudioFormat, bytesOf, MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import { tape } from '../../src/audio/tape.ts';

const PCM_24K: AudioFormat = { encoding: 'pcm16', rate: 24000 };
const PCM_8K: AudioFormat = { encoding: 'pcm16', rate: 8000 };
const ALAW_8K: AudioFormat = { encoding: 'alaw', rate: 8000 };

const sine = (rate: number, ms: number) =>
  Int16Array.from({ length: (rate * ms) / 1_000 }, (_, i) => Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / rate)));
const bytesIn = (samples: Int16Array) => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
const samplesIn = (bytes: Uint8Array) => new Int16Array(bytes.slice().buffer);

describe('the converter', () => {
  it('leaves equal formats alone: mu-law stays mu-law', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(converter(MULAW_8K, { encoding: 'mulaw', rate: 8000 }).convert(bytes)).toBe(bytes);
  });

  it('carries a tone from a voice to the telephone and back with 30 dB to spare', () => {
    const there = converter(PCM_24K, MULAW_8K);
    const mulaw = there.convert(bytesIn(sine(24000, 400))).slice();
    expect(mulaw.length).toBe(bytesOf(MULAW_8K, 400));
    const back = samplesIn(converter(MULAW_8K, PCM_8K).convert(mulaw));
    // The filter delays by half its length: 12 samples at 8 kHz. Compare with the sine where it now lies.
    let signal = 0;
    let noise = 0;
    for (let i = 100; i < back.length; i++) {
      const expected = 12_000 * Math.sin((2 * Math.PI * 440 * (i - delayOf(24000, 8000) / 3)) / 8000);
      signal += expected ** 2;
      noise += ((back[i] ?? 0) - expected) ** 2;
    }
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(30);
  });

  it('does not care where a stream is cut, not even inside a sample', () => {
    const bytes = bytesIn(sine(24000, 200));
    const whole = converter(PCM_24K, MULAW_8K).convert(bytes).slice();
    const stream = converter(PCM_24K, MULAW_8K);
    const pieces: number[] = [];
    for (let at = 0, size = 1; at < bytes.length; at += size, size = 1 + ((size * 5) % 777))
      pieces.push(...stream.convert(bytes.subarray(at, at + size)));
    expect(Uint8Array.from(pieces)).toEqual(whole);
  });

  it('reuses its buffers for frames of one length', () => {
    const stream = converter(PCM_16K, MULAW_8K);
    const frame = bytesIn(sine(16000, 20));
    const first = stream.convert(frame);
    expect(stream.convert(frame)).toBe(first);
  });

  it('translates between the two laws sample by sample', () => {
    const mulaw = Uint8Array.from({ length: 256 }, (_, i) => i);
    const alaw = converter(MULAW_8K, ALAW_8K).convert(mulaw).slice();
    const a = decoder(MULAW_8K, 8000);
    const b = decoder(ALAW_8K, 8000);
    a.decode(mulaw);
    b.decode(alaw);
    for (let i = 0; i < 256; i++) {
      const value = a.samples[i] ?? 0;
      expect(Math.abs(value - (b.samples[i] ?? 0))).toBeLessThanOrEqual(Math.max(16, Math.abs(value) / 16));
    }
  });
});

describe('fades', () => {
  it.each([MULAW_8K, ALAW_8K, PCM_8K, PCM_16K])('rise without a step: $encoding at $rate', (format) => {
    const source = bytesIn(new Int16Array(bytesOf(PCM_8K, FADE_MS)).fill(10_000));
    const bytes = converter(PCM_8K, format).convert(source).slice();
    fadeIn(format, bytes);
    const read = decoder(format, format.rate);
    const length = read.decode(bytes);
    expect(Math.abs(read.samples[0] ?? 0)).toBeLessThan(200);
    for (let i = 1; i < length; i++) expect(Math.abs((read.samples[i] ?? 0) - (read.samples[i - 1] ?? 0))).toBeLessThan(1_000);
  });
});

describe('the tape', () => {
  it('keeps what was not released, at its absolute position, through any growth', () => {
    const kept = tape(16);
    let at = 0;
    for (let round = 1; round < 200; round++) {
      const piece = Uint8Array.from({ length: (round * 13) % 37 }, (_, i) => (at + i) & 0xff);
      kept.append(piece);
      at += piece.length;
      kept.release(at - 50);
      const seen = kept.read(at - 50, at);
      expect(kept.end).toBe(at);
      expect([...seen]).toEqual(Array.from({ length: seen.length }, (_, i) => (at - seen.length + i) & 0xff));
      expect(seen.length).toBe(Math.min(50, at));
    }
  });

  it('never gives what was released', () => {
    const kept = tape(4);
    kept.append(Uint8Array.of(1, 2, 3, 4, 5));
    kept.release(3);
    expect([...kept.read(0, 99)]).toEqual([4, 5]);
    kept.release(1);
    expect(kept.start).toBe(3);
  });
});

/** Delay of the filter in input samples: half of 24 taps per sample of the slower side. */
function delayOf(from: number, to: number): number {
  return 12 * Math.max(1, from / to);
}
