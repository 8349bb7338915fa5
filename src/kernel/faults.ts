/** What zod found wrong, as the faults that every error answer shows: a path in dots and indexes, and a sentence without the value. */
import type { z } from 'zod';
import type { FieldFault } from './errors.ts';

/** `['model', 'messages', 0, 'role']` -> `model.messages[0].role`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((so, key) => (typeof key === 'number' ? `${so}[${key}]` : so ? `${so}.${String(key)}` : String(key)), '');
}

/** `root` names what was parsed, for faults of the whole and in front of every path. */
export function faultsOf(error: z.core.$ZodError, root = ''): FieldFault[] {
  return error.issues.map((issue) => ({ path: pathOf(root ? [root, ...issue.path] : issue.path), message: issue.message }));
}

/** The faults as one line: `media.payload: expected string; track: ...`. */
export function faultLine(faults: readonly FieldFault[]): string {
  return faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
}
