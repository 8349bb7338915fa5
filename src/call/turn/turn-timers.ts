/** The turn table's timers: the state names what is due when, this arms it. Nothing else starts a timer for a turn. */
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { TimerName, TurnState } from './turn-state.ts';

export interface TurnTimers {
  /** Makes what is armed equal to what the state says; `at` is now, in the state's time. */
  follow(due: TurnState['timers'], at: number): void;
  close(): void;
}

export function createTurnTimers(clock: Clock, fired: (name: TimerName) => void): TurnTimers {
  const armed = new Map<TimerName, { due: number; timer: Timer }>();
  const disarm = (name: TimerName) => {
    armed.get(name)?.timer.cancel();
    armed.delete(name);
  };
  return {
    follow(timers, at) {
      for (const [name, { due }] of armed) if (timers[name] !== due) disarm(name);
      for (const [name, due] of Object.entries(timers) as [TimerName, number | undefined][]) {
        if (due === undefined || armed.has(name)) continue;
        const fire = () => {
          armed.delete(name);
          fired(name);
        };
        armed.set(name, { due, timer: clock.timer(due - at, fire) });
      }
    },
    close() {
      for (const name of [...armed.keys()]) disarm(name);
    },
  };
}
