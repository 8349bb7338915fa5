/** Streams of audio bytes from one format to another: identity, joins, odd pieces, round trips. */
import { describe, expect, it } from 'vitest';
import { converter, decoder, encoder } from '../../src/audio/convert.ts';
import { FADE_MS, fadeIn } from '../../src/audio/fade.ts';
import { type AudioFormat, bytesOf, MULAW_8K, nearestFormat, PCM_16K } from '../../src/audio/format.ts';
import { mixInto } from '../../src/audio/mix.ts';
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

describe('the nearest format', () => {
  const pcm = (rate: number): AudioFormat => ({ encoding: 'pcm16', rate });
  const vendor = { mulaw: [8000], pcm16: [24_000, 8_000, 16_000] };
  it.each<[AudioFormat, AudioFormat]>([
    [MULAW_8K, MULAW_8K],
    [ALAW_8K, pcm(8_000)],
    [{ encoding: 'mulaw', rate: 16_000 }, pcm(16_000)],
    [pcm(16_000), pcm(16_000)],
    [pcm(11_025), pcm(16_000)],
    [pcm(22_050), pcm(24_000)],
    [pcm(48_000), pcm(24_000)],
  ])('to %j is %j', (wanted, made) => expect(nearestFormat(wanted, vendor)).toEqual(made));

  it('is the only one where there is one', () => {
    expect(nearestFormat(MULAW_8K, { pcm16: [24_000] })).toEqual(pcm(24_000));
  });
});

describe('mixing', () => {
  it.each<[number[], number[], number, number[]]>([
    [[1, 2, 3], [10, 20, 30], 1, [11, 22, 33]],
    [[1, 2, 3], [10, 20], 0.5, [6, 12, 3]],
    [[30_000, -30_000], [20_000, -20_000], 1, [32_767, -32_768]],
    [[5], [10, 20, 30], -1, [-5]],
    [[7, 7], [100, 100], 0, [7, 7]],
  ])('%j and %j times %d are %j', (target, samples, gain, sum) => {
    const into = Int16Array.from(target);
    mixInto(into, Int16Array.from(samples), gain);
    expect([...into]).toEqual(sum);
  });

  it('begins anywhere and takes no more than it is told', () => {
    const into = new Int16Array(6);
    mixInto(into, Int16Array.of(1, 2, 3, 4), 1, 2, 1);
    mixInto(into, Int16Array.of(9, 9, 9), 1, 3, 5);
    mixInto(into, Int16Array.of(9), 1, 1, 7);
    expect([...into]).toEqual([0, 1, 2, 0, 0, 9]);
  });

  it('adds two telephone streams: decoded, mixed, encoded', () => {
    const [a, b] = [decoder(MULAW_8K), decoder(MULAW_8K)];
    const speech = converter(PCM_8K, MULAW_8K)
      .convert(bytesIn(sine(8000, 20)))
      .slice();
    const length = a.decode(speech);
    const more = b.decode(speech);
    mixInto(a.samples, b.samples, 0.25, more);
    const both = encoder(MULAW_8K).encode(a.samples, length);
    const loud = samplesIn(converter(MULAW_8K, PCM_8K).convert(both));
    const once = samplesIn(converter(MULAW_8K, PCM_8K).convert(speech));
    for (let i = 0; i < length; i++)
      expect(Math.abs((loud[i] ?? 0) - 1.25 * (once[i] ?? 0))).toBeLessThanOrEqual(Math.max(16, Math.abs(loud[i] ?? 0) / 16));
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

  it('keeps the latest up to its bound, on growth, on moves and for a piece that is longer than it', () => {
    const kept = tape(8, 40);
    let at = 0;
    for (let round = 1; round < 300; round++) {
      const piece = Uint8Array.from({ length: (round * 13) % 57 }, (_, i) => (at + i) & 0xff);
      kept.append(piece);
      at += piece.length;
      expect([kept.start, kept.end]).toEqual([Math.max(0, at - 40), at]);
      expect([...kept.read(0, at)]).toEqual(Array.from({ length: Math.min(40, at) }, (_, i) => (at - Math.min(40, at) + i) & 0xff));
    }
  });

  it('grows by doubling and no further than twice what is kept', () => {
    const kept = tape(1_000, 80_000);
    const sizes = new Set<number>();
    for (let i = 0; i < 2_000; i++) {
      kept.append(new Uint8Array(160));
      sizes.add(kept.read(0, kept.end).buffer.byteLength);
    }
    expect([...sizes]).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000]);
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
