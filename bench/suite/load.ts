/** The product at its limits: how many calls a core carries, what disturbs them, what becomes of too many, and of many hours. */
import { alone, type Bench, f1, f2, pair, type Row } from '../lib/bench.ts';
import type { CapacityResult, OverloadResult } from '../wire/capacity.ts';
import type { ShieldResult, StormResult } from '../wire/disturbed.ts';
import type { SoakResult } from '../wire/soak.ts';
import type { SubjectName } from '../wire/steady.ts';

const CAPACITY = 150;

export const capWs: Bench = async ({ quick, seconds }) => {
  // A developer learns whether a smaller number holds; the goal is judged on the whole ladder.
  const rungs = quick ? [50, 100] : [50, 100, 125, CAPACITY, 175, 200, 225, 250, 275, 300];
  const rows: Row[] = [];
  for (const subject of (quick ? ['ours'] : ['ours', 'floor']) satisfies SubjectName[]) {
    const result = await alone<CapacityResult>('capacity', { subject, rungs, seconds: Math.min(seconds, 12), windows: quick ? 1 : 3 });
    const held = result.rungs.findLast((rung) => rung.holds);
    const last = result.rungs.at(-1);
    const stop = last && !last.holds ? `; ${last.calls}: ${pair(last.added)} ms, ${last.stoppedBy}` : '; the ladder ended';
    const figure = held
      ? `${held.calls} calls hold (${pair(held.added)} ms, host ${f1(held.hostPercent)} %, others ${f2(held.othersCores)} cores)`
      : 'none held';
    rows.push({
      name: subject === 'ours' ? 'cap.ws, calls on one host' : '  cap.ws, the floor',
      figure: figure + stop,
      goal: subject === 'ours' ? `${CAPACITY} with p99 <= 20 ms, 0 unanswered` : '',
      met: subject === 'ours' && !quick ? (held?.calls ?? 0) >= CAPACITY : null,
    });
  }
  return rows;
};

export const loopShield: Bench = async ({ quick, runs, seconds }) => {
  const loads = quick ? [300] : [300, 1_000];
  const results: ShieldResult[] = [];
  for (let run = 0; run < Math.min(runs, 3); run++) results.push(await alone<ShieldResult>('shield', { calls: 50, seconds, loads }));
  const middle = <T>(of: (result: ShieldResult) => number, pick: (result: ShieldResult) => T): T => {
    const sorted = results.toSorted((a, b) => of(a) - of(b));
    return pick(sorted[sorted.length >> 1] as ShieldResult);
  };
  return loads.map((offered, index): Row => {
    // The run with the median growth stands for all.
    const grown = (result: ShieldResult) => (result.busy[index]?.window.added.p99 ?? Number.NaN) - result.calm.added.p99;
    const { calm, busy } = middle(grown, (result) => ({ calm: result.calm, busy: result.busy[index] }));
    if (!busy) throw new Error('The load has no figures.');
    const { window, load, closed } = busy;
    const p50 = window.added.p50 - calm.added.p50;
    const p99 = window.added.p99 - calm.added.p99;
    return {
      name: `loop.shield, 50 calls, API ${offered}/s`,
      figure:
        `${pair(calm.added)} -> ${pair(window.added)} ms; API ${Math.round(load.perSecond)}/s answered (p99 ${f1(load.tookMs.p99)} ms, ${load.errors} errors, ${load.skipped} not asked), ` +
        `${Math.round(window.hooks / seconds)} webhooks/s, ${window.bigResults} results of 1 MB, ${closed} recordings closed`,
      goal: offered === 300 ? 'p50 grows <= 2, p99 <= 20 ms' : '',
      met: offered === 300 ? p50 <= 2 && p99 <= 20 : null,
    };
  });
};

export const stormBench: Bench = async ({ quick, seconds }) => {
  const order = { calls: quick ? 10 : 25, seconds, perSecond: 20, streamSeconds: quick ? 5 : 60 };
  const { calm, burst, stream, burstRefused, streamRefused } = await alone<StormResult>('storm', order);
  const row = (name: string, window: StormResult['burst'], refused: number): Row => ({
    name: `storm, ${name}, beside ${order.calls} calls`,
    figure: `greeting ${pair(window.greeting)} ms (n ${window.greeting.n}, ${refused} refused); the others' turns ${pair(calm.added)} -> ${pair(window.added)} ms`,
    goal: 'greeting p99 <= 150 ms, others p99 +10 ms, 0 refused',
    met: window.greeting.p99 <= 150 && window.added.p99 - calm.added.p99 <= 10 && refused === 0,
  });
  return [row('50 calls in 100 ms', burst, burstRefused), row(`20 a second for ${order.streamSeconds} s`, stream, streamRefused)];
};

export const overloadBench: Bench = async ({ quick, seconds }) => {
  const most = quick ? 40 : 100;
  const result = await alone<OverloadResult>('overload', { most, seconds });
  return [
    {
      name: `overload, ${result.offered} calls offered to a node for ${most}`,
      figure: `${result.admitted} admitted (${pair(result.added)} ms, ${result.unanswered} unanswered, ${result.dropped} dropped), ${result.refused.n} refused within ${f1(result.refused.p99)} ms (p99)`,
      goal: 'p99 <= 20 ms, 0 unanswered, 0 dropped, refused within 50 ms',
      met:
        result.added.p99 <= 20 && result.unanswered === 0 && result.dropped === 0 && result.refused.p99 <= 50 && result.admitted === most,
    },
  ];
};

/** Kept connections of pools come and go by a few; a leak is a descriptor a call. */
const KEPT = 5;

export const soakBench: Bench = async ({ quick }) => {
  const minutes = Number(process.env.BENCH_SOAK_MINUTES ?? (quick ? 0.5 : 10));
  const result = await alone<SoakResult>('soak', { calls: quick ? 20 : 50, minutes });
  const left = result.handles.after - result.handles.before;
  return [
    {
      name: `soak, ${result.minutes} min of calls that come and go`,
      figure:
        `host ${f1(result.hostMb.from)} -> ${f1(result.hostMb.to)} MB (${f1(result.hostSlope)} MB/h), control ${f1(result.controlMb.from)} -> ${f1(result.controlMb.to)} (${f1(result.controlSlope)}), ` +
        `handles ${result.handles.before} -> ${result.handles.after}; ${result.placed} calls, ${result.unanswered} of ${result.turns} unanswered, ${result.dropped} dropped, ${result.refused} refused`,
      goal: '<= 1 MB/h, handles back, none lost',
      met: quick
        ? null
        : result.hostSlope + result.controlSlope <= 1 && left <= KEPT && result.unanswered + result.dropped + result.refused === 0,
    },
  ];
};

/** Places for figures that come with the API's goals. */
export const notYet =
  (name: string, goal: string): Bench =>
  async () => [{ name, figure: 'not measured yet', goal, met: null }];
