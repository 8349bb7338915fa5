/** Anthropic's brain: the Messages API as a stream. Wire: docs.anthropic.com/en/api/messages-streaming. */
import { z } from 'zod';
import { address } from '../address.ts';
import { type Fields, fieldsOf, listOf, numberOf, type Tally, textOf } from '../fields.ts';
import { type LanguageModel, type Message, type PromptRequest, patience } from './contract.ts';
import { argumentsOf, wireId } from './prompt.ts';
import { type BrainCodec, type Find, type Finish, streamedReply } from './streaming.ts';
import { argumentText, toolCall } from './tool-calls.ts';
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
    return streamedReply({ vendor: anthropicBrain, access, prompt: request, ask, codec, ctx });
  },
};

/** The end of what is the same in every request of a call: the vendor reuses its work up to here. */
const CACHED = { cache_control: { type: 'ephemeral' } };

function bodyOf(request: PromptRequest, chosen: Settings): Record<string, unknown> {
  const { system, turns } = alternatingTurns(request);
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

/** What the vendor takes for the id of a call. */
const ID = /^[\w-]{1,64}$/;

function blocksOf(message: Exclude<Message, { role: 'system' }>): Record<string, unknown>[] {
  if (message.role === 'tool') {
    const result = { type: 'tool_result', tool_use_id: wireId(message.toolCallId, ID), content: message.content };
    return [message.failed ? { ...result, is_error: true } : result];
  }
  const text = message.content.trim() ? [{ type: 'text', text: message.content }] : [];
  if (message.role === 'user') return text;
  const uses = (message.toolCalls ?? []).map((call) => ({
    type: 'tool_use',
    id: wireId(call.id, ID),
    name: call.name,
    input: argumentsOf(call),
  }));
  return [...text, ...uses];
}

const FINISH: Readonly<Record<string, Finish>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tools',
  refusal: 'filtered',
};

/** A block of the answer that is not over. */
interface Block {
  readonly index: number | undefined;
  readonly type: string;
  readonly id: string;
  readonly name: string;
  /** The input that came with the beginning: all of it where no piece follows. */
  readonly whole: string;
  json: string;
}

function codec(_prompt: PromptRequest, tally: Tally): BrainCodec {
  let open: Block[] = [];
  const usage: Record<string, number> = {};
  let stopReason = '';
  let complete = false;

  const count = (fields: unknown) => {
    for (const [name, value] of Object.entries(fieldsOf(fields, 'usage', tally) ?? {})) if (typeof value === 'number') usage[name] = value;
  };
  const callOf = ({ id, name, whole, json }: Block) => {
    if (name) return toolCall(id, name, json || whole);
    tally.note('tool_use');
    return undefined;
  };
  /** The block of an event: of two with one index, or without one, the latest. */
  const blockOf = (event: Fields) => {
    const index = numberOf(event.index, 'index', tally);
    return index === undefined ? open.at(-1) : open.findLast((block) => block.index === index);
  };
  const begin = (index: number | undefined, block: Fields, find: Find) => {
    const type = textOf(block.type, 'content_block', tally) || 'text';
    const id = textOf(block.id, 'content_block', tally);
    open.push({ index, type, id, name: textOf(block.name, 'content_block', tally), whole: argumentText(block.input, tally), json: '' });
    if (isThought(type)) readThought(block, find);
    else if (type === 'text' && block.text) find({ type: 'text', text: textOf(block.text, 'content_block', tally) });
  };
  const goOn = (block: Block | undefined, delta: Fields, find: Find) => {
    const type = textOf(delta.type, 'delta', tally);
    if (isThought(type) || (block && isThought(block.type))) readThought(delta, find);
    else if (block?.type === 'tool_use') block.json += argumentText(delta.partial_json, tally);
    // Without its beginning a block is known by its pieces.
    else if (!block?.type.includes('tool') && delta.text) find({ type: 'text', text: textOf(delta.text, 'delta', tally) });
  };
  const stop = (block: Block | undefined, find: Find) => {
    if (!block) return;
    open = open.filter((other) => other !== block);
    const call = block.type === 'tool_use' ? callOf(block) : undefined;
    if (call) find({ type: 'tool', call });
  };

  return {
    get finished() {
      return complete || stopReason !== '';
    },
    read(event, name, find) {
      switch (event.type ?? name) {
        case 'message_start':
          return count(fieldsOf(event.message, 'message', tally)?.usage);
        case 'content_block_start':
          return begin(
            numberOf(event.index, 'index', tally),
            fieldsOf(event.content_block, 'content_block', tally) ?? { type: 'unknown' },
            find,
          );
        case 'content_block_delta':
          return goOn(blockOf(event), fieldsOf(event.delta, 'delta', tally) ?? {}, find);
        case 'content_block_stop':
          return stop(blockOf(event), find);
        case 'message_delta':
          count(event.usage);
          stopReason = textOf(fieldsOf(event.delta, 'delta', tally)?.stop_reason, 'stop_reason', tally) || stopReason;
          return;
        case 'message_stop':
          complete = true;
          return;
        // A server that does not stream.
        case 'message':
          count(event.usage);
          for (const block of listOf(event.content, 'content', tally)) {
            begin(undefined, block, find);
            stop(open.at(-1), find);
          }
          stopReason = textOf(event.stop_reason, 'stop_reason', tally);
          complete = true;
      }
    },
    end() {
      const calls = open.flatMap((block) => (block.type === 'tool_use' ? (callOf(block) ?? []) : []));
      const fresh = numberOf(usage.input_tokens, 'usage', tally);
      const cached = numberOf(usage.cache_read_input_tokens, 'usage', tally);
      const written = numberOf(usage.cache_creation_input_tokens, 'usage', tally);
      const prompt = (fresh ?? 0) + (cached ?? 0) + (written ?? 0);
      return {
        calls,
        finish: complete || stopReason ? (FINISH[stopReason] ?? 'stop') : undefined,
        usage: {
          promptTokens: prompt || undefined,
          completionTokens: complete || stopReason ? numberOf(usage.output_tokens, 'usage', tally) || undefined : undefined,
          cachedPromptTokens: cached,
        },
      };
    },
  };
}

function isThought(type: string): boolean {
  return /thinking|thought|reasoning|signature/.test(type);
}

function readThought({ thinking, text }: Fields, find: Find): void {
  if (typeof thinking === 'string') find({ type: 'thought', text: thinking });
  else if (typeof text === 'string') find({ type: 'thought', text });
}
