/** What the API is made of: everything that it touches is handed in, so that a test can hand in something else. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { z } from 'zod';
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Store } from '../store/store.ts';
import type { CarrierCalls } from './carrier-calls.ts';
import type { Switchboard } from './switchboard.ts';

export interface ServerDeps {
  readonly config: Config;
  readonly store: Store;
  readonly journal: Journal;
  readonly switchboard: Switchboard;
  readonly log: Log;
  readonly clock: Clock;
  readonly scope: Scope;
  /** To the operator's own addresses: carriers' REST. */
  readonly egress: Egress;
  readonly version: string;
}

/** What the routes see: the same, and what they keep between requests. */
export interface ApiDeps extends ServerDeps {
  readonly carrierCalls: CarrierCalls;
  /** The organisation that the carriers' webhooks belong to: the one named `default`. */
  readonly home: string;
}

/** Zod is the type of bodies, queries and parameters. Answers are typed by their presenters, and described for the OpenAPI document only. */
export interface ZodRequests extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: unknown;
}

export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodRequests>;
