/**
 * Where the webhooks of a call go, most specific first: the tool's server, the assistant's. Numbers, organisations and endpoints are
 * further levels of the same cascade. A target may hold secrets; it is sealed wherever it is kept, and never logged.
 */

export interface Target {
  /** Stable name within a call: `assistant` or `tool:<index>`. */
  readonly name: string;
  readonly url: string;
  readonly secret: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** A resolved assistant, or any object of that form: open JSON, read defensively because it was stored by an older version maybe. */
type Definition = Readonly<Record<string, unknown>>;

/** Vapi's default time for an answer. */
const TIMEOUT_SECONDS = 20;

/** All targets that an assistant names, by their name. `assistant.server.url` wins over the older `serverUrl`. */
export function targetsOf(assistant: Definition): ReadonlyMap<string, Target> {
  const targets = new Map<string, Target>();
  const add = (name: string, server: unknown, url: unknown, secret: unknown) => {
    const own = objectOf(server);
    const address = textOf(own.url) ?? textOf(url);
    if (address === null) return;
    const seconds = typeof own.timeoutSeconds === 'number' ? own.timeoutSeconds : TIMEOUT_SECONDS;
    targets.set(name, {
      name,
      url: address,
      secret: textOf(own.secret) ?? textOf(secret),
      headers: Object.fromEntries(
        Object.entries(objectOf(own.headers)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
      ),
      timeoutMs: seconds * 1000,
    });
  };
  add('assistant', assistant.server, assistant.serverUrl, assistant.serverUrlSecret);
  const tools = objectOf(assistant.model).tools;
  if (Array.isArray(tools)) tools.forEach((tool, index) => void add(`tool:${index}`, objectOf(tool).server, undefined, undefined));
  return targets;
}

/** The assistant as webhooks and the record show it: servers without their secrets and headers, no credentials. */
export function shownAssistant(assistant: Definition): Record<string, unknown> {
  return shown(assistant) as Record<string, unknown>;
}

const HIDDEN = new Set(['serverUrlSecret', 'credentials', 'credential', 'apiKey', 'authToken', 'secret', 'secretKey', 'password']);

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // The headers of a server are where people put its key.
    if (HIDDEN.has(key) || (key === 'headers' && 'url' in value)) continue;
    out[key] = shown(inner);
  }
  return out;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
