/** A call host inside the control process: the lab, tests, and `RUNTIME_CALL_HOSTS=0`. The same code and the same wall as in a process of its own. */
import { hostGauge } from './gauge.ts';
import { createHost, type HostParts } from './host.ts';
import type { CallHost, Report } from './protocol.ts';

/** Here the API, the dashboard and a developer's machine are late for reasons of their own: refuse only what would be unbearable. */
const LATE_MS = 100;

export function inProcessHost(parts: HostParts): CallHost {
  const gauge = hostGauge(LATE_MS);
  let takeReport: (report: Report) => void = () => {};
  const host = createHost({ ...parts, log: parts.log.with({ host: parts.name }) }, (report) => {
    gauge.took(report);
    takeReport(report);
  });
  return {
    name: parts.name,
    get calls() {
      return gauge.calls;
    },
    get accepting() {
      return gauge.accepting;
    },
    send(command) {
      gauge.sent(command);
      host.take(command);
    },
    handOver: host.handOver,
    onReport(take) {
      takeReport = take;
    },
    // It dies only with control itself.
    onLost() {},
    close(graceMs) {
      gauge.sent({ type: 'stop' });
      return host.stop(graceMs);
    },
  };
}
