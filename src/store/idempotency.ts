/**
 * Idempotency keys: the first request with a key runs, its repetitions get its answer. A request that died without an answer holds
 * its key for a minute; answers are kept for a day. It never runs anything itself.
 */
import { sql } from 'kysely';
import type { Clock } from '../kernel/clock.ts';
import { uuidv7 } from '../kernel/ids.ts';
import { type Database, storedJson } from './pool.ts';

interface IdempotencyPlace {
  readonly organization: string;
  readonly route: string;
  readonly key: string;
}

type Begun =
  /** Run it, then `finish` or `abandon` with this holder. */
  | { readonly state: 'new'; readonly holder: string }
  | { readonly state: 'running' }
  /** The key was used with another body. */
  | { readonly state: 'mismatch' }
  | { readonly state: 'done'; readonly status: number; readonly response: unknown };

export interface Idempotency {
  begin(place: IdempotencyPlace, bodyHash: string): Promise<Begun>;
  finish(place: IdempotencyPlace, holder: string, status: number, response: unknown): Promise<void>;
  /** The request failed in a way that a repetition may cure. */
  abandon(place: IdempotencyPlace, holder: string): Promise<void>;
  /** Forgets what is older than a day; gives how many. */
  prune(): Promise<number>;
}

const HELD_MS = 60_000;
const KEPT_MS = 24 * 3_600_000;

export function createIdempotency(db: Database, clock: Clock): Idempotency {
  return {
    async begin({ organization, route, key }, bodyHash) {
      const now = clock.wall();
      const holder = uuidv7(now);
      const fresh = { body_hash: bodyHash, holder, status: null, response: null, created_at: new Date(now) };
      const stale = sql<boolean>`idempotency.created_at < case when idempotency.status is null
        then ${new Date(now - HELD_MS)}::timestamptz else ${new Date(now - KEPT_MS)}::timestamptz end`;
      const mine = await db
        .insertInto('idempotency')
        .values({ organization_id: organization, route, key, ...fresh })
        .onConflict((conflict) => conflict.columns(['organization_id', 'route', 'key']).doUpdateSet(fresh).where(stale))
        .returning('holder')
        .executeTakeFirst();
      if (mine) return { state: 'new', holder };
      const there = await db
        .selectFrom('idempotency')
        .select(['body_hash', 'status', 'response'])
        .where((eb) => eb.and({ organization_id: organization, route, key }))
        .executeTakeFirst();
      // Its holder abandoned it between the two statements: the repetition may simply come again.
      if (!there) return { state: 'running' };
      if (there.body_hash !== bodyHash) return { state: 'mismatch' };
      return there.status === null ? { state: 'running' } : { state: 'done', status: there.status, response: there.response };
    },
    async finish({ organization, route, key }, holder, status, response) {
      await db
        .updateTable('idempotency')
        .set({ status, response: storedJson(response) })
        .where((eb) => eb.and({ organization_id: organization, route, key, holder }))
        .execute();
    },
    async abandon({ organization, route, key }, holder) {
      await db
        .deleteFrom('idempotency')
        .where((eb) => eb.and({ organization_id: organization, route, key, holder }))
        .execute();
    },
    async prune() {
      const past = new Date(clock.wall() - KEPT_MS);
      const done = await db.deleteFrom('idempotency').where('created_at', '<', past).executeTakeFirst();
      return Number(done.numDeletedRows);
    },
  };
}
