/**
 * What a call asks of the world outside its host while it runs: today the answer to a tool call, later an assistant, a transfer
 * destination, documents. The host asks through the wall; control answers by webhook. The question says how long its answer is waited
 * for; the call that asks is the one that stops waiting.
 */
import type { Scope } from '../kernel/scope.ts';
import type { ToolCall } from '../providers/llm/contract.ts';

export interface ToolQuestion {
  readonly type: 'tool-calls';
  readonly call: string;
  readonly calls: readonly (ToolCall & { readonly target: string | null; readonly source: Readonly<Record<string, unknown>> })[];
  /** How long the call waits for it; an answer that takes longer is for nobody. */
  readonly timeoutMs: number;
}

export interface ToolResult {
  readonly id: string;
  readonly ok: boolean;
  /** The text that the model reads: a result, or why there is none. */
  readonly result: string;
  /** Spoken verbatim instead of asking the model, when the webhook says so. */
  readonly say?: string;
  readonly endsCall?: boolean;
}

export interface ToolAnswer {
  readonly type: 'tool-calls';
  readonly results: readonly ToolResult[];
}

export type Question = ToolQuestion;
export type Answer = ToolAnswer;

/** Rejects with `tool_failed`, or with `cancelled` when `scope` closes: whoever asks holds the deadline. An answer has a result for each call that was asked. */
export interface Desk {
  ask(question: Question, scope: Scope): Promise<Answer>;
}
