/** Small files that are written once: whole or not at all, by whoever comes first, readable by their owner alone. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomToken } from '../kernel/ids.ts';

/** Creates the file with this text; `false` when it is there already. A process that dies meanwhile leaves no half a file. */
export function createWhole(file: string, text: string): boolean {
  const draft = `${file}.${randomToken().slice(0, 8)}`;
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: 0o600, flush: true });
    linkSync(draft, file); // Fails when the name is taken; a rename would replace it.
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The file's text, made on the first call. */
export function kept(file: string, make: () => string): string {
  if (textOf(file) === undefined) createWhole(file, make());
  return readFileSync(file, 'utf8');
}

/** The text of a file, `undefined` when there is none. */
export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
