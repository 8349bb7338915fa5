/**
 * The steady state over sockets: so many calls that talk and interrupt for ever, against the product or the floor. It also holds what
 * every bench over sockets begins and ends with.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { pin } from '../lib/cores.ts';
import { mono, waitQuiet } from '../lib/stats.ts';
import { assistantOf, type Fleet, openFleet, startVendors, type Vendors, type Window } from './fleet.ts';
import { startFloor, startProduct, type WireSubject } from './subject.ts';

export type SubjectName = 'ours' | 'floor' | 'floor, larger messages';

export interface SteadyResult extends Window {
  subject: SubjectName;
  readyMs: number;
  /** Over the subject without calls. */
  perCallPercent: number;
  hostPerCallPercent: number;
  rssPerCallMb: number;
}

export interface Stage {
  readonly subject: WireSubject;
  readonly vendors: Vendors;
  readonly fleet: Fleet;
}

/** Caches fill and code is compiled in the first turns. A short measurement has a short warm-up. */
export const warmUp = (seconds: number) => wait(Math.min(9_000, seconds * 600));

export async function onStage<T>(
  name: SubjectName,
  work: (stage: Stage) => Promise<T>,
  settings: { maxCalls?: number; preload?: string } = {},
): Promise<T> {
  pin(process.pid, 'others');
  const vendors = await startVendors();
  const { maxCalls = 1_000, preload } = settings;
  const subject =
    name === 'ours'
      ? await startProduct({ vendorPort: vendors.port, maxCalls, ...(preload && { preload }) })
      : await startFloor({ vendorPort: vendors.port, larger: name !== 'floor' }, preload);
  const fleet = openFleet(subject, vendors);
  try {
    return await work({ subject, vendors, fleet });
  } finally {
    fleet.close();
    fleet.leaveAll();
    await subject.stop();
    await vendors.stop();
  }
}

/** Makes the assistants of the lanes `from` to `to`, each with a call that talks. Says how many were refused:
 * then the figures are of fewer calls. */
export async function fill(
  { subject, fleet }: Stage,
  from: number,
  to: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const ids: string[] = [];
  for (let lane = from; lane < to; lane++) ids.push(await subject.assistant(assistantOf(lane, more)));
  let refused = 0;
  for (const [index, id] of ids.entries()) if (!(await fleet.ring(from + index, id))) refused += 1;
  return refused;
}

export async function steady(options: { subject: SubjectName; calls: number; seconds: number }): Promise<SteadyResult> {
  return await onStage(options.subject, async (stage) => {
    const { subject, fleet } = stage;
    const idle = await idleOf(subject);
    await fill(stage, 0, options.calls);
    await warmUp(options.seconds);
    const window = await fleet.window(options.seconds);
    return {
      ...window,
      subject: options.subject,
      readyMs: subject.readyMs,
      perCallPercent: (window.corePercent - idle.corePercent) / options.calls,
      hostPerCallPercent: (window.hostPercent - idle.hostPercent) / options.calls,
      rssPerCallMb: (window.rssMb - idle.rssMb) / options.calls,
    };
  });
}

/** What the subject uses while nobody calls. */
async function idleOf(subject: WireSubject): Promise<{ corePercent: number; hostPercent: number; rssMb: number }> {
  await waitQuiet();
  const [use, host, at] = [subject.use(), subject.host(), mono()];
  await wait(3_000);
  const percent = (now: number, then: number) => ((now - then) / ((mono() - at) / 1_000)) * 100;
  const after = subject.use();
  return {
    corePercent: percent(after.cpuSeconds, use.cpuSeconds),
    hostPercent: percent(subject.host().cpuSeconds, host.cpuSeconds),
    rssMb: after.rssMb,
  };
}
