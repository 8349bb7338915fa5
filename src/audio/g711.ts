/**
 * G.711 (ITU-T Rec. G.711, arithmetic as in the G.191 software tools): both companding laws as lookup tables, so that a sample
 * costs one load. Linear values are 16 bit. Never looks at rates, frames or time.
 */

/** One law: 256 code words to linear values, and 65,536 linear values (as unsigned 16 bit index) to code words. */
export interface Companding {
  readonly toLinear: Int16Array;
  readonly fromLinear: Uint8Array;
}

export const MULAW: Companding = companding(expandMulaw, compressMulaw);
export const ALAW: Companding = companding(expandAlaw, compressAlaw);

/** Decodes `bytes` into the start of `out`, which must be long enough. */
export function decodeG711(law: Companding, bytes: Uint8Array, out: Int16Array): void {
  const table = law.toLinear;
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i] ?? 0] ?? 0;
}

/** Encodes the first `length` samples into the start of `out`, which must be long enough. */
export function encodeG711(law: Companding, samples: Int16Array, length: number, out: Uint8Array): void {
  const table = law.fromLinear;
  for (let i = 0; i < length; i++) out[i] = table[(samples[i] ?? 0) & 0xffff] ?? 0;
}

function companding(expand: (code: number) => number, compress: (sample: number) => number): Companding {
  return {
    toLinear: Int16Array.from({ length: 256 }, (_, code) => expand(code)),
    fromLinear: Uint8Array.from({ length: 65_536 }, (_, index) => compress((index << 16) >> 16)),
  };
}

/** Magnitudes are one's complement, as in G.191: -1 and 0 are the two zeros. */
function compressMulaw(sample: number): number {
  const magnitude = Math.min((sample < 0 ? ~sample : sample) >> 2, 0x1fff - 33) + 33;
  const segment = 31 - Math.clz32(magnitude) - 5;
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f);
  return ~(sample < 0 ? code | 0x80 : code) & 0xff;
}

function expandMulaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 1) + 33) << ((bits >> 4) & 7)) - 33;
  return (bits & 0x80 ? -magnitude : magnitude) * 4;
}

function compressAlaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4;
  const shift = Math.max(0, 31 - Math.clz32(magnitude) - 4);
  const code = magnitude < 16 ? magnitude : ((shift + 1) << 4) | ((magnitude >> shift) & 0x0f);
  return (sample < 0 ? code : code | 0x80) ^ 0x55;
}

function expandAlaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const half = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? half : (half + 256) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}
