/** How many calls one core carries, with what stops it, and what becomes of those who call when the house is full. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Summary, waitQuiet } from '../lib/stats.ts';
import type { Window } from './fleet.ts';
import { assistantOf } from './fleet.ts';
import { fill, onStage, type SubjectName, warmUp } from './steady.ts';

export interface CapacityResult {
  /** Steps of the ladder, lowest first; the last one does not hold unless the ladder ended. */
  rungs: Rung[];
}

interface Rung {
  calls: number;
  holds: boolean;
  /** Empty where it holds. */
  stoppedBy: string;
  added: Summary;
  unanswered: number;
  hostPercent: number;
  othersCores: number;
  callersLateMs: number;
}

/** A rung holds: added p99, ms. */
const P99_MS = 20;
const SETTLE_MS = 8_000;

/** More and more calls on one host until it stops holding. Two of three windows decide a rung, so that one bad second does not. */
export async function capacity(options: {
  subject: SubjectName;
  rungs: readonly number[];
  seconds: number;
  windows: number;
}): Promise<CapacityResult> {
  return await onStage(options.subject, async (stage) => {
    const rungs: Rung[] = [];
    let lanes = 0;
    await waitQuiet();
    for (const calls of options.rungs) {
      const refused = await fill(stage, lanes, calls);
      lanes = calls;
      await wait(SETTLE_MS);
      const windows: Window[] = [];
      const bad = () => windows.filter((window) => !holds(window)).length;
      const needed = (options.windows + 1) / 2;
      while (bad() < needed && windows.length - bad() < needed) windows.push(await stage.fleet.window(options.seconds));
      const worse = windows.toSorted((a, b) => a.added.p99 - b.added.p99)[windows.length >> 1] ?? windows[0];
      if (!worse) break;
      const rung: Rung = {
        calls,
        holds: bad() < needed && refused === 0,
        stoppedBy: '',
        added: worse.added,
        unanswered: worse.unanswered,
        hostPercent: worse.hostPercent,
        othersCores: worse.othersCores,
        callersLateMs: worse.callersLate.p99,
      };
      rungs.push(rung.holds ? rung : { ...rung, stoppedBy: stoppedBy(worse, refused) });
      if (!rung.holds) break;
    }
    return { rungs };
  });
}

function holds(window: Window): boolean {
  return window.added.p99 <= P99_MS && window.unanswered === 0 && window.dropped === 0;
}

function stoppedBy(window: Window, refused: number): string {
  const reasons = [
    refused > 0 && `${refused} calls refused: the host says that it is late`,
    window.hostPercent > 90 && `the host's core is full (${window.hostPercent.toFixed(0)} %)`,
    window.callersLate.p99 > 8 &&
      `callers and vendors are late themselves (p99 ${window.callersLate.p99.toFixed(0)} ms, ${window.othersCores.toFixed(2)} cores)`,
    window.dropped > 0 && `${window.dropped} calls dropped`,
    window.unanswered > 0 && `${window.unanswered} turns unanswered`,
  ].filter(Boolean);
  return reasons.length > 0 ? reasons.join('; ') : `tails in the host (${window.hostPercent.toFixed(0)} % of its core)`;
}

export interface OverloadResult extends Window {
  offered: number;
  admitted: number;
}

/** The node may take `most` calls; half as many again ring. */
export async function overload(options: { most: number; seconds: number }): Promise<OverloadResult> {
  const { most } = options;
  return await onStage(
    'ours',
    async (stage) => {
      const offered = Math.round(most * 1.5);
      await waitQuiet();
      await fill(stage, 0, most);
      const spare = await stage.subject.assistant(assistantOf(most));
      await warmUp(options.seconds);
      const measured = stage.fleet.window(options.seconds);
      const pause = (options.seconds * 900) / (offered - most);
      for (let i = most; i < offered; i++) {
        await stage.fleet.ring(most, spare);
        await wait(pause);
      }
      return { ...(await measured), offered, admitted: stage.fleet.size };
    },
    { maxCalls: most },
  );
}
