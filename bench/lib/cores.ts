/**
 * Who runs where: the call host has the machine's last core to itself, and callers, vendors, control, PostgreSQL and load share the others.
 * Without `taskset`, on one core, or with BENCH_PIN=0 nobody is pinned, and the table says so.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TASKSET = ['/usr/bin/taskset', '/bin/taskset'].find((path) => existsSync(path));
const last = availableParallelism() - 1;
export const pinned = TASKSET !== undefined && last > 0 && process.env.BENCH_PIN !== '0';
const CORES = { host: String(last), others: last === 1 ? '0' : `0-${last - 1}` };

/** Moves a process with all its threads; children that it starts from now on follow. */
export function pin(pid: number | undefined, where: keyof typeof CORES): void {
  if (!pinned || !TASKSET || pid === undefined) return;
  try {
    execFileSync(TASKSET, ['-apc', CORES[where], String(pid)], { stdio: 'ignore' });
  } catch {
    // It ended meanwhile.
  }
}
