/**
 * A queue between one synchronous writer and one asynchronous reader. Bounded: past `limit` the oldest item is dropped and
 * counted, because a reader that fell behind must never grow the heap of the other calls.
 */
import type { Scope } from './scope.ts';

export interface Channel<T> extends AsyncIterable<T> {
  /** Adds an item; `false` when the channel is closed. */
  push(item: T): boolean;
  /** No more items will come; the reader gets what is queued, then the end. */
  close(): void;
  /** The reader gets what is queued, then this error. */
  fail(error: unknown): void;
  readonly size: number;
  readonly dropped: number;
  readonly closed: boolean;
}

/** The channel ends when `scope` closes, so its reader can never wait for ever. */
export function channel<T>(scope: Scope, limit = Number.POSITIVE_INFINITY): Channel<T> {
  const queue: T[] = [];
  let dropped = 0;
  let closed = false;
  let failure: { error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const rouse = () => {
    const resume = wake;
    wake = undefined;
    resume?.();
  };
  const close = () => {
    closed = true;
    rouse();
  };
  const onAbort = () => close();
  if (scope.closed) closed = true;
  else scope.signal.addEventListener('abort', onAbort, { once: true });

  return {
    get size() {
      return queue.length;
    },
    get dropped() {
      return dropped;
    },
    get closed() {
      return closed;
    },
    push(item) {
      if (closed) return false;
      queue.push(item);
      if (queue.length > limit) {
        queue.shift();
        dropped += 1;
      }
      rouse();
      return true;
    },
    close,
    fail(error) {
      failure ??= { error };
      close();
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (true) {
          while (queue.length > 0) yield queue.shift() as T;
          if (failure) throw failure.error;
          if (closed) return;
          const woken = new Promise<void>((resolve) => {
            wake = resolve;
          });
          await woken;
        }
      } finally {
        closed = true;
        queue.length = 0;
        scope.signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
