/**
 * Nodes and their leases. A node is dead only when its own lease has lapsed by the database's clock; a restart of a node touches
 * the calls of its own earlier boots and nobody else's. It decides nothing about what becomes of an orphaned call.
 */
import { sql } from 'kysely';
import { AywaError } from '../kernel/errors.ts';
import { CALL_COLUMNS, type CallRow } from './calls.ts';
import type { Database } from './pool.ts';

interface NodeRow {
  readonly id: string;
  readonly boot: string;
  readonly leaseUntil: Date;
  readonly startedAt: Date;
}

export interface Nodes {
  /** Takes the name for this boot; an earlier boot of the same name is out from then on. */
  register(id: string, boot: string, leaseMs: number): Promise<void>;
  /** Throws `fenced` when another boot has taken the name. */
  renew(id: string, boot: string, leaseMs: number): Promise<void>;
  /** A clean stop: the name is free, and what the node still owned is orphaned at once. */
  release(id: string, boot: string): Promise<void>;
  list(): Promise<(NodeRow & { readonly alive: boolean })[]>;
  /** Calls that are not over and whose owner is: a lapsed or released node, or an earlier boot of a living one. Oldest first. */
  orphans(limit?: number): Promise<CallRow[]>;
}

export function createNodes(db: Database): Nodes {
  const until = (leaseMs: number) => sql<Date>`now() + ${leaseMs} * interval '1 millisecond'`;
  return {
    async register(id, boot, leaseMs) {
      await db
        .insertInto('node')
        .values({ id, boot, lease_until: until(leaseMs) })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ boot, lease_until: until(leaseMs), started_at: sql`now()` }))
        .execute();
    },
    async renew(id, boot, leaseMs) {
      const write = db.updateTable('node').set({ lease_until: until(leaseMs) });
      const done = await write.where('id', '=', id).where('boot', '=', boot).executeTakeFirst();
      if (done.numUpdatedRows === 0n) {
        throw new AywaError('fenced', { detail: `Another process runs as node "${id}": give each its own RUNTIME_NODE_ID.` });
      }
    },
    async release(id, boot) {
      await db.deleteFrom('node').where('id', '=', id).where('boot', '=', boot).execute();
    },
    list: () =>
      db
        .selectFrom('node')
        .select(['id', 'boot', 'lease_until as leaseUntil', 'started_at as startedAt', sql<boolean>`lease_until > now()`.as('alive')])
        .orderBy('id')
        .execute(),
    orphans: (limit = 1000) =>
      db
        .selectFrom('call')
        .leftJoin('node', (join) =>
          join.onRef('node.id', '=', 'call.node_id').onRef('node.boot', '=', 'call.boot').on(sql<boolean>`node.lease_until > now()`),
        )
        .select(CALL_COLUMNS)
        .where('call.ended_at', 'is', null)
        .where('call.node_id', 'is not', null)
        .where('node.id', 'is', null)
        .orderBy('call.created_at')
        .limit(limit)
        .execute(),
  };
}
