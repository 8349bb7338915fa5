/** The parts of a call host without engine, voices and models: everything else is the real thing. */
import { carrierSet } from '../../src/carriers/index.ts';
import type { HostParts } from '../../src/host/host.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import type { Log } from '../../src/kernel/log.ts';
import { createWheel } from '../../src/kernel/wheel.ts';
import { startFakeCall } from './fake-call.ts';

export function fakeParts(name: string, log: Log): HostParts {
  return {
    name,
    node: 'node-1',
    clock: realClock,
    log,
    egress: createEgress('any'),
    providers: { stt: () => undefined, llm: () => undefined, tts: () => undefined },
    carriers: carrierSet(),
    wheel: createWheel(realClock),
    vad: { open: () => ({ write() {}, close() {} }) },
    recordingsDir: null,
    startCall: startFakeCall,
  };
}
