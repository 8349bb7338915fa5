/** G.711 against the tables of the Recommendation, built here from their decision values alone: every linear value, every code word. */
import { describe, expect, it } from 'vitest';
import { ALAW, decodeG711, encodeG711, MULAW } from '../../src/audio/g711.ts';

/**
 * Tables 1a and 2a: decision values x_n of the positive half, in the law's own units (13 or 14 bit). A value v with
 * x_n <= v < x_n+1 has number n; its output lies in the middle of the interval.
 */
function decisions(intervals: readonly (readonly [count: number, width: number])[]): number[] {
  const out = [0];
  for (const [count, width] of intervals) for (let i = 0; i < count; i++) out.push((out.at(-1) ?? 0) + width);
  return out;
}
// mu-law: the first interval is 1 wide and stands for zero; then 15 of 2, and seven segments of 16 intervals, doubling.
const MU = decisions([[1, 1], [15, 2], ...[4, 8, 16, 32, 64, 128, 256].map((width) => [16, width] as const)]);
// A-law: 32 intervals of 2, then six segments of 16, doubling; units of 1/4096.
const A = decisions([[32, 2], ...[4, 8, 16, 32, 64, 128].map((width) => [16, width] as const)]);

/** The number of the interval. Negative values mirror the positive ones; a boundary belongs to the interval nearer to zero. */
function numberOf(table: readonly number[], magnitude: number, negative: boolean): number {
  let n = 0;
  while (n + 1 < table.length - 1 && (negative ? magnitude > (table[n + 1] ?? 0) : magnitude >= (table[n + 1] ?? 0))) n += 1;
  return n;
}

describe('G.711', () => {
  it('encodes all 65,536 values as the tables say, mu-law', () => {
    const wrong: number[] = [];
    for (let x = -32_768; x < 32_768; x++) {
      const n = numberOf(MU, Math.abs(x) / 4, x < 0);
      // Table 2a: the character signals count down from 1111 1111 (positive) and 0111 1111 (negative).
      const code = (x < 0 ? 0x7f : 0xff) - n;
      if (MULAW.fromLinear[x & 0xffff] !== code) wrong.push(x);
    }
    expect(wrong).toEqual([]);
  });

  it('encodes all 65,536 values as the tables say, A-law', () => {
    const wrong: number[] = [];
    for (let x = -32_768; x < 32_768; x++) {
      const n = numberOf(A, Math.abs(x) / 8, x < 0);
      // Table 1a: the signals count up from 1000 0000 and 0000 0000; the even bits are inverted on the line.
      const code = ((x < 0 ? 0 : 0x80) + n) ^ 0x55;
      if (ALAW.fromLinear[x & 0xffff] !== code) wrong.push(x);
    }
    expect(wrong).toEqual([]);
  });

  it('decodes all 256 code words to the middle of their interval, mu-law', () => {
    for (let code = 0; code < 256; code++) {
      const n = 0x7f - (code & 0x7f);
      // y_0 is 0; the others are the middle between their decision values.
      const middle = n === 0 ? 0 : ((MU[n] ?? 0) + (MU[n + 1] ?? 0)) / 2;
      expect(Math.abs(MULAW.toLinear[code] ?? Number.NaN), `code ${code}`).toBe(middle * 4);
      if (middle > 0) expect((MULAW.toLinear[code] ?? 0) > 0).toBe(code >= 0x80);
    }
  });

  it('decodes all 256 code words to the middle of their interval, A-law', () => {
    for (let code = 0; code < 256; code++) {
      const n = (code ^ 0x55) & 0x7f;
      const middle = ((A[n] ?? 0) + (A[n + 1] ?? 0)) / 2;
      expect(ALAW.toLinear[code], `code ${code}`).toBe(((code ^ 0x55) & 0x80 ? middle : -middle) * 8);
    }
  });

  it('gives every code word back, except that mu-law has two zeros', () => {
    for (const law of [MULAW, ALAW]) {
      const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
      const samples = new Int16Array(256);
      const again = new Uint8Array(256);
      decodeG711(law, codes, samples);
      encodeG711(law, samples, 256, again);
      if (law === MULAW) codes[0x7f] = 0xff;
      expect(again).toEqual(codes);
    }
  });
});
