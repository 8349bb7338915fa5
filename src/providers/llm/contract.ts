/** Brains: a prompt and tools in, text and tool calls out, as they are made. */
import { z } from 'zod';
import type { ProviderAccess, ProviderContext, ProviderSpec } from '../contract.ts';

/**
 * `timeoutSeconds` of every model: how long its first word may take, and how long it may be silent inside an answer. Without it a
 * caller is not kept waiting (the engine's own limit); a model on slow hardware, or one that thinks first, is given its time here.
 */
export const patience = z.number().min(0.1).max(300).optional();

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** Parsed JSON; an object always. What could not be parsed arrives as `{}` with `malformed` holding the raw text. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly malformed?: string;
  /** The vendor's own seal on the call, to be given back with it unread (Gemini); part of no event. */
  readonly signature?: string;
}

/** The conversation as a model sees it. The agent's words are those that were heard. */
export type Message =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly ToolCall[] }
  /** `failed`: the content says why there is no result. */
  | { role: 'tool'; toolCallId: string; name: string; content: string; failed?: boolean };

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedPromptTokens?: number;
  /** The vendor did not give all of the numbers: what is missing is counted from the characters. */
  readonly estimated?: true;
}

/** What a model says, in order. A stream ends by `done` or by a thrown `AywaError`; never by silence. */
export type Said =
  | { type: 'text'; text: string }
  /** Of its own id in the conversation, whatever the vendor calls it. */
  | { type: 'tool'; call: ToolCall }
  /** It works and says nothing: it thinks, writes a tool's arguments, or keeps the line open. Now and then, not for each sign. */
  | { type: 'alive' }
  | { type: 'done'; usage: Usage; finish: 'stop' | 'length' | 'tools' | 'filtered' };

export interface PromptRequest {
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  /** Facts about the call for servers that want them (`custom-llm` with `metadataSendMode`), already in wire form. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface LanguageModel<Settings = Record<string, unknown>> extends ProviderSpec<Settings> {
  readonly kind: 'llm';
  /** Starts answering at once when iterated; stops and closes its connection when `ctx.scope` closes or iteration is left. */
  reply(request: PromptRequest, settings: Settings, access: ProviderAccess, ctx: ProviderContext): AsyncIterable<Said>;
}
