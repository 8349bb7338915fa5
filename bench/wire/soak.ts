/** Calls that come and go for a long time: does memory grow, do handles stay behind? */
import { setTimeout as wait } from 'node:timers/promises';
import { mono, rssOf, waitQuiet } from '../lib/stats.ts';
import { assistantOf } from './fleet.ts';
import { onStage, type Stage } from './steady.ts';

export interface SoakResult {
  minutes: number;
  placed: number;
  turns: number;
  unanswered: number;
  dropped: number;
  refused: number;
  /** Of the least memory in each stretch of time, MB/h: what a collection leaves behind. */
  hostSlope: number;
  controlSlope: number;
  hostMb: { from: number; to: number };
  controlMb: { from: number; to: number };
  /** Open descriptors after a first wave of calls and after the last. */
  handles: { before: number; after: number };
}

/** A call lasts this long, at random; each place is taken again at once. */
const STAY_MS = { least: 15_000, most: 45_000 };
const SAMPLE_MS = 2_000;
/** Long enough for a turn of everybody. */
const WAVE_MS = 7_000;
/** In this time recordings, last events and the callers' connections are let go of. */
const LET_GO_MS = 8_000;
/** The share of the time that is warm-up and in no figure. */
const WARM_UP = 0.2;
const STRETCHES = 10;

export async function soak(options: { calls: number; minutes: number }): Promise<SoakResult> {
  return await onStage('ours', async (stage) => {
    const { subject, fleet } = stage;
    const assistants: string[] = [];
    for (let lane = 0; lane < options.calls; lane++) assistants.push(await subject.assistant(assistantOf(lane)));
    // A first wave opens what a process keeps: connections to vendors and database for so many calls, lazily loaded code.
    await Promise.all(assistants.map((assistant, lane) => visit(stage, lane, assistant, WAVE_MS)));
    await wait(LET_GO_MS);
    await waitQuiet();
    const before = subject.handles();
    const until = mono() + options.minutes * 60_000;
    let placed = 0;
    let refused = 0;
    const place = async (lane: number) => {
      while (mono() < until) {
        const stay = Math.min(until - mono(), STAY_MS.least + Math.random() * (STAY_MS.most - STAY_MS.least));
        placed += 1;
        if (!(await visit(stage, lane, assistants[lane] ?? '', stay))) {
          refused += 1;
          await wait(1_000);
        }
      }
    };
    const samples: { at: number; host: number; control: number }[] = [];
    const start = mono();
    const timer = setInterval(() => {
      samples.push({ at: mono() - start, host: rssOf(subject.hostPid), control: rssOf(subject.controlPid) });
    }, SAMPLE_MS);
    const places = assistants.map((_, lane) => place(lane));
    const window = await fleet.window(options.minutes * 60);
    await Promise.all(places);
    clearInterval(timer);
    fleet.leaveAll();
    await wait(LET_GO_MS);
    const host = slope(samples.map(({ at, host }) => ({ at, mb: host })));
    const control = slope(samples.map(({ at, control }) => ({ at, mb: control })));
    return {
      minutes: options.minutes,
      placed,
      refused,
      turns: window.turns,
      unanswered: window.unanswered,
      dropped: window.dropped,
      hostSlope: host.perHour,
      controlSlope: control.perHour,
      hostMb: host,
      controlMb: control,
      handles: { before, after: subject.handles() },
    };
  });
}

async function visit({ fleet }: Stage, lane: number, assistant: string, stayMs: number): Promise<boolean> {
  const caller = await fleet.ring(lane, assistant);
  if (!caller) return false;
  caller.measuring = true;
  await wait(stayMs);
  fleet.leave(caller);
  return true;
}

/** Least squares through the least value of each stretch: resident memory goes up and down with the collector, its foot tells of leaks. */
function slope(samples: readonly { at: number; mb: number }[]): { perHour: number; from: number; to: number } {
  const last = samples.at(-1)?.at ?? 0;
  const first = last * WARM_UP;
  const feet = Array.from({ length: STRETCHES }, (_, index) => {
    const width = (last - first) / STRETCHES;
    const inside = samples.filter(({ at }) => at >= first + index * width && at < first + (index + 1) * width);
    return { at: first + (index + 0.5) * width, mb: Math.min(...inside.map(({ mb }) => mb)) };
  }).filter(({ mb }) => Number.isFinite(mb));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(feet.map(({ at }) => at)), mean(feet.map(({ mb }) => mb))];
  const rise = feet.reduce((sum, { at, mb }) => sum + (at - x) * (mb - y), 0);
  const run = feet.reduce((sum, { at }) => sum + (at - x) ** 2, 0);
  return { perHour: (rise / run) * 3_600_000, from: feet[0]?.mb ?? 0, to: feet.at(-1)?.mb ?? 0 };
}
