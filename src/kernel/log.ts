/**
 * The process log: one JSON line per typed event on standard output. Callers pass plain fields; nothing here throws or blocks.
 * Secrets do not belong into fields at all; the redaction below is the second wall, not the first.
 */
import pino from 'pino';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with fields that every line carries. */
  with(fields: LogFields): Log;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** After `=` or `:` anything may be the secret; after a mere space only what is too long for a word, so that sentences stay sentences. */
const SECRET = /(bearer\s+|(?:api[-_]?key|token|secret|password)(?:["'\s]*[=:]["'\s]*|["'\s]+(?=[^\s"',;&]{12})))[^\s"',;&]+/gi;

function clean(fields: LogFields | undefined): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields ?? {})) {
    out[key] = typeof value === 'string' ? value.slice(0, 2_000).replace(SECRET, '$1[redacted]') : value;
  }
  return out;
}

function over(logger: pino.Logger): Log {
  return {
    debug: (event, fields) => logger.debug(clean(fields), event),
    info: (event, fields) => logger.info(clean(fields), event),
    warn: (event, fields) => logger.warn(clean(fields), event),
    error: (event, fields) => logger.error(clean(fields), event),
    with: (fields) => over(logger.child(clean(fields))),
  };
}

/** A log that writes to file descriptor 1 without buffering in the process. */
export function createLog(level: LogLevel, fields: LogFields = {}): Log {
  return over(pino({ level, base: clean(fields), timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' }));
}

/** A log that keeps nothing: for tests and for libraries that insist on one. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };
