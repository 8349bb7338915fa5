/**
 * API keys: `ak_<live|lab>_<id>_<256 random bits>_<checksum>`, found by the id, kept as SHA-256, compared in constant time. The key
 * itself is shown once and stored nowhere. A slow hash would protect nothing here: 256 random bits cannot be guessed.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../kernel/clock.ts';
import { AywaError } from '../kernel/errors.ts';
import { equalInConstantTime, isUuid, randomToken, sha256, uuidv7 } from '../kernel/ids.ts';
import type { Database } from './pool.ts';

export type KeyKind = 'live' | 'lab';

export interface ApiKeyRow {
  readonly id: string;
  readonly organization: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface ApiKeys {
  /** `key` is the only copy. */
  create(
    organization: string,
    wanted: { name: string; scopes: readonly string[]; kind: KeyKind },
  ): Promise<{ key: string; row: ApiKeyRow }>;
  /** The row of a valid key that is not revoked. A key with a wrong checksum is refused without asking the database. */
  authenticate(key: string): Promise<ApiKeyRow | undefined>;
  list(organization: string): Promise<ApiKeyRow[]>;
  revoke(organization: string, id: string): Promise<ApiKeyRow | undefined>;
  /**
   * Makes `given` (RUNTIME_API_KEY) the administrator's key of this organisation: any text. How strong it must be is the
   * configuration's matter. The key that was given before is revoked. Throws `config_refused` for one of ours that was copied
   * incompletely.
   */
  ensureAdminKey(organization: string, given: string): Promise<void>;
}

/** The administrator's scope: everything. */
const ADMIN_SCOPE = '*';
const ADMIN_NAME = 'RUNTIME_API_KEY';
const OURS = /^ak_(?:live|lab)_/;
const FORM = /^(ak_(?:live|lab)_([0-9a-f]{16})_[A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;
/** `last_used_at` is a hint for people: once a minute is often enough, and saves a write per request. */
const USED_EVERY_MS = 60_000;

const COLUMNS = [
  'id',
  'organization_id as organization',
  'name',
  'scopes',
  'created_at as createdAt',
  'last_used_at as lastUsedAt',
  'revoked_at as revokedAt',
] as const;

/** A new key of our own form: 64 bits of id, 256 bits of secret, CRC-32 over all that stands before it. */
export function makeKey(kind: KeyKind): string {
  const body = `ak_${kind}_${randomBytes(8).toString('hex')}_${randomToken()}`;
  return `${body}_${checksum(body)}`;
}

export function createApiKeys(db: Database, clock: Clock): ApiKeys {
  const insert = (organization: string, key: string, name: string, scopes: readonly string[]) =>
    db.insertInto('api_key').values({
      id: uuidv7(clock.wall()),
      organization_id: organization,
      name,
      lookup: lookupOf(key) ?? '',
      hash: sha256(key),
      scopes: [...scopes],
      created_at: new Date(clock.wall()),
    });

  return {
    async create(organization, { name, scopes, kind }) {
      const key = makeKey(kind);
      return { key, row: await insert(organization, key, name, scopes).returning(COLUMNS).executeTakeFirstOrThrow() };
    },

    async authenticate(key) {
      const lookup = lookupOf(key);
      if (lookup === undefined) return undefined;
      const found = await db
        .selectFrom('api_key')
        .select([...COLUMNS, 'hash'])
        .where('lookup', '=', lookup)
        .executeTakeFirst();
      if (!found || !equalInConstantTime(found.hash, sha256(key)) || found.revokedAt) return undefined;
      const { hash: _, ...row } = found;
      const now = clock.wall();
      if (now - (row.lastUsedAt?.getTime() ?? 0) >= USED_EVERY_MS) {
        await db
          .updateTable('api_key')
          .set({ last_used_at: new Date(now) })
          .where('id', '=', row.id)
          .execute();
      }
      return row;
    },

    list: (organization) =>
      db.selectFrom('api_key').select(COLUMNS).where('organization_id', '=', organization).orderBy('created_at', 'desc').execute(),

    async revoke(organization, id) {
      if (!isUuid(id)) return undefined;
      const write = db.updateTable('api_key').set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(new Date(clock.wall()))) }));
      return write.where('id', '=', id).where('organization_id', '=', organization).returning(COLUMNS).executeTakeFirst();
    },

    async ensureAdminKey(organization, given) {
      const lookup = lookupOf(given);
      if (lookup === undefined) {
        const detail = OURS.test(given) ? 'has a wrong checksum: was it copied whole?' : 'must have 1 to 512 characters.';
        throw new AywaError('config_refused', { detail: `${ADMIN_NAME} ${detail}` });
      }
      await insert(organization, given, ADMIN_NAME, [ADMIN_SCOPE])
        .onConflict((conflict) => conflict.column('lookup').doUpdateSet({ hash: sha256(given), revoked_at: null }))
        .execute();
      await db
        .updateTable('api_key')
        .set({ revoked_at: new Date(clock.wall()) })
        .where((eb) => eb.and({ organization_id: organization, name: ADMIN_NAME }))
        .where('lookup', '<>', lookup)
        .where('revoked_at', 'is', null)
        .execute();
    },
  };
}

const checksum = (body: string) => crc32(body).toString(16).padStart(8, '0');

/** What a key is found by: its id, or for a foreign form the beginning of its hash. `undefined` when it cannot be a key. */
function lookupOf(key: string): string | undefined {
  const [, body = '', id, sum] = FORM.exec(key) ?? [];
  if (id) return checksum(body) === sum ? id : undefined;
  return OURS.test(key) || key.length === 0 || key.length > 512 ? undefined : sha256(key).slice(0, 12);
}
