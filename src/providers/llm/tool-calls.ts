/**
 * Tool calls out of the fragments of a stream. Which call a fragment belongs to follows from its id, then from its name, and only then
 * from its index: servers give every call the same index, count an index on for each fragment, make a new id for each, or leave any of them
 * out. Nothing is called here, and no call is handed out without a name.
 */
import { randomToken } from '../../kernel/ids.ts';
import { type Fields, fieldsOf, isFields, numberOf, type Tally, textOf } from '../fields.ts';
import type { ToolCall, ToolSpec } from './contract.ts';

export interface ToolFragments {
  /** A fragment as the chat completions dialect has it: `{index, id, function: {name, arguments}}`, any of them absent. */
  add(fragment: Fields): void;
  /** Whole calls, as a message has them; those that came in fragments before are not called twice. */
  addWhole(calls: readonly Fields[]): void;
  calls(): ToolCall[];
}

interface Part {
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly json: string;
}

interface Open {
  index: number | undefined;
  id: string;
  name: string;
  json: string;
  /** The last piece of the arguments by itself: some servers send all that they have so far, each time. */
  last: string;
}

export function toolFragments(tools: readonly ToolSpec[], tally: Tally): ToolFragments {
  const known = tools.map((tool) => tool.name);
  const calls: Open[] = [];

  const begin = ({ index, id, name, json }: Part) => void calls.push({ index, id, name, json, last: json });
  const joined = (call: Open, part: Part) =>
    !known.includes(call.name) && call.json === '' && known.some((name) => name.startsWith(call.name + part.name));

  /** The call that the fragment goes on with; `undefined` when it begins one. */
  const placeOf = (part: Part): Open | undefined => {
    const sameId = part.id ? calls.filter((call) => call.id === part.id) : [];
    const same = sameId.findLast((call) => part.index === undefined || call.index === part.index) ?? sameId.at(-1);
    if (same) {
      if (!part.name || !same.name || joined(same, part)) return same;
      return same.name === part.name && !isWhole(same) ? same : undefined;
    }
    const here = part.index === undefined ? calls.at(-1) : calls.findLast((call) => call.index === part.index);
    // What one call lacks and the fragment has: its name, or its id.
    const last = calls.at(-1);
    if (!here && last && !part.id !== !part.name) return (part.name ? last.name : last.id) || isWhole(last) ? undefined : last;
    if (!here) return undefined;
    if (part.id && here.id) return !part.name && part.json && !isWhole(here) ? here : undefined;
    if (part.name && here.name && !joined(here, part)) return here.name === part.name && !isWhole(here) ? here : undefined;
    return isWhole(here) ? undefined : here;
  };
  const isRepeat = (part: Part) =>
    part.json.trim() !== '' &&
    calls.some(
      (call) =>
        call.id === part.id &&
        call.name === part.name &&
        call.index === part.index &&
        call.json.trim() === part.json.trim() &&
        isWhole(call),
    );

  const take = (part: Part) => {
    if (isRepeat(part)) return;
    // Arguments alone under an index that nobody opened are the rest of the last call.
    const last = calls.at(-1);
    const call = placeOf(part) ?? (part.id || part.name || !last || isWhole(last) ? undefined : last);
    if (!call) {
      if (part.id || part.name) begin(part);
      else if (part.json.trim() !== '') tally.note('tool_calls');
      return;
    }
    if (call.name !== part.name) call.name = joined(call, part) ? call.name + part.name : call.name || part.name;
    call.id ||= part.id;
    call.index ??= part.index;
    call.json += part.json;
    if (part.json.trim() !== '') call.last = part.json;
  };

  return {
    add: (fragment) => take(partOf(fragment, tally)),
    addWhole(wire) {
      const before = [...calls];
      for (const fragment of wire) {
        const part = partOf(fragment, tally);
        const known = before.find((call) => (part.id ? call.id === part.id : call.name === part.name && sameJson(call, part)));
        // Some servers send pieces in messages too.
        if (!part.name || (known && !isWhole(part))) take(part);
        else if (!known) begin(part);
        else if (!isWhole(known)) Object.assign(known, { name: part.name, json: part.json, last: part.json });
      }
    },
    calls() {
      for (const call of calls) if (!call.name) tally.note('tool_calls');
      return calls.flatMap((call) => (call.name ? [toolCall(call.id, call.name, call.json, call.last)] : []));
    },
  };
}

function partOf(fragment: Fields, tally: Tally): Part {
  const { name, arguments: given, parameters } = fieldsOf(fragment.function, 'tool_calls.function', tally) ?? fragment;
  return {
    index: numberOf(fragment.index, 'tool_calls.index', tally),
    id: typeof fragment.id === 'number' ? String(fragment.id) : textOf(fragment.id, 'tool_calls.id', tally),
    name: textOf(name, 'tool_calls.name', tally).trim(),
    json: argumentText(given ?? parameters, tally),
  };
}

/** Arguments as text: of a server that sends an object, its JSON. An empty object is a place that later fragments fill. */
export function argumentText(value: unknown, tally: Tally): string {
  if (!isFields(value)) return textOf(value, 'tool_calls.arguments', tally);
  return Object.keys(value).length > 0 ? JSON.stringify(value) : '';
}

function sameJson(call: Open, part: Part): boolean {
  return JSON.stringify(objectIn(call.json)) === JSON.stringify(objectIn(part.json));
}

/** Nothing can be added to it. */
function isWhole({ json }: Part | Open): boolean {
  return json.trimEnd().endsWith('}') && objectIn(json) !== undefined;
}

function objectIn(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json.trim() || '{}');
    if (value === null) return {};
    // Some servers quote what is JSON already.
    const object: unknown = typeof value === 'string' ? JSON.parse(value) : value;
    return isFields(object) ? object : undefined;
  } catch {
    return undefined;
  }
}

/** For vendors that give a call no id of its own; unique in the conversation. */
export function callId(): string {
  return randomToken('call_').slice(0, 21);
}

/** A tool call as the contract wants it, from the JSON text that the model wrote; `last` is tried where the whole is none. */
export function toolCall(id: string, name: string, json: string, last = json): ToolCall {
  const value = objectIn(json) ?? objectIn(last);
  return value ? { id, name, arguments: { ...value } } : { id, name, arguments: {}, malformed: json };
}
