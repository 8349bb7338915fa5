/** Keys that the caller presses, collected into one entry as the agent's plan says: complete at a delimiter, or when no key follows in time. */
import type { KeypadPlan } from '../../agent/plan.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';

export interface Keypad {
  press(key: string): void;
  close(): void;
}

/** The longest entry: nobody types more, and a stuck key must not grow it. */
const MOST_KEYS = 200;

/** Without a plan nothing is collected. A delimiter with no keys before it enters nothing. */
export function createKeypad(clock: Clock, plan: () => KeypadPlan | null, entered: (keys: string) => void): Keypad {
  let keys = '';
  let timer: Timer | undefined;
  const enter = () => {
    timer?.cancel();
    const entry = keys;
    keys = '';
    if (entry !== '') entered(entry);
  };
  return {
    press(key) {
      const wanted = plan();
      if (!wanted) return;
      timer?.cancel();
      if (wanted.delimiters.includes(key)) return enter();
      keys += key;
      if (keys.length >= MOST_KEYS) return enter();
      timer = clock.timer(wanted.timeoutMs, enter);
    },
    close: () => timer?.cancel(),
  };
}
