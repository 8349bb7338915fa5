/**
 * The HTTP door of the runtime: one fastify with the guard, the bounds, the error shape and every route. It holds no state; what it
 * needs is handed in. Websocket upgrades go to the switchboard, which knows the media tokens; nothing else may upgrade.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import cors from '@fastify/cors';
import Fastify from 'fastify';
import type { z } from 'zod';
import { AywaError } from '../kernel/errors.ts';
import { faultsOf } from '../kernel/faults.ts';
import { createCarrierCalls } from '../switchboard/carrier-calls.ts';
import { guardRoutes } from './auth.ts';
import { MAX_BODY_BYTES, readBodies, readForms } from './body.ts';
import { serveDashboard } from './dashboard.ts';
import type { Api, ServerDeps, ZodRequests } from './deps.ts';
import { errorAnswer, routeOf } from './errors.ts';
import { describeApi } from './openapi.ts';
import { assistantRoutes } from './routes/assistant.ts';
import { callRoutes } from './routes/call.ts';
import { callRecordRoutes } from './routes/call-record.ts';
import { controlRoutes } from './routes/control.ts';
import { credentialRoutes } from './routes/credential.ts';
import { healthRoutes } from './routes/health.ts';
import { providerRoutes } from './routes/provider.ts';
import { telephonyRoutes } from './routes/telephony.ts';
import { unsupportedRoutes } from './routes/unsupported.ts';

const DASHBOARD = resolve(import.meta.dirname, '../../dashboard/dist');

/** Ready to listen or to `inject`; closing it ends open event streams too. */
export async function createServer(deps: ServerDeps): Promise<Api> {
  const { config, log } = deps;
  const answerError = errorAnswer(log);
  const app: Api = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    http: { headersTimeout: 10_000 },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
  }).withTypeProvider<ZodRequests>();

  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data) => {
    const parsed = schema.safeParse(data ?? (httpPart === 'body' ? {} : data));
    return parsed.success ? { value: parsed.data } : { error: new AywaError('invalid_request', { faults: faultsOf(parsed.error) }) };
  });
  // Presenters make answers from typed values; checking them again could only turn a slip into a 5xx.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler(answerError);
  readBodies(app);

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' });
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = routeOf(request);
    deps.journal.metrics.httpRequest(route, reply.statusCode, reply.elapsedTime);
    const quiet = request.routeOptions.config.permission === 'public';
    log[quiet ? 'debug' : 'info']('http_request', { route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) });
  });

  const everywhere = config.corsOrigins.includes('*');
  await app.register(cors, {
    origin: everywhere ? true : [config.publicUrl, ...config.corsOrigins],
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['warnings', 'retry-after', 'content-range', 'idempotent-replay'],
    // `OPTIONS` without a browser's headers is a plain question, not a fault.
    strictPreflight: false,
  });
  guardRoutes(app, (key) => deps.store.apiKeys.authenticate(key));
  await describeApi(app, deps.version, config.publicUrl);

  const routes = [
    healthRoutes,
    assistantRoutes,
    callRoutes,
    callRecordRoutes,
    controlRoutes,
    credentialRoutes,
    providerRoutes,
    unsupportedRoutes,
  ];
  const { id: home } = await deps.store.organizations.ensure('default');
  const parts = { ...deps, carrierCalls: createCarrierCalls(), home };
  for (const register of routes) register(app, parts);
  await app.register(async (callbacks: Api) => {
    readForms(callbacks);
    telephonyRoutes(callbacks, parts);
  });
  await serveDashboard(app, DASHBOARD);

  // It refuses by itself whatever is not the media of a call.
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => deps.switchboard.upgrade(request, socket, head));
  await app.ready();
  return app;
}
