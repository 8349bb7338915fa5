/**
 * Whose turn it is: a pure, typed table. State and one input give the next state and the effects; a missing cell does not compile.
 * Nothing here waits, sends or measures: timers are due times in the state, and the call arms what the state names.
 *
 * Its laws, held under fuzzing: something pending can always move it on (liveness); every word of the caller is waiting, in an
 * open reply, or in one that was heard (conservation); it never resumes over a caller who talks (manners); never two open replies.
 */
import type { EndReason, ReplyCause } from './events.ts';
import {
  awaitMore,
  begin,
  bidFarewell,
  broken,
  close,
  cut,
  decide,
  enqueue,
  finish,
  go,
  heardNow,
  hold,
  interruptible,
  isInterruption,
  judgeAlarm,
  keep,
  laterQuiet,
  MANNERS,
  moreWords,
  note,
  onAudible,
  onClose,
  onDuration,
  onEnded,
  onGone,
  onMute,
  onQuietTimer,
  overWords,
  rest,
  said,
  speak,
  supersede,
  TO_CALLER,
  unheard,
} from './turn-rules.ts';

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

export const textOf = (words: readonly Words[]): string => words.map(({ text }) => text).join(' ');

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
  readonly broken: 'llm' | 'tts';
  readonly muted: boolean;
  readonly lastSaid: string;
  readonly probability: number | null;
  readonly backoffUntil: number;
  readonly farewellDue: boolean;
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
  | { type: 'broken'; kind: 'stt' | 'llm' | 'tts' }
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
  readonly farewell: string;
}

export type Step = readonly [Partial<TurnState>, ...Effect[]];
type Rule<I> = 'ignore' | ((state: TurnState, input: I, policy: Policy) => Step);
export type Table = { readonly [P in Phase]: { readonly [T in Input['type']]: Rule<InputOf<T>> } };

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
  farewellDue: false,
};

/** One input, handled to completion. Inputs of replies that are not open any more and of timers that were disarmed change nothing. */
export function step(state: TurnState, input: Input, policy: Policy, table: Table = TABLE): readonly [TurnState, ...Effect[]] {
  if ('reply' in input && input.reply !== state.open?.number) return [state];
  if (input.type === 'timer') {
    if (state.timers[input.timer] === undefined) return [state];
    state = { ...state, timers: { ...state.timers, [input.timer]: undefined } };
  }
  const rule = table[state.phase][input.type] as Rule<Input>;
  if (rule === 'ignore') return [state];
  const [change, ...effects] = rule(state, input, policy);
  return [{ ...state, ...change }, ...effects];
}

