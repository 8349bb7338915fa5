/** A bound on what a line may ask for: so many commands in a second; what is beyond it counts as malformed. Nobody types or presses that fast. */
import type { LineSignal } from '../carriers/carrier.ts';
import type { Clock } from '../kernel/clock.ts';

const MOST = 20;
const WINDOW_MS = 1_000;
const BOUNDED: ReadonlySet<LineSignal['type']> = new Set(['control', 'text', 'dtmf']);

/** Passes signals through; a command too many comes out as `malformed`. */
export function floodGate(clock: Clock): (signal: LineSignal) => LineSignal {
  let since = clock.now();
  let taken = 0;
  return (signal) => {
    if (!BOUNDED.has(signal.type)) return signal;
    if (clock.now() - since >= WINDOW_MS) {
      since = clock.now();
      taken = 0;
    }
    taken += 1;
    if (taken <= MOST) return signal;
    return { type: 'malformed', code: 'rate_limited', detail: `More than ${MOST} messages in a second; "${signal.type}" was not obeyed.` };
  };
}
