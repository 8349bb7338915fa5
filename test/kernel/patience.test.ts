/** A deadline that is moved often. */
import { expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { createPatience } from '../../src/kernel/patience.ts';

function stage() {
  const clock = new VirtualClock();
  const over: number[] = [];
  let armed = 0;
  const counting = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    sleep: clock.sleep.bind(clock),
    timer(ms: number, fire: () => void) {
      armed += 1;
      return clock.timer(ms, fire);
    },
  };
  const patience = createPatience(counting, () => over.push(clock.now()));
  return { clock, over, patience, armed: () => armed };
}

it('is over when it was not moved for so long, once', async () => {
  const { clock, over, patience } = stage();
  patience.extend(100);
  await clock.advance(90);
  patience.extend(100);
  await clock.advance(1_000);
  expect(over).toEqual([190]);
  expect(patience.running).toBe(false);
});

it('may be brought forward', async () => {
  const { clock, over, patience } = stage();
  patience.extend(1_000);
  patience.extend(50);
  await clock.advance(2_000);
  expect(over).toEqual([50]);
});

it('is never over once it was stopped, and leaves no timer', async () => {
  const { clock, over, patience } = stage();
  patience.extend(100);
  patience.stop();
  expect(clock.waiting).toBe(0);
  await clock.advance(1_000);
  expect(over).toEqual([]);
});

it('arms a timer now and then, however often it is moved', async () => {
  const { clock, over, patience, armed } = stage();
  for (let ms = 0; ms < 10_000; ms += 10) {
    patience.extend(1_000);
    await clock.advance(10);
  }
  expect(armed()).toBeLessThanOrEqual(12);
  await clock.advance(2_000);
  expect(over).toEqual([10_990]);
});
