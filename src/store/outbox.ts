/**
 * Deliveries: rows that were written with their events, claimed by state and due time (never by position: a lower id may commit
 * later), given back by a lapsed claim. Sending, retry schedules and breakers belong to the dispatcher.
 */
import { sql } from 'kysely';
import type { Clock } from '../kernel/clock.ts';
import { asAywaError } from '../kernel/errors.ts';
import { isUuid, uuidv7 } from '../kernel/ids.ts';
import { agedWithin, type ListFilter, limitOf } from './list-filter.ts';
import type { Database } from './pool.ts';
import type { DeliveryState } from './schema.ts';
import type { Sealing } from './sealing.ts';

/** A claimed delivery, with what is needed to send it. */
export interface Delivery {
  readonly id: string;
  readonly organization: string;
  readonly call: string;
  readonly seq: number;
  readonly type: string;
  readonly target: string;
  readonly url: string;
  /** As `NewDelivery.destination` gave it. */
  readonly destination: string;
  readonly body: string;
  /** Attempts before this one. */
  readonly attempts: number;
  readonly dueAt: Date;
  readonly createdAt: Date;
}

/** A delivery as the log shows it. */
export interface DeliveryRow {
  readonly id: string;
  readonly call: string;
  readonly seq: number;
  readonly type: string;
  readonly target: string;
  readonly url: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly dueAt: Date;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly deliveredAt: Date | null;
  readonly createdAt: Date;
}

interface Claim {
  readonly node: string;
  /** Epoch milliseconds: what is due at this moment. */
  readonly now: number;
  /** After this the claim is free again; counted by the database's clock, which all nodes share. */
  readonly leaseMs: number;
  readonly limit: number;
  /** Addresses that take nothing now: their breaker is open or their slots are full. */
  readonly exceptUrls?: readonly string[];
}

export interface Attempt {
  readonly status: number | null;
  readonly error: string | null;
  readonly tookMs: number;
  /** The beginning of the answer, redacted. */
  readonly response: string | null;
}

export type Verdict = { readonly state: 'delivered' | 'exhausted' | 'skipped' } | { readonly state: 'pending'; readonly dueAt: number };

interface AttemptRow extends Attempt {
  readonly id: string;
  readonly delivery: string | null;
  readonly type: string;
  readonly url: string;
  readonly createdAt: Date;
}

interface DeliveryFilter extends ListFilter {
  readonly call?: string | undefined;
  readonly state?: DeliveryState | undefined;
}

export interface Outbox {
  /**
   * First attempts come in `seq` order per (call, target), one at a time; retries stand in nobody's way. A delivery whose destination
   * does not open (its key is gone) is exhausted instead of given.
   */
  claim(claim: Claim): Promise<Delivery[]>;
  /** Writes the attempt and what follows from it. `false`: the claim had lapsed and another node has it; only the attempt is kept. */
  record(node: string, delivery: Delivery, attempt: Attempt, verdict: Verdict): Promise<boolean>;
  /** An attempt that has no delivery: a tool call, which is answered within the call or not at all. */
  note(attempt: Attempt & { organization: string; call: string; type: string; url: string }): Promise<void>;
  list(organization: string, filter?: DeliveryFilter): Promise<DeliveryRow[]>;
  attempts(organization: string, call: string): Promise<AttemptRow[]>;
  /** When the next pending delivery falls due, epoch milliseconds; `undefined` when none waits. */
  nextDue(): Promise<number | undefined>;
  /** How many deliveries are in each state, over all organisations. */
  counts(): Promise<Readonly<Record<DeliveryState, number>>>;
}

const ROW = [
  'id',
  'call_id as call',
  'seq',
  'type',
  'target',
  'url',
  'state',
  'attempts',
  'due_at as dueAt',
  'last_status as lastStatus',
  'last_error as lastError',
  'delivered_at as deliveredAt',
  'created_at as createdAt',
] as const;
const ATTEMPT = [
  'id',
  'outbox_id as delivery',
  'type',
  'url',
  'status',
  'error',
  'took_ms as tookMs',
  'response',
  'created_at as createdAt',
] as const;

type Claimed = Omit<Delivery, 'destination'> & { sealed: string };