export const TABLE: Table = {
  listening: {
    connected: (state, { at, saying }, policy) => {
      const queue = saying ? [saying, ...state.queue] : state.queue;
      return rest({ ...state, connected: true, spokeAt: at, queue, timers: { duration: at + policy.durationMs } }, at, policy);
    },
    started: (state) => [go({ ...state, talking: true }, 'listening', {})],
    stopped: (state, { at, silentMs }, policy) => rest({ ...state, talking: false, quietSince: at - silentMs }, at, policy),
    partial: (state, { at }) => (state.talking ? [awaitMore(state, at)] : [{ spokeAt: at, timers: laterQuiet(state, at) }]),
    words: (state, { at, words }, policy) => rest(keep(state, words, at), at, policy),
    turnEnd: (_, { probability }) => [{ probability }],
    timer: (state, input, policy) => onQuietTimer(state, input, policy),
    say: (state, { at, saying }, policy) =>
      state.talking && !saying.interrupt ? enqueue(state, { type: 'say', at, saying }) : speak(state, at, saying, policy),
    mute: (state, { at, on }, policy) => rest({ ...state, muted: on }, at, policy),
    audible: 'ignore',
    said,
    ended: 'ignore',
    broken,
    close: onClose,
    gone: onGone,
  },
  deciding: {
    connected: 'ignore',
    started: (state) => [go({ ...state, talking: true, probability: null }, 'listening', {})],
    stopped: (state, { at, silentMs }, policy) => decide({ ...state, talking: false, quietSince: at - silentMs }, at, policy),
    partial: (state, { at, text }, policy) => decide(state, at, policy, text),
    words: (state, { at, words }, policy) => decide(keep(state, words, at), at, policy),
    turnEnd: (state, { at, probability }, policy) => decide({ ...state, probability }, at, policy),
    timer: (state, { timer, at }, policy) => {
      if (timer === 'duration') return close(state, at, 'duration', policy);
      return timer === 'turn-end' ? begin(state, at, TO_CALLER) : [{}];
    },
    say: (state, { at, saying }, policy) => speak(state, at, saying, policy),
    mute: (state, { at, on }, policy) => rest({ ...state, muted: on }, at, policy),
    audible: 'ignore',
    said,
    ended: 'ignore',
    broken,
    close: onClose,
    gone: onGone,
  },
  thinking: {
    connected: 'ignore',
    // The reply is held, not thrown away: a cough costs nothing, and a tool that runs is not run twice.
    started: (state, { at }, policy) => (interruptible(state) ? hold(state, at, policy) : [{ talking: true }]),
    stopped: note,
    partial: 'ignore',
    words: (state, { at, words }, policy) => moreWords(state, words, at, policy),
    turnEnd: 'ignore',
    timer: onDuration,
    say: supersede,
    mute: onMute,
    audible: onAudible,
    said,
    ended: onEnded,
    broken,
    close: onClose,
    gone: onGone,
  },
  speaking: {
    connected: 'ignore',
    started: (state, { at }, policy) =>
      interruptible(state) && policy.interruptWords === 0 ? hold(state, at, policy) : [{ talking: true }],
    stopped: note,
    partial: (state, { at, text }, policy) => (isInterruption(state, text, at, policy) ? cut(state, at, 'caller', policy) : [{}]),
    words: overWords,
    turnEnd: 'ignore',
    timer: onDuration,
    say: supersede,
    mute: onMute,
    audible: 'ignore',
    said,
    ended: onEnded,
    broken,
    close: onClose,
    gone: onGone,
  },
  yielding: {
    connected: 'ignore',
    started: note,
    stopped: (state, { at, silentMs }, policy) => {
      const wait = state.open?.audible ? policy.falseAlarmMs : policy.holdMs;
      return [
        go({ ...state, talking: false, quietSince: at - silentMs }, 'yielding', { 'false-alarm': Math.max(at, at - silentMs + wait) }),
      ];
    },
    partial: (state, { at, text }, policy) => {
      const enough = state.open?.audible ? isInterruption(state, text, at, policy) : !state.open?.fixed && !policy.acknowledges(text);
      return enough ? cut(state, at, state.open?.audible ? 'caller' : 'superseded', policy) : [{}];
    },
    words: (state, input, policy) =>
      state.open?.audible ? overWords(state, input, policy) : moreWords(state, input.words, input.at, policy),
    turnEnd: 'ignore',
    timer: (state, input, policy) =>
      input.timer === 'false-alarm' ? judgeAlarm(state, input.at, policy) : onDuration(state, input, policy),
    say: supersede,
    mute: onMute,
    audible: (state, { at }) => [heardNow(state, at)],
    said,
    ended: onEnded,
    broken,
    close: onClose,
    gone: onGone,
  },
  closing: {
    connected: 'ignore',
    started: note,
    stopped: note,
    partial: 'ignore',
    words: (state, { words, at }) => [keep(state, words, at)],
    turnEnd: 'ignore',
    timer: (state, { timer }) => (timer === 'closing' ? finish(state) : [{}]),
    say: 'ignore',
    mute: (_, { on }) => [{ muted: on }],
    audible: (state, { at }) => [heardNow(state, at)],
    said,
    ended: (state, { at }, policy) => bidFarewell({ ...state, open: null, waiting: unheard(state) }, at, policy),
    broken: 'ignore',
    // Hung up, shut down: a farewell that nobody hears is not waited for.
    close: (state, { reason }) => (MANNERS[reason] ? [{}] : finish(state)),
    gone: onGone,
  },
  over: {
    connected: 'ignore',
    started: 'ignore',
    stopped: 'ignore',
    partial: 'ignore',
    words: 'ignore',
    turnEnd: 'ignore',
    timer: 'ignore',
    say: 'ignore',
    mute: 'ignore',
    audible: 'ignore',
    said: 'ignore',
    ended: 'ignore',
    broken: 'ignore',
    close: 'ignore',
    gone: 'ignore',
  },
};
