/**
 * The headers of a delivery: Standard Webhooks 1.0 (https://www.standardwebhooks.com) on every one, and what the target asks for
 * besides. A target's own headers can add to them and never replace the signature, the type or the length.
 */
import { createHmac } from 'node:crypto';
import type { Target } from './targets.ts';

export interface Delivery {
  /** Stays the same over all attempts of one message: receivers drop doubles by it. */
  readonly id: string;
  /** Seconds since the epoch, of this attempt. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * `ownerSecret` signs for targets that have no signing secret (`whsec_...`) of their own. A secret of another form is the older
 * kind that the receiver compares: it goes along as `x-vapi-secret`.
 */
export function deliveryHeaders(
  target: Pick<Target, 'secret' | 'headers'>,
  delivery: Delivery,
  ownerSecret: string,
): Record<string, string> {
  const ownKey = target.secret?.startsWith('whsec_') ? target.secret : null;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(target.headers)) {
    const lower = name.toLowerCase();
    if (NAME.test(lower) && VALUE.test(value) && !RESERVED.test(lower)) headers[lower] = value;
  }
  if (target.secret && !ownKey) headers['x-vapi-secret'] = target.secret;
  headers['content-type'] = 'application/json';
  headers['user-agent'] = 'aywa-runtime';
  headers['webhook-id'] = delivery.id;
  headers['webhook-timestamp'] = String(delivery.timestamp);
  headers['webhook-signature'] = `v1,${signature(ownKey ?? ownerSecret, delivery)}`;
  return headers;
}

/** Base64 HMAC-SHA256 of `id.timestamp.body`. A `whsec_` secret is base64; any other is taken by its bytes. */
function signature(secret: string, { id, timestamp, body }: Delivery): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
}

// RFC 9110 §5.1 and §5.5: a token, and visible characters with spaces and tabs.
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const RESERVED = /^(webhook-.*|content-.*|host|connection|transfer-encoding|upgrade|te|trailer|expect|keep-alive|proxy-.*)$/;
