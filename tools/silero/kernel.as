/**
 * Silero VAD v5 at 8 kHz as one WebAssembly SIMD function (AssemblyScript): a window of 256 samples in, the probability of
 * speech out. The published graph is a short-time Fourier transform, four convolutions, an LSTM cell and a linear head;
 * each of the first six is a matrix product here. A matrix of O outputs and K inputs is stored as [O / 8][K][8], so that every
 * inner loop reads straight ahead. Sizes are in floats unless the name says bytes.
 */

// The shape of the network at 8 kHz.
const CONTEXT: i32 = 32; // samples of the previous window before the new ones
const WINDOW: i32 = 256;
const PAD: i32 = 32; // reflected after them
const FFT: i32 = 128;
const HOP: i32 = 64;
const BINS: i32 = 68; // 65 frequencies, padded to a multiple of four
const HIDDEN: i32 = 128;

// The weights, in the order of weights.bin.
const WEIGHTS: usize = 1024;
const STFT: usize = WEIGHTS;
const W1: usize = STFT + 4 * 2 * BINS * FFT;
const B1: usize = W1 + 4 * 128 * 3 * BINS;
const W2: usize = B1 + 4 * 128;
const B2: usize = W2 + 4 * 64 * 3 * 128;
const W3: usize = B2 + 4 * 64;
const B3: usize = W3 + 4 * 64 * 3 * 64;
const W4: usize = B3 + 4 * 64;
const B4: usize = W4 + 4 * 128 * 64;
const WL: usize = B4 + 4 * 128;
const BL: usize = WL + 4 * 4 * HIDDEN * 2 * HIDDEN;
const WH: usize = BL + 4 * 4 * HIDDEN;
const BH: usize = WH + 4 * HIDDEN;

// Scratch. Rows of zeros before and after stand for the padding of the convolutions; nothing ever writes them.
const ZERO: usize = BH + 16;
const SPECTRUM: usize = ZERO + 4 * 2 * BINS; // [4 frames][real BINS, imaginary BINS]
const MAGNITUDE: usize = SPECTRUM + 4 * 4 * 2 * BINS; // [zeros][4 frames][zeros] of BINS
const FIRST: usize = MAGNITUDE + 4 * 6 * BINS; // [zeros][4 frames][zeros] of 128
const SECOND: usize = FIRST + 4 * 6 * 128; // [zeros][2 frames] of 64
const THIRD: usize = SECOND + 4 * 3 * 64;
const GATES: usize = THIRD + 4 * 64;
const SLOTS: usize = GATES + 4 * 4 * HIDDEN;

// A slot: the samples, the input and output of the cell side by side, the cell's memory.
const CELL: usize = 4 * (CONTEXT + WINDOW + PAD);
const MEMORY: usize = CELL + 4 * 2 * HIDDEN;
const SLOT_BYTES: usize = MEMORY + 4 * HIDDEN;

/** Where weights.bin goes. */
export function weights(): usize { return WEIGHTS; }
/** Where the slots begin, and how many bytes each takes. */
export function slots(): usize { return SLOTS; }
export function slotBytes(): usize { return SLOT_BYTES; }

/** The samples of a slot stand ready (context, window); gives the probability of speech and keeps the state for the next window. */
export function run(slot: usize): f32 {
  for (let k = 0; k < PAD; k++)
    store<f32>(slot + ((CONTEXT + WINDOW + k) << 2), load<f32>(slot + ((CONTEXT + WINDOW - 2 - k) << 2)));
  product4(STFT, ZERO, slot, 4 * HOP, SPECTRUM, 4 * 2 * BINS, FFT, 2 * BINS, false);
  for (let t = 0; t < 4; t++) {
    const frame = SPECTRUM + <usize>(t * 4 * 2 * BINS);
    magnitude(frame, frame + 4 * BINS, MAGNITUDE + <usize>((t + 1) * 4 * BINS));
  }
  product4(W1, B1, MAGNITUDE, 4 * BINS, FIRST + 4 * 128, 4 * 128, 3 * BINS, 128, true);
  product2(W2, B2, FIRST, 2 * 4 * 128, SECOND + 4 * 64, 4 * 64, 3 * 128, 64, true);
  product1(W3, B3, SECOND, THIRD, 3 * 64, 64, true);
  product1(W4, B4, THIRD, slot + CELL, 64, HIDDEN, true);
  product1(WL, BL, slot + CELL, GATES, 2 * HIDDEN, 4 * HIDDEN, false);
  cell(GATES, slot + MEMORY, slot + CELL + 4 * HIDDEN);
  // The last samples are the context of the next window.
  memory.copy(slot, slot + 4 * WINDOW, 4 * CONTEXT);
  return head(slot + CELL + 4 * HIDDEN);
}

