/**
 * Whose turn it is: a pure, typed table. State and one input give the next state and the effects; a missing cell does not compile.
 * Nothing here waits, sends or measures: timers are due times in the state, and the call arms what the state names.
 *
 * Its laws, held under fuzzing: something pending can always move it on (liveness); every word of the caller is waiting, in an
 * open reply, or in one that was heard (conservation); it never resumes over a caller who talks (manners); never two open replies.
 */
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
import type { Effect, Input, InputOf, Phase, Policy, Step, TurnState } from './turn-state.ts';

type Rule<I> = 'ignore' | ((state: TurnState, input: I, policy: Policy) => Step);
export type Table = { readonly [P in Phase]: { readonly [T in Input['type']]: Rule<InputOf<T>> } };

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
      if (state.broken === 'stt') return close({ ...state, connected: true }, at, 'stt-failed', policy);
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
    ended: (state, { at }) => bidFarewell({ ...state, open: null, waiting: unheard(state) }, at),
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
