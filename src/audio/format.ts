/** What audio is, everywhere in the product: mono, 20 ms frames, an encoding and a rate. Pure data. */

/** `pcm16` is signed 16-bit little-endian. G.711 (`mulaw`, `alaw`) is always 8 kHz. */
export interface AudioFormat {
  readonly encoding: 'pcm16' | 'mulaw' | 'alaw';
  readonly rate: 8000 | 16000 | 24000 | 48000;
}

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
