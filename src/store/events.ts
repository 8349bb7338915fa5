/**
 * The event log on disk, and the one write that a batch of events is: events, call rows and deliveries of several calls in a single
 * statement, so that they are stored together or not at all. It knows nothing of what an event means.
 */
import { sql } from 'kysely';
import type { Clock } from '../kernel/clock.ts';
import { isUuid, uuidv7 } from '../kernel/ids.ts';
import type { CallChange } from './calls.ts';
import type { Database } from './pool.ts';
import type { Sealing } from './sealing.ts';

/** An event as `call/events.ts` stamps it, seen from outside: `seq` from 1 without a gap, `at` ms in the call, `wall` epoch ms. */
export interface StoredEvent {
  readonly call: string;
  readonly seq: number;
  readonly at: number;
  readonly wall: number;
  readonly type: string;
}

/** A delivery that an event asks for. */
export interface NewDelivery {
  readonly seq: number;
  /** The place of the message among those of its event, from 0. */
  readonly part?: number;
  readonly type: string;
  /** Stable name of the target within the call; one delivery per (call, seq, part, target). */
  readonly target: string;
  readonly url: string;
  /** Headers and signing secret, as the dispatcher reads them; sealed at rest. */
  readonly destination: string;
  readonly body: string;
  /** Epoch milliseconds. */
  readonly dueAt: number;
}

/** Everything that one batch holds of one call. */
export interface CallAppend {
  readonly call: string;
  readonly organization: string;
  readonly fence: number;
  readonly events: readonly StoredEvent[];
  readonly change: CallChange;
  readonly deliveries: readonly NewDelivery[];
}

export interface Events {
  /**
   * Stores the batch in one transaction. Events and deliveries that are there already are left alone, so a batch may be repeated.
   * `fenced` lists the calls whose fence is not current (or whose row is gone): nothing of theirs was stored, all else was.
   */
  append(batch: readonly CallAppend[]): Promise<{ readonly fenced: readonly string[] }>;
  /** In order, from the first one after `seq`; the fields of the event's own type are in it as they were given. */
  read(call: string, after?: number, limit?: number): Promise<StoredEvent[]>;
}

export function createEvents(db: Database, clock: Clock, sealing: Sealing): Events {
  return {
    async append(batch) {
      if (batch.length === 0) return { fenced: [] };
      const now = new Date(clock.wall());
      const delivery = (append: CallAppend, item: NewDelivery) => {
        const id = uuidv7(clock.wall());
        const place = { organization: append.organization, table: 'outbox', row: id, column: 'sealed_destination' };
        return {
          id,
          organization_id: append.organization,
          call_id: append.call,
          seq: item.seq,
          part: item.part ?? 0,
          type: item.type,
          target: item.target,
          url: item.url,
          sealed_destination: sealing.seal(item.destination, place),
          body: item.body,
          due_at: iso(item.dueAt),
        };
      };
      const stored = await sql<{ id: string }>`
        with owned as (
          update call set
            last_seq = greatest(call.last_seq, change.last_seq),
            status = coalesce(change.status, call.status),
            ended_reason = coalesce(change.ended_reason, call.ended_reason),
            ended_message = coalesce(change.ended_message, call.ended_message),
            started_at = coalesce(change.started_at, call.started_at),
            ended_at = coalesce(change.ended_at, call.ended_at),
            facts = call.facts || coalesce(change.facts, '{}'),
            updated_at = ${now}
          from jsonb_to_recordset(${rows(batch.map(callRow))}) as change(
            id uuid, fence bigint, last_seq int, status text, ended_reason text, ended_message text,
            started_at timestamptz, ended_at timestamptz, facts jsonb)
          where call.id = change.id and call.fence = change.fence
          returning call.id
        ), logged as (
          insert into call_event (call_id, seq, at_ms, wall, type, body)
          select event.call_id, event.seq, event.at_ms, event.wall, event.type, event.body
          from jsonb_to_recordset(${rows(batch.flatMap((append) => append.events.map(eventRow)))}) as event(
            call_id uuid, seq int, at_ms double precision, wall timestamptz, type text, body jsonb)
          join owned on owned.id = event.call_id
          on conflict do nothing
        ), asked as (
          insert into outbox (id, organization_id, call_id, seq, part, type, target, url, sealed_destination, body, state, due_at, created_at)
          select item.id, item.organization_id, item.call_id, item.seq, item.part, item.type, item.target, item.url, item.sealed_destination,
            item.body, 'pending', item.due_at, ${now}::timestamptz
          from jsonb_to_recordset(${rows(batch.flatMap((append) => append.deliveries.map((item) => delivery(append, item))))}) as item(
            id uuid, organization_id uuid, call_id uuid, seq int, part int, type text, target text, url text, sealed_destination text,
            body text, due_at timestamptz)
          join owned on owned.id = item.call_id
          on conflict do nothing
        )
        select id from owned`.execute(db);
      const owned = new Set(stored.rows.map((row) => row.id));
      return { fenced: batch.map((append) => append.call).filter((call) => !owned.has(call)) };
    },

    async read(call, after = 0, limit = 10_000) {
      if (!isUuid(call)) return [];
      const found = db.selectFrom('call_event').selectAll().where('call_id', '=', call).where('seq', '>', after);
      const events = await found.orderBy('seq').limit(limit).execute();
      return events.map((row) => ({ ...row.body, type: row.type, call, seq: row.seq, at: row.at_ms, wall: row.wall.getTime() }));
    },
  };
}

const iso = (wall: number | undefined) => (wall === undefined ? undefined : new Date(wall).toISOString());

/** A list as one jsonb parameter: the statement's text stays the same for every batch size. */
const rows = (list: readonly object[]) => sql`${{ list }}::jsonb -> 'list'`;

function callRow({ call, fence, events, change }: CallAppend) {
  return {
    id: call,
    fence,
    last_seq: Math.max(0, ...events.map((event) => event.seq)),
    status: change.status,
    ended_reason: change.endedReason,
    ended_message: change.endedMessage,
    started_at: iso(change.startedAt),
    ended_at: iso(change.endedAt),
    facts: change.facts,
  };
}

function eventRow({ call, seq, at, wall, type, ...body }: StoredEvent) {
  return { call_id: call, seq, at_ms: at, wall: iso(wall), type, body };
}
