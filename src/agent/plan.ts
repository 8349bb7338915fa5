/**
 * What a call host needs to know to run one call: the assistant with overrides merged, variables filled in, tools resolved and
 * provider access looked up. Plain JSON, so that it crosses the process wall; made by `api/`, read by `host/` and `call/`.
 */

import type { ProviderChoice } from '../providers/contract.ts';
import type { Message, ToolSpec } from '../providers/llm/contract.ts';

/** How a caller reaches an agent. */
export const CHANNELS = ['phone-inbound', 'phone-outbound', 'web', 'websocket', 'text'] as const;
export type Channel = (typeof CHANNELS)[number];

/** First choice, then the fallbacks in order. */
export type ProviderChain = readonly [ProviderChoice, ...ProviderChoice[]];

export interface Opening {
  /** `agent-text`: the agent speaks `text`. `caller`: the agent waits. `agent-model`: the model makes the first sentence. */
  readonly mode: 'agent-text' | 'caller' | 'agent-model';
  readonly text: string;
  readonly interruptible: boolean;
}

/** The numbers of turn-taking; names and defaults after Vapi's start- and stop-speaking plans where it has them. */
export interface TurnPolicy {
  /** Wait after the end of speech when the words look complete, incomplete, or end in a number; ms. */
  readonly waitCompleteMs: number;
  readonly waitIncompleteMs: number;
  readonly waitNumberMs: number;
  /** Which of the three the assistant names itself: no opinion of a recogniser undercuts or extends those. */
  readonly explicit: { readonly complete: boolean; readonly incomplete: boolean; readonly number: boolean };
  /** Added before the agent speaks, after all other waits (`startSpeakingPlan.waitSeconds`); ms. */
  readonly waitBeforeSpeakingMs: number;
  /** Words needed to interrupt the agent; 0: voice activity of `interruptVoiceMs` is enough. */
  readonly interruptWords: number;
  readonly interruptVoiceMs: number;
  /** Silence after which a ducked reply goes on, when no words came; ms. */
  readonly falseAlarmMs: number;
  /** Pause before the agent speaks again after an interruption; ms. */
  readonly backoffMs: number;
  /** Never count as an interruption (`mm-hmm`, `okay`). */
  readonly acknowledgements: readonly string[];
  /** Interrupt at once, however few words are needed (`stop`, `wait`). */
  readonly interruptions: readonly string[];
  readonly rules: readonly EndpointingRule[];
  /** Start the model on words that are not final yet. */
  readonly drafts: boolean;
}

export interface EndpointingRule {
  readonly of: 'agent' | 'caller' | 'both';
  readonly agentPattern: string;
  readonly callerPattern: string;
  readonly ignoreCase: boolean;
  readonly waitMs: number;
}

export interface ToolMessage {
  readonly when: 'start' | 'complete' | 'failed' | 'delayed';
  readonly text: string;
  /** `complete` with role system goes to the model instead of the caller. */
  readonly role: 'assistant' | 'system';
  readonly delayMs: number;
  readonly blocking: boolean;
  readonly endsCall: boolean;
}

export interface ToolPlan {
  readonly id: string | null;
  readonly kind: 'function' | 'endCall' | 'transferCall' | 'dtmf';
  readonly spec: ToolSpec;
  readonly async: boolean;
  /** Runs to its end even when the caller interrupts (a payment). */
  readonly finishes: boolean;
  readonly timeoutMs: number;
  readonly messages: readonly ToolMessage[];
  /** Values that are sent with the model's arguments, hidden from the model. */
  readonly fixed: Readonly<Record<string, unknown>>;
  /** The tool as it stood in the assistant, for the webhook; secrets removed. */
  readonly source: Readonly<Record<string, unknown>>;
  /** The tool's own webhook target, resolved by control; a key that means something only there. */
  readonly target: string | null;
}

export interface IdlePlan {
  /** Silence of the caller after the agent spoke, before each prompt; ms; 0 switches the prompts off. */
  readonly afterMs: number;
  readonly texts: readonly string[];
  readonly most: number;
}

/** What keys that the caller presses become; `null` in the agent's plan: they are noted and nobody is told. */
export interface KeypadPlan {
  /** An entry is complete when no key follows for so long; ms; 0: each key by itself. */
  readonly timeoutMs: number;
  /** Keys that complete an entry and are not part of it. */
  readonly delimiters: readonly string[];
}

/** What answered is found out before the opening is said. */
export interface ScreeningPlan {
  /** Whoever has not turned out to be a machine by then is a person; ms. */
  readonly forMs: number;
  /** Left on a machine; empty: nothing. */
  readonly message: string;
}

/** What is true of the agent that speaks now. A flow's node, another member of a squad or another language is another one of these. */
export interface AgentPlan {
  readonly assistantId: string | null;
  readonly name: string;
  readonly language: string;
  readonly opening: Opening;
  readonly screening: ScreeningPlan | null;
  /** The prompt before the conversation: rendered system messages and examples. */
  readonly prompt: readonly Message[];
  readonly tools: readonly ToolPlan[];
  readonly stt: ProviderChain;
  readonly llm: ProviderChain;
  readonly tts: ProviderChain;
  /** Hints or grammar for the recogniser. */
  readonly expected: readonly string[];
  readonly turns: TurnPolicy;
  readonly keypad: KeypadPlan | null;
  readonly idle: IdlePlan;
  readonly silenceMs: number;
  readonly endPhrases: readonly string[];
  readonly farewell: string;
  /** Spoken when a reply fails: the agent's answer to its own breakdown. */
  readonly fallback: string;
}

/** What is true of the call, whoever speaks in it; `agent` is the one that begins. */
export interface CallPlan {
  readonly call: string;
  readonly organization: string;
  readonly channel: Channel;
  readonly from: string | null;
  readonly to: string | null;
  readonly agent: AgentPlan;
  readonly durationMs: number;
  readonly record: boolean;
  /** For model servers that want it: facts of the call, and the assistant's `metadata` under its name. */
  readonly metadata: Readonly<Record<string, unknown>>;
}
