import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { realClock } from '../../src/kernel/clock.ts';
import { type Log, type LogFields, silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import { madeKeys } from '../../src/store/made-keys.ts';
import { lockFolder } from '../../src/store/processes.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { emptyFolder, optionsFor } from './lab-store.ts';

const scopes: Scope[] = [];
const folders: string[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const scope of scopes.splice(0)) await scope.close('test over');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const folder = () => {
  const made = emptyFolder();
  folders.push(made);
  return made;
};

/** Opens a store and notes what it says. */
async function open(dataDir: string, more: Parameters<typeof optionsFor>[0] = {}): Promise<{ store: Store; said: string[] }> {
  const said: string[] = [];
  const note = (event: string, fields: LogFields = {}) => void said.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const scope = rootScope('test');
  scopes.push(scope);
  return { store: await openStore(optionsFor({ dataDir, ...more }), scope, realClock, log), said };
}

const written = async (store: Store) => {
  const { id } = await store.organizations.ensure('default');
  return (await store.assistants.list(id)).map((row) => row.id);
};
const postmaster = (dataDir: string) => Number(readFileSync(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0]);

// Each test makes clusters of its own, which takes its time on a busy machine.
describe('the embedded server', { timeout: 60_000 }, () => {
  it('outlives a killed runtime, and the next one gets everything that was written', async () => {
    const dataDir = folder();
    const child = fork(new URL('./runtime.ts', import.meta.url), [dataDir]);
    children.push(child);
    const [id] = await once(child, 'message');

    await expect(open(dataDir)).rejects.toThrow(`in use by process ${child.pid}`);

    child.kill('SIGKILL');
    await once(child, 'exit');
    const left = postmaster(dataDir);
    process.kill(left, 0); // Throws if the server had died with it.
    const { store, said } = await open(dataDir);
    expect(await written(store)).toEqual([id]);
    expect(said.join()).toContain('store_server_left_behind');
    expect(postmaster(dataDir)).not.toBe(left);
  });

  it('refuses a second runtime in the same folder, and another key, and changes nothing', async () => {
    const dataDir = folder();
    const { store } = await open(dataDir);
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'data_dir_refused', fix: expect.stringContaining('RUNTIME_DATA_DIR') });
    const { fingerprint } = store.sealing;
    await store.close();
    expect(existsSync(join(dataDir, 'postgres/cluster/postmaster.pid'))).toBe(false);

    const refused = open(dataDir, { encryptionKey: 'another key that is also long enough' });
    await expect(refused).rejects.toMatchObject({ code: 'store_key_wrong', detail: expect.stringContaining(fingerprint) });
    const again = await open(dataDir, { encryptionKey: `new:yet another key that is long enough,old:${optionsFor({}).encryptionKey}` });
    expect(await written(again.store)).toEqual([]);
  });

  it('is started again when it dies, and the store comes back by itself', async () => {
    const dataDir = folder();
    const { store, said } = await open(dataDir, { deadlines: { probeMs: 50 } });
    const before = await store.organizations.ensure('default');
    process.kill(postmaster(dataDir), 'SIGKILL');
    await vi.waitFor(() => expect(store.health().state).toBe('down'), { timeout: 15_000 });
    await vi.waitFor(() => expect(store.health().state).toBe('ok'), { timeout: 15_000 });
    expect(await store.organizations.ensure('default')).toEqual(before);
    expect(said.join()).toContain('store_server_died');
  });

  it('is made anew only where its making was cut short', async () => {
    const dataDir = folder();
    mkdirSync(join(dataDir, 'postgres/cluster'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres/cluster/half'), 'half a cluster');
    const { store } = await open(dataDir);
    const { id } = await store.organizations.ensure('kept');
    await store.close();
    // A damaged cluster that was complete once is somebody's data: it refuses, with the server's own words.
    const control = join(dataDir, 'postgres/cluster/global/pg_control');
    const whole = readFileSync(control);
    rmSync(control);
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'store_away', detail: expect.stringContaining('pg_control') });
    writeFileSync(control, whole);
    chmodSync(control, 0o666);
    const again = await open(dataDir);
    expect((await again.store.organizations.ensure('kept')).id).toBe(id);
  });

  it('ignores a postmaster.pid whose number now belongs to another process', async () => {
    const dataDir = folder();
    const { store } = await open(dataDir);
    await store.close();
    const { uid } = statSync(join(dataDir, 'postgres/cluster'));
    // One that the server's user could signal: PostgreSQL alone would take it for a server that runs.
    const stranger = spawn('sleep', ['1000'], { uid });
    children.push(stranger);
    await once(stranger, 'spawn');
    const left = `${stranger.pid}\n${join(dataDir, 'postgres/cluster')}\n1\n1\n\n\n\nready\n`;
    writeFileSync(join(dataDir, 'postgres/cluster/postmaster.pid'), left);
    expect(await written((await open(dataDir)).store)).toEqual([]);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });

  it.runIf(process.getuid?.() === 0)('moves to where its user reaches it when the data folder is closed to others', async () => {
    const closed = folder();
    chmodSync(closed, 0o700);
    const dataDir = join(closed, 'data');
    const { store, said } = await open(dataDir);
    const place = readFileSync(join(dataDir, 'postgres-is-at'), 'utf8');
    folders.push(place);
    expect(said.join()).toContain('store_moved');
    expect(statSync(join(place, 'cluster')).uid).not.toBe(0);
    const { id } = await store.organizations.ensure('moved');
    await store.close();
    // Opened up later, it stays where the data is.
    chmodSync(closed, 0o755);
    const again = await open(dataDir);
    expect((await again.store.organizations.ensure('moved')).id).toBe(id);
    await again.store.close();
    // Gone, it is missed, not made anew.
    rmSync(place, { recursive: true });
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'config_refused', detail: expect.stringContaining(place) });
  });
});

