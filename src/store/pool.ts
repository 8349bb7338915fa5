/**
 * The connections to PostgreSQL, with all the deadlines that the driver leaves open: without them a query over a link that went
 * silent waits for ever, and so does every one after it. Errors come out as `store_away`, `store_timeout`, or the server's own.
 */
import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely';
import pg from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { AywaError, asAywaError, isAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Schema } from './schema.ts';

export type Database = Kysely<Schema>;

export interface Deadlines {
  /** To get a connection, a new one or one that is given back; ms. */
  readonly connectMs: number;
  /** For the answer to one statement; ms. The server gives up a little earlier, which keeps the connection. */
  readonly queryMs: number;
  /** Between two probes of the health; ms. */
  readonly probeMs: number;
}

/** `since` is epoch ms; `detail` says what is wrong. */
export interface StoreHealth {
  readonly state: 'ok' | 'down';
  readonly since: number;
  readonly detail: string | undefined;
}

export interface Pool {
  readonly db: Database;
  /** Host, port and database: nothing secret. */
  readonly address: string;
  ping(): Promise<void>;
  health(): StoreHealth;
}

/** Together they keep the promise that an API answer never waits longer than two seconds for the database. */
const DEADLINES: Deadlines = { connectMs: 1_000, queryMs: 1_000, probeMs: 1_000 };
const CONNECTIONS = 12;
const CLOSE_MS = 2_000;

/** Opens nothing yet: the first query does. Closing `scope` ends the connections. */
export function openPool(url: string, deadlines: Partial<Deadlines>, scope: Scope, clock: Clock, log: Log): Pool {
  const { connectMs, queryMs, probeMs } = { ...DEADLINES, ...deadlines };
  const connections = new pg.Pool({ ...connectionOptions(url, connectMs, queryMs), max: CONNECTIONS, idleTimeoutMillis: 60_000 });
  let health: StoreHealth = { state: 'ok', since: clock.wall(), detail: undefined };
  const noted = (state: StoreHealth['state'], detail?: string) => {
    if (health.state === state) return;
    health = { state, since: clock.wall(), detail };
    if (state === 'down') log.error('store_down', { database: address, detail });
    else log.info('store_back', { database: address });
  };
  // A connection may break when nobody waits for it: idle, lent out between two statements, or given up after a timeout. Without a
  // listener on the pool and on each connection, that would end the process.
  connections.on('error', () => {});
  connections.on('connect', (client) => client.on('error', () => {}));

  const db: Database = new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: {
        options: {},
        connect: () => connections.connect().then(guarded, (error) => Promise.reject(storeError(error))),
        end: () => ended(connections, clock),
      },
    }),
  });
  const ping = async () => {
    try {
      await sql`select 1`.execute(db);
      noted('ok');
    } catch (error) {
      noted('down', asAywaError(error).detail);
      throw error;
    }
  };
  const address = addressOf(url);
  scope.spawn('probe', async () => {
    for (;;) {
      await clock.sleep(probeMs, scope);
      await scope.wait(ping().catch(() => {}));
    }
  });
  scope.defer(() => db.destroy());
  return { db, address, ping, health: () => health };
}

/** What every connection of this product asks for, the migrations' own included. */
export function connectionOptions(url: string, connectMs: number, queryMs: number): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'aywa-runtime',
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    statement_timeout: Math.ceil(queryMs * 0.9),
    idle_in_transaction_session_timeout: queryMs * 5,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) },
  };
}

// Fences and counts; neither comes near 2^53.
const INT8 = 20;

/**
 * The server's and the driver's errors in the product's terms. What is left as it is, is about the statement (a constraint, a bug).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function storeError(error: unknown): unknown {
  if (isAywaError(error) || !(error instanceof Error)) return error;
  const code = sqlState(error);
  const extra = { detail: sentence(error.message || (code ?? 'No answer')), cause: error };
  // Cancelled by a timeout, deadlock, serialisation: the statement may be repeated.
  if (error.message === 'Query read timeout' || /^(57014|55P03|40P01|40001|25P03)$/.test(code ?? '')) {
    return new AywaError('store_timeout', extra);
  }
  // Connection, authorisation, no such database, too many connections, shutting down, a replica that takes no writes.
  if (code === undefined || /^(08|28|3D|53|57P|25006)/.test(code)) return new AywaError('store_away', extra);
  return error;
}

/** Can waiting cure this? Not a wrong password, nor a database that is not there. */
export function mayPass(error: unknown): boolean {
  if (!isAywaError(error)) return false;
  return error.code === 'store_timeout' || (error.code === 'store_away' && !/^(28|3D)/.test(sqlState(error.cause) ?? ''));
}

/** The server's five-letter code; `undefined` for an error of the connection. */
function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** JSON that PostgreSQL takes: it knows neither U+0000 nor half a surrogate pair, and one such letter would refuse a whole batch. */
export function storedJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  return json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2})|\\./g, (found) => (found.length === 6 ? '\ufffd' : found));
}

function parameter(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Date || value instanceof Uint8Array)
    return value;
  return storedJson(value);
}

/** A connection after whose failure nobody waits again: one that stopped answering is closed instead of given back. */
function guarded(client: pg.PoolClient): PostgresPoolClient {
  let broken: unknown;
  const query = async (text: string, parameters: readonly unknown[]) => {
    if (broken) throw broken;
    try {
      return await client.query(text, parameters.map(parameter));
    } catch (error) {
      const known = storeError(error);
      if (!(error instanceof pg.DatabaseError)) broken = known;
      throw known;
    }
  };
  // Only statements come here: no cursor is configured.
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken !== undefined) };
}

/** A silent server never confirms the goodbye: the wait for it is bounded. */
function ended(connections: pg.Pool, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(CLOSE_MS, resolve);
    connections
      .end()
      .then(resolve, resolve)
      .finally(() => timer.cancel());
  });
}

function addressOf(url: string): string {
  if (!URL.canParse(url)) return 'unreadable address';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
