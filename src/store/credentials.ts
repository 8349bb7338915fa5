/**
 * Provider and carrier credentials: what may be shown in clear, the secrets sealed in one column and bound to their row. A read
 * never opens them; `open` and `openLatest` do, for the one call that needs them.
 */
import { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import { isUuid, uuidv7 } from '../kernel/ids.ts';
import { agedWithin, type ListFilter, limitOf } from './list-filter.ts';
import type { Database } from './pool.ts';
import type { Json } from './schema.ts';
import type { Sealing } from './sealing.ts';

export interface CredentialRow {
  readonly id: string;
  readonly organization: string;
  readonly provider: string;
  readonly name: string | null;
  readonly shown: Json;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

type Secrets = Readonly<Record<string, string>>;

interface NewCredential {
  readonly provider: string;
  readonly name: string | null;
  readonly shown: Json;
  readonly secrets: Secrets;
}

export interface Credentials {
  create(organization: string, credential: NewCredential): Promise<CredentialRow>;
  get(organization: string, id: string): Promise<CredentialRow | undefined>;
  list(organization: string, filter?: ListFilter & { readonly provider?: string | undefined }): Promise<CredentialRow[]>;
  remove(organization: string, id: string): Promise<CredentialRow | undefined>;
  open(organization: string, id: string): Promise<(CredentialRow & { readonly secrets: Secrets }) | undefined>;
  /** The newest credential of this provider, which is the one that calls use. */
  openLatest(organization: string, provider: string): Promise<(CredentialRow & { readonly secrets: Secrets }) | undefined>;
}

const COLUMNS = [
  'id',
  'organization_id as organization',
  'provider',
  'name',
  'shown',
  'created_at as createdAt',
  'updated_at as updatedAt',
] as const;
const Opened = z.record(z.string(), z.string());

export function createCredentials(db: Database, clock: Clock, sealing: Sealing): Credentials {
  const place = (organization: string, row: string) => ({ organization, table: 'credential', row, column: 'sealed' });
  const of = (organization: string) => db.selectFrom('credential').select(COLUMNS).where('organization_id', '=', organization);
  const sealed = (organization: string) => of(organization).select('sealed');
  const opened = (row: (CredentialRow & { sealed: string }) | undefined) => {
    if (!row) return undefined;
    const { sealed, ...shown } = row;
    return { ...shown, secrets: Opened.parse(JSON.parse(sealing.open(sealed, place(row.organization, row.id)))) };
  };
  return {
    create(organization, { provider, name, shown, secrets }) {
      const id = uuidv7(clock.wall());
      const now = new Date(clock.wall());
      const sealed = sealing.seal(JSON.stringify(secrets), place(organization, id));
      const values = { id, organization_id: organization, provider, name, shown, sealed, created_at: now, updated_at: now };
      return db.insertInto('credential').values(values).returning(COLUMNS).executeTakeFirstOrThrow();
    },
    get: async (organization, id) => (isUuid(id) ? of(organization).where('id', '=', id).executeTakeFirst() : undefined),
    list(organization, filter = {}) {
      const aged = of(organization).where(agedWithin(filter));
      const narrowed = filter.provider === undefined ? aged : aged.where('provider', '=', filter.provider);
      return narrowed.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(filter)).execute();
    },
    async remove(organization, id) {
      if (!isUuid(id)) return undefined;
      const row = db.deleteFrom('credential').where('organization_id', '=', organization).where('id', '=', id);
      return row.returning(COLUMNS).executeTakeFirst();
    },
    open: async (organization, id) => (isUuid(id) ? opened(await sealed(organization).where('id', '=', id).executeTakeFirst()) : undefined),
    async openLatest(organization, provider) {
      const newest = sealed(organization).where('provider', '=', provider).orderBy('created_at', 'desc').orderBy('id', 'desc');
      return opened(await newest.limit(1).executeTakeFirst());
    },
  };
}
