/**
 * Carries a stream of audio bytes from one format to another, to bare samples or from them: decoding, resampling and encoding, with
 * their state kept between pieces (also half a sample at the end of one). Equal formats pass through untouched: mu-law stays
 * mu-law. Reuses its buffers; every result is valid until the next call. What is linear and what is companded is known here alone.
 */
import { type AudioFormat, sameFormat } from './format.ts';
import { ALAW, type Companding, decodeG711, encodeG711, MULAW } from './g711.ts';
import { resampler } from './resample.ts';

export interface Decoder {
  /** Gives the number of samples that now lie at the start of `samples`. */
  decode(bytes: Uint8Array): number;
  /** The same for what a resampler still holds, at the end of an utterance. */
  flush(): number;
  /** To be looked up after decoding, which may move them. */
  readonly samples: Int16Array;
}

export interface Encoder {
  /** The first `length` samples as bytes. */
  encode(samples: Int16Array, length: number): Uint8Array;
}

export interface Converter {
  convert(bytes: Uint8Array): Uint8Array;
  flush(): Uint8Array;
}

/** Bytes of `format` to samples at `rate`; at its own rate, unless told otherwise. */
export function decoder(format: AudioFormat, rate: number = format.rate): Decoder {
  const unpack = unpacker(format);
  if (format.rate === rate) {
    return {
      decode: unpack.decode,
      flush: () => 0,
      get samples() {
        return unpack.samples;
      },
    };
  }
  const stage = resampler(format.rate, rate);
  return {
    decode(bytes) {
      const length = unpack.decode(bytes);
      return stage.process(unpack.samples, length);
    },
    flush: () => stage.flush(),
    get samples() {
      return stage.output;
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Samples to bytes of `format`, at its rate. */
export function encoder(format: AudioFormat): Encoder {
  const law = companding(format);
  let out = NOTHING;
  let linear = new Int16Array(0);
  // Frames of a stream have one length, so the view of the last one usually fits the next.
  let view = NOTHING;
  return {
    encode(samples, length) {
      const bytes = law ? length : length * 2;
      if (out.length < bytes) {
        out = new Uint8Array(bytes * 2);
        linear = new Int16Array(out.buffer);
      }
      if (view.length !== bytes || view.buffer !== out.buffer) view = out.subarray(0, bytes);
      if (law) encodeG711(law, samples, length, out);
      else for (let i = 0; i < length; i++) linear[i] = samples[i] as number;
      return view;
    },
  };
}

/** A stream of `from` as a stream of `to`. */
export function converter(from: AudioFormat, to: AudioFormat): Converter {
  if (sameFormat(from, to)) return { convert: (bytes) => bytes, flush: () => NOTHING };
  const source = decoder(from, to.rate);
  const { encode } = encoder(to);
  // The samples are looked up last: decoding may move them.
  const pack = (length: number) => encode(source.samples, length);
  return { convert: (bytes) => pack(source.decode(bytes)), flush: () => pack(source.flush()) };
}

function companding(format: AudioFormat): Companding | undefined {
  if (format.encoding === 'pcm16') return undefined;
  return format.encoding === 'mulaw' ? MULAW : ALAW;
}

function unpacker(format: AudioFormat): { decode(bytes: Uint8Array): number; readonly samples: Int16Array } {
  const law = companding(format);
  let samples = new Int16Array(0);
  let raw = new Uint8Array(0);
  /** The first byte of a 16-bit sample whose second has not come yet; -1: none. */
  let half = -1;
  const reserve = (count: number) => {
    if (samples.length >= count) return;
    samples = new Int16Array(count * 2);
    raw = new Uint8Array(samples.buffer);
  };
  const decodeLaw = (bytes: Uint8Array, table: Companding): number => {
    reserve(bytes.length);
    decodeG711(table, bytes, samples);
    return bytes.length;
  };
  // Typed arrays have the machine's byte order, which is little-endian on every platform that Node supports in production.
  const decodePcm = (bytes: Uint8Array): number => {
    const carried = half >= 0 ? 1 : 0;
    const total = carried + bytes.length;
    reserve((total >> 1) + 1);
    if (carried) raw[0] = half;
    raw.set(bytes, carried);
    half = total & 1 ? (raw[total - 1] ?? -1) : -1;
    return total >> 1;
  };
  return {
    decode: law ? (bytes) => decodeLaw(bytes, law) : decodePcm,
    get samples() {
      return samples;
    },
  };
}
