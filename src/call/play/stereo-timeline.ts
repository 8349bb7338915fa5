/**
 * The part of a stereo recording that may still change: caller and agent side by side in the line's own samples, with absolute positions.
 * Written at its end, taken from its start. Positions are sample frames since the start of the recording. Knows no clock and no disk.
 */
import { decoder, encoder } from '../../audio/convert.ts';
import { type AudioFormat, bytesPerSample } from '../../audio/format.ts';

/** Samples of one side: G.711 code words, or 16-bit numbers. */
export type Cells = Uint8Array | Int16Array;

export interface StereoTimeline {
  /** The oldest frame in memory, the end of the caller's audio, the end of all audio. */
  readonly start: number;
  readonly clock: number;
  readonly end: number;
  writeLeft(cells: Cells, length: number): void;
  writeRight(position: number, cells: Cells, length: number): void;
  /** Silences the right side from `position` on, with a ramp of `fade` frames before it. */
  eraseRight(position: number, fade: number): void;
  /** Everything before `position`, copied to the start of `room` and forgotten; gives that part of `room`. */
  take(position: number, room: Uint8Array): Uint8Array;
}

/** Grows beyond `initialFrames` by doubling where more is kept at once. */
export function stereoTimeline(format: AudioFormat, initialFrames: number): StereoTimeline {
  const wide = bytesPerSample(format) === 2;
  const frameBytes = wide ? 4 : 2;
  const silence = wide ? 0 : (encoder(format).encode(new Int16Array(1), 1)[0] ?? 0);
  const make = (frames: number): Cells => (wide ? new Int16Array(2 * frames) : new Uint8Array(2 * frames)).fill(silence);
  let cells = make(initialFrames);
  let start = 0;
  let clock = 0;
  let end = 0;

  const reserve = (position: number) => {
    let frames = cells.length / 2;
    while (frames < position - start) frames *= 2;
    if (frames > cells.length / 2) {
      const wider = make(frames);
      wider.set(cells);
      cells = wider;
    }
    end = Math.max(end, position);
  };
  const bytesFrom = (frame: number, to: number) => new Uint8Array(cells.buffer, (frame - start) * frameBytes, (to - frame) * frameBytes);

  /** Lets the right side fall from its full level to silence between two frames in memory. */
  const fadeOut = (from: number, to: number) => {
    const source = decoder(format);
    const right = wide ? new Int16Array(to - from) : new Uint8Array(to - from);
    for (let i = 0; i < right.length; i++) right[i] = cells[2 * (from + i) + 1] ?? silence;
    const count = source.decode(new Uint8Array(right.buffer));
    const { samples } = source;
    for (let i = 0; i < count; i++) samples[i] = Math.round(((samples[i] ?? 0) * (count - i)) / (count + 1));
    const faded = encoder(format).encode(samples, count);
    const out = wide ? new Int16Array(faded.buffer, faded.byteOffset, count) : faded;
    for (let i = 0; i < count; i++) cells[2 * (from + i) + 1] = out[i] ?? silence;
  };

  return {
    get start() {
      return start;
    },
    get clock() {
      return clock;
    },
    get end() {
      return end;
    },
    writeLeft(taken, length) {
      clock = Math.max(clock, start);
      reserve(clock + length);
      const base = 2 * (clock - start);
      for (let i = 0; i < length; i++) cells[base + 2 * i] = taken[i] ?? silence;
      clock += length;
    },
    writeRight(position, taken, length) {
      const first = Math.max(position, start);
      reserve(first + length);
      const base = 2 * (first - start) + 1;
      for (let i = 0; i < length; i++) cells[base + 2 * i] = taken[i] ?? silence;
    },
    eraseRight(position, fade) {
      const from = Math.min(end, Math.max(start, position)) - start;
      const ramp = Math.max(0, from - fade);
      if (ramp < from) fadeOut(ramp, from);
      for (let i = from; i < end - start; i++) cells[2 * i + 1] = silence;
    },
    take(position, room) {
      const last = Math.max(start, Math.min(position, end));
      const bytes = bytesFrom(start, last);
      room.set(bytes);
      const taken = 2 * (last - start);
      const kept = 2 * (end - start);
      cells.copyWithin(0, taken, kept);
      cells.fill(silence, kept - taken, kept);
      start = last;
      return room.subarray(0, bytes.length);
    },
  };
}
