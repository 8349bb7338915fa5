/** What control knows of a call host's load: how many calls it has, and whether it should get another. The same for both forms. */
import type { Command, Report } from './protocol.ts';

/** A host whose event loop is this late at the 99th percentile makes frames of its calls late: no new ones. */
const LATE_MS = 20;
/** One bad second is a garbage collection; this many in a row are load. As many good ones make the host accept again. */
const SECONDS_IN_A_ROW = 3;

export interface Gauge {
  sent(command: Command): void;
  took(report: Report): void;
  readonly calls: number;
  readonly accepting: boolean;
}

export function hostGauge(lateMs = LATE_MS): Gauge {
  const calls = new Set<string>();
  let ready = false;
  let leaving = false;
  let overloaded = false;
  let streak = 0;

  return {
    get calls() {
      return calls.size;
    },
    get accepting() {
      // With no calls to protect, refusing one helps nobody.
      return ready && !leaving && (!overloaded || calls.size === 0);
    },
    sent(command) {
      if (command.type === 'open') calls.add(command.plan.call);
      else if (command.type === 'drain' || command.type === 'stop') leaving = true;
    },
    took(report) {
      if (report.type === 'ready') ready = true;
      else if (report.type === 'closed') calls.delete(report.call);
      else if (report.type === 'retiring') leaving = true;
      else if (report.type === 'load') {
        streak = report.loopP99Ms > lateMs === overloaded ? 0 : streak + 1;
        if (streak === SECONDS_IN_A_ROW) {
          overloaded = !overloaded;
          streak = 0;
        }
      }
    },
  };
}
