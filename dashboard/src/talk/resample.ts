/**
 * Changes the rate of a stream by windowed-sinc interpolation, any ratio, for the two worklets. State is kept between calls, so that
 * pieces join without a seam; what the lower rate cannot hold is filtered out.
 */

/** Zero crossings of the kernel on each side, and table entries between two of them. */
const LOBES = 16;
const PHASES = 256;
/** Of the lower Nyquist frequency: the rest is the filter's slope. */
const PASSES = 0.92;

export function resampler(from: number, to: number): (input: Float32Array, take: (sample: number) => void) => void {
  const cutoff = PASSES * Math.min(1, to / from);
  const half = Math.ceil(LOBES / cutoff);
  const kernel = sinc(cutoff, half);
  const step = from / to;
  let line = new Float32Array(half * 2 + 4_096);
  let length = half;
  let at = half;

  return (input, take) => {
    if (length + input.length > line.length) {
      const wider = new Float32Array((length + input.length) * 2);
      wider.set(line.subarray(0, length));
      line = wider;
    }
    line.set(input, length);
    length += input.length;
    for (; at + half < length; at += step) {
      const middle = Math.floor(at);
      const part = at - middle;
      let sum = 0;
      for (let tap = 1 - half; tap <= half; tap++)
        sum += (line[middle + tap] ?? 0) * (kernel[Math.round(Math.abs(tap - part) * PHASES)] ?? 0);
      take(sum);
    }
    const gone = Math.floor(at) - half;
    line.copyWithin(0, gone, length);
    length -= gone;
    at -= gone;
  };
}

/** One side of the kernel under a Hann window. */
function sinc(cutoff: number, half: number): Float32Array {
  return Float32Array.from({ length: half * PHASES + 1 }, (_, index) => {
    const x = index / PHASES;
    const angle = Math.PI * x * cutoff;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / half);
    return cutoff * (x === 0 ? 1 : Math.sin(angle) / angle) * window;
  });
}
