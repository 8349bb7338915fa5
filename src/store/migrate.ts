/**
 * The schema, moved forward by numbered SQL files: each in a transaction of its own, recorded with its hash, so that an interrupted
 * run goes on where it stopped. Never backward, never a reset. `npm run migrate` runs it by hand, which production needs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { AywaError, asAywaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/ids.ts';
import { connectionOptions, storeError } from './pool.ts';

export interface MigrationStatus {
  /** File names, in order. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly hash: string;
}

const FOLDER = join(import.meta.dirname, 'migrations');
const CONNECT_MS = 5_000;
/** A migration may rewrite a large table; past this it is stuck on a lock. */
const STATEMENT_MS = 10 * 60_000;
/** Any number that nothing else on the server locks. */
const LOCK = 0x61797761;

/** What is applied and what is not. Throws `store_schema` when the database holds what this version does not know. */
export function migrationStatus(url: string, folder = FOLDER): Promise<MigrationStatus> {
  const files = readFolder(folder);
  return connected(url, async (client) => statusOf(files, await recorded(client)));
}

/** Applies what is pending; gives the names. Several nodes may do it at once: one works, the others find it done. */
export function migrate(url: string, folder = FOLDER): Promise<string[]> {
  const files = readFolder(folder);
  return connected(url, async (client) => {
    const done: string[] = [];
    for (;;) {
      await client.query('begin');
      // Held until the end of the transaction, so that it works through a pooler too.
      await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
      const { pending } = statusOf(files, await recorded(client));
      const next = files.find((file) => file.name === pending[0]);
      if (!next) {
        await client.query('rollback');
        return done;
      }
      await client.query(`create table if not exists schema_migration (
        name text primary key, hash text not null, applied_at timestamptz(3) not null default now())`);
      await client.query(next.text);
      await client.query('insert into schema_migration (name, hash) values ($1, $2)', [next.name, next.hash]);
      await client.query('commit');
      done.push(next.name);
    }
  });
}

function readFolder(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_\w+\.sql$/.test(name));
  return names.sort().map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name, text, hash: sha256(text) };
  });
}

type Recorded = readonly { name: string; hash: string }[];

function statusOf(files: readonly Migration[], applied: Recorded): MigrationStatus {
  for (const { name, hash } of applied) {
    const file = files.find((candidate) => candidate.name === name);
    if (!file)
      throw new AywaError('store_schema', { detail: `It has ${name}, which this version does not know: start the newer version.` });
    if (file.hash !== hash) throw new AywaError('store_schema', { detail: `${name} is not the text that was applied: restore the file.` });
  }
  const names = applied.map(({ name }) => name);
  return { applied: names, pending: files.map(({ name }) => name).filter((name) => !names.includes(name)) };
}

async function recorded(client: pg.Client): Promise<Recorded> {
  const table = await client.query<{ there: boolean }>("select to_regclass('schema_migration') is not null as there");
  if (!table.rows[0]?.there) return [];
  return (await client.query<{ name: string; hash: string }>('select name, hash from schema_migration order by name')).rows;
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(connectionOptions(url, CONNECT_MS, STATEMENT_MS));
  client.on('error', () => {}); // A connection that breaks fails the statement that waits on it.
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw storeError(error);
  } finally {
    // Not awaited: a server that went silent would not answer the goodbye either.
    void client.end().catch(() => {});
  }
}

if (import.meta.main) {
  const url = process.env.RUNTIME_STORE_POSTGRES_URL;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  try {
    if (!url)
      throw new AywaError('config_refused', { detail: 'RUNTIME_STORE_POSTGRES_URL is not set; the embedded database migrates itself.' });
    const { applied, pending } = await migrationStatus(url);
    say(`Applied: ${applied.join(', ') || 'none'}. Pending: ${pending.join(', ') || 'none'}.`);
    if (process.argv[2] !== 'status') for (const name of await migrate(url)) say(`Applied ${name}.`);
  } catch (error) {
    const { message, fix, code } = asAywaError(error);
    say(`${message} ${fix}`);
    process.exitCode = code === 'config_refused' ? 64 : 69;
  }
}
