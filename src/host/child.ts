/**
 * A call host in a process of its own, seen from control: commands and the callers' sockets down, reports up. When that process
 * dies, it says so once and is silent from then on; it never starts another one.
 */
import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../kernel/clock.ts';
import { hostGauge } from './gauge.ts';
import type { HostSettings } from './parts.ts';
import type { Arrival, CallHost, Command, Report } from './protocol.ts';

/** What goes down the wall: a command, or an arrival, perhaps with its socket beside it. */
export type Down = Command | { type: 'arrival'; arrival: Arrival };

/** Far beyond any pause that leaves a call alive; starting takes less than a second. */
const FROZEN_AFTER_MS = 15_000;

/** `entry` is the module that the process runs; another one only in tests. */
export function childHost(settings: HostSettings, clock: Clock, entry = new URL('./child-main.ts', import.meta.url)): CallHost {
  const gauge = hostGauge();
  const gone = Promise.withResolvers<void>();
  let takeReport: (report: Report) => void = () => {};
  let takeLost: (detail: string) => void = () => {};
  /** Sockets that the process has not confirmed yet. */
  const leaving = new Set<Socket>();
  let over = false;
  let closing = false;
  // The parent's own flags (a debugger's port, a file watcher) are not for its children. A call keeps little and drops much: a small
  // nursery is collected in a moment and stays in the cache; the default one grows by 50 MB for nothing.
  const child = fork(fileURLToPath(entry), [JSON.stringify(settings)], {
    serialization: 'advanced',
    execArgv: ['--max-semi-space-size=4'],
  });

  const lost = (detail: string) => {
    if (over) return;
    over = true;
    frozen.cancel();
    for (const socket of leaving) socket.destroy();
    gone.resolve();
    if (!closing) takeLost(detail);
  };
  // It reports its load every second; a process that does not is frozen, and its callers hear nothing.
  const freeze = () => void child.kill('SIGKILL');
  let frozen = clock.timer(FROZEN_AFTER_MS, freeze, { idle: true });
  child.on('message', (report) => {
    frozen.cancel();
    frozen = clock.timer(FROZEN_AFTER_MS, freeze, { idle: true });
    gauge.took(report as Report);
    takeReport(report as Report);
  });
  // The channel closes when everything that the process had said before its death was read.
  const exited = Promise.withResolvers<string>();
  const drained = Promise.withResolvers<void>();
  child.on('exit', (code, signal) => exited.resolve(signal ? `killed by ${signal}` : `exited with ${code}`));
  child.on('disconnect', drained.resolve);
  void Promise.all([exited.promise, drained.promise]).then(([detail]) => lost(detail));
  child.on('error', (error) => {
    if (child.pid === undefined) lost(error.message);
  });

  const post = (command: Command) => {
    // Whatever could not be sent is part of what is lost with the process.
    if (child.connected) child.send(command satisfies Down, () => {});
  };
  return {
    name: settings.name,
    get calls() {
      return over ? 0 : gauge.calls;
    },
    get accepting() {
      return !over && gauge.accepting;
    },
    send(command) {
      gauge.sent(command);
      post(command);
    },
    handOver(arrival, socket) {
      if (!child.connected) return void socket?.destroy();
      const down: Down = { type: 'arrival', arrival };
      if (!socket) return void child.send(down, () => {});
      detach(socket);
      leaving.add(socket);
      child.send(down, socket, {}, () => {
        leaving.delete(socket);
        socket.destroy();
      });
    },
    onReport(take) {
      takeReport = take;
    },
    onLost(take) {
      takeLost = take;
    },
    async close(graceMs) {
      closing = true;
      gauge.sent({ type: 'stop' });
      post({ type: 'stop' });
      const force = clock.timer(graceMs, () => child.kill('SIGKILL'));
      await gone.promise;
      force.cancel();
    },
  };
}

/**
 * Takes a socket out of this process's hands before it is sent. Both processes hold the connection until the other one has confirmed
 * it, and whatever this one still read would be lost. And a server that keeps count of the sockets it gave to a process never reports
 * its own close when that process is gone.
 */
function detach(socket: Socket): void {
  const inner = socket as unknown as { _handle?: { readStop?: () => void }; server?: unknown };
  inner._handle?.readStop?.();
  inner.server = undefined;
}
