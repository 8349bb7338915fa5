/**
 * The conversation in an order that every vendor takes: no empty messages, each round of tool calls followed at once by its results, no
 * result without its call. It drops nothing that was said, and invents nothing but the note that a tool has no result.
 */
import { createHash } from 'node:crypto';
import type { Message, PromptRequest, ToolCall } from './contract.ts';
import { estimateTokens } from './tokens.ts';

type Result = Extract<Message, { role: 'tool' }>;

const NO_RESULT = 'There is no result.';

export function orderly({ messages, tools }: PromptRequest): Message[] {
  const results = messages.filter((message) => message.role === 'tool');
  const used = new Set<Result>();
  const resultOf = (call: ToolCall): Message => {
    const found = results.find((result) => result.toolCallId === call.id && !used.has(result));
    if (!found) return { role: 'tool', toolCallId: call.id, name: call.name, content: NO_RESULT, failed: true };
    used.add(found);
    return { ...found, name: call.name, content: found.content || NO_RESULT };
  };
  const named = (call: ToolCall): ToolCall =>
    tools.some((tool) => tool.name === call.name) ? call : { ...call, name: plainName(call.name) };

  const out: Message[] = [];
  for (const message of messages) {
    if (message.role === 'assistant' && message.toolCalls?.length) {
      const calls = message.toolCalls.map(named);
      out.push({ ...message, toolCalls: calls }, ...calls.map(resultOf));
    } else if (message.role === 'tool') {
      if (!called(messages, message)) out.push({ role: 'system', content: `The tool ${message.name} answered: ${message.content}` });
    } else if (message.content.trim() !== '') out.push({ role: message.role, content: message.content });
  }
  return out;
}

function called(messages: readonly Message[], { toolCallId }: Result): boolean {
  return messages.some((message) => message.role === 'assistant' && message.toolCalls?.some((call) => call.id === toolCallId));
}

/** A name that a model made up may hold what vendors refuse in a history, and with it every later request. */
function plainName(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'unnamed';
}

/** The arguments as the vendor may see them again: an object always. */
export function argumentsOf(call: ToolCall): Readonly<Record<string, unknown>> {
  return call.malformed === undefined ? call.arguments : { malformed: call.malformed };
}

/** A call's id as the vendor takes it. Another vendor may have made it: what does not fit is replaced, the same always by the same. */
export function wireId(id: string, fits: RegExp): string {
  if (fits.test(id)) return id;
  return createHash('sha256')
    .update(id)
    .digest('base64')
    .replace(/[^a-zA-Z0-9]/g, '')
    .slice(0, 9);
}

/** Where the vendor counts nothing. */
export function estimatePrompt({ messages, tools }: PromptRequest): number {
  let tokens = tools.length > 0 ? estimateTokens(JSON.stringify(tools)) : 0;
  for (const message of messages) {
    tokens += estimateTokens(message.content);
    if (message.role === 'assistant' && message.toolCalls?.length) tokens += estimateTokens(JSON.stringify(message.toolCalls));
  }
  return tokens;
}
