/** Gathers the events of all calls of a host into batches: one message through the wall costs 80-130 us however many it carries. */
import type { CallEvent } from '../call/events.ts';
import type { Clock, Timer } from '../kernel/clock.ts';

/** With the journal's own gathering it stays well inside the 200 ms of events that a SIGKILL may cost. */
const WAIT_MS = 40;
const MOST = 64;

export interface EventBatch {
  /** A call's first and last event go at once: control acts on them. */
  push(event: CallEvent): void;
  flush(): void;
}

export function eventBatch(clock: Clock, take: (events: readonly CallEvent[]) => void): EventBatch {
  let waiting: CallEvent[] = [];
  let timer: Timer | undefined;
  const flush = () => {
    timer?.cancel();
    timer = undefined;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    take(batch);
  };
  return {
    flush,
    push(event) {
      waiting.push(event);
      if (waiting.length >= MOST || event.seq === 1 || event.type === 'call.ended') flush();
      else timer ??= clock.timer(WAIT_MS, flush);
    },
  };
}
