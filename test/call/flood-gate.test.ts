/** A client that floods its call with commands is not obeyed beyond the bound, and is again a second later. */
import { expect, it } from 'vitest';
import { floodGate } from '../../src/call/flood-gate.ts';
import type { LineSignal } from '../../src/carriers/carrier.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';

const SAY: LineSignal = { type: 'control', message: { type: 'say', content: 'spam' } };

it('lets a person through, and turns the rest of a flood into malformed messages', async () => {
  const clock = new VirtualClock();
  const gate = floodGate(clock);
  const obeyed = () => Array.from({ length: 2_000 }, () => gate(SAY)).filter(({ type }) => type === 'control').length;
  expect(obeyed()).toBe(20);
  expect(gate(SAY)).toMatchObject({ type: 'malformed', code: 'rate_limited' });
  await clock.advance(1_000);
  expect(obeyed()).toBe(20);
});

it('never holds back marks, and never the end of the line', () => {
  const gate = floodGate(new VirtualClock());
  for (let i = 0; i < 100; i++) gate(SAY);
  for (const signal of [
    { type: 'mark', name: '1:1' },
    { type: 'ended', by: 'caller', detail: '' },
  ] as const)
    expect(gate(signal)).toBe(signal);
});
