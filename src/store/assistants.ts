/** Assistants: the definition as it was given, and nothing that interprets it. Every query names the organisation. */
import type { Clock } from '../kernel/clock.ts';
import { isUuid, uuidv7 } from '../kernel/ids.ts';
import { agedWithin, type ListFilter, limitOf } from './list-filter.ts';
import type { Database } from './pool.ts';
import type { Json } from './schema.ts';

export interface AssistantRow {
  readonly id: string;
  readonly organization: string;
  readonly name: string | null;
  readonly definition: Json;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface AssistantContent {
  readonly name: string | null;
  readonly definition: Json;
}

export interface Assistants {
  create(organization: string, content: AssistantContent): Promise<AssistantRow>;
  get(organization: string, id: string): Promise<AssistantRow | undefined>;
  /** By id, or else by name (the newest of several), as a telephony address gives it. */
  find(organization: string, idOrName: string): Promise<AssistantRow | undefined>;
  list(organization: string, filter?: ListFilter): Promise<AssistantRow[]>;
  /** Reads, changes and writes under a row lock: no concurrent change is lost. `change` may throw; then nothing is written. */
  update(organization: string, id: string, change: (row: AssistantRow) => AssistantContent): Promise<AssistantRow | undefined>;
  /** Gives the row that was removed. */
  remove(organization: string, id: string): Promise<AssistantRow | undefined>;
}

const COLUMNS = [
  'id',
  'organization_id as organization',
  'name',
  'definition',
  'created_at as createdAt',
  'updated_at as updatedAt',
] as const;

export function createAssistants(db: Database, clock: Clock): Assistants {
  const of = (organization: string) => db.selectFrom('assistant').select(COLUMNS).where('organization_id', '=', organization);
  return {
    create(organization, { name, definition }) {
      const now = new Date(clock.wall());
      const values = { id: uuidv7(clock.wall()), organization_id: organization, name, definition, created_at: now, updated_at: now };
      return db.insertInto('assistant').values(values).returning(COLUMNS).executeTakeFirstOrThrow();
    },
    get: async (organization, id) => (isUuid(id) ? of(organization).where('id', '=', id).executeTakeFirst() : undefined),
    find(organization, idOrName) {
      const found = isUuid(idOrName) ? of(organization).where('id', '=', idOrName) : of(organization).where('name', '=', idOrName);
      return found.orderBy('created_at', 'desc').limit(1).executeTakeFirst();
    },
    list: (organization, filter = {}) =>
      of(organization).where(agedWithin(filter)).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(filter)).execute(),
    async update(organization, id, change) {
      if (!isUuid(id)) return undefined;
      return db.transaction().execute(async (tx) => {
        const mine = tx.selectFrom('assistant').select(COLUMNS).where('organization_id', '=', organization).where('id', '=', id);
        const row = await mine.forUpdate().executeTakeFirst();
        if (!row) return undefined;
        const { name, definition } = change(row);
        const write = tx.updateTable('assistant').set({ name, definition, updated_at: new Date(clock.wall()) });
        return write.where('id', '=', id).returning(COLUMNS).executeTakeFirstOrThrow();
      });
    },
    async remove(organization, id) {
      if (!isUuid(id)) return undefined;
      const row = db.deleteFrom('assistant').where('organization_id', '=', organization).where('id', '=', id);
      return row.returning(COLUMNS).executeTakeFirst();
    },
  };
}
