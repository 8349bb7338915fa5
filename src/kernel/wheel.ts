/**
 * The pace of everything that leaves a host in real time: one wheel per host turns on an absolute schedule behind one real timer.
 * A turn has 20 ms in slots of 5 ms, and riders are spread over the slots. It never drifts, never bursts after a stall, and stands
 * still while nobody rides. A rider is called synchronously, must not throw, and judges by the time that it is given.
 */
import type { Clock, Timer } from './clock.ts';

export interface Ride extends Disposable {
  /** Leaves the wheel; calling it twice, or from inside a turn, is fine. */
  leave(): void;
}

export interface Wheel {
  readonly turnMs: number;
  /** How many ride. */
  readonly riders: number;
  /** Calls `turn` once per 20 ms, the first time within 20 ms. `dueAt` is the time that this turn stands for, on the wheel's clock. */
  ride(turn: (dueAt: number) => void): Ride;
}

const TURN_MS = 20;
const SLOT_MS = 5;
const SLOTS = TURN_MS / SLOT_MS;
/** A stall of up to five turns is caught up with, turn by turn; after a longer one the rest is left out: it would arrive as one burst. */
const MOST_BEHIND_MS = 5 * TURN_MS;

interface Rider {
  readonly turn: (dueAt: number) => void;
  riding: boolean;
}

export function createWheel(clock: Clock): Wheel {
  const slots: Rider[][] = Array.from({ length: SLOTS }, () => []);
  let riders = 0;
  let timer: Timer | undefined;
  let turning = false;
  let origin = 0;
  /** Number of the next slot, counted from the origin. */
  let next = 0;

  const dueAt = (slot: number) => origin + slot * SLOT_MS;
  const ridersAt = (slot: number): Rider[] => slots[slot % SLOTS] ?? [];

  const rest = () => {
    timer?.cancel();
    timer = undefined;
  };
  /** Sleeps until the next slot that has riders. */
  const arm = () => {
    if (riders === 0) return;
    while (ridersAt(next).length === 0) next += 1;
    timer = clock.timer(dueAt(next) - clock.now(), turn);
  };
  const turn = () => {
    timer = undefined;
    turning = true;
    try {
      const behind = clock.now() - dueAt(next);
      if (behind > MOST_BEHIND_MS) next += Math.ceil((behind - MOST_BEHIND_MS) / SLOT_MS);
      // A timer may fire a hair early; the slot that it was set for is due all the same.
      for (let due = true; due; due = riders > 0 && dueAt(next) <= clock.now()) {
        const at = dueAt(next);
        const slot = ridersAt(next);
        next += 1;
        // A rider who joins during the turn waits for the next one; one who left in between is passed over.
        for (let i = 0, count = slot.length; i < count; i += 1) {
          const rider = slot[i];
          if (rider?.riding) rider.turn(at);
        }
        sweep(slot);
      }
    } finally {
      turning = false;
      arm();
    }
  };

  return {
    turnMs: TURN_MS,
    get riders() {
      return riders;
    },
    ride(take) {
      const rider: Rider = { turn: take, riding: true };
      if (riders === 0 && !turning) {
        for (const slot of slots) slot.length = 0;
        origin = clock.now();
        next = 1;
      }
      const emptiest = slots.reduce((least, slot) => (slot.length < least.length ? slot : least));
      emptiest.push(rider);
      riders += 1;
      if (!turning) {
        rest();
        // The new rider's slot may come before the one that is waited for.
        next = Math.min(next, Math.floor((clock.now() - origin) / SLOT_MS) + 1);
        arm();
      }
      const leave = () => {
        if (!rider.riding) return;
        rider.riding = false;
        riders -= 1;
        if (riders === 0) rest();
      };
      return { leave, [Symbol.dispose]: leave };
    },
  };
}

/** Takes out those who left, in place. */
function sweep(slot: Rider[]): void {
  let kept = 0;
  for (const rider of slot) if (rider.riding) slot[kept++] = rider;
  slot.length = kept;
}
