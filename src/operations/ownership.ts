/**
 * This node's claim to its calls: a lease that is renewed well before it lapses, and the sweep that ends calls whose owner is gone
 * (a node whose lease lapsed, or an earlier boot of this one). Only a lapsed lease makes a node dead; age never does.
 */
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../kernel/clock.ts';
import { asAywaError, isAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CallRow } from '../store/calls.ts';
import type { Store } from '../store/store.ts';

/** A dead node is found within a lease and a sweep: 20 s. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;

export interface OwnershipDeps {
  readonly store: Pick<Store, 'nodes' | 'calls'>;
  readonly journal: Pick<Journal, 'adopt' | 'append'>;
  readonly node: string;
  readonly boot: string;
  readonly clock: Clock;
  readonly scope: Scope;
  readonly log: Log;
  /** Another process runs under this node's name: this one must stop (exit 75). */
  readonly onFenced: (detail: string) => void;
}

/** Registers the node, ends what its earlier boots left behind, then keeps both up until the scope closes. Throws when the store is away. */
export async function keepOwnership(deps: OwnershipDeps): Promise<void> {
  const { store, node, boot, clock, scope, log } = deps;
  await scope.wait(store.nodes.register(node, boot, LEASE_MS));
  await scope.wait(endOrphans(deps));
  scope.defer(() =>
    store.nodes.release(node, boot).catch((error) => log.warn('lease_not_released', { detail: asAywaError(error).message })),
  );
  scope.spawn('ownership', async () => {
    for (;;) {
      await clock.sleep(RENEW_MS, scope);
      try {
        await scope.wait(store.nodes.renew(node, boot, LEASE_MS));
        await scope.wait(endOrphans(deps));
      } catch (error) {
        if (scope.closed) return;
        const known = asAywaError(error, 'store_away');
        // Without a database nobody can take the calls either: they go on, and the lease is renewed when it is back.
        log.warn('lease_not_renewed', { code: known.code, detail: known.message });
        if (known.code === 'fenced') return deps.onFenced(known.message);
      }
    }
  });
}

async function endOrphans(deps: OwnershipDeps): Promise<void> {
  for (const row of await deps.store.nodes.orphans()) {
    try {
      await endOrphan(deps, row);
    } catch (error) {
      // Another node was quicker: the call is its business now.
      if (!isAywaError(error) || error.code !== 'fenced') throw error;
    }
  }
}

/** The last event that the dead owner could not write, under a new fence: what the owner may still write touches no row. */
async function endOrphan({ store, journal, node, boot, clock, log }: OwnershipDeps, row: CallRow): Promise<void> {
  const fence = await store.calls.takeOver(row.id, row.fence, { node, boot });
  await journal.adopt(row, fence);
  const at = clock.wall() - row.createdAt.getTime();
  const durationMs = row.startedAt ? clock.wall() - row.startedAt.getTime() : 0;
  const detail = `Node ${row.node} stopped without ending the call; its last stored event is ${row.lastSeq}.`;
  journal.append([
    { type: 'call.ended', reason: 'node-lost', detail, durationMs, call: row.id, seq: row.lastSeq + 1, at, wall: clock.wall() },
  ]);
  log.warn('call_orphan_ended', { call: row.id, node: row.node, lastSeq: row.lastSeq });
}
