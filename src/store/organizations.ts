/** Organisations: every resource belongs to one. In the lab there is one, `default`; it never deletes any. */
import type { Clock } from '../kernel/clock.ts';
import { isUuid, uuidv7 } from '../kernel/ids.ts';
import type { Database } from './pool.ts';

interface OrganizationRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

export interface Organizations {
  /** The organisation with this name, made when there is none. Safe when several nodes do it at once. */
  ensure(name: string): Promise<OrganizationRow>;
  get(id: string): Promise<OrganizationRow | undefined>;
  list(): Promise<OrganizationRow[]>;
}

const COLUMNS = ['id', 'name', 'created_at as createdAt'] as const;

export function createOrganizations(db: Database, clock: Clock): Organizations {
  const rows = db.selectFrom('organization').select(COLUMNS);
  return {
    async ensure(name) {
      const id = uuidv7(clock.wall());
      const insert = db.insertInto('organization').values({ id, name });
      const made = await insert
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returning(COLUMNS)
        .executeTakeFirst();
      // A conflict means that the row is there and committed: a second read finds it.
      return made ?? rows.where('name', '=', name).executeTakeFirstOrThrow();
    },
    get: async (id) => (isUuid(id) ? rows.where('id', '=', id).executeTakeFirst() : undefined),
    list: () => rows.orderBy('id').execute(),
  };
}
