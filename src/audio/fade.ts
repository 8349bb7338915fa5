/** Ramps that hide a splice: sound that starts or stops in the middle of a wave clicks. Works in place, on any encoding. */
import type { AudioFormat } from './format.ts';
import { ALAW, MULAW } from './g711.ts';

/** How long a ramp must be to be heard as no click. */
export const FADE_MS = 8;

/** Lets the bytes rise from silence to their full level, over their whole length. Whole samples only. */
export function fadeIn(format: AudioFormat, bytes: Uint8Array): void {
  if (format.encoding === 'pcm16') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = bytes.length >> 1;
    for (let i = 0; i < count; i++) view.setInt16(i * 2, Math.round((view.getInt16(i * 2, true) * (i + 0.5)) / count), true);
    return;
  }
  const law = format.encoding === 'mulaw' ? MULAW : ALAW;
  for (let i = 0; i < bytes.length; i++) {
    const value = Math.round(((law.toLinear[bytes[i] ?? 0] ?? 0) * (i + 0.5)) / bytes.length);
    bytes[i] = law.fromLinear[value & 0xffff] ?? 0;
  }
}
