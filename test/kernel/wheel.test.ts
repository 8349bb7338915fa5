/** The wheel of a host: absolute, spread, bounded in what it catches up with, still when nobody rides. */
import { describe, expect, it } from 'vitest';
import { type Clock, VirtualClock } from '../../src/kernel/clock.ts';
import { createWheel } from '../../src/kernel/wheel.ts';

/** A clock whose timers fire late by what `late` says, as a busy process has it. */
function lateClock(late: () => number): { clock: Clock; virtual: VirtualClock } {
  const virtual = new VirtualClock();
  const clock: Clock = {
    now: () => virtual.now(),
    wall: () => virtual.wall(),
    sleep: (ms, scope) => virtual.sleep(ms, scope),
    timer: (ms, fire) => virtual.timer(Math.max(0, ms) + late(), fire),
  };
  return { clock, virtual };
}

describe('the wheel', () => {
  it('turns every 20 ms on an absolute schedule, however late its timer fires', async () => {
    let seed = 7;
    const { clock, virtual } = lateClock(() => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 15;
    });
    const wheel = createWheel(clock);
    const dues: number[] = [];
    wheel.ride((dueAt) => void dues.push(dueAt));
    await virtual.advance(20_000);
    expect(dues.length).toBeGreaterThanOrEqual(999);
    expect(new Set(dues.slice(1).map((due, i) => due - (dues[i] ?? 0)))).toEqual(new Set([20]));
  });

  it('catches up with a short stall turn by turn, and leaves out what a long one missed', async () => {
    for (const [stall, most] of [
      [90, 6],
      [5_000, 7],
    ] as const) {
      let late = 0;
      const { clock, virtual } = lateClock(() => late);
      const wheel = createWheel(clock);
      const turns: { at: number; due: number }[] = [];
      wheel.ride((due) => void turns.push({ at: virtual.now(), due }));
      await virtual.advance(100);
      late = stall;
      await virtual.advance(20);
      late = 0;
      turns.length = 0;
      await virtual.advance(stall + 20);
      const burst = turns.filter(({ at }) => at === turns[0]?.at);
      expect(burst.length).toBeGreaterThan(stall > 1_000 ? 3 : 1);
      expect(burst.length).toBeLessThanOrEqual(most);
      turns.length = 0;
      await virtual.advance(200);
      expect(turns).toHaveLength(10);
      expect(turns.every(({ at, due }) => at === due)).toBe(true);
    }
  });

  it('spreads its riders over the slots of a turn', async () => {
    const clock = new VirtualClock();
    const wheel = createWheel(clock);
    const at = new Map<number, number>();
    for (let i = 0; i < 40; i += 1) wheel.ride((due) => void at.set(due % 20, (at.get(due % 20) ?? 0) + 1));
    expect(wheel.riders).toBe(40);
    await clock.advance(20);
    expect([...at.values()]).toEqual([10, 10, 10, 10]);
    expect(clock.waiting).toBe(1);
  });

  it('calls a new rider within a turn, whoever rides already', async () => {
    for (let before = 0; before < 9; before += 1)
      for (let phase = 0; phase < 20; phase += 3) {
        const clock = new VirtualClock();
        const wheel = createWheel(clock);
        for (let i = 0; i < before; i += 1) wheel.ride(() => {});
        await clock.advance(100 + phase);
        const joined = clock.now();
        let first: number | undefined;
        wheel.ride(() => {
          first ??= clock.now();
        });
        await clock.advance(20);
        expect((first ?? Number.POSITIVE_INFINITY) - joined).toBeLessThanOrEqual(20);
      }
  });

  it('stands still while nobody rides, and starts again', async () => {
    const clock = new VirtualClock();
    const wheel = createWheel(clock);
    let turns = 0;
    const ride = wheel.ride(() => {
      turns += 1;
    });
    await clock.advance(100);
    expect(turns).toBe(5);
    ride.leave();
    ride.leave();
    expect([wheel.riders, clock.waiting]).toEqual([0, 0]);
    await clock.advance(1_003);
    wheel.ride(() => {
      turns += 1;
    });
    await clock.advance(100);
    expect(turns).toBe(10);
  });

  it('lets riders come and go from inside a turn', async () => {
    const clock = new VirtualClock();
    const wheel = createWheel(clock);
    const seen: string[] = [];
    const gone = new Set<string>();
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const rides = names.map((name, i) =>
      wheel.ride(() => {
        expect(gone).not.toContain(name);
        seen.push(name);
        // Each one takes another away and leaves a new rider behind.
        const other = (i + 4) % 8;
        rides[other]?.leave();
        gone.add(names[other] ?? '');
        if (gone.size === 1) wheel.ride(() => void seen.push('new'));
      }),
    );
    const only = wheel.ride(() => only.leave());
    await clock.advance(40);
    expect(gone.size).toBe(4);
    expect(seen).toContain('new');
    for (const ride of rides) ride.leave();
    seen.length = 0;
    await clock.advance(40);
    expect(new Set(seen)).toEqual(new Set(['new']));
    expect(clock.waiting).toBe(1);
  });

  it('goes on after a rider that threw', async () => {
    const clock = new VirtualClock();
    const wheel = createWheel(clock);
    let broken = false;
    let turns = 0;
    wheel.ride(() => {
      turns += 1;
      if (broken) throw new Error('planted');
    });
    await clock.advance(20);
    broken = true;
    await expect(clock.advance(20)).rejects.toThrow('planted');
    broken = false;
    await clock.advance(60);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
