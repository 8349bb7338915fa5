/**
 * The chat completions dialect, which OpenAI and most other vendors speak: messages and tools out, chunks with deltas in. The
 * answer of a server that does not stream is understood as well. Wire: platform.openai.com/docs/api-reference/chat.
 */
import { z } from 'zod';
import { reported } from '../faults.ts';
import { type Message, type PromptRequest, patience, type Said, type ToolCall } from './contract.ts';
import { type BrainCodec, callId, toolCall } from './streaming.ts';

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
}

export function chatBody(request: PromptRequest, options: ChatOptions): Record<string, unknown> {
  return {
    model: options.model,
    messages: request.messages.map(wireMessage),
    ...(request.tools.length > 0 ? { tools: request.tools.map((tool) => ({ type: 'function', function: tool })) } : {}),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    [options.limitName ?? 'max_tokens']: options.maxTokens,
    stream: true,
    ...(options.usage === false ? {} : { stream_options: { include_usage: true } }),
  };
}

function wireMessage(message: Message): Record<string, unknown> {
  switch (message.role) {
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolCallId, content: message.content };
    case 'assistant':
      if (!message.toolCalls?.length) return { role: 'assistant', content: message.content };
      return { role: 'assistant', content: message.content || null, tool_calls: message.toolCalls.map(wireCall) };
    case 'system':
    case 'user':
      return { role: message.role, content: message.content };
  }
}

function wireCall(call: ToolCall): Record<string, unknown> {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.malformed ?? JSON.stringify(call.arguments) } };
}

const ToolDelta = z.object({
  index: z.number().int().optional(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).optional(),
});
const Delta = z.object({ content: z.string().nullish(), tool_calls: z.array(ToolDelta).nullish() });
const Chunk = z.object({
  error: z.union([z.string(), z.object({ message: z.string().default(''), code: z.unknown() })]).optional(),
  choices: z.array(z.object({ delta: Delta.nullish(), message: Delta.nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage: z
    .object({
      prompt_tokens: z.number().default(0),
      completion_tokens: z.number().default(0),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
});

const FINISH: Readonly<Record<string, 'stop' | 'length' | 'tools' | 'filtered'>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tools',
  function_call: 'tools',
  content_filter: 'filtered',
};

export function chatCodec(): BrainCodec {
  const calls: { id: string; name: string; json: string }[] = [];
  let finish: 'stop' | 'length' | 'tools' | 'filtered' | undefined;
  let usage: z.infer<typeof Chunk>['usage'];

  const collect = (delta: z.infer<typeof ToolDelta>) => {
    // Servers that leave the index out begin a new call with a new id.
    const last = calls.length - 1;
    const at = delta.index ?? (delta.id && delta.id !== calls[last]?.id ? calls.length : Math.max(last, 0));
    const call = calls[at] ?? { id: '', name: '', json: '' };
    calls[at] = call;
    call.id ||= delta.id ?? '';
    call.name ||= delta.function?.name ?? '';
    call.json += delta.function?.arguments ?? '';
  };

  return {
    *read(json): Generator<Said> {
      const chunk = Chunk.parse(json);
      if (chunk.error !== undefined) {
        const { message, code } = typeof chunk.error === 'string' ? { message: chunk.error, code: undefined } : chunk.error;
        throw reported(`${code ?? ''} ${message}`.trim(), 'provider_network');
      }
      usage = chunk.usage ?? usage;
      const choice = chunk.choices?.[0];
      const said = choice?.delta ?? choice?.message;
      if (said?.content) yield { type: 'text', text: said.content };
      said?.tool_calls?.forEach(collect);
      if (choice?.finish_reason) finish = FINISH[choice.finish_reason] ?? 'stop';
    },
    end() {
      if (!finish) return undefined;
      const cached = usage?.prompt_tokens_details?.cached_tokens;
      const tools = calls.filter((call) => call?.name);
      return [
        ...tools.map((call): Said => ({ type: 'tool', call: toolCall(call.id || callId(), call.name, call.json) })),
        {
          type: 'done',
          finish: tools.length > 0 ? 'tools' : finish,
          usage: {
            promptTokens: usage?.prompt_tokens ?? 0,
            completionTokens: usage?.completion_tokens ?? 0,
            ...(cached ? { cachedPromptTokens: cached } : {}),
          },
        },
      ];
    },
  };
}
