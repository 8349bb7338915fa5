/**
 * A polyphase FIR filter over 16-bit samples. It keeps no state: the caller puts the samples of before and the new ones side by side
 * into INPUT, says where the first output lies, and takes the outputs from OUTPUT. A filter is `up` rows of `taps` coefficients, newest
 * sample last, `taps` a multiple of four. Between two rows it reads both and weighs them, for ratios with more phases than rows.
 */

/** Samples of before, at most, and new ones: the room of INPUT and LINE. */
const MOST_INPUT: usize = 4096;
const MOST_OUTPUT: usize = 8192;

const INPUT: usize = 1024;
const OUTPUT: usize = INPUT + 2 * MOST_INPUT;
/** INPUT as floats. */
const LINE: usize = OUTPUT + 2 * MOST_OUTPUT;
/** From here on the caller keeps its filters. */
const FILTERS: usize = LINE + 4 * MOST_INPUT;

export function input(): usize { return INPUT; }
export function mostInput(): usize { return MOST_INPUT; }
export function output(): usize { return OUTPUT; }
export function mostOutput(): usize { return MOST_OUTPUT; }
export function filters(): usize { return FILTERS; }

/**
 * Filters the `length` new samples behind `taps - 1` old ones; gives how many outputs there are. The first lies `start` samples and `part`
 * / `up` of one after the beginning of INPUT, the others `down` / `up` of a sample apart. Where the rate rises, every output that falls on
 * an input is that input: the filter's other coefficients are zero there.
 */
export function run(filter: usize, taps: i32, length: i32, start: i32, part: i32, up: i32, down: i32): i32 {
  widen(taps - 1 + length);
  const row = <usize>taps << 2;
  const middle = (<usize>taps >> 1) - 1;
  const whole = down / up;
  const rest = down % up;
  const rises = up > down;
  let out = OUTPUT;
  while (start < length) {
    const at = LINE + (<usize>start << 2);
    if (rises && part == 0) store<i16>(out, load<i16>(INPUT + ((<usize>start + middle) << 1)));
    else store16(out, sum(dot(filter + <usize>part * row, at, row)));
    out += 2;
    start += whole;
    part += rest;
    if (part >= up) { part -= up; start++; }
  }
  return <i32>(out - OUTPUT) >> 1;
}

/** The same with `rows` + 1 rows for the `up` phases. */
export function runBetween(filter: usize, taps: i32, length: i32, start: i32, part: i32, up: i32, down: i32, rows: i32): i32 {
  widen(taps - 1 + length);
  const row = <usize>taps << 2;
  const whole = down / up;
  const rest = down % up;
  const scale = <f64>rows / <f64>up;
  let out = OUTPUT;
  while (start < length) {
    const at = LINE + (<usize>start << 2);
    const place = <f64>part * scale;
    const index = <usize>place;
    const first = filter + index * row;
    const a = sum(dot(first, at, row));
    const b = sum(dot(first + row, at, row));
    store16(out, a + (b - a) * <f32>(place - <f64>index));
    out += 2;
    start += whole;
    part += rest;
    if (part >= up) { part -= up; start++; }
  }
  return <i32>(out - OUTPUT) >> 1;
}

/** INPUT to LINE; may write up to seven floats more. */
function widen(count: i32): void {
  let from = INPUT, to = LINE;
  for (let i = 0; i < count; i += 8) {
    const eight = v128.load(from);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight)), 16);
    from += 16; to += 32;
  }
}

// @ts-ignore: decorator
@inline function madd(a: v128, b: v128, c: v128): v128 { return f32x4.add(f32x4.mul(a, b), c); }

/** The product of a row of `bytes` bytes and the line from `x` on. Four sums break the chain of dependent additions. */
// @ts-ignore: decorator
@inline function dot(w: usize, x: usize, bytes: usize): v128 {
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let k: usize = 0;
  for (; k + 64 <= bytes; k += 64) {
    a = madd(v128.load(w + k), v128.load(x + k), a);
    b = madd(v128.load(w + k, 16), v128.load(x + k, 16), b);
    c = madd(v128.load(w + k, 32), v128.load(x + k, 32), c);
    d = madd(v128.load(w + k, 48), v128.load(x + k, 48), d);
  }
  for (; k < bytes; k += 16) a = madd(v128.load(w + k), v128.load(x + k), a);
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

// @ts-ignore: decorator
@inline function sum(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Rounds to the nearest value and clips. */
// @ts-ignore: decorator
@inline function store16(out: usize, value: f32): void {
  store<i16>(out, <i16>nearest<f32>(min<f32>(max<f32>(value, -32768), 32767)));
}
