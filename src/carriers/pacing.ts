/**
 * Real time in front of a client that plays what it gets and drops nothing: audio of any length is taken and leaves as the client
 * plays it, 60 ms ahead. What has not left can be cleared, and a mark is reached when everything before it has left. Rides the
 * host's wheel only while something waits.
 */
import { type AudioFormat, bytesOf, FRAME_MS } from '../audio/format.ts';
import { tape } from '../audio/tape.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Ride, Wheel } from '../kernel/wheel.ts';

export interface Pacer {
  /** Copied, or sent before it returns. */
  send(audio: Uint8Array): void;
  mark(name: string): void;
  /** Forgets what has not left, and its marks. */
  clear(): void;
  /** Forgets everything; nothing leaves any more. */
  close(): void;
}

export interface PacerParts {
  readonly format: AudioFormat;
  readonly clock: Clock;
  readonly wheel: Wheel;
  /** Audio that is to leave now; valid only during the call. */
  readonly write: (audio: Uint8Array) => void;
  /** Everything before this mark has left, a turn ago. Never called from inside `mark` or `send`. */
  readonly reached: (name: string) => void;
}

/** Nobody who heeds the line's lead comes near it; audio beyond it is lost, so that no sender can fill the process. */
const MOST_MS = 60_000;
/** What the network and a client's own clock may be late without a gap; also what an interruption cannot take back. */
const LEAD_MS = 60;

export function createPacer({ format, clock, wheel, write, reached }: PacerParts): Pacer {
  const bytesPerMs = bytesOf(format, 1_000) / 1_000;
  const frame = bytesOf(format, FRAME_MS);
  const waiting = tape(bytesOf(format, 500));
  const marks: { name: string; position: number }[] = [];
  /** Position of the next byte to leave. */
  let sent = 0;
  /** When the client will have played everything that left; clock time. */
  let emptyAt = 0;
  let ride: Ride | undefined;
  let closed = false;

  const flow = () => {
    const now = clock.now();
    emptyAt = Math.max(emptyAt, now);
    while (sent < waiting.end && emptyAt - now < LEAD_MS) {
      const rest = waiting.end - sent;
      // A piece that is shorter than a frame is sent when the client would otherwise run dry.
      if (rest < frame && emptyAt - now > FRAME_MS) break;
      const bytes = Math.min(rest, frame);
      write(waiting.read(sent, sent + bytes));
      sent += bytes;
      emptyAt += bytes / bytesPerMs;
    }
    waiting.release(sent);
  };
  const turn = () => {
    // What had left before this turn: whoever counts on from a mark by the clock is then never ahead of what has left, because audio
    // leaves in steps of a turn.
    const behind = sent;
    flow();
    // One by one: whoever is told of a mark may send, mark and clear.
    for (let next = marks[0]; next && next.position <= behind && !closed; next = marks[0]) {
      marks.shift();
      reached(next.name);
    }
    if (sent >= waiting.end && marks.length === 0) stop();
  };
  const stop = () => {
    ride?.leave();
    ride = undefined;
  };
  const forget = () => {
    // Positions go on: what is forgotten counts as sent.
    sent = waiting.end;
    waiting.release(sent);
    marks.length = 0;
    stop();
  };
  return {
    send(audio) {
      if (closed || audio.length === 0 || waiting.end - sent + audio.length > bytesOf(format, MOST_MS)) return;
      waiting.append(audio);
      flow();
      if (sent < waiting.end) ride ??= wheel.ride(turn);
    },
    mark(name) {
      if (closed) return;
      marks.push({ name, position: waiting.end });
      ride ??= wheel.ride(turn);
    },
    clear: forget,
    close() {
      closed = true;
      forget();
    },
  };
}
