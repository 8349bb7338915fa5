/**
 * The environment as one frozen typed object, and the gates that a production start must pass. One table names every variable;
 * it validates, lists all faults at once by name and never by value, and makes `docs/config.md`. The only reader of `process.env`.
 */
import { resolve } from 'node:path';
import { AywaError } from './kernel/errors.ts';
import type { LogLevel } from './kernel/log.ts';

export type Mode = 'lab' | 'production';

export interface Config {
  readonly mode: Mode;
  readonly host: string;
  readonly port: number;
  /** Public origin, no trailing slash. In the lab `http://127.0.0.1:<port>` unless set. */
  readonly publicUrl: string;
  readonly nodeId: string;
  /** The first administrator's key; in the lab one is made and kept in the data folder when unset. */
  readonly apiKey: string | undefined;
  readonly dataDir: string;
  readonly recordingsDir: string;
  /** `undefined`: the embedded server. */
  readonly postgresUrl: string | undefined;
  /** `kid:key` pairs or one key; `undefined` in the lab: one is made and kept in the data folder. */
  readonly encryptionKey: string | undefined;
  readonly redisUrl: string | undefined;
  readonly s3Bucket: string | undefined;
  readonly webhookSecret: string | undefined;
  readonly corsOrigins: readonly string[];
  readonly toolHosts: readonly string[];
  readonly logLevel: LogLevel;
  /** Number of call host processes; 0 keeps calls in the control process. */
  readonly callHosts: number;
  readonly maxCalls: number;
  /** Where the `<VENDOR>_API_KEY`, `<VENDOR>_BASE_URL` and carrier variables are read from. */
  readonly vendors: Readonly<Record<string, string>>;
}

interface Variable {
  readonly name: string;
  readonly what: string;
  readonly lab: string;
  /** `secret`: 32 characters or more, no placeholder, no other role's value. */
  readonly gate: 'required' | 'secret' | 'optional';
}

const v = (name: string, gate: Variable['gate'], lab: string, what: string): Variable => ({ name, gate, lab, what });

/** Every variable of this process. Vendors' names follow from the provider and carrier tables. */
export const VARIABLES: readonly Variable[] = [
  v(
    'NODE_ENV',
    'optional',
    '`development` or `test`',
    'Exactly `development` or `test` starts the lab. Anything else, unset included, is production: every gate must hold.',
  ),
  v(
    'RUNTIME_PUBLIC_URL',
    'required',
    '`http://127.0.0.1:<port>`',
    'Public origin that carriers, clients and webhooks see; `https://` in production.',
  ),
  v(
    'RUNTIME_STORE_POSTGRES_URL',
    'required',
    'an embedded PostgreSQL in the data folder',
    'PostgreSQL 15 or newer; TLS (`sslmode=require` or stricter) unless it is on this machine.',
  ),
  v(
    'RUNTIME_STORE_ENCRYPTION_KEY',
    'secret',
    'made once, kept in the data folder',
    'Seals credentials. One value, or `kid:key` pairs separated by commas: the first writes, all read.',
  ),
  v(
    'REDIS_URL',
    'required',
    'coordination inside the process',
    'Redis or Valkey for leases and fan-out between nodes. Not used yet: PostgreSQL holds both; `/readyz` says so.',
  ),
  v(
    'RUNTIME_ARTIFACT_S3_BUCKET',
    'required',
    'files in the data folder',
    'Bucket for recordings and exports. Not used yet: recordings lie in `RECORDINGS_DIR`; `/readyz` says so.',
  ),
  v(
    'WEBHOOK_SIGNING_SECRET',
    'secret',
    'made once, kept in the data folder',
    'Signs webhooks whose endpoint has no secret of its own (Standard Webhooks 1.0).',
  ),
  v('RUNTIME_API_KEY', 'secret', 'made once, kept in the data folder, printed at start', 'Key of the first administrator.'),
  v(
    'CORS_ORIGINS',
    'optional',
    'the runtime itself',
    'Origins, separated by commas, that browsers may call from; never `*` in production.',
  ),
  v(
    'TOOL_API_REQUEST_ALLOWED_HOSTS',
    'optional',
    'none',
    'Hosts that a model may name in an `apiRequest` URL. Not used yet: there is no such tool.',
  ),
  v('RECORDINGS_DIR', 'optional', '`<data folder>/recordings`', 'Folder for recordings.'),
  v('LOG_LEVEL', 'optional', '`info`', '`debug`, `info`, `warn`, `error` or `silent`.'),
  v('RUNTIME_HOST', 'optional', '`127.0.0.1`', 'Address to listen on; `0.0.0.0` in production unless set.'),
  v('RUNTIME_PORT', 'optional', '`8080`', 'Port to listen on; 0 takes a free one.'),
  v('RUNTIME_NODE_ID', 'optional', 'the host name', 'Name of this node; unique among nodes that share a database.'),
  v('RUNTIME_DATA_DIR', 'optional', '`.aywa`', 'Folder for the embedded database, the event spool, recordings and made keys.'),
  v(
    'RUNTIME_CALL_HOSTS',
    'optional',
    '0',
    'Processes that hold calls: cores − 1 in production, at least one; 0 keeps calls in the control process.',
  ),
  v('RUNTIME_MAX_CALLS', 'optional', '500', 'Calls that this node accepts at once.'),
];

