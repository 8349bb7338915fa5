/** What a call host of the product is made of; tests put their own parts in place of these. */
import { startCall } from '../call/call.ts';
import { carrierSet } from '../carriers/index.ts';
import type { Reach } from '../kernel/addresses.ts';
import { realClock } from '../kernel/clock.ts';
import { createEgress } from '../kernel/egress.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import { createWheel } from '../kernel/wheel.ts';
import { providerSet } from '../providers/index.ts';
import { createSilero } from '../providers/vad/silero.ts';
import type { HostParts } from './host.ts';

/** Plain data, so that it can be given to a process of its own. */
export interface HostSettings {
  readonly name: string;
  readonly node: string;
  readonly recordingsDir: string | null;
  readonly logLevel: LogLevel;
  /** Which addresses providers and carriers may have. */
  readonly reach: Reach;
}

export function hostParts(settings: HostSettings, log: Log): HostParts {
  return {
    name: settings.name,
    node: settings.node,
    recordingsDir: settings.recordingsDir,
    clock: realClock,
    log,
    egress: createEgress(settings.reach),
    providers: providerSet,
    carriers: carrierSet(),
    vad: createSilero(),
    wheel: createWheel(realClock),
    startCall,
  };
}
