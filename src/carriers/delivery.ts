/**
 * What arrives on a media leg, on its way to the call: kept until the call listens, `ended` exactly once and last, unreadable
 * messages counted. It never throws into the socket, and it gives up on a leg that sends nothing but rubbish.
 */
import type { LineEnd, LineListener, LineSignal } from './carrier.ts';

export interface Delivery {
  /** `bytes` may be overwritten after the call returns. */
  audio(bytes: Uint8Array): void;
  signal(signal: Exclude<LineSignal, { type: 'malformed' | 'ended' }>): void;
  malformed(detail: string): void;
  /** Only the first call counts; nothing is delivered after it. */
  ended(by: LineEnd, detail: string): void;
  listen(listener: LineListener): void;
}

/** A carrier's bug or a stranger: fifty messages that cannot be read are one second of 20 ms frames. */
const MOST_MALFORMED = 50;
/** Kept for a call that does not listen yet: 100 frames are 2 s, and what is older is of no use to a recogniser. */
const MOST_KEPT = 100;

/** `giveUp` closes the leg; its close then ends the line. */
export function delivery(giveUp: (detail: string) => void): Delivery {
  const kept: (Uint8Array | LineSignal)[] = [];
  let listener: LineListener | undefined;
  let malformed = 0;
  let over = false;

  const keep = (item: Uint8Array | LineSignal) => {
    if (kept.length >= MOST_KEPT) kept.shift();
    kept.push(item);
  };
  const tell = (signal: LineSignal) => {
    if (over) return;
    over = signal.type === 'ended';
    if (listener) listener.signal(signal);
    else keep(signal);
  };
  return {
    audio(bytes) {
      if (over) return;
      if (listener) listener.audio(bytes);
      else keep(bytes.slice());
    },
    signal: tell,
    malformed(detail) {
      malformed += 1;
      tell({ type: 'malformed', code: 'media_malformed', detail });
      if (malformed === MOST_MALFORMED) giveUp(`${MOST_MALFORMED} messages could not be read; the last: ${detail}`);
    },
    ended: (by, detail) => tell({ type: 'ended', by, detail }),
    listen(taker) {
      listener = taker;
      for (const item of kept.splice(0)) {
        if (item instanceof Uint8Array) taker.audio(item);
        else taker.signal(item);
      }
    },
  };
}

/** A text frame as a JSON object, or `undefined`. */
export function jsonObject(message: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Who ended a leg, from the websocket's close code: 1006 means that the connection broke without a close frame. */
export function closedBy(code: number, peer: 'caller' | 'carrier'): 'caller' | 'carrier' | 'network' {
  return code === 1000 || code === 1001 || code === 1005 ? peer : 'network';
}
