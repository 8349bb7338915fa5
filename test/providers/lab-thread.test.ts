/** The lab's threads: a failure is told to whoever asked, and the next question starts a new thread. */
import { expect, it } from 'vitest';
import { thread } from '../../src/providers/thread.ts';

const double = thread<number, number>('test thread', new URL('./lab-thread-worker.ts', import.meta.url));

it('answers in any number at once', async () => {
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
});

it('tells what a question threw, and goes on', async () => {
  await expect(double(-1)).rejects.toMatchObject({ code: 'provider_network', detail: 'The test thread failed: negative' });
  expect(await double(4)).toBe(8);
});

it('tells everybody who waits when it dies, and starts anew', async () => {
  const [died, waited] = await Promise.allSettled([double(0), double(5)]);
  for (const outcome of [died, waited])
    expect(outcome).toMatchObject({ reason: { code: 'provider_network', detail: 'The test thread stopped: exit 3' } });
  expect(await double(6)).toBe(12);
});
