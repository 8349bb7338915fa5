/**
 * Reads the answer of a tool's webhook the way people really write it: results by id, a single result without one, snake case, a bare
 * object, a bare string. Pure; it never throws.
 */
import type { ToolResult } from '../agent/desk.ts';

/** The results by call id. `guessed`: an answer without a fitting id was taken for the only call. */
export function toolResults(
  body: string,
  calls: readonly { readonly id: string }[],
): { results: ReadonlyMap<string, ToolResult>; guessed: boolean } {
  const results = new Map<string, ToolResult>();
  const given = itemsOf(body);
  const strays: Item[] = [];
  for (const item of given) {
    const call = calls.find(({ id }) => id === item.id);
    if (!call) strays.push(item);
    else if (!results.has(call.id)) results.set(call.id, resultOf(call.id, item));
  }
  const [only, ...others] = calls;
  const stray = strays[0];
  const guessed = only !== undefined && others.length === 0 && results.size === 0 && stray !== undefined;
  if (guessed) results.set(only.id, resultOf(only.id, stray));
  return { results, guessed: guessed && stray.id !== null };
}

interface Item {
  /** `null` when none was given. */
  readonly id: string | null;
  readonly fields: Readonly<Record<string, unknown>>;
}

function itemsOf(body: string): Item[] {
  const text = body.trim();
  if (text === '') return [];
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return [{ id: null, fields: { result: value } }];
  if (Array.isArray(value)) return value.map(itemOf);
  if ('results' in value && Array.isArray(value.results)) return value.results.map(itemOf);
  return ['result', 'error', 'message'].some((name) => name in value) ? [itemOf(value)] : [];
}

function itemOf(value: unknown): Item {
  if (typeof value !== 'object' || value === null) return { id: null, fields: { result: value } };
  const fields = value as Record<string, unknown>;
  const id = fields.toolCallId ?? fields.tool_call_id ?? fields.id;
  return { id: typeof id === 'string' ? id : null, fields };
}

function resultOf(id: string, { fields }: Item): ToolResult {
  const spoken = spokenOf(fields.message);
  const ok = fields.error === undefined || fields.error === null;
  const result = textOf(ok ? fields.result : fields.error) ?? spoken.say ?? 'No result returned.';
  return { id, ok, result, ...spoken };
}

/** `message` is said as it stands: a string, or a tool message with its text in `content`. */
function spokenOf(message: unknown): { say?: string; endsCall?: boolean } {
  if (Array.isArray(message)) return spokenOf(message[0]);
  if (typeof message === 'string') return message === '' ? {} : { say: message };
  if (typeof message !== 'object' || message === null || !('content' in message) || typeof message.content !== 'string') return {};
  const endsCall = 'endCallAfterSpokenEnabled' in message && message.endCallAfterSpokenEnabled === true;
  return { say: message.content, ...(endsCall && { endsCall }) };
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
