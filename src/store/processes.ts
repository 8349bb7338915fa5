/**
 * Other processes of this machine, as far as a folder that outlives its owner needs them: is the one that wrote this down still
 * there? A number alone does not say so, because numbers come back.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AywaError } from '../kernel/errors.ts';
import { createWhole, textOf } from './kept-file.ts';

/**
 * Holds a folder for this process until disposed. Throws `data_dir_refused` when a living process holds it; a lock whose process is
 * gone is taken over.
 */
export function lockFolder(folder: string): Disposable {
  const file = join(folder, 'lock');
  const mine = `${process.pid} ${startOf(process.pid)}`;
  for (;;) {
    if (createWhole(file, mine)) return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
    const held = textOf(file);
    if (held === undefined) continue;
    const [pid, started] = held.split(' ');
    if (started === startOf(Number(pid))) {
      throw new AywaError('data_dir_refused', { detail: `${folder} is in use by process ${pid}.` });
    }
    // Moved, not removed: of several that see the same stale lock, the later ones might move the first one's new lock away.
    const aside = `${file}.stale-${process.pid}`;
    renameSync(file, aside);
    const moved = textOf(aside);
    if (moved !== undefined && moved !== held) createWhole(file, moved);
    rmSync(aside, { force: true });
  }
}

/** When a process began, in a form that only serves to compare; `undefined` when it is not there, or dead and not yet collected. */
export function startOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform !== 'linux') return signalled(pid, 0) ? 'running' : undefined;
  // proc(5): after the name in brackets come the state and, as the 20th, the start in ticks since the machine's own.
  const stat = textOf(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return /^[ZX]$/.test(fields[0] ?? 'X') ? undefined : fields[19];
}

/** Does this process run with that text among its arguments? Where the platform does not tell: does it run at all? */
export function runsWith(pid: number, argument: string): boolean {
  if (startOf(pid) === undefined) return false;
  const line = process.platform === 'linux' ? textOf(`/proc/${pid}/cmdline`) : undefined;
  return line === undefined || line.split('\0').includes(argument);
}

/** Sends a signal; `false` when there is no such process. */
export function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
