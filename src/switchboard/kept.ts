/** Reading what was just written: events reach the database a few milliseconds after those who follow the call have seen them. */
import { asAywaError } from '../kernel/errors.ts';
import { withDeadline } from '../kernel/scope.ts';
import type { PlacingDeps } from './deps.ts';

/** A database that is slow or away holds nobody up for longer. */
const KEPT_WITHIN_MS = 300;

/** Waits until the row of a call says what has happened in the call so far. */
export async function kept({ scope, journal }: PlacingDeps, id: string): Promise<void> {
  await withDeadline(scope, 'keeping the call', KEPT_WITHIN_MS, (within) => within.wait(journal.settled(id))).catch((error) => {
    if (asAywaError(error).code !== 'timeout') throw error;
  });
}
