/**
 * The inside of a call host's own process: connects the host to the channel that control opened, and ends the process in good order
 * when control says so, when control is gone, or when something failed that belongs to no call.
 */
import type { Socket } from 'node:net';
import type { Log, LogFields } from '../kernel/log.ts';
import type { Down } from './child.ts';
import { createHost, type HostParts } from './host.ts';
import type { HostSettings } from './parts.ts';
import type { Report } from './protocol.ts';

/** Control is gone and nobody can be told: time enough to hang up at the carriers, no more. */
const ORPHAN_GRACE_MS = 10_000;
/** Control decides how long a stop may take, and kills what takes longer. */
const STOP_GRACE_MS = 24 * 3_600_000;
const EXIT_BUG = 70;

export function serveHost({ logLevel }: Pick<HostSettings, 'logLevel'>, makeParts: (log: Log) => HostParts): void {
  let retiring = false;
  const emit = (report: Report) => tell(report, retiring && report.type === 'drained' ? () => process.exit(EXIT_BUG) : () => {});
  const debugging = logLevel === 'debug' || logLevel === 'trace';
  const log = reportingLog(emit, debugging, {});
  const host = createHost(makeParts(log), emit);

  const leave = (graceMs: number) => {
    void host.stop(graceMs).then(() => tell({ type: 'drained' }, () => process.exit(0)));
  };
  process.on('message', (down: Down, socket: Socket | undefined) => {
    if (down.type === 'stop') leave(STOP_GRACE_MS);
    else if (down.type !== 'arrival') host.take(down);
    // A caller who hung up on the way arrives without a socket.
    else if (socket || down.arrival.kind !== 'socket') host.handOver(down.arrival, socket ?? null);
  });
  process.on('disconnect', () => leave(ORPHAN_GRACE_MS));
  // A terminal's Ctrl-C and a container's stop reach every process; control alone decides what they mean.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});

  const retire = (error: unknown) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('host_failed', { detail });
    if (retiring) return;
    retiring = true;
    emit({ type: 'retiring', detail });
    host.take({ type: 'drain' });
  };
  process.on('uncaughtException', retire);
  process.on('unhandledRejection', retire);
}

/** `sent` is called when this report, and with it every earlier one, has left the process, or when nobody is there to read it. */
function tell(report: Report, sent: () => void): void {
  if (process.connected) process.send?.(report, undefined, {}, sent);
  else sent();
}

/** A log whose lines control writes. Debug lines do not cross the wall unless somebody reads them. */
function reportingLog(emit: (report: Report) => void, debugging: boolean, always: LogFields): Log {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: LogFields) =>
    emit({ type: 'log', level, event, fields: { ...always, ...fields } });
  return {
    debug: debugging ? write('debug') : () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => reportingLog(emit, debugging, { ...always, ...fields }),
  };
}
