/** What audio is, everywhere in the product: mono, 20 ms frames, an encoding and a rate. Pure data. */

/** `pcm16` is signed 16-bit little-endian. */
export interface AudioFormat {
  readonly encoding: 'pcm16' | 'mulaw' | 'alaw';
  /** Samples a second, a whole number; a format from outside is held against `RATES`. */
  readonly rate: number;
}

/** Telephone to studio; what the resampler carries from any one to any other. */
export const RATES = { least: 8_000, most: 48_000 } as const;

export const MULAW_8K: AudioFormat = { encoding: 'mulaw', rate: 8000 };
export const PCM_16K: AudioFormat = { encoding: 'pcm16', rate: 16000 };

/** The packet time of every line, in milliseconds. */
export const FRAME_MS = 20;

export function bytesPerSample(format: AudioFormat): 1 | 2 {
  return format.encoding === 'pcm16' ? 2 : 1;
}

/** Bytes of `ms` milliseconds of audio. */
export function bytesOf(format: AudioFormat, ms: number): number {
  return Math.round((format.rate * ms) / 1000) * bytesPerSample(format);
}

/** Milliseconds that `bytes` bytes of audio last. */
export function msOf(format: AudioFormat, bytes: number): number {
  return (bytes / bytesPerSample(format) / format.rate) * 1000;
}

export function sameFormat(a: AudioFormat, b: AudioFormat): boolean {
  return a.encoding === b.encoding && a.rate === b.rate;
}

/**
 * The format that a vendor which makes only `rates` comes closest with, for a line that takes `wanted`: the line's own encoding where
 * there is one rate of it that loses nothing, else linear samples. G.711 at another rate than the line's costs a step and saves nothing.
 */
export function nearestFormat(
  wanted: AudioFormat,
  rates: Readonly<Partial<Record<AudioFormat['encoding'], readonly number[]>>>,
): AudioFormat {
  if (rates[wanted.encoding]?.includes(wanted.rate)) return wanted;
  const linear = [...(rates.pcm16 ?? [])].sort((a, b) => a - b);
  const rate = linear.find((made) => made >= wanted.rate) ?? linear.at(-1);
  return rate === undefined ? wanted : { encoding: 'pcm16', rate };
}
