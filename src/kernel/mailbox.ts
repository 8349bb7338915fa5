/**
 * One queue of inputs, handled one at a time and to completion, without an await. An input posted while another is handled
 * waits its turn; nothing is ever handled inside something else. The heart of "no state changes across an await".
 */
export interface Mailbox<I> {
  post(input: I): void;
  /** Drops what waits and refuses what comes. */
  close(): void;
  readonly closed: boolean;
}

/** `handle` must not throw: a throw closes the mailbox and goes to `onFailure`, since the state is unknown from then on. */
export function mailbox<I>(handle: (input: I) => void, onFailure: (error: unknown, input: I) => void): Mailbox<I> {
  const waiting: I[] = [];
  let handling = false;
  let closed = false;
  return {
    get closed() {
      return closed;
    },
    close() {
      closed = true;
      waiting.length = 0;
    },
    post(input) {
      if (closed) return;
      waiting.push(input);
      if (handling) return;
      handling = true;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        try {
          handle(next);
        } catch (error) {
          closed = true;
          waiting.length = 0;
          onFailure(error, next);
        }
      }
      handling = false;
    },
  };
}