// @ts-ignore: decorator
@inline function madd(a: v128, b: v128, c: v128): v128 { return f32x4.add(f32x4.mul(a, b), c); }
// @ts-ignore: decorator
@inline function relu(x: v128): v128 { return f32x4.max(x, f32x4.splat(0)); }

/** y[t][o] = bias[o] + sum of w[k][o] * x[t][k] for four rows t; steps in bytes. */
function product4(w: usize, bias: usize, x: usize, xStep: usize, y: usize, yStep: usize, K: i32, O: i32, rectify: bool): void {
  const x1 = x + xStep, x2 = x1 + xStep, x3 = x2 + xStep;
  const end = <usize>K << 2;
  for (let o = 0; o < O; o += 8) {
    let a0 = v128.load(bias), a1 = v128.load(bias, 16);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
    for (let k: usize = 0; k < end; k += 4) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      let s = v128.load_splat<f32>(x + k);
      a0 = madd(w0, s, a0); a1 = madd(w1, s, a1);
      s = v128.load_splat<f32>(x1 + k);
      b0 = madd(w0, s, b0); b1 = madd(w1, s, b1);
      s = v128.load_splat<f32>(x2 + k);
      c0 = madd(w0, s, c0); c1 = madd(w1, s, c1);
      s = v128.load_splat<f32>(x3 + k);
      d0 = madd(w0, s, d0); d1 = madd(w1, s, d1);
      w += 32;
    }
    if (rectify) {
      a0 = relu(a0); a1 = relu(a1); b0 = relu(b0); b1 = relu(b1);
      c0 = relu(c0); c1 = relu(c1); d0 = relu(d0); d1 = relu(d1);
    }
    v128.store(y, a0); v128.store(y, a1, 16);
    let q = y + yStep; v128.store(q, b0); v128.store(q, b1, 16);
    q += yStep; v128.store(q, c0); v128.store(q, c1, 16);
    q += yStep; v128.store(q, d0); v128.store(q, d1, 16);
    y += 32; bias += 32;
  }
}

/** The same for two rows. */
function product2(w: usize, bias: usize, x: usize, xStep: usize, y: usize, yStep: usize, K: i32, O: i32, rectify: bool): void {
  const x1 = x + xStep;
  const end = <usize>K << 2;
  for (let o = 0; o < O; o += 8) {
    let a0 = v128.load(bias), a1 = v128.load(bias, 16), b0 = a0, b1 = a1;
    for (let k: usize = 0; k < end; k += 4) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      let s = v128.load_splat<f32>(x + k);
      a0 = madd(w0, s, a0); a1 = madd(w1, s, a1);
      s = v128.load_splat<f32>(x1 + k);
      b0 = madd(w0, s, b0); b1 = madd(w1, s, b1);
      w += 32;
    }
    if (rectify) { a0 = relu(a0); a1 = relu(a1); b0 = relu(b0); b1 = relu(b1); }
    v128.store(y, a0); v128.store(y, a1, 16);
    const q = y + yStep; v128.store(q, b0); v128.store(q, b1, 16);
    y += 32; bias += 32;
  }
}

