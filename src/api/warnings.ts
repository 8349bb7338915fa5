/** Tells a client which fields of its body this server stores without knowing them: a typing error, or a feature of elsewhere. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../kernel/log.ts';
import { routeOf } from './errors.ts';

const MOST = 20;

/** Sets the `warnings` header, kept to printable ASCII and a length that proxies let through, and logs the fields. */
export function warnOfUnknown(fields: readonly string[], request: FastifyRequest, reply: FastifyReply, log: Log): void {
  if (fields.length === 0) return;
  const shown = fields.slice(0, MOST).map((field) => field.replace(/[^\x20-\x7e]/g, '?').slice(0, 100));
  const more = fields.length > MOST ? ` and ${fields.length - MOST} more` : '';
  reply.header('warnings', `Stored, but not known to this server: ${shown.join(', ')}${more}.`);
  log.info('unknown_fields', { route: routeOf(request), fields: shown });
}
