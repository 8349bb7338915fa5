/**
 * The call rows: what was asked for, who owns the call, what is known of it. Every write to a live call names the fence its owner
 * was given, and touches nothing when another node has taken the call over. Folding events into a row is not done here.
 */
import { sql } from 'kysely';
import type { Clock } from '../kernel/clock.ts';
import { AywaError } from '../kernel/errors.ts';
import { isUuid } from '../kernel/ids.ts';
import { agedWithin, type ListFilter, limitOf } from './list-filter.ts';
import type { Database } from './pool.ts';
import type { CallState, Json } from './schema.ts';

export interface CallRow {
  readonly id: string;
  readonly organization: string;
  readonly assistantId: string | null;
  readonly name: string | null;
  readonly type: string;
  readonly status: CallState;
  readonly endedReason: string | null;
  readonly endedMessage: string | null;
  readonly node: string | null;
  readonly boot: string | null;
  readonly fence: number;
  /** The highest event that is stored; 0 before the first. */
  readonly lastSeq: number;
  /** The create body, without secrets. */
  readonly request: Json;
  /** Folds of the events, by name. */
  readonly facts: Json;
  readonly controlHash: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewCall {
  readonly id: string;
  readonly organization: string;
  readonly assistantId: string | null;
  readonly name: string | null;
  readonly type: string;
  readonly status: CallState;
  readonly request: Json;
  readonly facts?: Json;
  /** SHA-256 of the control URL's secret part. */
  readonly controlHash: string | null;
  readonly node: string;
  readonly boot: string;
  /** The moment of the writing unless given. From the spool it comes as text. */
  readonly createdAt?: Date | undefined;
}

/** What changes in a row; what is left out stays. `facts` are merged by name, one level deep. */
export interface CallChange {
  readonly status?: CallState;
  readonly endedReason?: string;
  readonly endedMessage?: string | null;
  /** Epoch milliseconds. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly facts?: Json;
}

interface CallFilter extends ListFilter {
  readonly id?: string | undefined;
  readonly assistantId?: string | undefined;
}

export interface Calls {
  /** With fence 1. Repeated with the same id and organisation it gives the row that is there. */
  create(call: NewCall): Promise<CallRow>;
  get(organization: string, id: string): Promise<CallRow | undefined>;
  /** Without organisation: for callbacks that prove themselves otherwise (a carrier's signature, the control token). */
  find(id: string): Promise<CallRow | undefined>;
  list(organization: string, filter?: CallFilter): Promise<CallRow[]>;
  /** Throws `fenced` when `fence` is no longer the call's. */
  update(id: string, fence: number, change: CallChange): Promise<void>;
  rename(organization: string, id: string, name: string | null): Promise<CallRow | undefined>;
  /** Makes this boot of this node the owner and gives the new fence; throws `fenced` when `fence` is not the current one. */
  takeOver(id: string, fence: number, owner: { node: string; boot: string }): Promise<number>;
  /** Removes an ended call with its events and deliveries; throws `conflict` while it lives. */
  remove(organization: string, id: string): Promise<CallRow | undefined>;
}

export const CALL_COLUMNS = [
  'call.id',
  'call.organization_id as organization',
  'call.assistant_id as assistantId',
  'call.name',
  'call.type',
  'call.status',
  'call.ended_reason as endedReason',
  'call.ended_message as endedMessage',
  'call.node_id as node',
  'call.boot',
  'call.fence',
  'call.last_seq as lastSeq',
  'call.request',
  'call.facts',
  'call.control_hash as controlHash',
  'call.started_at as startedAt',
  'call.ended_at as endedAt',
  'call.created_at as createdAt',
  'call.updated_at as updatedAt',
] as const;

export function createCalls(db: Database, clock: Clock): Calls {
  const now = () => new Date(clock.wall());
  const rows = db.selectFrom('call').select(CALL_COLUMNS);
  const get = async (organization: string, id: string) =>
    isUuid(id) ? rows.where('id', '=', id).where('organization_id', '=', organization).executeTakeFirst() : undefined;

  return {
    get,
    find: async (id) => (isUuid(id) ? rows.where('id', '=', id).executeTakeFirst() : undefined),

    async create(call) {
      const insert = db.insertInto('call').values({
        id: call.id,
        organization_id: call.organization,
        assistant_id: call.assistantId,
        name: call.name,
        type: call.type,
        status: call.status,
        node_id: call.node,
        boot: call.boot,
        request: call.request,
        facts: call.facts ?? {},
        control_hash: call.controlHash,
        created_at: call.createdAt === undefined ? now() : new Date(call.createdAt),
        updated_at: now(),
      });
      const made = await insert
        .onConflict((conflict) => conflict.column('id').doNothing())
        .returning(CALL_COLUMNS)
        .executeTakeFirst();
      const row = made ?? (await get(call.organization, call.id));
      if (!row) throw new AywaError('conflict', { detail: `The call id ${call.id} is in use.` });
      return row;
    },

    async list(organization, filter = {}) {
      if ([filter.id, filter.assistantId].some((id) => id !== undefined && !isUuid(id))) return [];
      let query = rows.where('organization_id', '=', organization).where(agedWithin(filter));
      if (filter.id !== undefined) query = query.where('id', '=', filter.id);
      if (filter.assistantId !== undefined) query = query.where('assistant_id', '=', filter.assistantId);
      return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(filter)).execute();
    },

    async update(id, fence, change) {
      const set = {
        updated_at: now(),
        ...(change.status !== undefined && { status: change.status }),
        ...(change.endedReason !== undefined && { ended_reason: change.endedReason }),
        ...(change.endedMessage !== undefined && { ended_message: change.endedMessage }),
        ...(change.startedAt !== undefined && { started_at: new Date(change.startedAt) }),
        ...(change.endedAt !== undefined && { ended_at: new Date(change.endedAt) }),
        ...(change.facts !== undefined && { facts: sql<Json>`facts || ${change.facts}` }),
      };
      const done = await db.updateTable('call').set(set).where('id', '=', id).where('fence', '=', fence).executeTakeFirst();
      if (done.numUpdatedRows === 0n) throw fenced(id, fence);
    },

    async rename(organization, id, name) {
      if (!isUuid(id)) return undefined;
      const write = db.updateTable('call').set({ name, updated_at: now() }).where('id', '=', id);
      return write.where('organization_id', '=', organization).returning(CALL_COLUMNS).executeTakeFirst();
    },

    async takeOver(id, fence, { node, boot }) {
      const write = db.updateTable('call').set({ fence: fence + 1, node_id: node, boot, updated_at: now() });
      const done = await write.where('id', '=', id).where('fence', '=', fence).executeTakeFirst();
      if (done.numUpdatedRows === 0n) throw fenced(id, fence);
      return fence + 1;
    },

    async remove(organization, id) {
      if (!isUuid(id)) return undefined;
      return db.transaction().execute(async (tx) => {
        const mine = tx.selectFrom('call').select(CALL_COLUMNS).where('id', '=', id).where('organization_id', '=', organization);
        const row = await mine.forUpdate().executeTakeFirst();
        if (!row) return undefined;
        if (!row.endedAt) throw new AywaError('conflict', { detail: 'The call is still running: end it first.' });
        await tx.deleteFrom('outbox_attempt').where('call_id', '=', id).execute();
        await tx.deleteFrom('outbox').where('call_id', '=', id).execute();
        await tx.deleteFrom('call_event').where('call_id', '=', id).execute();
        await tx.deleteFrom('call').where('id', '=', id).execute();
        return row;
      });
    },
  };
}

function fenced(id: string, fence: number): AywaError {
  return new AywaError('fenced', { detail: `Call ${id}: fence ${fence} is not the current one.` });
}
