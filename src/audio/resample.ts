/**
 * Changes the sample rate of a stream: a polyphase FIR whose state is kept between calls, so that pieces of any length join
 * without a seam. Flat to 0.8 of the smaller Nyquist frequency (3.2 kHz on the telephone), 70 dB down from 1.2 of it.
 * The sums are made by a WebAssembly SIMD kernel without state (`resample.wasm`, made by tools/resample), so that a stream needs no
 * closing. Allocates only while its buffers grow. Never dithers, never changes the level.
 */
import { readFileSync } from 'node:fs';
import { AywaError } from '../kernel/errors.ts';
import { type Filter, filterFor } from './filter.ts';

export interface Resampler {
  /** Takes `length` samples; the result is the first `n` (returned) samples of `output`, valid until the next call. */
  process(samples: Int16Array, length: number): number;
  /** What the filter still holds, as `process` gives it; the stream then starts anew. */
  flush(): number;
  readonly output: Int16Array;
}

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  input(): number;
  mostInput(): number;
  output(): number;
  mostOutput(): number;
  filters(): number;
  run(filter: number, taps: number, length: number, start: number, part: number, up: number, down: number): number;
  runBetween(filter: number, taps: number, length: number, start: number, part: number, up: number, down: number, rows: number): number;
}

const wasm = new WebAssembly.Module(readFileSync(new URL('resample.wasm', import.meta.url)));
const kernel = new WebAssembly.Instance(wasm).exports as unknown as Kernel;
/** The kernel's memory never grows, so that these views stand. */
const INPUT = new Int16Array(kernel.memory.buffer, kernel.input(), kernel.mostInput());
const OUTPUT = new Int16Array(kernel.memory.buffer, kernel.output(), kernel.mostOutput());
const FILTERS = new Float32Array(kernel.memory.buffer, kernel.filters());

/** Each filter's place in `FILTERS`. When there is no room left all are forgotten, and those in use are put there again. */
let places = new Map<Filter, number>();
let free = 0;

/** The kernel's address of a filter. */
function place(filter: Filter): number {
  let at = places.get(filter);
  if (at === undefined) {
    if (free + filter.rows.length > FILTERS.length) {
      places = new Map();
      free = 0;
    }
    at = free;
    FILTERS.set(filter.rows, at);
    places.set(filter, at);
    free += filter.rows.length;
  }
  return FILTERS.byteOffset + at * 4;
}

/** The kernel's room and the length of a filter follow from how far apart the rates are; lines and voices are 6 times apart at most. */
const FARTHEST = 80;

/** Any two rates in whole Hz. */
export function resampler(from: number, to: number): Resampler {
  if (!(Math.max(from, to) <= FARTHEST * Math.min(from, to))) throw new AywaError('bug', { detail: `${from} Hz cannot become ${to} Hz.` });
  const filter = filterFor(from, to);
  const { up, down, taps } = filter;
  const held = taps - 1;
  /** Samples that the kernel takes at once: as many as there is room for, on both sides. */
  const most = Math.min(INPUT.length - held, Math.floor(((OUTPUT.length - 1) * down) / up));
  const history = new Int16Array(held);
  let output = new Int16Array(1_024);
  /** Where the next output lies: `start` samples and `part` / `up` of one after the beginning of the history. */
  let start = 0;
  let part = 0;
  let restart = true;

  /** Takes `length` samples from `at` on, of `undefined` silence, and puts the outputs behind the first `count`. */
  const run = (samples: Int16Array | undefined, at: number, length: number, count: number): number => {
    INPUT.set(history);
    if (samples) for (let i = 0; i < length; i++) INPUT[held + i] = samples[at + i] as number;
    else INPUT.fill(0, held, held + length);
    const made =
      filter.between === undefined
        ? kernel.run(place(filter), taps, length, start, part, up, down)
        : kernel.runBetween(place(filter), taps, length, start, part, up, down, filter.between);
    for (let i = 0; i < held; i++) history[i] = INPUT[length + i] as number;
    for (let i = 0; i < made; i++) output[count + i] = OUTPUT[i] as number;
    const parts = part + made * down;
    part = parts % up;
    start += (parts - part) / up - length;
    return count + made;
  };

  const reserve = (length: number) => {
    const needed = Math.ceil((length * up) / down) + 1;
    if (output.length < needed) output = new Int16Array(needed * 2);
  };

  return {
    get output() {
      return output;
    },
    process(samples, length) {
      if (restart) {
        history.fill(0);
        start = 0;
        part = 0;
        restart = false;
      }
      reserve(length);
      let count = 0;
      for (let at = 0; at < length; at += most) count = run(samples, at, Math.min(most, length - at), count);
      return count;
    },
    flush() {
      if (restart) return 0;
      restart = true;
      reserve(taps >> 1);
      let count = 0;
      for (let at = 0; at < taps >> 1; at += most) count = run(undefined, at, Math.min(most, (taps >> 1) - at), count);
      return count;
    },
  };
}
