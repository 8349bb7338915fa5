/**
 * The store: one database behind small tables of functions, embedded or by URL with the same code. Every promise that it gives
 * settles within the deadlines of `pool.ts`, with `store_away` or `store_timeout` at worst; `call/` never waits for any of them.
 */
import type { Clock } from '../kernel/clock.ts';
import { AywaError, asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import { type ApiKeys, createApiKeys } from './api-keys.ts';
import { type Assistants, createAssistants } from './assistants.ts';
import { type Calls, createCalls } from './calls.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { startEmbedded } from './embedded.ts';
import { createEvents, type Events } from './events.ts';
import { createIdempotency, type Idempotency } from './idempotency.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { createNodes, type Nodes } from './nodes.ts';
import { createOrganizations, type Organizations } from './organizations.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type Deadlines, mayPass, openPool, type Pool, type StoreHealth } from './pool.ts';
import { createSealing, guardKey, type Sealing } from './sealing.ts';

export interface StoreOptions {
  /** `undefined`: the embedded server, in the data folder. */
  readonly postgresUrl: string | undefined;
  readonly dataDir: string;
  /** `kid:key` pairs or one key. */
  readonly encryptionKey: string;
  /** Bring the schema up to date at start: in the lab. Otherwise a schema that is behind refuses the start. */
  readonly migrate: boolean;
  /** How long to wait for the database at start; 30 s unless said otherwise. */
  readonly bootTimeoutMs?: number;
  readonly deadlines?: Partial<Deadlines>;
}

export interface Store {
  readonly organizations: Organizations;
  readonly apiKeys: ApiKeys;
  readonly assistants: Assistants;
  readonly credentials: Credentials;
  readonly calls: Calls;
  readonly events: Events;
  readonly outbox: Outbox;
  readonly nodes: Nodes;
  readonly idempotency: Idempotency;
  readonly sealing: Sealing;
  /** Where the database is, without a password: for the start message. */
  readonly address: string;
  /** As the last probe found it; there is one every second. */
  health(): StoreHealth;
  /** Ends the connections, then the embedded server. */
  close(): Promise<void>;
}

/**
 * Throws `store_away` when the database does not come up in time, `store_schema` when its schema does not fit, `store_key_wrong`
 * when it was written with another key; nothing was changed then. Closing `scope` closes the store.
 */
export async function openStore(options: StoreOptions, parent: Scope, clock: Clock, log: Log): Promise<Store> {
  const scope = parent.child('store');
  try {
    const sealing = createSealing(options.encryptionKey);
    const url = options.postgresUrl ?? (await startEmbedded(options.dataDir, scope, clock, log)).url;
    const pool = openPool(url, options.deadlines ?? {}, scope, clock, log);
    await untilAnswering(pool, options.bootTimeoutMs ?? 30_000, scope, clock, log);
    const { applied, pending } = await scope.wait(migrationStatus(url));
    // Before anything is changed: a start with another key leaves the database as it is.
    if (applied.length > 0) await scope.wait(guardKey(pool.db, sealing));
    if (!options.migrate && pending.length > 0) throw new AywaError('store_schema', { detail: `Not applied yet: ${pending.join(', ')}.` });
    for (const name of pending.length > 0 ? await scope.wait(migrate(url)) : []) log.info('store_migrated', { migration: name });
    if (applied.length === 0) await scope.wait(guardKey(pool.db, sealing));
    const { db } = pool;
    return {
      organizations: createOrganizations(db, clock),
      apiKeys: createApiKeys(db, clock),
      assistants: createAssistants(db, clock),
      credentials: createCredentials(db, clock, sealing),
      calls: createCalls(db, clock),
      events: createEvents(db, clock, sealing),
      outbox: createOutbox(db, clock, sealing),
      nodes: createNodes(db),
      idempotency: createIdempotency(db, clock),
      sealing,
      address: pool.address,
      health: pool.health,
      close: () => scope.close('store closed'),
    };
  } catch (error) {
    await scope.close('store did not open');
    throw error;
  }
}

/** Tries until the database answers. What waiting cannot cure (a wrong password, a database that is not there) ends it at once. */
async function untilAnswering(pool: Pool, bootTimeoutMs: number, scope: Scope, clock: Clock, log: Log): Promise<void> {
  const since = clock.now();
  for (let attempt = 1; ; attempt++) {
    try {
      await scope.wait(pool.ping());
      return;
    } catch (error) {
      const waited = clock.now() - since;
      if (waited >= bootTimeoutMs || !mayPass(error)) throw error;
      log.warn('store_waiting', { attempt, waitedMs: Math.round(waited), database: pool.address, detail: asAywaError(error).detail });
      await clock.sleep(Math.min(2_000, 100 * 2 ** attempt), scope);
    }
  }
}
