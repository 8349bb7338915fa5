/**
 * The filter of a change of sample rate: a sinc under a Kaiser window, cut into one row of coefficients for each place that an output can
 * have between two inputs. Made once for each ratio and kept while it is used. Knows no stream.
 */

export interface Filter {
  /** The ratio of the rates in lowest terms. */
  readonly up: number;
  readonly down: number;
  /** Coefficients of a row; a multiple of four, newest sample last. */
  readonly taps: number;
  /** One row for each of the `up` places; with `between`, so many and one more, evenly spread: what lies between two is weighed. */
  readonly rows: Float32Array;
  readonly between?: number;
}

/**
 * Ratios of odd rates have thousands of places. Between two of 512 rows a straight line is wrong by 110 dB less than the signal, which is
 * below what 16 bits hold.
 */
const MOST_ROWS = 512;
/** More ratios than a host has in use; the oldest one is forgotten, and made again when it is wanted again. */
const KEPT = 24;

const kept = new Map<string, Filter>();

export function filterFor(from: number, to: number): Filter {
  const common = gcd(from, to);
  const up = to / common;
  const down = from / common;
  const key = `${up}/${down}`;
  const known = kept.get(key);
  const filter = known ?? design(up, down);
  kept.delete(key);
  kept.set(key, filter);
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  return filter;
}

/** The Kaiser window's shape for 75 dB. */
const BETA = 7.3;

function design(up: number, down: number): Filter {
  // Kaiser's estimate for 75 dB over a transition of 0.4 of the smaller Nyquist frequency: 24 taps per sample of the slower side.
  const slower = Math.max(up, down) / up;
  const taps = Math.ceil((24 * slower) / 4) * 4;
  const exact = up <= MOST_ROWS;
  const places = exact ? up : MOST_ROWS;
  const count = exact ? up : MOST_ROWS + 1;
  const rows = new Float32Array(count * taps);
  const peak = besselI0(BETA);
  const row = new Float64Array(taps);
  for (let p = 0; p < count; p++) {
    let total = 0;
    for (let k = 0; k < taps; k++) {
      // Distance from the filter's centre in input samples.
      const x = p / places + (taps - 1 - k) - taps / 2;
      const value = (sinc(x / slower) * besselI0(BETA * window((2 * x) / taps))) / peak;
      row[k] = value;
      total += value;
    }
    // Each row passes a constant unchanged, which removes the ripple that the rows would otherwise add.
    for (let k = 0; k < taps; k++) rows[p * taps + k] = (row[k] as number) / total;
  }
  return { up, down, taps, rows, ...(exact ? {} : { between: MOST_ROWS }) };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The argument of the Kaiser window at `x` in -1 to 1. */
function window(x: number): number {
  return Math.sqrt(Math.max(0, 1 - x * x));
}

function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
