/** Anthropic's brain: the Messages API as a stream. Wire: docs.anthropic.com/en/api/messages-streaming. */
import { z } from 'zod';
import { address } from '../address.ts';
import { reported } from '../faults.ts';
import { type LanguageModel, type Message, type PromptRequest, patience, type Said } from './contract.ts';
import { type BrainCodec, callId, streamedReply, toolCall } from './streaming.ts';
import { alternatingTurns } from './turns.ts';

const settings = z.object({
  model: z.string().min(1).default('claude-haiku-4-5'),
  temperature: z.number().min(0).max(1).optional(),
  maxTokens: z.number().int().min(1).max(10_000).default(250),
  timeoutSeconds: patience,
});
type Settings = z.infer<typeof settings>;

export const anthropicBrain: LanguageModel<Settings> = {
  kind: 'llm',
  name: 'anthropic',
  env: 'ANTHROPIC',
  origin: 'https://api.anthropic.com',
  needsKey: true,
  settings,
  reply(request, chosen, access, ctx) {
    const ask = () => ({
      // The vendor's own SDK takes a base without the version; both are understood.
      url: address(access.baseUrl.replace(/\/v1\/?$/, ''), '/v1/messages'),
      headers: { 'x-api-key': access.apiKey, 'anthropic-version': '2023-06-01' },
      body: bodyOf(request, chosen),
    });
    return streamedReply(anthropicBrain, access, ask, codec(), ctx);
  },
};

/** The end of what is the same in every request of a call: the vendor reuses its work up to here. */
const CACHED = { cache_control: { type: 'ephemeral' } };

function bodyOf(request: PromptRequest, chosen: Settings): Record<string, unknown> {
  const { system, turns } = alternatingTurns(request.messages);
  return {
    model: chosen.model,
    max_tokens: chosen.maxTokens,
    ...(chosen.temperature === undefined ? {} : { temperature: chosen.temperature }),
    ...(system ? { system: [{ type: 'text', text: system, ...CACHED }] } : {}),
    messages: turns.map((turn) => ({ role: turn.side, content: turn.messages.flatMap(blocksOf) })),
    ...(request.tools.length > 0
      ? { tools: request.tools.map((tool) => ({ name: tool.name, description: tool.description, input_schema: tool.parameters })) }
      : {}),
    stream: true,
  };
}

function blocksOf(message: Exclude<Message, { role: 'system' }>): Record<string, unknown>[] {
  if (message.role === 'tool') {
    const result = { type: 'tool_result', tool_use_id: message.toolCallId, content: message.content };
    return [message.failed ? { ...result, is_error: true } : result];
  }
  const text = message.content ? [{ type: 'text', text: message.content }] : [];
  if (message.role === 'user') return text;
  return [...text, ...(message.toolCalls ?? []).map((call) => ({ type: 'tool_use', id: call.id, name: call.name, input: call.arguments }))];
}

const UsageFields = z.object({
  input_tokens: z.number().nullish(),
  output_tokens: z.number().nullish(),
  cache_read_input_tokens: z.number().nullish(),
  cache_creation_input_tokens: z.number().nullish(),
});
const Tagged = z.looseObject({ type: z.string() });
const Started = z.object({ message: z.object({ usage: UsageFields.optional() }) });
const BlockStart = z.object({
  index: z.number(),
  content_block: z.object({ type: z.string(), text: z.string().optional(), id: z.string().optional(), name: z.string().optional() }),
});
const BlockDelta = z.object({
  index: z.number(),
  delta: z.object({ type: z.string(), text: z.string().optional(), partial_json: z.string().optional() }),
});
const BlockStop = z.object({ index: z.number() });
const MessageDelta = z.object({ delta: z.object({ stop_reason: z.string().nullish() }), usage: UsageFields.optional() });
const Failure = z.object({ error: z.object({ type: z.string().default(''), message: z.string().default('') }) });

const FINISH: Readonly<Record<string, 'stop' | 'length' | 'tools' | 'filtered'>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tools',
  refusal: 'filtered',
};

function codec(): BrainCodec {
  const tools = new Map<number, { id: string; name: string; json: string }>();
  const usage: z.infer<typeof UsageFields> = {};
  let stopReason: string | undefined;
  let complete = false;

  const count = (fields: z.infer<typeof UsageFields> | undefined) => {
    for (const [name, value] of Object.entries(fields ?? {})) if (typeof value === 'number') Object.assign(usage, { [name]: value });
  };

  return {
    *read(json): Generator<Said> {
      const event = Tagged.parse(json);
      switch (event.type) {
        case 'message_start':
          return count(Started.parse(event).message.usage);
        case 'content_block_start': {
          const { index, content_block: block } = BlockStart.parse(event);
          if (block.type === 'tool_use') tools.set(index, { id: block.id ?? callId(), name: block.name ?? '', json: '' });
          if (block.text) yield { type: 'text', text: block.text };
          return;
        }
        case 'content_block_delta': {
          const { index, delta } = BlockDelta.parse(event);
          const tool = tools.get(index);
          if (tool) tool.json += delta.partial_json ?? '';
          else if (delta.type === 'text_delta' && delta.text) yield { type: 'text', text: delta.text };
          return;
        }
        case 'content_block_stop': {
          const tool = tools.get(BlockStop.parse(event).index);
          if (tool) yield { type: 'tool', call: toolCall(tool.id, tool.name, tool.json) };
          return;
        }
        case 'message_delta': {
          const { delta, usage: last } = MessageDelta.parse(event);
          count(last);
          stopReason = delta.stop_reason ?? stopReason;
          return;
        }
        case 'message_stop':
          complete = true;
          return;
        case 'error': {
          const { type, message } = Failure.parse(event).error;
          throw reported(`${type}: ${message}`, 'provider_network');
        }
      }
    },
    end() {
      if (!complete) return undefined;
      const cached = usage.cache_read_input_tokens ?? 0;
      const promptTokens = (usage.input_tokens ?? 0) + cached + (usage.cache_creation_input_tokens ?? 0);
      return [
        {
          type: 'done',
          finish: FINISH[stopReason ?? ''] ?? 'stop',
          usage: { promptTokens, completionTokens: usage.output_tokens ?? 0, ...(cached ? { cachedPromptTokens: cached } : {}) },
        },
      ];
    },
  };
}
