/**
 * The front door: reads the environment, wires the rooms, starts and stops. It decides nothing about a call. Exit codes: 0 clean stop,
 * 64 configuration refused, 69 database, data folder or port refused, 70 a bug, 75 fenced by another process with this node's name.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { cpus, hostname, constants as os, setPriority } from 'node:os';
import { join } from 'node:path';
import { createServer } from './api/server.ts';
import { carrierSet } from './carriers/index.ts';
import { type Config, readConfig } from './config.ts';
import { childHost } from './host/child.ts';
import { inProcessHost } from './host/in-process.ts';
import { hostParts } from './host/parts.ts';
import { createDispatcher, type Dispatcher } from './journal/dispatcher.ts';
import { createJournal } from './journal/journal.ts';
import { createMetrics } from './journal/metrics.ts';
import { createAnswerTools } from './journal/tool-calls.ts';
import { realClock as clock } from './kernel/clock.ts';
import { createEgress } from './kernel/egress.ts';
import { AywaError, asAywaError } from './kernel/errors.ts';
import { createLog, type Log } from './kernel/log.ts';
import { rootScope, type Scope } from './kernel/scope.ts';
import { keepHouse } from './operations/janitor.ts';
import { keepOwnership } from './operations/ownership.ts';
import { madeKeys } from './store/made-keys.ts';
import { openStore } from './store/store.ts';
import { createSwitchboard } from './switchboard/switchboard.ts';

const VERSION = (JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }).version;
/** How long a call host may take to end its calls when the process stops at once. */
const STOP_GRACE_MS = 5_000;
/** The last events of the calls get this long to be stored. */
const STORE_GRACE_MS = 2_000;
/** Call hosts start in less than a second; after this the API serves without them, and says so. */
const HOSTS_START_MS = 10_000;
/** Live calls may go on this long after SIGTERM in production: the longest call that the defaults allow, and more. */
const DRAIN_MS = 3_600_000;

export interface Runtime {
  readonly url: string;
  /** The administrator's key; in the lab perhaps a made one. For requests, never for printing. */
  readonly apiKey: string;
  /** The dashboard's address for people: it carries the key only when the lab made it. */
  readonly dashboard: string;
  readonly mode: Config['mode'];
  readonly recordingsDir: string;
  /** Takes no new calls and resolves when the live ones are over, at the latest after `mostMs`. */
  drain(mostMs: number): Promise<void>;
  /** Ends what is live and lets go of everything. */
  close(): Promise<void>;
}

/**
 * Starts a runtime from an environment. Rejects with `config_refused`, `data_dir_refused`, `listen_refused`, `store_away`,
 * `store_schema` or `store_key_wrong`; with `cancelled` when it is to `stop` before it has started, and nothing is left of it then.
 */
