/**
 * What grows in the database and nobody needs any more is removed, every hour and at the start, by every node: each removal is one
 * statement that is right however many do it. It never touches a call.
 */
import type { Clock } from '../kernel/clock.ts';
import { asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Store } from '../store/store.ts';

export interface JanitorDeps {
  readonly store: { readonly idempotency: Pick<Store['idempotency'], 'prune'> };
  readonly clock: Clock;
  readonly scope: Scope;
  readonly log: Log;
}

const EVERY_MS = 3_600_000;

/** Runs until the scope closes. A database that is away is asked again in an hour. */
export function keepHouse({ store, clock, scope, log }: JanitorDeps): void {
  scope.spawn('janitor', async () => {
    for (;;) {
      try {
        const keys = await scope.wait(store.idempotency.prune());
        if (keys > 0) log.info('idempotency_pruned', { keys });
      } catch (error) {
        if (scope.closed) return;
        log.warn('janitor_failed', { detail: asAywaError(error, 'store_away').message });
      }
      await clock.sleep(EVERY_MS, scope);
    }
  });
}
