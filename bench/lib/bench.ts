/**
 * What all benches of the suite share: the lines of the table, how long and how often they run, subjects in processes of their own, and
 * the median of several runs. It measures nothing itself.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One line of the table: what was asked for, what came out, whether it holds (`null`: only informs). */
export interface Row {
  name: string;
  figure: string;
  goal: string;
  met: boolean | null;
}

/** How thoroughly to measure. `quick` keeps every bench below a minute, for a developer; its figures are no claims. */
export interface Effort {
  readonly quick: boolean;
  /** Length of one measurement, s. */
  readonly seconds: number;
  /** Runs of which the median counts. */
  readonly runs: number;
}

/** Makes the rows of one bench. */
export type Bench = (effort: Effort) => Promise<Row[]>;

export function effortOf(quick: boolean): Effort {
  const seconds = Number(process.env.BENCH_SECONDS ?? (quick ? 8 : 20));
  return { quick, seconds, runs: Number(process.env.BENCH_RUNS ?? (quick ? 1 : 5)) };
}

/** A figure that nothing was measured for is no number; JSON makes it null. */
type Figure = number | null;
export const f1 = (value: Figure) => (Number.isFinite(value) ? Number(value).toFixed(1) : '-');
export const f2 = (value: Figure) => (Number.isFinite(value) ? Number(value).toFixed(2) : '-');
export const pair = ({ p50, p99 }: { p50: Figure; p99: Figure }) => `${f2(p50)} / ${f2(p99)}`;

/** What is counted adds up over the runs: one lost turn in five runs must not vanish in a median. */
const COUNTS = new Set([
  'n',
  'turns',
  'unanswered',
  'doubled',
  'leaked',
  'missedBarge',
  'afterClear',
  'newSockets',
  'dropped',
  'wrong',
  'asked',
]);

/** The median of every figure over the runs; counts add up; what is no number is taken from the first run. */
export function medianOf<T>(runs: readonly T[], key = ''): T {
  const [first] = runs;
  if (typeof first === 'number' || first === null) {
    // Nothing was measured in some of the runs: the others tell.
    const sorted = (runs as readonly Figure[]).filter((value) => value !== null).toSorted((a, b) => a - b);
    if (sorted.length === 0) return first as T;
    if (COUNTS.has(key)) return sorted.reduce((sum, value) => sum + value, 0) as T;
    const middle = sorted.length >> 1;
    return (sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2) as T;
  }
  if (typeof first !== 'object' || Array.isArray(first)) return first as T;
  const entries = Object.keys(first).map((name) => [
    name,
    medianOf(
      runs.map((run) => (run as Record<string, unknown>)[name]),
      name,
    ),
  ]);
  return Object.fromEntries(entries) as T;
}

const RESULTS = join(import.meta.dirname, '../results');
const RUN = join(import.meta.dirname, '../run.ts');
const started = new Date().toISOString().replaceAll(':', '-').slice(0, 19);
const run = promisify(execFile);

/** Runs one subject in a process of its own; its result is a JSON line on stdout and in `bench/results`. */
export async function alone<T>(what: string, options: object): Promise<T> {
  const { stdout } = await run(process.execPath, [RUN, 'one', what, JSON.stringify(options)], { maxBuffer: 1e8, timeout: 1_800_000 });
  const result = stdout.split('\n').find((line) => line.startsWith('RESULT '));
  if (!result) throw new Error(`no result from ${what} ${JSON.stringify(options)}: ${stdout.slice(-500)}`);
  note({ what, ...options, result: JSON.parse(result.slice(7)) });
  return JSON.parse(result.slice(7)) as T;
}

/** The median of `runs` times the same subject. */
export async function several<T>(runs: number, what: string, options: object): Promise<T> {
  const results: T[] = [];
  for (let i = 0; i < runs; i++) results.push(await alone<T>(what, options));
  return medianOf(results);
}

export function note(line: object): void {
  mkdirSync(RESULTS, { recursive: true });
  const text = `${JSON.stringify(line)}\n`;
  appendFileSync(join(RESULTS, `${started}.jsonl`), text);
  process.stdout.write(text);
}