describe('the schema', { timeout: 60_000 }, () => {
  it('is not changed by a production start, which says what is missing', async () => {
    const dataDir = folder();
    await expect(open(dataDir, { migrate: false })).rejects.toMatchObject({
      code: 'store_schema',
      detail: expect.stringContaining('0001_foundation.sql'),
    });
    const { store } = await open(dataDir);
    await store.close();
    expect(await written((await open(dataDir, { migrate: false })).store)).toEqual([]);
  });
});

describe('made keys', () => {
  it('are made once, kept for the owner alone, and give way to given ones', () => {
    const dataDir = folder();
    const none = { encryptionKey: undefined, webhookSecret: undefined, apiKey: undefined };
    madeKeys(dataDir, { encryptionKey: 'a', webhookSecret: 'b', apiKey: 'c' });
    expect(readdirSync(dataDir)).toEqual([]);
    const first = madeKeys(dataDir, none);
    expect(madeKeys(dataDir, none)).toEqual(first);
    expect(first.apiKey).toMatch(/^ak_lab_/);
    expect(first.webhookSecret).toMatch(/^whsec_/);
    expect(first.apiKeyMade).toBe(true);
    expect(new Set(Object.values(first)).size).toBe(4);
    expect(statSync(join(dataDir, 'keys/encryption-key')).mode & 0o777).toBe(0o600);
    expect(madeKeys(dataDir, { ...none, apiKey: 'given' })).toEqual({ ...first, apiKey: 'given', apiKeyMade: false });
  });
});

describe('the folder lock', () => {
  it('is held by one, and taken over from the dead', () => {
    const dir = folder();
    const lock = lockFolder(dir);
    expect(() => lockFolder(dir)).toThrow(String(process.pid));
    lock[Symbol.dispose]();
    // A number that lives, but began at another time: it came back.
    writeFileSync(join(dir, 'lock'), `${process.pid} 1`);
    lockFolder(dir)[Symbol.dispose]();
    const gone = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
    writeFileSync(join(dir, 'lock'), `${gone} 12345`);
    lockFolder(dir)[Symbol.dispose]();
    expect(existsSync(join(dir, 'lock'))).toBe(false);
  });
});
