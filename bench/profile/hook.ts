/**
 * Loaded first into every process of a profiled subject; only the one that holds calls listens. The first SIGUSR2 begins a CPU and an
 * allocation profile, the second writes both beside the path in BENCH_PROFILE. It changes nothing else.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** The call host's and the floor's entry modules. */
const HOLDS_CALLS = /\/(child-main|floor)\.ts$/;
const INTERVAL_US = 500;
/** Bytes between two samples of the allocation profile. */
const SAMPLING_BYTES = 8_192;

const path = process.env.BENCH_PROFILE;
if (path && HOLDS_CALLS.test(process.argv[1] ?? '')) {
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
