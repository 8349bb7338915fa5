/** The log of one call: gives each event its place, tells the listeners, keeps nothing. */
import type { Clock } from '../kernel/clock.ts';
import type { CallEvent, EventLog } from './events.ts';

export function createEventLog(call: string, clock: Clock): EventLog {
  const start = clock.now();
  const listeners = new Set<(event: CallEvent) => void>();
  let seq = 0;
  return {
    append(body) {
      seq += 1;
      const event: CallEvent = { ...body, call, seq, at: toMicros(clock.now() - start), wall: Math.round(clock.wall()) };
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
