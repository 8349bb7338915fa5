/**
 * The call hosts of this node: as many as wanted, the least loaded first, a new one in place of each that died. It knows hosts, not
 * calls: whoever asks for a host is told what happens to it.
 */
import type { CallHost, Report } from '../host/protocol.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';

export interface HostPool {
  /** The accepting host with the fewest calls. */
  pick(): CallHost | undefined;
  readonly hosts: readonly CallHost[];
  readonly accepting: boolean;
  drain(): void;
  /** Stops all hosts; no new ones are started. */
  close(graceMs: number): Promise<void>;
}

export interface HostPoolOptions {
  readonly wanted: number;
  /** `name` is unique in the life of this process: `host-1`, `host-2`, ... */
  readonly makeHost: (name: string) => CallHost;
  readonly clock: Clock;
  readonly log: Log;
  onReport(host: CallHost, report: Report): void;
  onLost(host: CallHost, detail: string): void;
}

/** A host that dies at once must not be started in a tight loop; one that lived this long starts the waiting anew. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const STABLE_MS = 60_000;

export function hostPool(options: HostPoolOptions): HostPool {
  const { clock, log } = options;
  const hosts = new Set<CallHost>();
  const restarts = new Set<Timer>();
  let made = 0;
  let leaving = false;

  const start = (waitMs: number) => {
    made += 1;
    const host = options.makeHost(`host-${made}`);
    const since = clock.now();
    hosts.add(host);
    host.onReport((report) => options.onReport(host, report));
    host.onLost((detail) => {
      hosts.delete(host);
      options.onLost(host, detail);
      if (leaving) return;
      const wait = clock.now() - since > STABLE_MS ? FIRST_WAIT_MS : waitMs;
      log.error('host_lost', { host: host.name, detail, restartInMs: wait });
      const timer = clock.timer(wait, () => {
        restarts.delete(timer);
        start(Math.min(wait * 2, LONGEST_WAIT_MS));
      });
      restarts.add(timer);
    });
  };
  for (let i = 0; i < options.wanted; i += 1) start(FIRST_WAIT_MS);

  const leave = () => {
    leaving = true;
    for (const timer of restarts) timer.cancel();
  };
  return {
    get hosts() {
      return [...hosts];
    },
    get accepting() {
      return !leaving && [...hosts].some((host) => host.accepting);
    },
    pick() {
      if (leaving) return undefined;
      return [...hosts].filter((host) => host.accepting).sort((a, b) => a.calls - b.calls)[0];
    },
    drain() {
      leave();
      for (const host of hosts) host.send({ type: 'drain' });
    },
    async close(graceMs) {
      leave();
      await Promise.all([...hosts].map((host) => host.close(graceMs)));
    },
  };
}