export async function start(
  env: Readonly<Record<string, string | undefined>>,
  onFenced: (detail: string) => void = () => {},
  stop?: AbortSignal,
): Promise<Runtime> {
  const cpuCount = cpus().length;
  const config = readConfig(await withPort(env), { cores: cpuCount, hostname: hostname(), cwd: process.cwd() });
  const log = createLog(config.logLevel, { node: config.nodeId });
  const scope = rootScope('process', {
    onFailure: (error, path) =>
      log.error('task_failed', { path, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    onStuck: (path, names) => log.error('scope_stuck', { path, names }),
  });
  const abandon = () => void scope.close('stopped');
  stop?.addEventListener('abort', abandon);
  if (stop?.aborted) abandon();
  try {
    // Both before anything is begun: a second runtime by mistake must not take over from the first one.
    usable(config.dataDir);
    await mayListen(config, scope);
    return await wire(config, scope, log, onFenced);
  } catch (error) {
    await scope.close('did not start');
    throw error;
  } finally {
    stop?.removeEventListener('abort', abandon);
  }
}

async function wire(config: Config, scope: Scope, log: Log, onFenced: (detail: string) => void): Promise<Runtime> {
  const lab = config.mode === 'lab';
  const keys = madeKeys(config.dataDir, {
    encryptionKey: config.encryptionKey,
    webhookSecret: config.webhookSecret,
    apiKey: config.apiKey,
  });
  const store = await openStore(
    { postgresUrl: config.postgresUrl, dataDir: config.dataDir, encryptionKey: keys.encryptionKey, migrate: lab },
    scope,
    clock,
    log,
  );
  const organization = await store.organizations.ensure('default');
  await store.apiKeys.ensureAdminKey(organization.id, keys.apiKey);

  const boot = randomUUID();
  const node = config.nodeId;
  const reach = 'any';
  const operators = createEgress(reach);
  // Webhook and tool addresses come from whoever may edit an assistant; in production they must be public ones.
  const tenants = createEgress(lab ? 'any' : 'public');
  const metrics = createMetrics(() => store.outbox.counts());
  let dispatcher: Dispatcher | undefined;
  const journal = await createJournal({
    store,
    spoolDir: join(config.dataDir, 'spool'),
    node,
    boot,
    publicUrl: config.publicUrl,
    metrics,
    onDeliveries: () => dispatcher?.wake(),
    clock,
    scope: scope.child('journal'),
    log,
  });
  dispatcher = createDispatcher({
    store,
    node,
    egress: tenants,
    secret: keys.webhookSecret,
    metrics,
    clock,
    scope: scope.child('webhooks'),
    log,
  });
  const answer = createAnswerTools({
    journal,
    store,
    egress: tenants,
    secret: keys.webhookSecret,
    clock,
    scope: scope.child('tools'),
    log,
  });
  const ownership = scope.child('ownership');
  await keepOwnership({ store, journal, node, boot, clock, scope: ownership, log, onFenced });
  keepHouse({ store, clock, scope: scope.child('janitor'), log });

  const settings = (name: string) => ({ name, node, recordingsDir: config.recordingsDir, logLevel: config.logLevel, reach }) as const;
  const switchboard = createSwitchboard({
    hosts: Math.max(1, config.callHosts),
    makeHost: (name) => (config.callHosts === 0 ? inProcessHost(hostParts(settings(name), log)) : childHost(settings(name), clock)),
    journal: {
      open: ({ row, assistant, plan }) =>
        journal.open({ row, assistant, prompt: plan.agent.prompt.find((message) => message.role === 'system')?.content ?? null }),
      append: journal.append,
    },
    answer,
    carriers: carrierSet(),
    egress: operators,
    log,
    clock,
    scope: scope.child('switchboard'),
    publicUrl: config.publicUrl,
    corsOrigins: config.corsOrigins,
    maxCalls: config.maxCalls,
    metrics: { refused: (code) => metrics.refused('media', code), load: metrics.load, hostLost: metrics.hostLost },
  });
  const server = await createServer({ config, store, journal, switchboard, log, clock, scope, egress: operators, version: VERSION });
  // Of a start that fails here; a runtime that stops has closed it before.
  scope.defer(() => switchboard.close(0));
  // A caller who comes first must not hear busy only because the hosts' processes are still starting.
  for (const since = clock.now(); !switchboard.capacity.accepting && clock.now() - since < HOSTS_START_MS; ) await clock.sleep(10, scope);
  if (config.callHosts > 0) stepBack();
  await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => cannotListen(config, error));
  log.info('runtime.ready', {
    url: config.publicUrl,
    mode: config.mode,
    version: VERSION,
    database: store.address,
    callHosts: config.callHosts,
  });

  return {
    url: config.publicUrl,
    apiKey: keys.apiKey,
    dashboard: keys.apiKeyMade ? `${config.publicUrl}/#key=${keys.apiKey}` : `${config.publicUrl}/`,
    mode: config.mode,
    recordingsDir: config.recordingsDir,
    async drain(mostMs) {
      switchboard.drain();
      const until = clock.now() + mostMs;
      while (switchboard.live.length > 0 && clock.now() < until) await clock.sleep(250, scope);
    },
    async close() {
      await switchboard.close(STOP_GRACE_MS);
      // What does not reach the database in time waits in the spool for the next start.
      const until = clock.now() + STORE_GRACE_MS;
      while (journal.state.waiting > 0 && clock.now() < until) await clock.sleep(20, scope);
      await server.close();
      // The lease is given back while there still is a database to give it back to.
      await ownership.close('stopped');
      await scope.close('stopped');
    },
  };
}

function usable(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
  } catch (error) {
    throw new AywaError('data_dir_refused', { detail: error instanceof Error ? error.message : dataDir });
  }
}

