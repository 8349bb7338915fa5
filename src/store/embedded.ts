/**
 * The lab's own PostgreSQL: a real server from npm binaries, in the data folder, on a free loopback port. It is started anew after a
 * death, stopped with its scope, and never inherited: a server that a killed process left behind is stopped cleanly first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { AywaError, asAywaError } from '../kernel/errors.ts';
import { randomToken } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import { isCancelled, type Scope } from '../kernel/scope.ts';
import { findHome, giveTo, type Home } from './embedded-home.ts';
import { createWhole, kept, textOf } from './kept-file.ts';
import { lockFolder, runsWith, signalled, startOf } from './processes.ts';

export interface Embedded {
  /** With the password: not for logs. */
  readonly url: string;
}

/** Recovery after a kill reads the write-ahead log; on a slow disk that takes its time. */
const READY_MS = 60_000;
const STOP_MS = 10_000;
const POLL_MS = 20;
const RESTART_MS = 1_000;
const LOG_BYTES = 8 * 1024 * 1024;

/** Resolves when the server takes connections. Throws `config_refused` (with what to do), `data_dir_refused` or `store_away` (with the server's words). */
export async function startEmbedded(dataDir: string, scope: Scope, clock: Clock, log: Log): Promise<Embedded> {
  const home = findHome(dataDir, log);
  const lock = lockFolder(home.folder);
  scope.defer(() => lock[Symbol.dispose]());
  const passwordFile = join(home.folder, 'password');
  const password = kept(passwordFile, () => randomToken());
  giveTo(home.user, passwordFile);

  await stopLeftBehind(home, scope, clock, log);
  await initialise(home, passwordFile, scope, log);
  let server: Server | undefined;
  scope.defer(() => server && stopServer(server, clock));
  const start = async (port: number) => {
    server = launch(home, port);
    await untilReady(home, server, scope, clock);
    log.info('store_server_started', { port, pid: server.child.pid, folder: home.folder });
  };

  let port = 0;
  for (let attempt = 1; port === 0; attempt++) {
    const free = await freePort(scope);
    try {
      await start(free);
      port = free;
    } catch (error) {
      // Somebody else may have taken the port meanwhile; nothing else gets better by itself.
      if (attempt === 3 || !/address already in use/i.test(asAywaError(error).message)) throw error;
    }
  }
  scope.spawn('embedded server', async () => {
    for (;;) {
      if (server) await scope.wait(server.exited);
      log.error('store_server_died', { folder: home.folder });
      await clock.sleep(RESTART_MS, scope);
      try {
        await stopLeftBehind(home, scope, clock, log);
        await start(port);
      } catch (error) {
        if (isCancelled(error)) throw error;
        log.error('store_server_start_failed', { detail: asAywaError(error).message });
      }
    }
  });
  return { url: `postgres://aywa:${password}@127.0.0.1:${port}/postgres` };
}

interface Server {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly running: boolean;
}

/** Makes the cluster. A folder whose making was cut short is made again; one that was complete once is never touched. */
async function initialise(home: Home, passwordFile: string, scope: Scope, log: Log): Promise<void> {
  const marker = join(home.folder, 'initialised');
  if (existsSync(marker)) return;
  rmSync(home.cluster, { recursive: true, force: true });
  mkdirSync(home.cluster, { mode: 0o700 });
  giveTo(home.user, home.cluster);
  log.info('store_server_created', { folder: home.folder });
  const child = spawn(
    home.initdb,
    [`--pgdata=${home.cluster}`, '--username=aywa', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
    { ...home.user, cwd: '/', env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  scope.defer(() => void child.kill());
  let words = '';
  child.stderr?.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-2_000);
  });
  const failure = await scope.wait(
    new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(code === 0 ? undefined : `initdb ended with ${code ?? signal}: ${words.trim()}`));
    }),
  );
  if (failure !== undefined) throw new AywaError('store_away', { detail: `The embedded database could not be made. ${failure}` });
  createWhole(marker, `PostgreSQL ${textOf(join(home.cluster, 'PG_VERSION'))?.trim()}`);
}

/** A process group of its own: an interrupt from the terminal is for the runtime, which stops the server when it no longer needs it. */
function launch(home: Home, port: number): Server {
  const logFile = join(home.folder, 'server.log');
  const flags = (statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES ? 'w' : 'a';
  // A file, not a pipe: the server outlives a runtime that is killed, and must not fail over its own log then.
  const output = openSync(logFile, flags, 0o600);
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=50', 'logging_collector=off'];
  const child = spawn(home.postgres, ['-D', home.cluster, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])], {
    ...home.user,
    cwd: '/',
    env: { LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let running = true;
  const exited = new Promise<void>((resolve) => {
    const over = () => {
      running = false;
      resolve();
    };
    child.once('error', over);
    child.once('exit', over);
  });
  return {
    child,
    exited,
    get running() {
      return running;
    },
  };
}

async function untilReady(home: Home, server: Server, scope: Scope, clock: Clock): Promise<void> {
  const since = clock.now();
  for (;;) {
    if (!server.running) throw new AywaError('store_away', { detail: `The embedded server ended: ${lastWords(home)}` });
    const file = readPostmaster(home);
    if (file?.pid === server.child.pid && file?.status === 'ready') return;
    if (clock.now() - since > READY_MS)
      throw new AywaError('store_away', { detail: `The embedded server does not get ready: ${lastWords(home)}` });
    await clock.sleep(POLL_MS, scope);
  }
}

/** `postmaster.pid`: process, folder, start, port, socket folder, address, shared memory, status; a line each. */
function readPostmaster(home: Home): { pid: number; status: string | undefined } | undefined {
  const lines = textOf(join(home.cluster, 'postmaster.pid'))?.split('\n');
  return lines && { pid: Number(lines[0]), status: lines[7]?.trim() };
}

async function stopLeftBehind(home: Home, scope: Scope, clock: Clock, log: Log): Promise<void> {
  const left = readPostmaster(home);
  if (!left) return;
  if (runsWith(left.pid, home.cluster)) {
    log.warn('store_server_left_behind', {
      pid: left.pid,
      detail: 'A process that was killed left its database server: it is stopped and started anew.',
    });
    // Fast shutdown writes everything; immediate shutdown leaves that to the recovery.
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
      signalled(left.pid, signal);
      for (const since = clock.now(); runsWith(left.pid, home.cluster) && clock.now() - since < STOP_MS; )
        await clock.sleep(POLL_MS, scope);
    }
    if (runsWith(left.pid, home.cluster)) {
      throw new AywaError('store_away', { detail: `The database server with process id ${left.pid} does not stop: end it by hand.` });
    }
  }
  // Of a dead server PostgreSQL itself judges the file, by the shared memory that it names. Only where the number has come back with
  // another process would it refuse; with its parent's number in the file it knows that it is stale.
  else if (startOf(left.pid) !== undefined) {
    const file = join(home.cluster, 'postmaster.pid');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)));
  }
}

/** Runs while its scope closes, so it waits by the clock alone. */
function stopServer(server: Server, clock: Clock): Promise<void> {
  server.child.kill('SIGINT');
  const timer = clock.timer(STOP_MS, () => server.child.kill('SIGQUIT'));
  return server.exited.finally(() => timer.cancel());
}

function lastWords(home: Home): string {
  return readFileSync(join(home.folder, 'server.log'), 'utf8').trim().split('\n').slice(-5).join(' ').slice(-1_000);
}

async function freePort(scope: Scope): Promise<number> {
  return scope.wait(
    new Promise((resolve, reject) => {
      const probe = createServer().once('error', reject);
      probe.listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
      });
    }),
  );
}