/** The same for one row; K is a multiple of four, and four sums break the chain of dependent additions. */
function product1(w: usize, bias: usize, x: usize, y: usize, K: i32, O: i32, rectify: bool): void {
  const zero = f32x4.splat(0);
  const end = <usize>K << 2;
  for (let o = 0; o < O; o += 8) {
    let a0 = v128.load(bias), a1 = v128.load(bias, 16), b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
    for (let k: usize = 0; k < end; k += 16) {
      let s = v128.load_splat<f32>(x + k);
      a0 = madd(v128.load(w), s, a0); a1 = madd(v128.load(w, 16), s, a1);
      s = v128.load_splat<f32>(x + k, 4);
      b0 = madd(v128.load(w, 32), s, b0); b1 = madd(v128.load(w, 48), s, b1);
      s = v128.load_splat<f32>(x + k, 8);
      c0 = madd(v128.load(w, 64), s, c0); c1 = madd(v128.load(w, 80), s, c1);
      s = v128.load_splat<f32>(x + k, 12);
      d0 = madd(v128.load(w, 96), s, d0); d1 = madd(v128.load(w, 112), s, d1);
      w += 128;
    }
    a0 = f32x4.add(f32x4.add(a0, b0), f32x4.add(c0, d0));
    a1 = f32x4.add(f32x4.add(a1, b1), f32x4.add(c1, d1));
    if (rectify) { a0 = relu(a0); a1 = relu(a1); }
    v128.store(y, a0); v128.store(y, a1, 16);
    y += 32; bias += 32;
  }
}

function magnitude(re: usize, im: usize, out: usize): void {
  for (let i = 0; i < BINS; i += 4) {
    const a = v128.load(re), b = v128.load(im);
    v128.store(out, f32x4.sqrt(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b))));
    re += 16; im += 16; out += 16;
  }
}

/** The LSTM cell: gates are [input, forget, candidate, output]. */
function cell(gates: usize, state: usize, hidden: usize): void {
  for (let i = 0; i < HIDDEN; i += 4) {
    const input = sigmoid(v128.load(gates)), forget = sigmoid(v128.load(gates, 4 * HIDDEN));
    const candidate = tanh(v128.load(gates, 8 * HIDDEN)), output = sigmoid(v128.load(gates, 12 * HIDDEN));
    const next = f32x4.add(f32x4.mul(forget, v128.load(state)), f32x4.mul(input, candidate));
    v128.store(state, next);
    v128.store(hidden, f32x4.mul(output, tanh(next)));
    gates += 16; state += 16; hidden += 16;
  }
}

function head(hidden: usize): f32 {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < 4 * HIDDEN; i += 16) sum = madd(relu(v128.load(hidden + i)), v128.load(WH + i), sum);
  const total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
  return f32x4.extract_lane(sigmoid(f32x4.splat(total + load<f32>(BH))), 0);
}

/** exp as 2^n * 2^f with a polynomial of degree six for the fraction: relative error about 1e-7. */
// @ts-ignore: decorator
@inline function exp(x: v128): v128 {
  x = f32x4.min(f32x4.max(x, f32x4.splat(-87)), f32x4.splat(87));
  const scaled = f32x4.mul(x, f32x4.splat(1.44269504));
  const n = f32x4.nearest(scaled);
  const f = f32x4.mul(f32x4.sub(scaled, n), f32x4.splat(0.693147181));
  let p = f32x4.splat(1.0 / 720);
  p = madd(p, f, f32x4.splat(1.0 / 120));
  p = madd(p, f, f32x4.splat(1.0 / 24));
  p = madd(p, f, f32x4.splat(1.0 / 6));
  p = madd(p, f, f32x4.splat(0.5));
  p = madd(p, f, f32x4.splat(1));
  p = madd(p, f, f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}
// @ts-ignore: decorator
@inline function sigmoid(x: v128): v128 { return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x)))); }
// @ts-ignore: decorator
@inline function tanh(x: v128): v128 { return f32x4.sub(f32x4.mul(f32x4.splat(2), sigmoid(f32x4.add(x, x))), f32x4.splat(1)); }