const NAMES = new Set(VARIABLES.map((variable) => variable.name));
const PLACEHOLDER = /^(change[-_ ]?me|secret|password|default|example|test|todo|xxx+|replace.*|your[-_ ].*|<.*>|\.\.\.|.*long random.*)$/i;
const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/**
 * Reads and judges the environment. Throws `config_refused` whose faults list every fault by variable name.
 * `machine` gives what is not in the environment: cores and the host's name.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  machine: { cores: number; hostname: string; cwd: string },
): Config {
  const mode: Mode = env.NODE_ENV === 'development' || env.NODE_ENV === 'test' ? 'lab' : 'production';
  const faults: { path: string; message: string }[] = [];
  const fault = (path: string, message: string) => faults.push({ path, message });
  const get = (name: string) => env[name]?.trim() || undefined;

  for (const name of Object.keys(env)) {
    if (name.startsWith('RUNTIME_') && !NAMES.has(name)) fault(name, 'is not a variable of this runtime: a typing error?');
  }
  if (mode === 'production') gates(get, fault);

  const whole = (name: string, otherwise: number, most: number) => {
    const text = get(name);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0 || value > most) fault(name, `must be a whole number from 0 to ${most}.`);
    return value;
  };
  const url = (name: string, schemes: readonly string[]) => {
    const text = get(name);
    if (text !== undefined && (!URL.canParse(text) || !schemes.includes(new URL(text).protocol)))
      fault(name, `must be a URL that begins with ${schemes.join(' or ')}//.`);
    return text;
  };

  const port = whole('RUNTIME_PORT', 8080, 65_535);
  const publicUrl = url('RUNTIME_PUBLIC_URL', ['http:', 'https:']) ?? `http://127.0.0.1:${port}`;
  const dataDir = resolve(machine.cwd, get('RUNTIME_DATA_DIR') ?? '.aywa');
  const level = get('LOG_LEVEL')?.toLowerCase() ?? 'info';
  if (!LEVELS.includes(level)) fault('LOG_LEVEL', `must be one of ${LEVELS.join(', ')}.`);
  const config: Config = {
    mode,
    host: get('RUNTIME_HOST') ?? (mode === 'lab' ? '127.0.0.1' : '0.0.0.0'),
    port,
    publicUrl: publicUrl.replace(/\/+$/, ''),
    nodeId: get('RUNTIME_NODE_ID') ?? machine.hostname,
    apiKey: get('RUNTIME_API_KEY'),
    dataDir,
    recordingsDir: resolve(machine.cwd, get('RECORDINGS_DIR') ?? `${dataDir}/recordings`),
    postgresUrl: url('RUNTIME_STORE_POSTGRES_URL', ['postgres:', 'postgresql:']),
    encryptionKey: get('RUNTIME_STORE_ENCRYPTION_KEY'),
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:']),
    s3Bucket: get('RUNTIME_ARTIFACT_S3_BUCKET'),
    webhookSecret: get('WEBHOOK_SIGNING_SECRET'),
    corsOrigins: (get('CORS_ORIGINS') ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter(Boolean),
    toolHosts: (get('TOOL_API_REQUEST_ALLOWED_HOSTS') ?? '')
      .split(',')
      .map((host) => host.trim())
      .filter(Boolean),
    logLevel: level as LogLevel,
    callHosts: whole('RUNTIME_CALL_HOSTS', mode === 'lab' ? 0 : Math.max(1, machine.cores - 1), 64),
    maxCalls: whole('RUNTIME_MAX_CALLS', 500, 100_000),
    vendors: vendorNames(env),
  };
  if (mode === 'lab' && !['127.0.0.1', '::1', 'localhost'].includes(config.host)) {
    fault('RUNTIME_HOST', 'must be a loopback address in the lab, which has no production gates.');
  }
  // The most common reason for all the others.
  if (faults.length > 0 && mode === 'production' && env.NODE_ENV !== 'production')
    fault('NODE_ENV', 'is neither development nor test, so that every rule of production holds; `development` starts the lab.');
  if (faults.length > 0) throw new AywaError('config_refused', { detail: faults.map((f) => `${f.path} ${f.message}`).join(' '), faults });
  return Object.freeze(config);
}

type Get = (name: string) => string | undefined;
type Fault = (path: string, message: string) => void;

function gates(get: Get, fault: Fault): void {
  const roles = new Map<string, string>();
  for (const { name, gate } of VARIABLES) {
    if (gate === 'optional') continue;
    const value = get(name);
    if (value === undefined) {
      fault(name, 'is required in production and not set.');
    } else if (gate === 'secret') {
      if (PLACEHOLDER.test(value) || new Set(value).size < 8) fault(name, 'looks like a placeholder, not like a secret.');
      else if (value.length < 32) fault(name, 'is shorter than 32 characters.');
      const other = roles.get(value);
      if (other) fault(name, `has the same value as ${other}: one secret must not serve two roles.`);
      roles.set(value, name);
    }
  }
  const publicUrl = get('RUNTIME_PUBLIC_URL');
  if (publicUrl && !publicUrl.startsWith('https://')) fault('RUNTIME_PUBLIC_URL', 'must begin with https:// in production.');
  if ((get('CORS_ORIGINS') ?? '').split(',').some((origin) => origin.trim() === '*'))
    fault('CORS_ORIGINS', 'must name origins; `*` is not allowed in production.');
  const postgres = get('RUNTIME_STORE_POSTGRES_URL');
  if (postgres && URL.canParse(postgres)) {
    const { hostname, searchParams } = new URL(postgres);
    const local = ['localhost', '127.0.0.1', '[::1]', ''].includes(hostname);
    if (!local && !/^(require|verify-ca|verify-full)$/.test(searchParams.get('sslmode') ?? '')) {
      fault('RUNTIME_STORE_POSTGRES_URL', 'must ask for TLS (sslmode=require, verify-ca or verify-full) for a server on another machine.');
    }
  }
}

const VENDOR = /^[A-Z][A-Z0-9_]*_(API_KEY|BASE_URL|ACCOUNT_SID|AUTH_TOKEN|PHONE_NUMBER)$/;

function vendorNames(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value?.trim() && VENDOR.test(name) && !name.startsWith('RUNTIME_')) out[name] = value.trim();
  }
  return out;
}
