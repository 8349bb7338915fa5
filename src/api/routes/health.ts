/** Is the process alive, can it serve, and how has it been: open to load balancers and scrapers, and without a secret in it. */
import { z } from 'zod';
import type { Readiness } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { readinessOf } from '../readiness.ts';

const tags = ['Operations'];
const Ready = z.looseObject({ ready: z.boolean() });

export function healthRoutes(app: Api, deps: ApiDeps): void {
  const { version } = deps;
  const readiness = readinessOf(deps);

  app.get('/health', { schema: { tags, summary: 'The process is alive', security: [] } }, async () => ({ status: 'ok', version }));

  app.get(
    '/readyz',
    { schema: { tags, summary: 'The runtime can serve; names each part and what its state means', response: { 200: Ready, 503: Ready } } },
    async (_request, reply): Promise<Readiness> => {
      const state = readiness();
      reply.code(state.ready ? 200 : 503).header('cache-control', 'no-store');
      return state;
    },
  );

  app.get('/metrics', { schema: { tags, summary: 'Counters in the Prometheus text format' } }, async (_request, reply) => {
    reply.type(deps.journal.metrics.registry.contentType);
    return deps.journal.metrics.registry.metrics();
  });
}
