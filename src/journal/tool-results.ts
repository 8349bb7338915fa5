/**
 * Reads the answer of a tool's webhook the way people really write it: results in a list, an object or a wrapper of some framework, by
 * id, by name or in order, as JSON inside JSON, as a bare value or as plain text. Pure; it never throws, and never drops what was said.
 */
import type { ToolResult } from '../agent/desk.ts';

export interface AskedCall {
  readonly id: string;
  readonly name?: string;
}

/** The results by call id. `guessed`: an answer went to a call whose id it does not name. */
export function toolResults(body: string, calls: readonly AskedCall[]): { results: ReadonlyMap<string, ToolResult>; guessed: boolean } {
  const results = new Map<string, ToolResult>();
  const strays: Item[] = [];
  for (const item of itemsOf(body, calls)) {
    const call = calls.find(({ id }) => id === item.id);
    if (!call) strays.push(item);
    else if (!results.has(call.id)) results.set(call.id, resultOf(call.id, item));
  }
  let guessed = false;
  for (const stray of strays) {
    const open = calls.filter(({ id }) => !results.has(id));
    const call = open.find(({ name }) => name !== undefined && name === stray.name) ?? open[0];
    if (!call) break;
    results.set(call.id, resultOf(call.id, stray));
    guessed ||= stray.id !== null || calls.length > 1;
  }
  return { results, guessed };
}

/** What the model reads when a webhook has nothing to say. */
const NOTHING = 'No result returned.';

type Fields = Readonly<Record<string, unknown>>;

interface Item {
  /** `null` when none was given. */
  readonly id: string | null;
  readonly name: string | null;
  readonly result: unknown;
  readonly error: unknown;
  readonly message: unknown;
}

/** Names as people spell them: `tool_call_id`, `ToolCallId`, `tool-call-id` are one. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '');

const IDS = new Set(['toolcallid', 'callid', 'tooluseid', 'functioncallid']);
const LISTS = new Set(['results', 'toolresults', 'toolcallresults', 'toolcallresult']);
/** Wrappers within wrappers: what frameworks build, and not what an attacker might. */
const MOST_DEEP = 5;

function itemsOf(body: string, calls: readonly AskedCall[]): Item[] {
  const text = unfenced(body.trim());
  if (text === '') return [];
  const value = parsed(text);
  const found = containedIn(value, calls, 0);
  if (found) return found;
  // An object without a field, or nothing at all, is how a server says that it has heard.
  if (value === null || (isFields(value) && Object.keys(value).length === 0)) return [];
  return [bare(value)];
}

