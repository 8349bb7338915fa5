/**
 * A deadline that is moved often and seldom passes: one timer under it, armed anew only when it fires before its time, or would fire after
 * it. Moving the deadline away creates nothing.
 */
import type { Clock, Timer } from './clock.ts';

export interface Patience {
  /** The time is up so many ms from now, whatever was said before. */
  extend(ms: number): void;
  /** The time is never up, until it is extended. */
  stop(): void;
  /** Something is waited for. */
  readonly running: boolean;
}

/** `over` is called when the time is up, once for each time that it was; it may extend. */
export function createPatience(clock: Clock, over: () => void): Patience {
  let timer: Timer | undefined;
  let firesAt = 0;
  let dueAt: number | undefined;

  const fire = () => {
    timer = undefined;
    if (dueAt === undefined) return;
    if (dueAt > clock.now()) return arm(dueAt);
    dueAt = undefined;
    over();
  };
  const arm = (at: number) => {
    timer?.cancel();
    firesAt = at;
    timer = clock.timer(at - clock.now(), fire);
  };
  return {
    get running() {
      return dueAt !== undefined;
    },
    extend(ms) {
      const at = clock.now() + ms;
      dueAt = at;
      if (!timer || firesAt > at) arm(at);
    },
    stop() {
      dueAt = undefined;
      timer?.cancel();
      timer = undefined;
    },
  };
}
