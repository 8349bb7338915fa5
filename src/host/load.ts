/** How busy the process of a host is, once a second: the delay of its event loop is what makes frames late. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { Scope } from '../kernel/scope.ts';

export interface Load {
  /** 99th percentile of the last second, ms beyond the due time. */
  readonly loopP99Ms: number;
  /** Share of one core in the last second. */
  readonly cpu: number;
  readonly rssMb: number;
}

const EVERY_MS = 1_000;
const RESOLUTION_MS = 10;

export function watchLoad(scope: Scope, clock: Clock, take: (load: Load) => void): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let used = process.cpuUsage();
  let at = clock.now();
  let timer: Timer;
  const measure = () => {
    const { user, system } = process.cpuUsage(used);
    const now = clock.now();
    // The histogram holds whole intervals, the resolution included.
    const loopP99Ms = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS);
    const cpu = now > at ? (user + system) / 1_000 / (now - at) : 0;
    used = process.cpuUsage();
    at = now;
    delay.reset();
    timer = clock.timer(EVERY_MS, measure, { idle: true });
    take({ loopP99Ms, cpu, rssMb: process.memoryUsage.rss() / 1024 / 1024 });
  };
  delay.enable();
  timer = clock.timer(EVERY_MS, measure, { idle: true });
  scope.defer(() => {
    timer.cancel();
    delay.disable();
  });
}
