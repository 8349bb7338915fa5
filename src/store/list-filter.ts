/** What every list can be narrowed by: Vapi's `limit` and its eight date bounds. It never decides what a caller may see. */
import { type Expression, type SqlBool, sql } from 'kysely';

type Bound = 'Gt' | 'Ge' | 'Lt' | 'Le';

/** `limit` is cut to 0..1000 and is 100 unless said otherwise. Lists come newest first. */
export type ListFilter = { readonly limit?: number | undefined } & {
  readonly [K in `createdAt${Bound}` | `updatedAt${Bound}`]?: Date | undefined;
};

const COMPARE: Record<Bound, string> = { Gt: '>', Ge: '>=', Lt: '<', Le: '<=' };

/** The date bounds as one condition over the columns `created_at` and `updated_at`; always true when there is none. */
export function agedWithin(filter: ListFilter): Expression<SqlBool> {
  const conditions = (['createdAt', 'updatedAt'] as const).flatMap((field) =>
    (['Gt', 'Ge', 'Lt', 'Le'] as const).flatMap((bound) => {
      const at = filter[`${field}${bound}`];
      const column = field === 'createdAt' ? 'created_at' : 'updated_at';
      return at ? [sql<SqlBool>`${sql.ref(column)} ${sql.raw(COMPARE[bound])} ${at}`] : [];
    }),
  );
  return conditions.length > 0 ? sql<SqlBool>`(${sql.join(conditions, sql` and `)})` : sql<SqlBool>`true`;
}

export function limitOf(filter: ListFilter): number {
  return Math.min(1000, Math.max(0, Math.trunc(filter.limit ?? 100)));
}
