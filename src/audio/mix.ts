/**
 * Adds one stream of samples to another. Never wraps around: what is too loud is clipped. Knows no formats: both sides are linear and of
 * one rate, by `decoder` before and `encoder` after.
 */

/** Adds the first `length` of `samples`, times `gain` (1: as it is), to `target` from `at` on; what does not fit is left out. */
export function mixInto(target: Int16Array, samples: Int16Array, gain: number, length: number = samples.length, at = 0): void {
  const count = Math.min(length, samples.length, target.length - at);
  for (let i = 0; i < count; i++) {
    const sum = (target[at + i] as number) + Math.round((samples[i] as number) * gain);
    target[at + i] = Math.max(-32_768, Math.min(32_767, sum));
  }
}
