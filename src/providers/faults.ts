/**
 * What went wrong at a vendor, as an error of the table whose sentence names the vendor and the variable or credential that fixes it.
 * It never repeats a key, and never a vendor's own words about one.
 */
import { type RefusedUpgrade, statusError } from '../kernel/egress.ts';
import { AywaError, type ErrorCode, type ErrorKind, isAywaError } from '../kernel/errors.ts';
import type { ProviderAccess, ProviderKind } from './contract.ts';

/** The part of a provider's description that a sentence about it needs. */
export interface Vendor {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly env: string;
}

/** The part of an assistant that holds the settings of each kind. */
export const FIELD_OF: Readonly<Record<ProviderKind, string>> = { stt: 'transcriber', llm: 'model', tts: 'voice' };

/** Any fault of a vendor's connection: what is not an `AywaError` yet is taken for garbage from the vendor. */
export function vendorFault(vendor: Vendor, access: ProviderAccess, fault: unknown): AywaError {
  const error = isAywaError(fault) ? (refusedUpgrade(fault) ?? fault) : unreadable(fault);
  if (error.code === 'cancelled') return error;
  const said = `${vendor.name}: ${withoutKey(error.detail ?? error.message, access)}`;
  return new AywaError(error.code, {
    detail: [said.endsWith('.') ? said : `${said}.`, advice(error.code === 'egress_denied' ? 'network' : error.kind, vendor)]
      .join(' ')
      .trim(),
    cause: error,
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  });
}

/** An HTTP answer that is not 2xx. `body` is the vendor's own explanation, JSON or text; `retryAfter` its header of that name. */
export function refusal(status: number, url: string, body: string, retryAfter?: string): AywaError {
  const words = explanation(body);
  const seconds = Number(retryAfter);
  const extra = retryAfter !== undefined && Number.isFinite(seconds) ? { retryAfter: seconds } : {};
  // A refused key is often repeated in the explanation, whole or in part.
  const plain = statusError(status, url, /api[-_ ]?key/i.test(words) ? '' : words);
  // Some vendors say 401 or 403 to an account without credit, too.
  const byWords = codeOfWords(words);
  const code = plain.code === 'provider_auth' && byWords !== 'provider_quota' ? plain.code : (byWords ?? plain.code);
  return new AywaError(code, { detail: plain.detail ?? '', ...extra });
}

/** A websocket that was refused with a status is explained like any other request. */
function refusedUpgrade({ cause }: AywaError): AywaError | undefined {
  if (typeof cause !== 'object' || cause === null || !('refused' in cause)) return undefined;
  const { refused, url, body, retryAfter } = cause as RefusedUpgrade;
  return refusal(refused, url, body, retryAfter);
}

/** A websocket that the vendor closed although work was left. */
export function closure(code: number, reason: string): AywaError {
  const byWords = codeOfWords(reason);
  // RFC 6455 §7.4.1: 1003 unsupported data, 1007 inconsistent data, 1008 policy: the request itself is refused.
  const plain: ErrorCode = [1003, 1007, 1008].includes(code) ? 'provider_invalid' : 'provider_network';
  const why = reason && byWords !== 'provider_auth' ? `: ${reason}` : '';
  return new AywaError(byWords ?? plain, { detail: `the connection was closed (${code}${why}).` });
}

/** An error that a vendor reports inside its protocol, in its own words. */
export function reported(words: string, otherwise: ErrorCode = 'provider_invalid'): AywaError {
  const code = codeOfWords(words) ?? otherwise;
  return new AywaError(code, { detail: code === 'provider_auth' ? 'the key was refused.' : words.slice(0, 300) });
}

/**
 * The failure that an event of a stream reports, in the vendor's words; `event` is what the stream calls the event. An empty `error` is
 * none: some servers send the field with everything.
 */