async function mayListen(config: Config, scope: Scope): Promise<void> {
  const probe = createNetServer();
  await scope
    .wait(new Promise<void>((resolve, reject) => probe.once('error', reject).listen(config.port, config.host, resolve)))
    .catch((error) => cannotListen(config, error));
  await scope.wait(new Promise((resolve) => probe.close(resolve)));
}

function cannotListen({ host, port }: Config, error: unknown): never {
  throw new AywaError('listen_refused', { detail: `${host}:${port}: ${error instanceof Error ? error.message : error}` });
}

/** Audio goes first: where cores are short, control yields to the call hosts, which were started before and keep their priority. */
function stepBack(): void {
  try {
    setPriority(os.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed here: then everybody is equal, as before.
  }
}

/** `RUNTIME_PORT=0` becomes a free port before anything is derived from it: links and signatures are made of the public URL. */
async function withPort(env: Readonly<Record<string, string | undefined>>): Promise<Readonly<Record<string, string | undefined>>> {
  if (env.RUNTIME_PORT?.trim() !== '0') return env;
  const probe = createNetServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return { ...env, RUNTIME_PORT: String(port) };
}

const EXIT: Partial<Record<AywaError['code'], number>> = {
  config_refused: 64,
  data_dir_refused: 69,
  listen_refused: 69,
  store_away: 69,
  store_timeout: 69,
  store_schema: 69,
  store_key_wrong: 69,
  fenced: 75,
};

/** `npm start`: from the environment alone, until a signal. */
async function main(): Promise<void> {
  const starting = new AbortController();
  let runtime: Runtime | undefined;
  let leaving = false;
  let interrupts = 0;
  const stop = async (drainMs: number, code: number) => {
    if (leaving) return;
    leaving = true;
    starting.abort();
    await runtime?.drain(drainMs);
    await runtime?.close();
    if (runtime) process.exit(code);
  };
  const drainMs = () => (runtime?.mode === 'lab' ? 0 : DRAIN_MS);
  // From the first moment on: a start that is interrupted leaves no database server behind.
  process.on('SIGTERM', () => void stop(drainMs(), 0));
  process.on('SIGINT', () => {
    interrupts += 1;
    if (interrupts > 1) leave(130, 'interrupted twice');
    void stop(drainMs(), 0);
  });
  // What failed belongs to no call: the calls go on to their end, and another process takes the new ones.
  const failed = (error: unknown) => {
    process.stderr.write(`The runtime takes no new calls and stops after the last one: ${error instanceof Error ? error.stack : error}\n`);
    void stop(DRAIN_MS, 70);
  };
  process.on('uncaughtException', failed);
  process.on('unhandledRejection', failed);

  try {
    runtime = await start(process.env, (detail) => leave(75, detail), starting.signal);
    if (starting.signal.aborted) {
      await runtime.close();
      process.exit(0);
    }
  } catch (thrown) {
    const error = asAywaError(thrown);
    if (starting.signal.aborted && error.code === 'cancelled') process.exit(0);
    const lines =
      error.faults.length > 0
        ? error.faults.map((fault) => `  ${fault.path} ${fault.message}`)
        : [`  ${error.stack && error.code === 'bug' ? error.stack : error.message}`];
    process.stderr.write(`The runtime did not start (${error.code}).\n${lines.join('\n')}\n${error.fix}\n`);
    process.exit(EXIT[error.code] ?? 70);
  }
  if (runtime.mode === 'lab') process.stderr.write(`\n  Lab (this machine only). Dashboard: ${runtime.dashboard}\n\n`);
}

function leave(code: number, why: string): never {
  process.stderr.write(`The runtime stops at once: ${why}\n`);
  process.exit(code);
}

if (process.argv[1] === import.meta.filename) await main();
