/**
 * What a client reads when something went wrong: one body for every error, in the NestJS shape that Vapi's clients know, with our
 * stable code and advice beside it. A fault of the client never becomes a 5xx, because Vapi's SDK repeats those.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AywaError, isAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { ErrorBody } from './contract.ts';

/** The answer for a thrown value. What is neither of the table nor a fault of HTTP itself is a bug, and a bug's text stays in the log. */
export function errorAnswer(log: Log): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (thrown, request, reply) => {
    const error = asShown(thrown);
    if (error.code === 'bug') log.error('http_failed', { route: routeOf(request), reason: String(thrown), stack: stackOf(thrown) });
    if (error.status === 401) reply.header('www-authenticate', 'Bearer');
    if (error.status === 429 || error.status === 503) reply.header('retry-after', String(error.retryAfter ?? 2));
    void reply.code(error.status).type('application/json').send(errorBody(error));
  };
}

export function errorBody(error: AywaError): ErrorBody {
  const list = error.faults.map(({ path, message }) => (path ? `${path} ${lowerFirst(message)}` : message));
  return {
    message: list.length > 0 ? list : error.message,
    error: STATUS_CODES[error.status] ?? 'Error',
    statusCode: error.status,
    code: error.code,
    fix: error.fix,
    ...(error.faults.length > 0 && { faults: [...error.faults] }),
  };
}

/** `invalid_request` for one field. */
export function fault(path: string, message: string): AywaError {
  return new AywaError('invalid_request', { detail: `${path} ${message}`, faults: [{ path, message }] });
}

/** The route's pattern, never its URL: paths hold tokens. */
export function routeOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? '(none)'}`;
}

/** The path leads the sentence (`name must be ...`), so zod's capital letter goes. */
function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

const NOT_JSON = 'Send the body as JSON, with the header `content-type: application/json`.';

function asShown(thrown: unknown): AywaError {
  if (isAywaError(thrown) && thrown.code !== 'bug') return thrown;
  const { statusCode: status, message } = (thrown instanceof Error ? thrown : {}) as Partial<FastifyError>;
  if (status === 413) return new AywaError('body_too_large');
  if (status === 415) return new AywaError('invalid_request', { detail: NOT_JSON });
  if (status === 429) return new AywaError('rate_limited');
  if (status !== undefined && status >= 400 && status < 500) return new AywaError('invalid_request', { detail: message ?? '' });
  return new AywaError('bug', { detail: 'The log has the details.', cause: thrown });
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? '').slice(0, 2_000) : '';
}
