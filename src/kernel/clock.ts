/**
 * Time. Two clocks behind one interface: the real one for production and a virtual one for tests.
 * `now` is monotonic milliseconds (timers, latencies); `wall` is epoch milliseconds (stamps). They are never mixed.
 * This file is the only place that touches the platform's timers and clocks.
 */
import type { Scope } from './scope.ts';

export interface Timer extends Disposable {
  /** Stops the timer; calling it twice, or after the timer fired, does nothing. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with fraction, from an arbitrary origin. */
  now(): number;
  /** Epoch milliseconds. */
  wall(): number;
  /** Resolves after `ms`; rejects with the scope's reason when the scope closes first. */
  sleep(ms: number, scope: Scope): Promise<void>;
  /** Calls `fire` once after `ms`. `fire` must not throw. Real timers do not keep the process alive when `idle` is set. */
  timer(ms: number, fire: () => void, options?: { idle?: boolean }): Timer;
}

function sleepOn(clock: Clock, ms: number, scope: Scope): Promise<void> {
  let timer: Timer | undefined;
  const fired = new Promise<void>((resolve) => {
    timer = clock.timer(ms, resolve);
  });
  return scope.wait(fired).finally(() => timer?.cancel());
}

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, scope) => sleepOn(realClock, ms, scope),
  timer(ms, fire, options) {
    const handle = setTimeout(fire, Math.max(0, ms));
    if (options?.idle) handle.unref();
    const cancel = () => clearTimeout(handle);
    return { cancel, [Symbol.dispose]: cancel };
  },
};

interface Pending {
  at: number;
  order: number;
  fire: () => void;
}

/**
 * A clock that only moves when told to. Timers fire in order of time, then of creation, and every promise that can run
 * has run before the next timer fires, so a test that uses it is deterministic.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #epoch: number;
  #pending: Pending[] = [];

  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  sleep(ms: number, scope: Scope): Promise<void> {
    return sleepOn(this, ms, scope);
  }

  timer(ms: number, fire: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, ms), order: this.#order++, fire };
    this.#pending.push(entry);
    const cancel = () => {
      const index = this.#pending.indexOf(entry);
      if (index >= 0) this.#pending.splice(index, 1);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** How many timers are waiting: zero after a call has ended, or something leaks. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** Milliseconds until the next timer, or `undefined` when nothing waits. */
  get next(): number | undefined {
    const first = this.#first();
    return first && first.at - this.#now;
  }

  /** Moves time forward, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let due = this.#first(); due && due.at <= end; due = this.#first()) {
      this.#pending.splice(this.#pending.indexOf(due), 1);
      this.#now = due.at;
      due.fire();
      await settle();
    }
    this.#now = end;
  }

  #first(): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) first = entry;
    }
    return first;
  }
}

/** Lets every promise that can make progress do so: the microtask queue is empty when a macrotask runs. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
