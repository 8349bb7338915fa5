/**
 * A run of bytes with absolute positions: written at the end, read anywhere, forgotten from the start. Grows to what is kept at
 * once and no further; copies only when it wraps around. Knows nothing about audio.
 */
export interface Tape {
  /** Positions of the oldest kept byte and of the next one to come. */
  readonly start: number;
  readonly end: number;
  append(bytes: Uint8Array): void;
  /** A view of the bytes from `from` to `to` (not included), clipped to what is kept; valid until the next `append`. */
  read(from: number, to: number): Uint8Array;
  /** Forgets everything before `position`. */
  release(position: number): void;
}

export function tape(initialBytes: number): Tape {
  let buffer = new Uint8Array(initialBytes);
  let start = 0;
  let end = 0;
  /** Position of the buffer's first byte; at most `start`. */
  let origin = 0;
  return {
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    append(bytes) {
      if (end - origin + bytes.length > buffer.length) {
        const kept = buffer.subarray(start - origin, end - origin);
        const needed = kept.length + bytes.length;
        // At least a fifth of the buffer is free after the move, so that moves are rare.
        if (needed * 1.25 > buffer.length) {
          const wider = new Uint8Array(Math.ceil(needed * 1.25));
          wider.set(kept);
          buffer = wider;
        } else buffer.copyWithin(0, start - origin, end - origin);
        origin = start;
      }
      buffer.set(bytes, end - origin);
      end += bytes.length;
    },
    read(from, to) {
      const first = Math.max(start, Math.min(from, end));
      return buffer.subarray(first - origin, Math.max(first, Math.min(to, end)) - origin);
    },
    release(position) {
      start = Math.max(start, Math.min(position, end));
    },
  };
}
