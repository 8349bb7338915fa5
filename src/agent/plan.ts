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

/** What cleans text for the voice, by the names of Vapi's `formattersEnabled`. */
export const FORMATTERS = [
  'markdown',
  'asterisk',
  'quote',
  'dash',
  'newline',
  'colon',
  'acronym',
  'dollarAmount',
  'email',
  'date',
  'time',
  'distance',
  'unit',
  'percentage',
  'phoneNumber',
  'number',
  'stripAsterisk',
] as const;
export type Formatter = (typeof FORMATTERS)[number];

/** One of the user's own changes to the text; they see the words as the model wrote them, without its marks. */
export type Replacement =
  /** `all: false`: only where it comes first in a sentence. */
  | { readonly type: 'exact'; readonly key: string; readonly value: string; readonly all: boolean }
  /** A pattern of RE2, replaced wherever it fits; `value` may name groups (`$1`, `$&`). */
  | {
      readonly type: 'regex';
      readonly pattern: string;
      readonly value: string;
      readonly ignoreCase: boolean;
      readonly wholeWord: boolean;
      readonly multiLine: boolean;
    };

/** How text becomes speech (`voice.chunkPlan` and its `formatPlan`). */
export interface SpeechPlan {
  /** `false`: the voice gets what the model wrote (`formatPlan.enabled` or `chunkPlan.enabled` is off). */
  readonly format: boolean;
  readonly formatters: readonly Formatter[];
  readonly replacements: readonly Replacement[];
  /** A whole number above it is read digit by digit (`numberToDigitsCutoff`). */
  readonly digitsAbove: number;
  /** Fewest characters of a piece; `null`: each piece goes as early as it can be spoken. */
  readonly minCharacters: number | null;
  /** Marks after which a piece may end; `null`: what ends a clause in the first piece, a sentence in later ones. */
  readonly boundaries: readonly string[] | null;
}

/** All formatters but `asterisk`, which drops whole phrases. Sizes are left open: Vapi's 30 characters cost a caller half a second. */
export const DEFAULT_SPEECH: SpeechPlan = {
  format: true,
  formatters: FORMATTERS.filter((name) => name !== 'asterisk'),
  replacements: [],
  digitsAbove: 2025,
  minCharacters: null,
  boundaries: null,
};

/** What of `voice.chunkPlan` is accepted and not obeyed in full, by its path there. */
export const SPEECH_LIMITS: Readonly<Record<string, string>> = {
  enabled: 'false gives the text unformatted; a voice that takes whole requests still gets it in clauses',
  'formatPlan.formattersEnabled.dollarAmount': 'is obeyed in English; in other languages the voice reads amounts itself',
  'formatPlan.formattersEnabled.date': 'is obeyed in English; in other languages the voice reads dates itself',
  'formatPlan.formattersEnabled.time': 'is obeyed in English; in other languages the voice reads times itself',
  'formatPlan.formattersEnabled.distance': 'is obeyed in English; in other languages the voice reads distances itself',
  'formatPlan.formattersEnabled.unit': 'is obeyed in English; in other languages the voice reads units itself',
  'formatPlan.formattersEnabled.percentage': 'is obeyed in English; in other languages the voice reads percentages itself',
  'formatPlan.formattersEnabled.phoneNumber': 'is obeyed in English; in other languages the voice reads telephone numbers itself',
  'formatPlan.formattersEnabled.number': 'is obeyed in English; in other languages the voice reads numbers itself',
  'formatPlan.numberToDigitsCutoff': 'is obeyed in English; in other languages the voice reads numbers itself',
};

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
  /** How written text becomes spoken text. */
  readonly speech: SpeechPlan;
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
