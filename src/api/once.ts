/**
 * `Idempotency-Key`: the first request with a key does its work, a repetition gets the same answer, and the same key with another body
 * is refused. So a client that repeats `POST /call` never dials twice. Without the header the work simply runs.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AywaError, asAywaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/ids.ts';
import { organizationOf } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { errorBody, fault } from './errors.ts';

/** Runs `work` and answers 201 with what it gives. A refusal is an answer too; a fault that may pass frees the key again. */
export async function createOnce<T>(
  { store, log }: ApiDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<T>,
): Promise<unknown> {
  reply.code(201);
  const key = request.headers['idempotency-key'];
  if (key === undefined) return work();
  if (typeof key !== 'string' || key.length === 0 || key.length > 255) throw fault('Idempotency-Key', 'must have 1 to 255 characters');

  const place = { organization: organizationOf(request), route: request.routeOptions.url ?? '', key };
  // Answers hold secrets (the control URL), so that they are kept sealed.
  const seal = { organization: place.organization, table: 'idempotency', row: `${place.route} ${key}`, column: 'response' };
  const begun = await store.idempotency.begin(place, sha256(JSON.stringify(request.body ?? null)));
  switch (begun.state) {
    case 'running':
      throw new AywaError('conflict', { detail: 'A request with this Idempotency-Key is still running.' });
    case 'mismatch':
      throw new AywaError('conflict', { detail: 'This Idempotency-Key was used with another body.' });
    case 'done':
      reply.code(begun.status).header('idempotent-replay', 'true');
      return JSON.parse(store.sealing.open(String(begun.response), seal));
    case 'new':
  }

  const { holder } = begun;
  const keep = (status: number, answer: unknown) =>
    store.idempotency.finish(place, holder, status, store.sealing.seal(JSON.stringify(answer), seal));
  let answer: T;
  try {
    answer = await work();
  } catch (thrown) {
    const error = asAywaError(thrown);
    await (error.status < 500 ? keep(error.status, errorBody(error)) : store.idempotency.abandon(place, holder));
    throw thrown;
  }
  // What was made is made: a client that heard of a failure now would make it again.
  await keep(201, answer).catch((error) => log.error('idempotency_not_kept', { route: place.route, detail: String(error) }));
  return answer;
}
