/**
 * The chat completions dialect, which OpenAI and most other vendors speak: messages and tools out, chunks with deltas in. The
 * answer of a server that does not stream is understood as well. Wire: platform.openai.com/docs/api-reference/chat.
 */
import { z } from 'zod';
import { failureIn, reported } from '../faults.ts';
import { type Fields, fieldsOf, listOf, numberOf, type Tally } from '../fields.ts';
import { type Message, type PromptRequest, patience, type ToolCall } from './contract.ts';
import { argumentsOf, orderly, wireId } from './prompt.ts';
import type { BrainCodec, Find, Finish } from './streaming.ts';
import { toolFragments } from './tool-calls.ts';
import { alternatingTurns, type Turn } from './turns.ts';

/** Settings that every server of the dialect takes; the rest of the assistant's `model` is not for the wire. */
export const chatSettings = z.object({
  model: z.string().min(1),
  temperature: z.number().min(0).max(2).optional(),
  /** Vapi's default: a spoken answer is short. */
  maxTokens: z.number().int().min(1).max(10_000).default(250),
  timeoutSeconds: patience,
});

export interface ChatOptions {
  readonly model: string;
  readonly temperature?: number | undefined;
  readonly maxTokens: number;
  /** OpenAI's reasoning models refuse the older name. */
  readonly limitName?: 'max_tokens' | 'max_completion_tokens';
  /** Ask for a last chunk with token counts; a few servers refuse the field. */
  readonly usage?: boolean;
  /** The server insists on the order of roles. */
  readonly strict?: boolean;
  /** What it takes for the id of a tool call. */
  readonly ids?: RegExp;
}

export function chatBody(request: PromptRequest, options: ChatOptions): Record<string, unknown> {
  const { strict, ids = ANY_ID } = options;
  const messages = strict ? strictMessages(request) : orderly(request);
  return {
    model: options.model,
    messages: messages.map((message) => wireMessage(message, ids)),
    ...(request.tools.length > 0 ? { tools: request.tools.map((tool) => ({ type: 'function', function: tool })) } : {}),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    [options.limitName ?? 'max_tokens']: options.maxTokens,
    stream: true,
    ...(options.usage === false ? {} : { stream_options: { include_usage: true } }),
  };
}

/** OpenAI refuses a longer id. */
const ANY_ID = /^.{1,40}$/;

function wireMessage(message: Message, ids: RegExp): Record<string, unknown> {
  switch (message.role) {
    case 'tool':
      return { role: 'tool', tool_call_id: wireId(message.toolCallId, ids), content: message.content };
    case 'assistant':
      if (!message.toolCalls?.length) return { role: 'assistant', content: message.content };
      // Servers of the dialect refuse an empty text here, or no field at all.
      return { role: 'assistant', content: message.content || null, tool_calls: message.toolCalls.map((call) => wireCall(call, ids)) };
    case 'system':
    case 'user':
      return { role: message.role, content: message.content };
  }
}

function wireCall(call: ToolCall, ids: RegExp): Record<string, unknown> {
  // Servers that put the history into a template parse the arguments again: what is no JSON would fail every later request.
  return { id: wireId(call.id, ids), type: 'function', function: { name: call.name, arguments: JSON.stringify(argumentsOf(call)) } };
}

/** Said for the agent between a tool's result and the caller's next words, where it said nothing. */
const CUT_OFF = '[Interrupted by the caller.]';

/** For servers that want instructions first, then caller and agent by turns, and nobody but the agent behind a tool's result. */
function strictMessages(request: PromptRequest): Message[] {
  const { system, turns } = alternatingTurns(request);
  return [...(system ? [{ role: 'system', content: system } as const] : []), ...turns.flatMap(turnMessages)];
}

function turnMessages({ side, messages }: Turn): Message[] {
  const content = messages.flatMap((message) => (message.role === 'tool' || !message.content ? [] : [message.content])).join('\n\n');
  if (side === 'assistant') {
    const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []));
    return [{ role: 'assistant', content, ...(calls.length > 0 ? { toolCalls: calls } : {}) }];
  }
  const results = messages.filter((message) => message.role === 'tool');
  if (content === '') return results;
  return [...results, ...(results.length > 0 ? [{ role: 'assistant', content: CUT_OFF } as const] : []), { role: 'user', content }];
}

