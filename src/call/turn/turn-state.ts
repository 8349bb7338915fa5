/** What the turn table reads and writes: its state, inputs and effects, and the agent's policy. Plain data, no rule. */
import type { ProviderKind } from '../../providers/contract.ts';
import type { EndReason, ReplyCause } from '../events.ts';

export type Phase = 'listening' | 'deciding' | 'thinking' | 'speaking' | 'yielding' | 'closing' | 'over';
export type TimerName = 'turn-end' | 'false-alarm' | 'quiet' | 'silence' | 'duration' | 'closing';

/** Words of the caller that will not change. `soft` words (a murmur while the agent speaks, a hello into its greeting, a noise) ask for no answer by themselves. */
export interface Words {
  /** When they became known. */
  readonly at: number;
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly typed: boolean;
  readonly rejected: boolean;
  readonly soft?: boolean;
}

/** What was said, as one text; noises between words are left out of it. */
export function textOf(words: readonly Words[]): string {
  const clear = words.filter(({ soft, rejected }) => !(soft && rejected));
  return (clear.length > 0 ? clear : words).map(({ text }) => text).join(' ');
}

/** Something to be said that the caller's turn did not ask for; `text` is `null` when the model finds the words. */
export interface Saying {
  readonly cause: ReplyCause;
  readonly text: string | null;
  readonly interruptible: boolean;
  /** Spoken at once, instead of the reply that is open. */
  readonly interrupt: boolean;
  /** The call ends when it was heard. */
  readonly endAfter: boolean;
}

export interface OpenReply {
  readonly number: number;
  readonly audible: boolean;
  /** When its first sound went out; 0 before. */
  readonly audibleAt: number;
  /** The first message: people say hello into it. */
  readonly greets: boolean;
  readonly interruptible: boolean;
  /** Says a given text: it is held back by an interruption before its first sound, where a model's answer is made anew. */
  readonly fixed: boolean;
  /** The words that it answers; they come back when it is cut before it was heard. */
  readonly asked: readonly Words[];
}

export interface TurnState {
  /** The media leg is there: before that nothing is said and nobody is waited for. */
  readonly connected: boolean;
  readonly phase: Phase;
  readonly talking: boolean;
  /** When the caller's voice went away, as far as it matters for the next turn. */
  readonly quietSince: number | null;
  /** When words were last exchanged. */
  readonly spokeAt: number;
  readonly waiting: readonly Words[];
  readonly open: OpenReply | null;
  readonly queue: readonly Saying[];
  readonly timers: Readonly<Partial<Record<TimerName, number | undefined>>>;
  readonly replies: number;
  /** Turns that were answered audibly. */
  readonly turns: number;
  readonly prompts: number;
  readonly failures: number;
  /** The kind of provider that failed last without another one in its place. */
  readonly broken: ProviderKind;
  readonly muted: boolean;
  readonly lastSaid: string;
  readonly probability: number | null;
  readonly backoffUntil: number;
  /** What is still to be said before the end; empty when nothing is. */
  readonly farewell: string;
}

export type Input = { readonly at: number } & (
  | { type: 'connected'; saying: Saying | null }
  | { type: 'started' }
  | { type: 'stopped'; silentMs: number }
  | { type: 'partial'; text: string }
  | { type: 'words'; words: Words }
  | { type: 'turnEnd'; probability: number }
  | { type: 'timer'; timer: TimerName }
  | { type: 'say'; saying: Saying }
  | { type: 'mute'; on: boolean }
  | { type: 'audible'; reply: number }
  | { type: 'said'; text: string }
  | { type: 'ended'; reply: number; failed: boolean }
  | { type: 'broken'; kind: ProviderKind }
  | { type: 'close'; reason: EndReason }
  | { type: 'gone' }
);
export type InputOf<T extends Input['type']> = Extract<Input, { type: T }>;

/** The caller's turn that a reply answers. A turn that came back keeps its number when it is asked again. */
export interface Turn {
  readonly number: number;
  readonly words: readonly Words[];
  readonly waitedMs: number;
}

export type CutBy = 'caller' | 'say' | 'control' | 'close' | 'superseded';
export type Effect =
  | { type: 'begin'; reply: number; saying: Saying; turn: Turn | null }
  | { type: 'cut'; reply: number; by: CutBy }
  | { type: 'duck'; reply: number }
  | { type: 'resume'; reply: number }
  /** The closing sequence begins; for the record. */
  | { type: 'closing'; reason: EndReason }
  /** The conversation is over: hang up, release everything. */
  | { type: 'finish' };

export interface Policy {
  /** Wait after the end of speech, in ms, for these words of the caller after those of the agent. */
  waitMs(caller: string, agent: string): number;
  acknowledges(text: string): boolean;
  interrupts(text: string): boolean;
  readonly interruptWords: number;
  readonly falseAlarmMs: number;
  /** Quiet after which a reply that was held back before its first sound goes on. */
  readonly holdMs: number;
  readonly backoffMs: number;
  readonly idleMs: number;
  readonly idleTexts: readonly string[];
  readonly idleMost: number;
  readonly silenceMs: number;
  readonly durationMs: number;
  /** Said instead of an empty farewell where the agent has become deaf: nobody is left without a word. */
  readonly deafFarewell: string;
  readonly farewell: string;
}

export type Step = readonly [Partial<TurnState>, ...Effect[]];

export const TURN_START: TurnState = {
  connected: false,
  phase: 'listening',
  talking: false,
  quietSince: null,
  spokeAt: 0,
  waiting: [],
  open: null,
  queue: [],
  timers: {},
  replies: 0,
  turns: 0,
  prompts: 0,
  failures: 0,
  broken: 'llm',
  muted: false,
  lastSaid: '',
  probability: null,
  backoffUntil: 0,
  farewell: '',
};
