/** What the API is made of: everything that it touches is handed in, so that a test can hand in something else. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { z } from 'zod';
import type { PlacingDeps } from '../switchboard/deps.ts';

export interface ServerDeps extends Omit<PlacingDeps, 'carrierCalls'> {
  readonly version: string;
}

/** What the routes see: the same, and what they keep between requests. */
export interface ApiDeps extends ServerDeps, PlacingDeps {
  /** The organisation that the carriers' webhooks belong to: the one named `default`. */
  readonly home: string;
}

/** Zod is the type of bodies, queries and parameters. Answers are typed by their presenters, and described for the OpenAPI document only. */
export interface ZodRequests extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: unknown;
}

export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodRequests>;
