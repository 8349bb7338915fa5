/**
 * Secrets at rest: AES-256-GCM with the whole 16-byte tag, bound to the organisation, table, row and column where they lie, so that a
 * value pasted elsewhere does not open. Only the database's own canary is read and written here; a key is never made here.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { AywaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/ids.ts';
import type { Database } from './pool.ts';

/** Where a sealed value lies. Each part is bound into it. */
export interface Place {
  readonly organization: string;
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

export interface Sealing {
  /** Of the key that seals: 16 hex digits, safe to show. */
  readonly fingerprint: string;
  /** Of every key that opens. */
  readonly fingerprints: readonly string[];
  seal(plain: string, place: Place): string;
  /** Throws `store_key_wrong` for a value of a key that was not given, `store_damaged` for one that was changed or moved. */
  open(sealed: string, place: Place): string;
  /** Secrets that follow from a place and are stored nowhere: 256 bits for each key, the one that seals first. */
  derive(place: Place): readonly string[];
}

interface Key {
  readonly name: string;
  readonly fingerprint: string;
  readonly bytes: Buffer;
}

const VERSION = 'v1';
const IV = 12;
const TAG = 16;
const VARIABLE = 'RUNTIME_STORE_ENCRYPTION_KEY';

/**
 * `given` is one key or `name:key` pairs separated by commas: the first seals, all open. Throws `config_refused` without naming a
 * value. A sealed value carries its key's fingerprint, so the names are the operator's own and may change.
 */
export function createSealing(given: string): Sealing {
  const keys = readKeys(given);
  const byFingerprint = new Map(keys.map((key) => [key.fingerprint, key]));
  const first = keys[0];
  if (!first) throw new AywaError('config_refused', { detail: `${VARIABLE} holds no key.` });

  return {
    fingerprint: first.fingerprint,
    fingerprints: [...byFingerprint.keys()],
    seal(plain, place) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv('aes-256-gcm', first.bytes, iv, { authTagLength: TAG }).setAAD(binding(place));
      const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${VERSION}.${first.fingerprint}.${sealed.toString('base64url')}`;
    },
    derive: (place) => keys.map((key) => createHmac('sha256', key.bytes).update('derive').update(binding(place)).digest('base64url')),
    open(sealed, place) {
      const where = `${place.table} ${place.row}, ${place.column}`;
      const [version, fingerprint = '', text = '', ...rest] = sealed.split('.');
      const bytes = Buffer.from(text, 'base64url');
      // Base64 has spare bits at its end: only the one spelling that `seal` writes is the value.
      const whole = version === VERSION && rest.length === 0 && bytes.length >= IV + TAG && bytes.toString('base64url') === text;
      if (!whole) throw new AywaError('store_damaged', { detail: `${where}: not a sealed value.` });
      const key = byFingerprint.get(fingerprint);
      if (!key) {
        const have = [...byFingerprint.keys()].join(', ');
        throw new AywaError('store_key_wrong', { detail: `${where} was sealed by key ${fingerprint}; ${VARIABLE} holds ${have}.` });
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, IV), { authTagLength: TAG });
        decipher.setAAD(binding(place)).setAuthTag(bytes.subarray(bytes.length - TAG));
        return Buffer.concat([decipher.update(bytes.subarray(IV, bytes.length - TAG)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new AywaError('store_damaged', { detail: `${where}: the value does not belong there, or was changed.`, cause: error });
      }
    },
  };
}

const CANARY: Place = { organization: '', table: 'key_canary', row: '1', column: 'canary' };

/** The first start writes the canary; every later one must open it, or it throws `store_key_wrong` and changes nothing. */
export async function guardKey(db: Database, sealing: Sealing): Promise<void> {
  const canary = { id: 1, fingerprint: sealing.fingerprint, canary: sealing.seal('canary', CANARY) };
  await db
    .insertInto('key_canary')
    .values(canary)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const row = await db.selectFrom('key_canary').select(['fingerprint', 'canary']).executeTakeFirstOrThrow();
  if (!sealing.fingerprints.includes(row.fingerprint)) {
    const detail = `It was written with key ${row.fingerprint}; ${VARIABLE} holds ${sealing.fingerprints.join(', ')}.`;
    throw new AywaError('store_key_wrong', { detail });
  }
  sealing.open(row.canary, CANARY);
}

function readKeys(given: string): Key[] {
  const keys = given.split(',').map((part, index) => {
    const pair = /^\s*([A-Za-z0-9_-]{1,32}):(.*)$/s.exec(part);
    const name = pair?.[1] ?? `number ${index + 1}`;
    const secret = (pair?.[2] ?? part).trim();
    if (secret.length < 32) throw new AywaError('config_refused', { detail: `${VARIABLE}: key ${name} is shorter than 32 characters.` });
    // The given secret has its own length and alphabet: HKDF (RFC 5869) makes 32 even bytes of it.
    const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'aywa-runtime store sealing v1', 32));
    return { name, bytes, fingerprint: sha256(Buffer.concat([Buffer.from('fingerprint'), bytes])).slice(0, 16) };
  });
  for (const key of keys) {
    const twin = keys.find((other) => other !== key && (other.name === key.name || other.fingerprint === key.fingerprint));
    if (twin) throw new AywaError('config_refused', { detail: `${VARIABLE}: key ${key.name} is given twice.` });
  }
  return keys;
}

/** A JSON list, because the parts joined by a sign could be cut elsewhere. */
function binding({ organization, table, row, column }: Place): Buffer {
  return Buffer.from(JSON.stringify([VERSION, organization, table, row, column]));
}