/** The items of the first container in `value`; `undefined` where nothing looks like one. */
function containedIn(given: unknown, calls: readonly AskedCall[], depth: number): Item[] | undefined {
  const value = nested(given);
  if (depth > MOST_DEEP || typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return listed(value, calls, depth);
  const fields = value as Fields;
  const list = Object.entries(fields).find(([name]) => LISTS.has(plain(name)));
  if (list) {
    const inside = nested(list[1]);
    const found = containedIn(inside, calls, depth + 1);
    if (found) return found;
    // A search that calls its own finds `results`: all of them are the one result.
    if (Object.keys(fields).length > 1) return [bare(value)];
    return Array.isArray(inside) && inside.length === 0 ? [] : [bare(inside)];
  }
  if (isItem(fields)) return wrappedResult(fields, calls, depth) ?? [itemOf(fields)];
  const named = Object.entries(fields).filter(([name]) => calls.some(({ id }) => id === name));
  if (named.length > 0) return named.map(([id, inner]) => ({ ...itemOf(nested(inner)), id }));
  // `{ statusCode, body }`, `{ data }`, `{ json }`: one of its fields holds the container.
  for (const inner of Object.values(fields)) {
    const unwrapped = nested(inner);
    if (typeof unwrapped !== 'object' || unwrapped === null || !holdsContainer(unwrapped)) continue;
    const found = containedIn(unwrapped, calls, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** `[item, item]`, `['one', 'two']` in order, `[{ results }]`; a list of other things is itself the result. */
function listed(list: readonly unknown[], calls: readonly AskedCall[], depth: number): Item[] | undefined {
  const values = list.map(nested);
  if (values.some((value) => isFields(value) && isItem(value))) return values.map(itemOf);
  if (values.length === 1) return containedIn(values[0], calls, depth + 1) ?? (depth > 0 ? values.map(itemOf) : undefined);
  if (values.length === calls.length) return values.map(itemOf);
  return undefined;
}

/** `{ result: [{ toolCallId, result }] }`, and the same under `message`. */
function wrappedResult(fields: Fields, calls: readonly AskedCall[], depth: number): Item[] | undefined {
  if (idOf(fields) !== null) return undefined;
  const inner = nested(fieldOf(fields, 'result') ?? fieldOf(fields, 'message'));
  return typeof inner === 'object' && inner !== null && holdsContainer(inner) ? containedIn(inner, calls, depth + 1) : undefined;
}

/** A list of results, or one that says which call it is for: what a plain result never looks like. */
function holdsContainer(value: object): boolean {
  if (Array.isArray(value)) return value.some((entry) => isFields(nested(entry)) && holdsContainer(nested(entry) as object));
  const fields = value as Fields;
  if (idOf(fields) !== null && isItem(fields)) return true;
  return Object.entries(fields).some(([name, inner]) => {
    if (!LISTS.has(plain(name))) return false;
    const list = nested(inner);
    return [list].flat().some((entry) => isFields(nested(entry)) && isItem(nested(entry) as Fields));
  });
}

/** Does it answer in the form that is asked for, however spelt? `id` alone may be that of an order. */
function isItem(fields: Fields): boolean {
  return Object.keys(fields).some((name) => IDS.has(plain(name)) || ['result', 'error', 'message'].includes(plain(name)));
}

const bare = (result: unknown): Item => ({ id: null, name: null, result, error: undefined, message: undefined });

function itemOf(value: unknown): Item {
  if (!isFields(value) || !isItem(value)) return bare(value);
  const rest: Record<string, unknown> = {};
  let [result, error, message, name]: [unknown, unknown, unknown, string | null] = [undefined, undefined, undefined, null];
  for (const [key, inner] of Object.entries(value)) {
    const called = plain(key);
    if (called === 'result') result ??= inner;
    else if (called === 'error') error = inner;
    else if (called === 'message') message = inner;
    else if (called === 'name' && typeof inner === 'string') name = inner;
    else if (!IDS.has(called) && called !== 'id') rest[key] = inner;
  }
  const said = Object.values(rest).filter((inner) => inner !== null && inner !== '').length > 0;
  // What somebody called `output` or `slots` is a result too.
  const own = result === undefined && !isError(error) && said ? rest : result;
  return { id: idOf(value), name, result: own, error, message };
}

function idOf(fields: Fields): string | null {
  const entries = Object.entries(fields);
  const found = entries.find(([name]) => IDS.has(plain(name))) ?? entries.find(([name]) => plain(name) === 'id');
  return typeof found?.[1] === 'string' ? found[1] : null;
}

function fieldOf(fields: Fields, wanted: string): unknown {
  return Object.entries(fields).find(([name]) => plain(name) === wanted)?.[1];
}

/** `error: false` and its like say that all is well. */
const isError = (error: unknown) => error !== undefined && error !== null && error !== false && error !== '';

function resultOf(id: string, { result: given, error, message }: Item): ToolResult {
  const spoken = spokenOf(message);
  const ok = !isError(error);
  const result = textOf(ok ? given : error) || spoken.say || NOTHING;
  return { id, ok, result, ...spoken };
}

/** `message` is said as it stands: a string, or a tool message with its text in `content`. */
function spokenOf(message: unknown): { say?: string; endsCall?: boolean } {
  if (Array.isArray(message)) return spokenOf(message[0]);
  if (typeof message === 'string') return message === '' ? {} : { say: message };
  if (!isFields(message) || typeof message.content !== 'string') return {};
  return { say: message.content, ...(message.endCallAfterSpokenEnabled === true && { endsCall: true }) };
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    return 'The result is nested too deeply to be read.';
  }
}

/** JSON inside a string, however often it was wrapped; any other string stays. */
function nested(value: unknown): unknown {
  let inner = value;
  for (let depth = 0; depth < MOST_DEEP && typeof inner === 'string'; depth += 1) {
    const text = unfenced(inner.trim());
    if (!/^["{[]/.test(text)) return value;
    const read = parsed(text);
    if (read === text) return value;
    inner = read;
  }
  return typeof inner === 'object' && inner !== null ? inner : value;
}

function parsed(text: string): unknown {
  for (const form of [text, repaired]) {
    try {
      return JSON.parse(typeof form === 'string' ? form : form(text));
    } catch {
      // The next form, or the text as it is.
    }
  }
  return text;
}

/**
 * What is nearly JSON as JSON: line breaks and tabs inside strings escaped, commas before an end left out, the strings and constants of
 * Python's `str(dict)` written as JSON has them.
 */
function repaired(text: string): string {
  let out = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === '') {
      const constant = /^\b(?:True|False|None)\b/.exec(text.slice(at, at + 6))?.[0];
      if (constant) {
        out += CONSTANTS[constant];
        at += constant.length - 1;
      } else if (character === '"' || character === "'") {
        quote = character;
        out += '"';
      } else if (character !== ',' || !/^\s*[}\]]/.test(text.slice(at + 1))) out += character;
    } else if (character === quote) {
      quote = '';
      out += '"';
    } else if (character === '\\') {
      at += 1;
      out += text.charAt(at) === "'" ? "'" : `\\${text.charAt(at)}`;
    } else out += character < ' ' || character === '"' ? JSON.stringify(character).slice(1, -1) : character;
  }
  return out;
}

const CONSTANTS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };

/** Without the fence that a model puts around the JSON that it was asked for. */
function unfenced(text: string): string {
  return /^```(?:json)?\s*\n([\s\S]*?)\n?```$/i.exec(text)?.[1]?.trim() ?? text;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
