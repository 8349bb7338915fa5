/**
 * Where entries wait on disk while the database is away: files of JSON lines, each append synced before it counts. Written in order,
 * read in order, deleted when stored. A torn last line (the process was killed while it wrote) is passed over; nothing else is.
 */
import { appendFileSync, closeSync, fdatasyncSync, openSync } from 'node:fs';
import { appendFile, type FileHandle, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scope } from '../kernel/scope.ts';

interface Segment {
  readonly lines: readonly string[];
  /** All of it is stored: deletes the file. */
  drop(scope: Scope): Promise<void>;
}

export interface Spool {
  readonly empty: boolean;
  readonly bytes: number;
  /** Adds lines and syncs them to disk. Rejects when the disk refuses; then none of them counts. */
  append(lines: readonly string[], scope: Scope): Promise<void>;
  /** The oldest file, ended for good: later lines go to another one. `null` when nothing waits. */
  oldest(scope: Scope): Promise<Segment | null>;
  /** The same as `append` at the end of the process, when nothing can be waited for. */
  appendNow(lines: readonly string[]): void;
  /** Puts lines that the database will never take aside, for a person to look at. */
  refuse(lines: readonly string[], scope: Scope): Promise<void>;
}

/** A file is ended at this size, so that draining frees the disk step by step and holds little in memory. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const FILE = /^\d{12}\.jsonl$/;
const REFUSED = 'refused.jsonl';

/** Opens the folder (made when absent) with what an earlier process left in it. One process per folder. */
export async function openSpool(folder: string, scope: Scope): Promise<Spool> {
  await scope.wait(mkdir(folder, { recursive: true, mode: 0o700 }));
  const sizes = new Map<string, number>();
  for (const name of (await scope.wait(readdir(folder))).filter((file) => FILE.test(file)).sort()) {
    sizes.set(name, (await scope.wait(stat(join(folder, name)))).size);
  }
  let number = Number([...sizes.keys()].at(-1)?.slice(0, 12) ?? 0);
  let current: { readonly name: string; readonly file: FileHandle } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const nextName = () => {
    number += 1;
    return `${String(number).padStart(12, '0')}.jsonl`;
  };
  /** One thing at a time: a file must not be ended while a line goes into it. */
  const serially = <T>(within: Scope, work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return within.wait(done);
  };
  const end = async () => {
    const ended = current;
    current = undefined;
    await ended?.file.close();
  };
  const write = async (lines: readonly string[]) => {
    current ??= await begin();
    const { name, file } = current;
    const before = sizes.get(name) ?? 0;
    const data = dataOf(lines);
    try {
      await file.writeFile(data);
      await file.datasync();
    } catch (error) {
      // Half a line must not swallow the next one.
      await file.truncate(before).catch(() => {});
      await end();
      throw error;
    }
    sizes.set(name, before + data.length);
    if (before + data.length >= SEGMENT_BYTES) await end();
  };
  const begin = async () => {
    const name = nextName();
    const file = await open(join(folder, name), 'ax', 0o600);
    // A new name lasts through a power cut only when its folder is synced.
    const entries = await open(folder, 'r');
    await entries.sync().finally(() => entries.close());
    sizes.set(name, 0);
    return { name, file };
  };
  const read = async (): Promise<Segment | null> => {
    const name = sizes.keys().next().value;
    if (name === undefined) return null;
    if (name === current?.name) await end();
    const text = await readFile(join(folder, name), 'utf8');
    const drop = async () => {
      await unlink(join(folder, name));
      sizes.delete(name);
    };
    // What follows the last newline was torn.
    return { lines: text.split('\n').slice(0, -1), drop: (within) => serially(within, drop) };
  };

  scope.defer(end);
  return {
    get empty() {
      return sizes.size === 0;
    },
    get bytes() {
      return [...sizes.values()].reduce((sum, size) => sum + size, 0);
    },
    append: (lines, within) => serially(within, () => write(lines)),
    oldest: (within) => serially(within, read),
    appendNow(lines) {
      const file = openSync(join(folder, nextName()), 'ax', 0o600);
      appendFileSync(file, dataOf(lines));
      fdatasyncSync(file);
      closeSync(file);
    },
    refuse: (lines, within) => serially(within, () => appendFile(join(folder, REFUSED), dataOf(lines), { mode: 0o600 })),
  };
}

function dataOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}
