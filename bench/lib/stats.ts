/** Percentiles from raw samples, and who used the machine while we measured. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Summary {
  n: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  mean: number;
}

export function summary(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN).toFixed(2));
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1), mean: Number(mean.toFixed(2)) };
}

/** Milliseconds on a clock that all processes of this machine share. */
export const mono = () => Number(process.hrtime.bigint()) / 1e6;

/** Busy CPU seconds of the whole machine so far. */
export function machineBusy(): number {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return (fields.reduce((a, b) => a + b, 0) - (fields[3] ?? 0) - (fields[4] ?? 0)) / 100;
}

export interface ProcessUse {
  cpuSeconds: number;
  rssMb: number;
}

/** A process and all its descendants for which `include` holds. */
export function processesOf(pid: number, include: (command: string) => boolean = () => true): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(`/proc/${entry}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  const visit = (id: number) => {
    if (include(read(`/proc/${id}/cmdline`).replaceAll('\0', ' '))) found.push(id);
    for (const child of children.get(id) ?? []) visit(child);
  };
  visit(pid);
  return found;
}

/** CPU time and resident memory of those processes. */
export function processTree(pid: number, include?: (command: string) => boolean): ProcessUse {
  const use = { cpuSeconds: 0, rssMb: 0 };
  for (const id of processesOf(pid, include)) {
    const stat = read(`/proc/${id}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A process that has ended meanwhile has no figures.
    use.cpuSeconds += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
    use.rssMb += rssOf(id);
  }
  return use;
}

/** Resident memory of one process, MB. */
export const rssOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until the rest of the machine uses less than `below` cores; says when it gave up after `timeoutMs`. */
export async function waitQuiet(
  below = 0.25,
  timeoutMs = Number(process.env.BENCH_QUIET_MS ?? 60_000),
): Promise<{ quiet: boolean; cores: number }> {
  const end = mono() + timeoutMs;
  for (;;) {
    const [busy, at] = [machineBusy(), mono()];
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const cores = (machineBusy() - busy) / ((mono() - at) / 1000);
    if (cores < below || mono() > end) return { quiet: cores < below, cores: Number(cores.toFixed(2)) };
  }
}

/** Rows as an aligned text table; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
    )
    .join('\n');
}