export function failureIn(value: Readonly<Record<string, unknown>>, event = ''): AywaError | undefined {
  const isFailure = value.object === 'error' || value.type === 'error' || event === 'error';
  const error = isEmpty(value.error) ? (isFailure ? value : undefined) : value.error;
  if (error === undefined) return undefined;
  const { code, status, type }: Record<string, unknown> = typeof error === 'object' && error !== null ? { ...error } : {};
  const said = JSON.stringify(error);
  const words = explanation(said) || said;
  const labels = [code, status, type].filter((label) => typeof label === 'string' && label !== '' && !words.startsWith(label));
  const number = [code, status].map(Number).find((each) => each >= 400 && each <= 599);
  // The whole decides what it is; the first label is enough to read.
  const plain = reported([...labels, words].join(' '), number === undefined ? 'provider_network' : statusError(number, '').code);
  return plain.code === 'provider_auth'
    ? plain
    : new AywaError(plain.code, { detail: [labels[0], words].filter(Boolean).join(': ').slice(0, 300) });
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** What a parser says of foreign data holds pieces of that data: only the kind of fault is passed on. */
function unreadable(fault: unknown): AywaError {
  const what = fault instanceof SyntaxError ? 'is not JSON' : 'lacks fields that the protocol promises';
  return new AywaError('provider_garbage', { detail: `a message ${what}.`, cause: fault });
}

/** How vendors say that an account has nothing left: by code or in a sentence. */
const WITHOUT_CREDIT =
  /insufficient[_ -]?(quota|funds?|credits?|balance)|quota[_ -]?(exceeded|reached)|exceed\w* (your|the|its|this) (\w+ )?quota|(out of|not enough|not have enough|no more) (\w+ )?credits?|credit (balance|limit)|payment[_ -]?required|billing[_ -](hard[_ -])?limit|balance (is )?too low/i;

function codeOfWords(words: string): ErrorCode | undefined {
  if (WITHOUT_CREDIT.test(words)) return 'provider_quota';
  if (/(invalid|incorrect|missing|wrong)[-_ ]?api[-_ ]?key|api[-_ ]?key[-_ ](is )?(not[-_ ])?(in)?valid|unauthori[sz]ed/i.test(words))
    return 'provider_auth';
  if (/rate[-_ ]?limit|too many (concurrent )?requests|concurrency/i.test(words)) return 'provider_rate';
  if (/overloaded|internal (server )?error|server_error|unavailable/i.test(words)) return 'provider_network';
  return undefined;
}

function advice(kind: ErrorKind, { name, kind: port, env }: Vendor): string {
  switch (kind) {
    case 'auth':
      return `Set ${env}_API_KEY to a valid key, or correct the ${name} credential (POST /credential).`;
    case 'quota':
    case 'rate':
      return `The account is that of ${env}_API_KEY or of the ${name} credential.`;
    case 'network':
    case 'timeout':
      return `The address can be changed with ${env}_BASE_URL.`;
    case 'invalid':
      return `The settings are those under \`${FIELD_OF[port]}\`.`;
    case 'bug':
    case 'cancelled':
      return '';
  }
}

/** Vendors wrap their sentence as `{error: {message}}`, `{error}`, `{message}`, `{detail: {message}}` or `{err_msg}`, some in a list, many with a code or a status beside it. */
function explanation(body: string): string {
  try {
    let node: unknown = JSON.parse(body);
    for (let depth = 0; depth < 4; depth += 1) {
      if (Array.isArray(node)) node = node[0];
      if (typeof node !== 'object' || node === null) break;
      const fields = node as Record<string, unknown>;
      const named = fields.code ?? fields.status;
      const code = typeof named === 'string' ? `${named}: ` : '';
      const inner = fields.error ?? fields.detail ?? fields.message ?? fields.err_msg ?? fields.title;
      if (typeof inner === 'string') return code + inner;
      node = inner;
    }
    return typeof node === 'string' ? node : '';
  } catch {
    return body.startsWith('<') ? '' : body.slice(0, 300);
  }
}

function withoutKey(words: string, access: ProviderAccess): string {
  return access.apiKey.length >= 8 ? words.replaceAll(access.apiKey, '[key]') : words;
}
