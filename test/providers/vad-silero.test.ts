/** The voice activity kernel: right, reproducible, and one slot never heard in another. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createSilero } from '../../src/providers/vad/silero.ts';
import { buildKernel, packWeights } from '../../tools/silero/build.ts';
import { silenceThenApology } from './apology-audio.ts';

const shipped = (name: string) => new Uint8Array(readFileSync(new URL(`../../src/providers/vad/${name}`, import.meta.url)));
/** Probabilities by onnxruntime, to six digits; the long comparison in test/e2e checks that they still are. */
const EXPECTED: number[] = JSON.parse(readFileSync(new URL('../fixtures/silero-apology.json', import.meta.url), 'utf8'));

function judge(silero: ReturnType<typeof createSilero>, samples: Int16Array, piece: number = samples.length): number[] {
  const out: number[] = [];
  const stream = silero.open((probability) => out.push(probability));
  for (let at = 0; at < samples.length; at += piece) {
    const part = samples.subarray(at, at + piece);
    stream.write(part, part.length);
  }
  stream.close();
  return out;
}

const farthest = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 2))));

describe('the voice activity detector', () => {
  it('gives the probabilities of the published model', () => {
    const ours = judge(createSilero(), silenceThenApology());
    expect(ours.length).toBe(EXPECTED.length);
    expect(farthest(ours, EXPECTED)).toBeLessThan(1e-5);
    expect(ours.slice(0, 14).every((p) => p < 0.35)).toBe(true);
    expect(ours.slice(30, 60).filter((p) => p > 0.5).length).toBeGreaterThan(20);
  });

  it('does not care how the samples are cut, and gives a slot back clean', () => {
    const silero = createSilero();
    const samples = silenceThenApology();
    const whole = judge(silero, samples);
    for (const piece of [1, 160, 255, 256, 257, 4_000]) expect(judge(silero, samples, piece), `pieces of ${piece}`).toEqual(whole);
  });

  it('keeps three hundred calls apart, through the growth of its memory', () => {
    const silero = createSilero();
    const samples = silenceThenApology().subarray(0, 16_000);
    const alone = judge(silero, samples);
    const calls = Array.from({ length: 300 }, (_, call) => {
      const out: number[] = [];
      return { out, delay: call % 7, stream: silero.open((probability) => out.push(probability)) };
    });
    const silence = new Int16Array(256);
    for (const { stream, delay } of calls) for (let i = 0; i < delay; i++) stream.write(silence, 256);
    for (let at = 0; at < samples.length; at += 160) {
      const part = samples.subarray(at, at + 160);
      for (const { stream } of calls) stream.write(part, part.length);
    }
    for (const { out, delay } of calls) {
      if (delay === 0) expect(out).toEqual(alone);
      else expect(out.length).toBe(alone.length + delay);
    }
  });

  it('hears nothing after it was closed, not even in the middle of a piece', () => {
    const out: number[] = [];
    const stream = createSilero().open((probability) => {
      out.push(probability);
      stream.close();
    });
    stream.write(new Int16Array(2_560), 2_560);
    stream.write(new Int16Array(2_560), 2_560);
    expect(out.length).toBe(1);
  });

  it('is built from the sources beside it: the same kernel, the same weights, byte for byte', async () => {
    expect(Buffer.compare(await buildKernel(), shipped('silero.wasm'))).toBe(0);
    expect(Buffer.compare(new Uint8Array(packWeights().buffer), shipped('silero.bin'))).toBe(0);
  });
});
