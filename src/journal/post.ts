/**
 * One signed request to a webhook target, and the beginning of what it answered. What comes back is hostile until proven otherwise:
 * read up to a bound, kept in part, with the target's own secrets taken out. It never follows a redirect and never retries.
 */
import type { Egress } from '../kernel/egress.ts';
import { type Scope, withDeadline } from '../kernel/scope.ts';
import { type Delivery, deliveryHeaders } from './signing.ts';
import type { Target } from './targets.ts';

export interface Posting {
  readonly egress: Egress;
  readonly target: Target;
  readonly message: Delivery;
  /** Signs when the target has no signing secret of its own. */
  readonly secret: string;
  /** For the answer to begin, and for its body to end; ms. */
  readonly timeoutMs: number;
  readonly bodyMs: number;
}

export interface Posted {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer up to 64 KiB; `whole` says whether that was all of it. */
  readonly body: string;
  readonly whole: boolean;
  /** The beginning of the answer as it may be stored. */
  readonly text: string;
}

const READ_BYTES = 64 * 1024;
const STORED_CHARACTERS = 4 * 1024;

/** Rejects like `Egress.http`. An answer whose body breaks off, or never ends, is an answer all the same. */
export async function post({ egress, target, message, secret, timeoutMs, bodyMs }: Posting, scope: Scope): Promise<Posted> {
  const headers = deliveryHeaders(target, message, secret);
  const reply = await egress.http({ url: target.url, method: 'POST', headers, body: message.body, timeoutMs, idleMs: bodyMs }, scope);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const read = async () => {
    for await (const chunk of reply.body) {
      size += chunk.length;
      chunks.push(chunk);
      if (size > READ_BYTES) return false;
    }
    return true;
  };
  const whole = await withDeadline(scope, 'the body', bodyMs, read).catch(() => false);
  if (!whole) reply.discard();
  const body = Buffer.concat(chunks).subarray(0, READ_BYTES).toString('utf8');
  const ok = reply.status >= 200 && reply.status < 300;
  return { ok, status: reply.status, headers: reply.headers, body, whole, text: redacted(body, target).slice(0, STORED_CHARACTERS) };
}

/** Receivers that echo what they got would write their secrets into our log. */
function redacted(text: string, { secret, headers }: Target): string {
  const secrets = [secret ?? '', ...Object.values(headers)].filter((value) => value.length >= 8);
  return secrets.reduce((clean, value) => clean.replaceAll(value, '[redacted]'), text);
}
