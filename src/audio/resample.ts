/**
 * Changes the sample rate of a stream: a polyphase FIR whose state is kept between calls, so that pieces of any length join
 * without a seam. Flat to 0.8 of the smaller Nyquist frequency (3.2 kHz on the telephone), 70 dB down from 1.2 of it.
 * Allocates only while its buffers grow. Never dithers, never changes the level.
 */
import type { AudioFormat } from './format.ts';

type Rate = AudioFormat['rate'];

export interface Resampler {
  /** Takes `length` samples; the result is the first `n` (returned) samples of `output`, valid until the next call. */
  process(samples: Int16Array, length: number): number;
  /** What the filter still holds, as `process` gives it; the stream then starts anew. */
  flush(): number;
  readonly output: Int16Array;
}

export function resampler(from: Rate, to: Rate): Resampler {
  const common = gcd(from, to);
  const up = to / common;
  const down = from / common;
  const { taps, phases } = bank(up, down);
  const history = taps - 1;
  const middle = taps / 2 - 1;
  let line = new Float64Array(history + 1_024);
  let output = new Int16Array(1_024);
  /** Where the next output lies: `start` samples and `part` / `up` of one after the beginning of `line`. */
  let start = 0;
  let part = 0;
  const wholeStep = Math.floor(down / up);
  const partStep = down % up;
  let restart = true;

  const reserve = (length: number) => {
    if (line.length < history + length) {
      const wider = new Float64Array(history + length * 2);
      wider.set(line.subarray(0, history));
      line = wider;
    }
    const most = Math.ceil((length * up) / down) + 1;
    if (output.length < most) output = new Int16Array(most * 2);
  };

  const run = (length: number): number => {
    let count = 0;
    while (start < length) {
      // Where the rate rises, every output that falls on an input is that input: the filter's other coefficients are zero there.
      const exact = part === 0 && up > down;
      const sum = exact ? (line[start + middle] as number) : dot(phases[part] as Float64Array, line, start);
      output[count++] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : Math.round(sum);
      start += wholeStep;
      part += partStep;
      if (part < up) continue;
      part -= up;
      start += 1;
    }
    start -= length;
    line.copyWithin(0, length, length + history);
    return count;
  };

  return {
    get output() {
      return output;
    },
    process(samples, length) {
      if (restart) {
        line.fill(0, 0, history);
        start = 0;
        part = 0;
        restart = false;
      }
      reserve(length);
      for (let i = 0; i < length; i++) line[history + i] = samples[i] as number;
      return run(length);
    },
    flush() {
      if (restart) return 0;
      const tail = taps >> 1;
      reserve(tail);
      line.fill(0, history, history + tail);
      restart = true;
      return run(tail);
    },
  };
}

/** Four sums break the chain of dependent additions; a phase has a multiple of four coefficients. */
function dot(phase: Float64Array, line: Float64Array, at: number): number {
  let w = 0;
  let x = 0;
  let y = 0;
  let z = 0;
  for (let k = 0; k < phase.length; k += 4) {
    w += (phase[k] as number) * (line[at + k] as number);
    x += (phase[k + 1] as number) * (line[at + k + 1] as number);
    y += (phase[k + 2] as number) * (line[at + k + 2] as number);
    z += (phase[k + 3] as number) * (line[at + k + 3] as number);
  }
  return w + x + (y + z);
}

const banks = new Map<string, { taps: number; phases: Float64Array[] }>();

/** The filter of a ratio, cut into `up` phases of `taps` coefficients each, newest sample last. */
function bank(up: number, down: number): { taps: number; phases: Float64Array[] } {
  const key = `${up}/${down}`;
  const made = banks.get(key);
  if (made) return made;
  // Kaiser's estimate for 75 dB over a transition of 0.4 of the smaller Nyquist frequency: 24 taps per sample of the slower side.
  const slower = Math.max(up, down);
  const taps = Math.ceil((24 * slower) / up / 4) * 4;
  const centre = (taps * up) / 2;
  const phases = Array.from({ length: up }, (_, p) => {
    // x: distance from the filter's centre in steps of 1/up of an input sample.
    const phase = Float64Array.from({ length: taps }, (_, k) => {
      const x = p + (taps - 1 - k) * up - centre;
      return sinc(x / slower) * kaiser(x / centre, 7.3);
    });
    // Each phase passes a constant unchanged, which removes the ripple that the phases would otherwise add.
    const sum = phase.reduce((total, value) => total + value, 0);
    return phase.map((value) => value / sum);
  });
  const filter = { taps, phases };
  banks.set(key, filter);
  return filter;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The Kaiser window at `x` in -1 to 1. */
function kaiser(x: number, beta: number): number {
  return besselI0(beta * Math.sqrt(1 - x * x)) / besselI0(beta);
}

function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
