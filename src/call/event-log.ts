/** The log of one call: gives each event its place, tells the listeners, keeps nothing. It begins where its past ends. */
import type { Clock } from '../kernel/clock.ts';
import type { CallEvent, EventLog } from './events.ts';

export function createEventLog(call: string, clock: Clock, last?: CallEvent): EventLog {
  // The wall clock is all that two processes share; it may have been set back.
  const start = clock.now() - (last ? last.at + Math.max(0, clock.wall() - last.wall) : 0);
  const listeners = new Set<(event: CallEvent) => void>();
  let seq = last?.seq ?? 0;
  const at = () => toMicros(clock.now() - start);
  return {
    get at() {
      return at();
    },
    append(body) {
      seq += 1;
      const event: CallEvent = { ...body, call, seq, at: at(), wall: Math.round(clock.wall()) };
      for (const tell of listeners) tell(event);
      return event;
    },
    subscribe(take) {
      listeners.add(take);
      return { [Symbol.dispose]: () => listeners.delete(take) };
    },
  };
}

/** Microseconds are enough for every latency and keep the log short. */
function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
