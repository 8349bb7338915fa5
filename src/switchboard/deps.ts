/** What placing, dialling and finding calls needs; the API and a carrier's webhook bring the same. */
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Store } from '../store/store.ts';
import type { CarrierCalls } from './carrier-calls.ts';
import type { Switchboard } from './switchboard.ts';

export interface PlacingDeps {
  readonly config: Config;
  readonly store: Store;
  readonly journal: Journal;
  readonly switchboard: Switchboard;
  readonly log: Log;
  readonly clock: Clock;
  readonly scope: Scope;
  /** To the operator's own addresses: carriers' REST. */
  readonly egress: Egress;
  readonly carrierCalls: CarrierCalls;
}