export function createOutbox(db: Database, clock: Clock, sealing: Sealing): Outbox {
  const attemptRow = (attempt: Attempt) => ({
    id: uuidv7(clock.wall()),
    status: attempt.status,
    error: attempt.error,
    took_ms: Math.round(attempt.tookMs),
    response: attempt.response,
    created_at: new Date(clock.wall()),
  });
  return {
    async claim({ node, now, leaseMs, limit, exceptUrls = [] }) {
      const claimed = await sql<Claimed>`
        with due as materialized (
          select id from outbox as due
          where state = 'pending' and due_at <= ${new Date(now)} and (claimed_until is null or claimed_until <= now())
            and url <> all(${exceptUrls})
            and (attempts > 0 or not exists (
              select from outbox as earlier
              where earlier.call_id = due.call_id and earlier.target = due.target and earlier.seq < due.seq
                and earlier.state = 'pending' and earlier.attempts = 0))
          order by due_at, call_id, seq
          limit ${limit}
          for update skip locked)
        update outbox set claimed_by = ${node}, claimed_until = now() + ${leaseMs} * interval '1 millisecond'
        from due where outbox.id = due.id
        returning outbox.id, organization_id as organization, call_id as call, seq, type, target, url, sealed_destination as sealed, body,
          attempts, due_at as "dueAt", created_at as "createdAt"`.execute(db);
      const deliveries: Delivery[] = [];
      for (const { sealed, ...row } of claimed.rows) {
        const place = { organization: row.organization, table: 'outbox', row: row.id, column: 'sealed_destination' };
        try {
          deliveries.push({ ...row, destination: sealing.open(sealed, place) });
        } catch (error) {
          // It would come back for ever, and take the place of others.
          const set = { state: 'exhausted', last_error: asAywaError(error).message } as const;
          await db.updateTable('outbox').set(set).where('id', '=', row.id).execute();
        }
      }
      return deliveries.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || a.seq - b.seq);
    },

    record(node, delivery, attempt, verdict) {
      return db.transaction().execute(async (tx) => {
        const { id, organization, call, type, url } = delivery;
        const row = { ...attemptRow(attempt), outbox_id: id, organization_id: organization, call_id: call, type, url };
        await tx.insertInto('outbox_attempt').values(row).execute();
        const write = tx.updateTable('outbox').set({
          state: verdict.state,
          attempts: delivery.attempts + 1,
          last_status: attempt.status,
          last_error: attempt.error,
          claimed_by: null,
          claimed_until: null,
          ...(verdict.state === 'pending' && { due_at: new Date(verdict.dueAt) }),
          ...(verdict.state === 'delivered' && { delivered_at: new Date(clock.wall()) }),
        });
        const done = await write
          .where('id', '=', id)
          .where('claimed_by', '=', node)
          .where('attempts', '=', delivery.attempts)
          .executeTakeFirst();
        return done.numUpdatedRows === 1n;
      });
    },

    async note({ organization, call, type, url, ...attempt }) {
      await db
        .insertInto('outbox_attempt')
        .values({ ...attemptRow(attempt), organization_id: organization, call_id: call, type, url })
        .execute();
    },

    async list(organization, filter = {}) {
      if (filter.call !== undefined && !isUuid(filter.call)) return [];
      let query = db.selectFrom('outbox').select(ROW).where('organization_id', '=', organization);
      // A delivery has no time of change of its own: only the bounds on its creation apply.
      const { createdAtGt, createdAtGe, createdAtLt, createdAtLe } = filter;
      query = query.where(agedWithin({ createdAtGt, createdAtGe, createdAtLt, createdAtLe }));
      if (filter.call !== undefined) query = query.where('call_id', '=', filter.call);
      if (filter.state !== undefined) query = query.where('state', '=', filter.state);
      return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(filter)).execute();
    },

    async attempts(organization, call) {
      if (!isUuid(call)) return [];
      const rows = db.selectFrom('outbox_attempt').select(ATTEMPT).where('organization_id', '=', organization);
      return rows.where('call_id', '=', call).orderBy('created_at').orderBy('id').limit(1000).execute();
    },

    async nextDue() {
      const found = db.selectFrom('outbox').select('due_at').where('state', '=', 'pending').orderBy('due_at').limit(1);
      return (await found.executeTakeFirst())?.due_at.getTime();
    },

    async counts() {
      const found = await db
        .selectFrom('outbox')
        .select(['state', db.fn.countAll<number>().as('count')])
        .groupBy('state')
        .execute();
      const counts = { pending: 0, delivered: 0, exhausted: 0, skipped: 0 };
      for (const { state, count } of found) counts[state] = count;
      return counts;
    },
  };
}
