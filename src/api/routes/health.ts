/** Is the process alive, can it serve, and how has it been: open to load balancers and scrapers, and without a secret in it. */
import { z } from 'zod';
import type { Readiness } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';

const tags = ['Operations'];
const Ready = z.looseObject({ ready: z.boolean() });

export function healthRoutes(app: Api, deps: ApiDeps): void {
  const { config, version, clock } = deps;
  const since = new Date(clock.wall()).toISOString();

  app.get('/health', { schema: { tags, summary: 'The process is alive', security: [] } }, async () => ({ status: 'ok', version }));

  app.get(
    '/readyz',
    { schema: { tags, summary: 'The runtime can serve; names each part and what its state means', response: { 200: Ready, 503: Ready } } },
    async (_request, reply): Promise<Readiness> => {
      const parts = [store(deps), hosts(deps, since)];
      const ready = parts.every((part) => part.state !== 'down');
      reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
      return { ready, mode: config.mode, version, node: config.nodeId, parts };
    },
  );

  app.get('/metrics', { schema: { tags, summary: 'Counters in the Prometheus text format' } }, async (_request, reply) => {
    reply.type(deps.journal.metrics.registry.contentType);
    return deps.journal.metrics.registry.metrics();
  });
}

type Part = Readiness['parts'][number];

function store({ store }: ApiDeps): Part {
  const { state, since } = store.health();
  const means =
    state === 'ok' ? 'Everything is stored.' : 'Live calls go on and their events wait on disk; nothing can be read or changed.';
  return { name: 'database', state: state === 'ok' ? 'ok' : 'down', since: new Date(since).toISOString(), means };
}

function hosts({ switchboard }: ApiDeps, since: string): Part {
  const { calls, most, accepting } = switchboard.capacity;
  const state = !accepting ? 'down' : calls >= most ? 'degraded' : 'ok';
  const means = {
    ok: `${calls} of ${most} lines are in use.`,
    degraded: `All ${most} lines are in use; new calls are refused until one ends.`,
    down: 'No call host takes new calls; calls that are live go on.',
  };
  return { name: 'call hosts', state, since, means: means[state] };
}
