/**
 * A run of bytes with absolute positions: written at the end, read anywhere, forgotten from the start. The one ring of audio: it doubles
 * while more is kept at once, up to a bound beyond which the oldest gives way. What is read lies in one piece. Knows nothing about audio.
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

/** Keeps all that is not released, or the last `mostBytes`. */
export function tape(initialBytes: number, mostBytes: number = Number.POSITIVE_INFINITY): Tape {
  let buffer = new Uint8Array(Math.max(1, initialBytes));
  let start = 0;
  let end = 0;
  /** Position of the buffer's first byte; at most `start`. */
  let origin = 0;

  /** Makes room for `length` bytes behind the kept ones. */
  const reserve = (length: number) => {
    if (end - origin + length <= buffer.length) return;
    const kept = end - start;
    let size = buffer.length;
    // At least a fifth of the buffer is free after the move, so that moves are rare.
    while ((kept + length) * 1.25 > size) size *= 2;
    if (size > buffer.length) {
      const wider = new Uint8Array(size);
      wider.set(buffer.subarray(start - origin, end - origin));
      buffer = wider;
    } else buffer.copyWithin(0, start - origin, end - origin);
    origin = start;
  };

  return {
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    append(bytes) {
      const whole = bytes.length <= mostBytes;
      const added = whole ? bytes : bytes.subarray(bytes.length - mostBytes);
      start = Math.max(start, end + bytes.length - mostBytes);
      if (!whole) {
        origin = start;
        end = start;
      }
      reserve(added.length);
      buffer.set(added, end - origin);
      end += added.length;
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
