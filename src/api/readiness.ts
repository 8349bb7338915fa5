/**
 * How the parts of this node are, in sentences for whoever is woken at night: what works, what a fault costs, what is configured and
 * not used. It asks nobody while it answers: a load balancer must not wait for a database that is away.
 */
import { isSetUp, PROVIDERS } from '../providers/index.ts';
import type { Readiness } from './contract.ts';
import type { ServerDeps } from './deps.ts';

type Part = Readiness['parts'][number];
type Finding = Omit<Part, 'since'> & { readonly since?: number };

/** `ready` is false while a part is down; `degraded` still serves. `since` is when a part came into the state that it is in. */
export function readinessOf(deps: ServerDeps): () => Readiness {
  const { config, clock, version } = deps;
  const states = new Map<string, { state: Part['state']; since: number }>();
  const dated = ({ name, state, means, since }: Finding): Part => {
    const known = states.get(name);
    const at = since ?? (known?.state === state ? known.since : clock.wall());
    states.set(name, { state, since: at });
    return { name, state, since: new Date(at).toISOString(), means };
  };
  return () => {
    const parts = [database(deps), spool(deps), hosts(deps), providers(deps), ...unused(deps)].map(dated);
    return { ready: parts.every(({ state }) => state !== 'down'), mode: config.mode, version, node: config.nodeId, parts };
  };
}

function database({ store }: ServerDeps): Finding {
  const { state, since } = store.health();
  const name = 'database';
  if (state === 'ok') return { name, state, since, means: 'Everything is stored.' };
  return { name, state: 'down', since, means: 'Live calls go on and their events wait on disk; nothing can be read or changed.' };
}

function spool({ journal }: ServerDeps): Finding {
  const { waiting, spoolBytes } = journal.state;
  const name = 'event spool';
  if (spoolBytes === 0) return { name, state: 'ok', means: 'No event waits on disk.' };
  return {
    name,
    state: 'degraded',
    means: `${waiting} entries of the journal wait for the database, ${spoolBytes} bytes of them on disk.`,
  };
}

function hosts({ switchboard }: ServerDeps): Finding {
  const { calls, most, accepting } = switchboard.capacity;
  const name = 'call hosts';
  if (calls >= most) return { name, state: 'degraded', means: `All ${most} lines are in use; new calls are refused until one ends.` };
  if (!accepting) return { name, state: 'down', means: 'No call host takes new calls; calls that are live go on.' };
  return { name, state: 'ok', means: `${calls} of ${most} lines are in use.` };
}

const KINDS = { stt: 'ears', llm: 'brains', tts: 'voices' } as const;

/** The operator's own keys; organisations may bring theirs as credentials. */
function providers({ config }: ServerDeps): Finding {
  const name = 'providers';
  const setUp = (kind: keyof typeof KINDS) =>
    PROVIDERS.filter((one) => one.kind === kind && isSetUp(one, config.vendors)).map(({ name }) => name);
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
  const without = kinds.filter((kind) => setUp(kind).length === 0);
  if (without.length === 0) {
    const have = kinds.map((kind) => `${KINDS[kind]}: ${setUp(kind).join(', ')}`).join('; ');
    return { name, state: 'ok', means: `Set up: ${have}.` };
  }
  const what = without.map((kind) => KINDS[kind]).join(', ');
  const means = `The environment sets up no vendor for: ${what}. Assistants that name none get the keyless ones of the lab; credentials go before both.`;
  return { name, state: config.mode === 'lab' ? 'ok' : 'degraded', means };
}

/** What production asks for and this version does not use yet: said, so that nobody relies on it. */
function unused({ config }: ServerDeps): Finding[] {
  const found: Finding[] = [];
  if (config.s3Bucket !== undefined) {
    const means =
      'RUNTIME_ARTIFACT_S3_BUCKET is set and not used yet: recordings lie on the disk of this node (RECORDINGS_DIR), and only it can give them out.';
    found.push({ name: 'artifacts', state: 'degraded', means });
  }
  if (config.redisUrl !== undefined) {
    const means =
      'REDIS_URL is set and not used yet: leases and fences are in PostgreSQL, and live events are followed on the node of the call.';
    found.push({ name: 'coordination', state: 'degraded', means });
  }
  return found;
}
