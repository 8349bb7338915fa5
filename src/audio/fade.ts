/** Ramps that hide a splice: sound that starts or stops in the middle of a wave clicks. Works in place, on any encoding. */
import { decoder, encoder } from './convert.ts';
import type { AudioFormat } from './format.ts';

/** How long a ramp must be to be heard as no click. */
export const FADE_MS = 8;

/** Lets the bytes rise from silence to their full level, over their whole length. Whole samples only. */
export function fadeIn(format: AudioFormat, bytes: Uint8Array): void {
  const source = decoder(format);
  const count = source.decode(bytes);
  const { samples } = source;
  for (let i = 0; i < count; i++) samples[i] = Math.round(((samples[i] as number) * (i + 0.5)) / count);
  bytes.set(encoder(format).encode(samples, count));
}
