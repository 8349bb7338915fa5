/**
 * Loaded first into every process of a profiled subject; control and the one that holds calls listen. The first SIGUSR2 begins a CPU and an
 * allocation profile, the second writes both beside the path in BENCH_PROFILE, under the process's role. It changes nothing else.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** By entry module: PostgreSQL's start and other helpers are no subject. */
const ROLES: readonly [RegExp, role: string][] = [
  [/\/(child-main|floor)\.ts$/, 'host'],
  [/\/main\.ts$/, 'control'],
];
const INTERVAL_US = 500;
/** Bytes between two samples of the allocation profile. */
const SAMPLING_BYTES = 8_192;

const role = ROLES.find(([entry]) => entry.test(process.argv[1] ?? ''))?.[1];
const path = `${process.env.BENCH_PROFILE}.${role}`;
if (process.env.BENCH_PROFILE && role) {
  const session = new Session();
  session.connect();
  let running = false;
  process.on('SIGUSR2', () => {
    running = !running;
    if (running) begin();
    else end();
  });
  const begin = () => {
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    session.post('HeapProfiler.startSampling', {
      samplingInterval: SAMPLING_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    session.post('Profiler.start');
  };
  const end = () => {
    session.post('Profiler.stop', (error, result) => {
      if (!error) writeFileSync(`${path}.cpu.json`, JSON.stringify(result.profile));
      session.post('HeapProfiler.stopSampling', (fault, heap) => {
        if (!fault) writeFileSync(`${path}.heap.json`, JSON.stringify(heap.profile));
      });
    });
  };
}
