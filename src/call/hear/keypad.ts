/** Keys that the caller presses, collected into one entry: complete at `#`, or when no key follows. */
import type { Clock, Timer } from '../../kernel/clock.ts';

/** People pause for less than this between two keys of one number. */
const NEXT_KEY_MS = 2_000;

export interface Keypad {
  press(key: string): void;
  close(): void;
}

export function createKeypad(clock: Clock, entered: (keys: string) => void): Keypad {
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
      timer?.cancel();
      if (key === '#') return enter();
      keys += key;
      timer = clock.timer(NEXT_KEY_MS, enter);
    },
    close: () => timer?.cancel(),
  };
}
