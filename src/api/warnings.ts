/**
 * Tells a client what of its body this server accepts and does not act on: fields that nobody knows (a typing error, or a feature of
 * elsewhere), fields that are not obeyed yet, and keys that a call would miss.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../kernel/log.ts';
import { routeOf } from './errors.ts';

export interface Warnings {
  readonly unknown: readonly string[];
  readonly notObeyed?: readonly string[];
  /** Whole sentences. */
  readonly lacking?: readonly string[];
}

/** Characters of each kind: together they stay below the 4 KB that proxies let through. */
const MOST = 1_200;

/** Sets the `warnings` header, kept to printable ASCII and a length that proxies let through, and logs the fields. */
export function warn({ unknown, notObeyed = [], lacking = [] }: Warnings, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const sentences = [
    ...(unknown.length > 0 ? [`Stored, but not known to this server: ${listed(unknown, ', ')}.`] : []),
    ...(notObeyed.length > 0
      ? [
          `${listed(
            notObeyed.map((path) => `${path} is not obeyed yet`),
            '; ',
          )}.`,
        ]
      : []),
    ...(lacking.length > 0 ? [listed(lacking, ' ')] : []),
  ];
  if (sentences.length === 0) return;
  reply.header('warnings', sentences.join(' '));
  if (unknown.length > 0) log.info('unknown_fields', { route: routeOf(request), fields: unknown.slice(0, 20).map(printable) });
}

/** As many as fit, and how many more there are. */
function listed(entries: readonly string[], between: string): string {
  let text = '';
  for (const [index, entry] of entries.entries()) {
    const next = `${text}${index > 0 ? between : ''}${printable(entry)}`;
    if (next.length > MOST) return `${text} and ${entries.length - index} more`;
    text = next;
  }
  return text;
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