/** Reasons in the words of all servers of the dialect; any other is a plain end. */
function finishOf(reason: string): Finish {
  if (/length|max.*tokens/i.test(reason)) return 'length';
  if (/filter|safety|refusal/i.test(reason)) return 'filtered';
  return /tool|function/i.test(reason) ? 'tools' : 'stop';
}

export function chatCodec({ tools }: PromptRequest, tally: Tally): BrainCodec {
  const fragments = toolFragments(tools, tally);
  let finish: Finish | undefined;
  let usage: Fields | undefined;
  let spoke = false;

  const readContent = (content: unknown, inThought: boolean, find: Find) => {
    if (typeof content === 'string' || typeof content === 'number') {
      if (content !== '') find({ type: inThought ? 'thought' : 'text', text: String(content) });
      return;
    }
    for (const part of Array.isArray(content) ? content : [content]) {
      if (typeof part === 'string') readContent(part, inThought, find);
      else {
        const fields = fieldsOf(part, 'content', tally);
        if (!fields) continue;
        // Text is under `text`, or under the name of the part's type, and may be a list again.
        const inner = fields.text ?? fields.thinking ?? fields.reasoning ?? fields.content ?? fields.value ?? '';
        if (fields.type === 'tool_use' || fields.type === 'tool_call')
          fragments.addWhole([{ ...fields, arguments: fields.arguments ?? fields.input }]);
        else readContent(inner, inThought || isThought(fields), find);
      }
    }
  };
  const readSaid = (said: Fields, whole: boolean, find: Find) => {
    for (const name of THOUGHT_FIELDS) {
      const thought = said[name];
      if (typeof thought === 'string' && thought !== '') find({ type: 'thought', text: thought });
    }
    // A message at the end of a stream says again what its pieces have said.
    if (!whole || !spoke) {
      readContent(said.content || said.refusal || said.text, isThought(said), (found) => {
        if (found.type === 'text' && !whole) spoke = true;
        find(found);
      });
    }
    const listed = listOf(said.tool_calls, 'tool_calls', tally);
    // The older form, which some servers send beside the new one.
    const calls = listed.length > 0 ? listed : listOf(said.function_call, 'function_call', tally);
    if (whole) fragments.addWhole(calls);
    else for (const call of calls) fragments.add(call);
  };
  /** A count of zero beside an answer is none: some servers send the field and do not count. */
  const count = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const value = numberOf(usage?.[name], 'usage', tally);
      if (value) return value;
    }
    return undefined;
  };

  return {
    get finished() {
      return finish !== undefined;
    },
    read(chunk, _name, find) {
      // Without choices the chunk is the choice: what simple servers send.
      const choice = chunk.choices === undefined ? chunk : listOf(chunk.choices, 'choices', tally)[0];
      usage = fieldsOf(chunk.usage ?? fieldsOf(chunk.x_groq, 'usage', tally)?.usage ?? choice?.usage, 'usage', tally) ?? usage;
      if (!choice) return;
      const failure = failureIn({ error: choice.error });
      if (failure) throw failure;
      const delta = fieldsOf(choice.delta, 'delta', tally);
      const message = fieldsOf(choice.message, 'message', tally);
      if (delta) readSaid(delta, false, find);
      else if (!message && choice !== chunk && typeof choice.text === 'string') readSaid({ content: choice.text }, false, find);
      if (message) readSaid(message, true, find);
      const reason = choice.finish_reason ?? choice.finishReason ?? choice.done_reason;
      if (reason === 'error') throw reported('the answer ended with an error', 'provider_network');
      if (typeof reason === 'string' && reason !== '') finish = finishOf(reason);
    },
    end() {
      const details = fieldsOf(usage?.prompt_tokens_details ?? usage?.input_tokens_details, 'usage', tally);
      return {
        calls: fragments.calls(),
        finish,
        usage: {
          promptTokens: count('prompt_tokens', 'input_tokens'),
          completionTokens: count('completion_tokens', 'output_tokens'),
          cachedPromptTokens: numberOf(details?.cached_tokens, 'usage', tally) ?? count('prompt_cache_hit_tokens'),
        },
      };
    },
  };
}

/** Where servers of the dialect put what the model thinks. */
const THOUGHT_FIELDS = ['reasoning_content', 'reasoning', 'thinking', 'thought', 'thoughts'];

function isThought({ type, thought }: Fields): boolean {
  return thought === true || (typeof type === 'string' && /reason|think|thought/.test(type));
}
