/**
 * Every error the product can show, in one table: code -> kind, HTTP status, what happened, what to do next.
 * The kind decides the policy (retry, switch provider, apologise, refuse); `docs/errors.md` is generated from this table and tested.
 */

/** auth: credentials are wrong. quota: paid-for capacity is used up. rate: too fast. network: unreachable. timeout: no answer in time. invalid: the request can never work. bug: ours. */
export type ErrorKind = 'auth' | 'quota' | 'rate' | 'network' | 'timeout' | 'invalid' | 'bug' | 'cancelled';

interface Row {
  kind: ErrorKind;
  status: number;
  message: string;
  fix: string;
}

const row = (kind: ErrorKind, status: number, message: string, fix: string): Row => ({ kind, status, message, fix });

export const ERRORS = {
  cancelled: row('cancelled', 499, 'The work was cancelled.', 'Nothing: its owner ended first.'),
  timeout: row(
    'timeout',
    504,
    'No answer arrived in time.',
    'Check that the other side is up and reachable; raise the timeout if it is only slow.',
  ),
  bug: row('bug', 500, 'Something happened that should be impossible.', 'Report it with the call id and the log lines around it.'),
  config_refused: row(
    'invalid',
    500,
    'The configuration is not safe to start with.',
    'Set the variables that the message names, then start again.',
  ),
  data_dir_refused: row(
    'invalid',
    500,
    'The data folder cannot be used.',
    'Give this runtime a folder of its own that it may write to: RUNTIME_DATA_DIR.',
  ),
  listen_refused: row(
    'invalid',
    500,
    'The runtime cannot listen at its address.',
    'Stop what uses the port, or set RUNTIME_HOST and RUNTIME_PORT.',
  ),

  unauthorized: row(
    'auth',
    401,
    'The API key is missing or not valid.',
    'Send `Authorization: Bearer <key>` or `X-API-Key: <key>` with a key of this runtime.',
  ),
  forbidden: row('auth', 403, 'The key does not allow this.', 'Use a key with the scope that the message names.'),
  not_found: row('invalid', 404, 'There is nothing with this id.', 'Check the id and the organisation that the key belongs to.'),
  no_route: row('invalid', 404, 'There is no such route.', 'Look the path and the method up at `/docs`.'),
  invalid_request: row('invalid', 400, 'The request is not valid.', 'Correct the fields that the message names by path.'),
  unsupported: row(
    'invalid',
    400,
    'This server does not support that.',
    'Leave the named feature out or use one that the documentation lists.',
  ),
  conflict: row('invalid', 409, 'The thing is in a state that does not allow this.', 'Read it again and decide anew.'),
  body_too_large: row('invalid', 413, 'The request body is too large.', 'Send at most 1 MB; upload files with `/file`.'),
  rate_limited: row('rate', 429, 'Too many requests.', 'Wait for the time in `Retry-After`.'),
  unavailable: row(
    'network',
    503,
    'A part of the runtime is away for the moment.',
    'Try again after the time in `Retry-After`; `/readyz` names the part.',
  ),

  assistant_invalid: row('invalid', 400, 'The assistant cannot be used for a call.', 'Correct the fields that the message names by path.'),
  credential_missing: row(
    'auth',
    400,
    'A provider key is missing.',
    'Set the variable that the message names, or create the credential with `POST /credential`.',
  ),
  carrier_missing: row(
    'auth',
    400,
    'No carrier account is configured for this number.',
    'Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_PHONE_NUMBER, or pass `phoneNumber` with the account.',
  ),
  carrier_refused: row(
    'network',
    400,
    'The carrier refused to place the call.',
    "The carrier's own code and sentence are in the message; look them up in its documentation.",
  ),
  line_cannot: row(
    'invalid',
    409,
    'The line cannot do this.',
    'Use a carrier whose line can, or leave it out; the message names what was asked of which line.',
  ),
  call_over: row('invalid', 409, 'The call has ended.', 'Nothing can be done to a call that is over; read its record instead.'),
  host_unavailable: row(
    'network',
    503,
    'No call host can take a call at the moment.',
    'Try again in a moment; `/readyz` says why the hosts refuse.',
  ),
  at_capacity: row('quota', 503, 'All lines are busy.', 'Try again when a call has ended, or add call hosts.'),

  signature_wrong: row(
    'auth',
    403,
    'The signature does not match.',
    "Check the carrier's auth token and that RUNTIME_PUBLIC_URL is exactly the origin the carrier calls.",
  ),
  media_token_unknown: row(
    'auth',
    403,
    'The media token is unknown, used already or expired.',
    'Start the call again: a token works once, within 60 seconds.',
  ),
  media_malformed: row(
    'invalid',
    400,
    'A media message could not be read.',
    "Compare it with the carrier's protocol; the reason is in the log.",
  ),

  egress_denied: row(
    'invalid',
    400,
    'The runtime does not connect to this address.',
    "Use a public http(s) address without credentials in it; private addresses are for the operator's own settings only.",
  ),
  provider_auth: row('auth', 502, 'The provider refused the key.', 'Check the key and what it may use.'),
  provider_quota: row('quota', 502, 'The provider account has no credit or quota left.', 'Add credit, or configure a fallback provider.'),
  provider_rate: row('rate', 502, 'The provider asks to slow down.', 'Raise the limits of the account, or configure a fallback provider.'),
  provider_invalid: row(
    'invalid',
    502,
    'The provider did not accept the request.',
    'Check the model, the voice and the settings that the message names.',
  ),
  provider_network: row(
    'network',
    502,
    'The provider could not be reached, or closed the connection.',
    'Check the address and the network; a fallback provider keeps calls going.',
  ),
  provider_timeout: row(
    'timeout',
    504,
    'The provider did not answer in time.',
    'Check its status page; a fallback provider keeps calls going.',
  ),
  provider_garbage: row(
    'network',
    502,
    'The provider sent something that is not its protocol.',
    'Check that the base URL points to the right service.',
  ),

  tool_failed: row(
    'network',
    502,
    'The tool did not give a usable answer.',
    'Look at the delivery in the webhook log; answer 200 with `results`.',
  ),
  store_away: row(
    'network',
    503,
    'The database does not answer.',
    'Check RUNTIME_STORE_POSTGRES_URL and the server; events are kept on disk meanwhile.',
  ),
  store_timeout: row('timeout', 503, 'The database took too long.', 'Look for locks and load on the server; the request can be repeated.'),
  store_key_wrong: row(
    'invalid',
    500,
    'The encryption key does not fit this database.',
    'Start with the key that wrote it: the fingerprints are in the message.',
  ),
  store_damaged: row(
    'invalid',
    500,
    'A sealed value cannot be opened.',
    'It was changed or moved outside the runtime: restore it from a backup, or enter the secret again.',
  ),
  store_schema: row('invalid', 500, 'The database schema is not the one this version needs.', 'Run `npm run migrate`, then start again.'),
  fenced: row('invalid', 409, 'Another node owns this call now.', 'Nothing: this node stops writing to it.'),
  artifact_missing: row(
    'invalid',
    404,
    'There is no such recording or file.',
    'Recording may be switched off for the assistant, or retention has removed it.',
  ),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault in a request: `path` in dots and indexes (`model.messages[0].role`), `message` a sentence without the value. */
export interface FieldFault {
  path: string;
  message: string;
}

export interface ErrorExtra {
  /** What exactly happened this time; shown to the person, so it never holds a secret. */
  detail?: string;
  faults?: readonly FieldFault[];
  cause?: unknown;
  /** Seconds until it is worth trying again. */
  retryAfter?: number;
}

/** The one error class. Its message is the table's sentence, the detail and the table's advice. */
export class AywaError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly status: number;
  readonly detail: string | undefined;
  readonly fix: string;
  readonly faults: readonly FieldFault[];
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, extra: ErrorExtra = {}) {
    const row: Row = ERRORS[code];
    super(extra.detail ? `${row.message} ${extra.detail}` : row.message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'AywaError';
    this.code = code;
    this.kind = row.kind;
    this.status = row.status;
    this.detail = extra.detail;
    this.fix = row.fix;
    this.faults = extra.faults ?? [];
    this.retryAfter = extra.retryAfter;
  }
}

export function isAywaError(error: unknown): error is AywaError {
  return error instanceof AywaError;
}

/** Any thrown value as an `AywaError`: what is not one already becomes `code`, with its message as the detail. */
export function asAywaError(error: unknown, code: ErrorCode = 'bug'): AywaError {
  if (isAywaError(error)) return error;
  return new AywaError(code, { detail: error instanceof Error ? error.message : String(error), cause: error });
}
