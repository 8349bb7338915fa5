import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { realClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { migrate, migrationStatus } from '../../src/store/migrate.ts';
import { openPool } from '../../src/store/pool.ts';
import { openStore } from '../../src/store/store.ts';
import { type LabStore, openLabStore, optionsFor } from './lab-store.ts';

let lab: LabStore;
beforeAll(async () => {
  lab = await openLabStore();
});
afterAll(() => lab.stop());

const DEADLINES = { connectMs: 500, queryMs: 300, probeMs: 50 };

/** A link to the database that can fall silent: it takes what comes, and passes nothing on. */
async function link(url: string) {
  const { port, hostname } = new URL(url);
  const pairs = new Set<[Socket, Socket]>();
  let silent = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    pairs.add([near, far]);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => void (silent || to.write(bytes)));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const near = new URL(url);
  near.port = String(typeof address === 'object' ? address?.port : 0);
  return {
    url: near.href,
    fallSilent: () => {
      silent = true;
    },
    heal: () => {
      silent = false;
    },
    cut: () => {
      for (const [near, far] of pairs) for (const socket of [near, far]) socket.destroy();
      server.close();
    },
  };
}

describe('a database that is away', () => {
  it('answers within the deadline over a silent link, and works again when it heals', async () => {
    const line = await link(lab.url);
    const store = await openStore(optionsFor({ postgresUrl: line.url, deadlines: DEADLINES }), lab.scope, realClock, silentLog);
    await store.organizations.list();
    line.fallSilent();
    // More than there are connections: those who wait for one get their answer too.
    const asked = Array.from({ length: 40 }, () => store.organizations.list().catch((error) => error.code));
    for (const code of await Promise.all(asked)) expect(['store_away', 'store_timeout']).toContain(code);
    const change = store.assistants.update(lab.organization, lab.organization, (row) => row);
    await expect(change).rejects.toMatchObject({ status: 503 });
    await vi.waitFor(() => expect(store.health()).toMatchObject({ state: 'down', detail: expect.any(String) }));
    line.heal();
    await vi.waitFor(() => expect(store.health().state).toBe('ok'), { timeout: 10_000 });
    expect(await store.organizations.list()).toEqual(await lab.store.organizations.list());
    // The goodbye has a deadline as well.
    line.fallSilent();
    await store.close();
    line.cut();
  });

  it('tells a refused connection, and a statement that is too slow', async () => {
    const line = await link(lab.url);
    const { db, ping, health } = openPool(line.url, { ...DEADLINES, probeMs: 60_000 }, lab.scope, realClock, silentLog);
    await ping();
    await expect(sql`select pg_sleep(60)`.execute(db)).rejects.toMatchObject({ code: 'store_timeout' });
    expect(health().state).toBe('ok');
    line.cut();
    await expect(ping()).rejects.toMatchObject({ code: 'store_away' });
    expect(health().state).toBe('down');
  });

  it('keeps what the server says about the statement itself', async () => {
    const { db } = openPool(lab.url, {}, lab.scope, realClock, silentLog);
    const twice = { id: lab.organization, name: 'twice' };
    await expect(db.insertInto('organization').values(twice).execute()).rejects.toMatchObject({ code: '23505' });
  });

  it('refuses the start after a time, and at once where waiting cannot help', async () => {
    const line = await link(lab.url);
    line.cut();
    const open = (postgresUrl: string, bootTimeoutMs: number) =>
      openStore(optionsFor({ postgresUrl, bootTimeoutMs, deadlines: DEADLINES }), lab.scope, realClock, silentLog);
    await expect(open(line.url, 0)).rejects.toMatchObject({ code: 'store_away' });
    const wrong = new URL(lab.url);
    wrong.password = 'planted-wrong-password';
    const error: Error = await open(wrong.href, 3_600_000).catch((refused) => refused);
    expect(error).toMatchObject({ code: 'store_away', detail: expect.stringContaining('assword') });
    expect(error.message).not.toContain('planted');
    wrong.pathname = '/absent';
    wrong.password = new URL(lab.url).password;
    await expect(open(wrong.href, 3_600_000)).rejects.toThrow('"absent"');
  });
});

describe('migrations', () => {
  const folder = () => {
    const copy = join(lab.dataDir, 'migrations');
    cpSync(resolve(import.meta.dirname, '../../src/store/migrations'), copy, { recursive: true });
    return copy;
  };

  it('are told and applied by hand', async () => {
    await sql`create database by_hand`.execute(openPool(lab.url, {}, lab.scope, realClock, silentLog).db);
    const url = new URL(lab.url);
    url.pathname = '/by_hand';
    const run = (env: Record<string, string>, ...args: string[]) => {
      const file = resolve(import.meta.dirname, '../../src/store/migrate.ts');
      const { status, stdout } = spawnSync(process.execPath, [file, ...args], { env, encoding: 'utf8' });
      return { status, stdout };
    };
    const env = { RUNTIME_STORE_POSTGRES_URL: url.href };
    const { pending } = await migrationStatus(url.href);
    expect(run(env, 'status')).toEqual({ status: 0, stdout: `Applied: none. Pending: ${pending.join(', ')}.\n` });
    expect(run(env).stdout).toContain(`Applied ${pending[0]}.`);
    expect(run(env, 'status')).toEqual({ status: 0, stdout: `Applied: ${pending.join(', ')}. Pending: none.\n` });
    expect(run({})).toMatchObject({ status: 64, stdout: expect.stringContaining('RUNTIME_STORE_POSTGRES_URL') });
    url.pathname = '/absent';
    expect(run({ RUNTIME_STORE_POSTGRES_URL: url.href })).toMatchObject({ status: 69, stdout: expect.stringContaining('absent') });
  });

  it('go on where they stopped, each whole or not at all, once among several nodes', async () => {
    const files = folder();
    writeFileSync(join(files, '9001_first.sql'), 'create table tried (n int); insert into tried values (1);');
    writeFileSync(join(files, '9002_broken.sql'), 'insert into tried values (2); select * from nowhere;');
    await expect(migrate(lab.url, files)).rejects.toThrow('nowhere');
    expect((await migrationStatus(lab.url, files)).pending).toEqual(['9002_broken.sql']);
    writeFileSync(join(files, '9002_broken.sql'), 'insert into tried values (3);');
    const done = await Promise.all(Array.from({ length: 3 }, () => migrate(lab.url, files)));
    expect(done.flat()).toEqual(['9002_broken.sql']);
    expect((await migrationStatus(lab.url, files)).pending).toEqual([]);

    // An older version does not know 9001; a changed file is not what was applied.
    await expect(migrationStatus(lab.url)).rejects.toMatchObject({
      code: 'store_schema',
      detail: expect.stringContaining('9001_first.sql'),
    });
    writeFileSync(join(files, '9001_first.sql'), 'create table tried (n bigint);');
    await expect(migrate(lab.url, files)).rejects.toMatchObject({
      code: 'store_schema',
      detail: expect.stringContaining('9001_first.sql'),
    });
  });
});
