/** What the turn table reads and writes: its state, inputs and effects, and the agent's policy. Plain data, no rule. */
import type { ProviderKind } from '../../providers/contract.ts';
import type { EndReason, ReplyCause } from '../events.ts';

export type Phase =
  /** What answered the telephone is not known yet: nobody speaks. */
  | 'screening'
  | 'listening'
  | 'deciding'
  | 'thinking'
  | 'speaking'
  | 'yielding'
  /** The leg is parked or lost: nobody speaks and nobody decides until it is back. */
  | 'held'
  /** The caller is being given to somebody else: nobody speaks until that has failed. */
  | 'transferring'
  | 'closing'
  | 'over';
export type TimerName = 'turn-end' | 'false-alarm' | 'quiet' | 'silence' | 'duration' | 'screening' | 'held' | 'transfer' | 'closing';

/**
 * Words of the caller. `soft` words (a murmur while the agent speaks, a hello into its greeting, a noise) ask for no answer by
 * themselves. `interim` words may still be replaced by their final, which names them by their `from`.
 */
export interface Words {
  /** When they became known. */
  readonly at: number;
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly typed: boolean;
  readonly rejected: boolean;
  readonly soft?: boolean;
  readonly interim?: boolean;
  readonly replaces?: number;
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
  /** The words that it answers; they come back when it is cut before it was heard. A given text answers none. */
  readonly asked: readonly Words[];
}

export interface TurnState {
  /** The media leg is there: before that nothing is said and nobody is waited for. */
  readonly connected: boolean;
  readonly phase: Phase;
  /** The caller's voice is there, as far as it is believed: without words for long it is noise. */
  readonly talking: boolean;
  /** Since when there has been voice without words; `null` when there was none since words were last exchanged. */
  readonly wordlessSince: number | null;
  /** The final words since the voice began: one utterance may come in many pieces. */
  readonly utterance: string;
  /** Words since the last final ones that are not final yet; empty when there are none. */
  readonly partial: string;
  /** When the caller's voice went away, as far as it matters for the next turn. */
  readonly quietSince: number | null;
  /** When words were last exchanged. */
  readonly spokeAt: number;
  readonly waiting: readonly Words[];
  /** Interim words that were answered before their final came, the latest last. */
  readonly answered: readonly Words[];
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
  /** The recogniser's opinion that the words which wait are all; void with newer words or voice. */
  readonly probability: number | null;
  /** How long somebody outside wants to wait for more than the words which wait; void with newer words; ms. */
  readonly askedMs: number | null;
  readonly backoffUntil: number;
  /** Put on hold by somebody; broken, and expected back. */
  readonly parked: boolean;
  readonly lost: boolean;
  /** Where the caller goes as soon as the agent has said what it was saying. */
  readonly transferTo: string | null;
  /** What is still to be said before the end; empty when nothing is. */
  readonly farewell: string;
}

export type Input = { readonly at: number } /** For the first time, or again after the leg was lost. */ & (
  | { type: 'connected'; saying: Saying | null }
  | { type: 'screened'; by: 'person' | 'machine' | 'unknown' }
  | { type: 'hold'; on: boolean; why: 'asked' | 'lost' }
  | { type: 'transfer'; destination: string }
  | { type: 'transferred'; ok: boolean; detail: string }
  | { type: 'started' }
  | { type: 'stopped'; silentMs: number }
  | { type: 'partial'; text: string }
  | { type: 'words'; words: Words }
  | { type: 'turnEnd'; probability: number }
  | { type: 'wait'; ms: number }
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

export type CutBy = 'caller' | 'say' | 'control' | 'close' | 'superseded' | 'failure';
export type Effect =
  | { type: 'begin'; reply: number; saying: Saying; turn: Turn | null }
  | { type: 'cut'; reply: number; by: CutBy }
  | { type: 'duck'; reply: number }
  | { type: 'resume'; reply: number }
  | { type: 'transfer'; destination: string }
  /** The closing sequence begins; for the record. */
  | { type: 'closing'; reason: EndReason }
  /** The conversation is over: hang up, release everything. */
  | { type: 'finish' };

/** How long to wait after the end of the voice: `beforeMs`, whatever anybody thinks of the words, and `wordsMs` for these words. */
export interface Wait {
  readonly beforeMs: number;
  readonly wordsMs: number;
  /** Who says so: a rule of the agent, a number of its plan, or the shape of the words. */
  readonly by: 'rule' | 'plan' | 'shape';
}

export interface Policy {
  /** For these words of the caller after those of the agent. */
  waitFor(caller: string, agent: string): Wait;
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
  /** How long to find out what answered before the opening is said; 0: not at all. */
  readonly screenMs: number;
  /** Said to a machine that answered; empty: nothing. */
  readonly voicemail: string;
  /** Said when the caller could not be put through. */
  readonly transferFailed: string;
  /** Said instead of an empty farewell where the agent has become deaf: nobody is left without a word. */
  readonly deafFarewell: string;
  readonly farewell: string;
}

export type Step = readonly [Partial<TurnState>, ...Effect[]];

export const TURN_START: TurnState = {
  connected: false,
  phase: 'listening',
  talking: false,
  wordlessSince: null,
  utterance: '',
  partial: '',
  quietSince: null,
  spokeAt: 0,
  waiting: [],
  answered: [],
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
  askedMs: null,
  backoffUntil: 0,
  parked: false,
  lost: false,
  transferTo: null,
  farewell: '',
};
