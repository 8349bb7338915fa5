/** The turn table's timers: the state names what is due when, this arms it. A timer whose due time stands is kept. Nothing else starts a timer for a turn. */
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { TimerName, TurnState } from './turn-state.ts';

export interface TurnTimers {
  /** Makes what is armed equal to what the state says; `at` is now, in the state's time. */
  follow(due: TurnState['timers'], at: number): void;
  close(): void;
}

export function createTurnTimers(clock: Clock, fired: (name: TimerName) => void): TurnTimers {
  const armed = new Map<TimerName, { due: number; timer: Timer }>();
  let followed: TurnState['timers'] = {};
  const disarm = (name: TimerName) => {
    armed.get(name)?.timer.cancel();
    armed.delete(name);
  };
  const arm = (name: TimerName, due: number, at: number) => {
    const fire = () => {
      armed.delete(name);
      fired(name);
    };
    armed.set(name, { due, timer: clock.timer(due - at, fire) });
  };
  return {
    follow(timers, at) {
      // Most inputs change no timer, and the state says so with the same object.
      if (timers === followed) return;
      followed = timers;
      for (const [name, { due }] of armed) if (timers[name] !== due) disarm(name);
      for (const name in timers) {
        const due = timers[name as TimerName];
        if (due !== undefined && !armed.has(name as TimerName)) arm(name as TimerName, due, at);
      }
    },
    close() {
      for (const name of [...armed.keys()]) disarm(name);
    },
  };
}
