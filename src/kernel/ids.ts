/** Identifiers: sortable ids for records, unguessable tokens for links. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** UUID version 7 (RFC 9562 §5.7): 48 bits of epoch milliseconds, then randomness, so that ids sort by time of creation. */
export function uuidv7(wallMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.floor(wallMs), 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 256 random bits, base64url: media tokens, control URLs, secrets. */
export function randomToken(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** Lower-case hex SHA-256. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Compares two strings in time that does not depend on where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Is this the text form of a UUID of any version? */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
