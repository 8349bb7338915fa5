/**
 * Whose turn it is: a pure, typed table. State and one input give the next state and the effects; a missing cell does not compile.
 * Nothing here waits, sends or measures: timers are due times in the state, and the call arms what the state names.
 *
 * Its laws, held under fuzzing: something pending can always move it on, voice alone does not count (liveness); every word of the caller
 * is waiting, in an open reply that was asked with it, or answered by one that was heard (conservation); it never speaks over a caller who
 * talks, and voice that brings no words is no caller in the end (manners); never two replies open; never a word to a caller who is away.
 */
import {
  heldEnd,
  heldMute,
  heldTransfer,
  heldWords,
  noteHold,
  onConnected,
  onHeldAgain,
  onHeldTimer,
  onHold,
  onReconnected,
  onScreened,
  onScreeningTimer,
  onTransfer,
  onTransferred,
  onTransferTimer,
  toTransfer,
} from './away-rules.ts';
import {
  bidFarewell,
  broken,
  close,
  endNow,
  finish,
  MANNERS,
  noteBroken,
  onClose,
  onDuration,
  onGone,
  onListeningTimer,
} from './ending-rules.ts';
import { keep, unanswered, unheard, voiced, worded } from './kept-words.ts';
import {
  heardNow,
  hold,
  interruptible,
  judgeAlarm,
  moreWords,
  onAudible,
  onEnded,
  onMute,
  onSilent,
  overPartial,
  overWords,
  supersede,
} from './reply-rules.ts';
import { askedToWait, begin, decide, enqueue, fallenSilent, note, rest, said, speak, TO_CALLER } from './turn-rules.ts';
import type { Effect, Input, InputOf, Phase, Policy, Step, TurnState } from './turn-state.ts';

type Rule<I> = 'ignore' | ((state: TurnState, input: I, policy: Policy) => Step);
export type Table = { readonly [P in Phase]: { readonly [T in Input['type']]: Rule<InputOf<T>> } };

/**
 * One input, handled to completion. Inputs of replies that are not open any more and of timers that were disarmed change nothing; words
 * that only repeat what was answered already neither.
 */
export function step(state: TurnState, input: Input, policy: Policy, table: Table = TABLE): readonly [TurnState, ...Effect[]] {
  if ('reply' in input && input.reply !== state.open?.number) return [state];
  if (input.type === 'timer') {
    if (state.timers[input.timer] === undefined) return [state];
    state = { ...state, timers: { ...state.timers, [input.timer]: undefined } };
  }
  if (input.type === 'words' && input.words.replaces !== undefined) {
    const [known, words] = unanswered(state, input.words);
    if (words === null) return [known];
    state = known;
    input = { ...input, words };
  }
  const rule = table[state.phase][input.type] as Rule<Input>;
  if (rule === 'ignore') return [state];
  const [change, ...effects] = rule(state, input, policy);
  return [{ ...state, ...change }, ...effects];
}

export const TABLE: Table = {
  screening: {
    connected: () => [{ lost: false }],
    screened: onScreened,
    hold: noteHold,
    transfer: toTransfer,
    transferred: 'ignore',
    started: note,
    stopped: note,
    partial: (state, { at }) => [worded(state, at)],
    words: (state, { at, words }) => [keep(state, words, at)],
    turnEnd: 'ignore',
    wait: askedToWait,
    timer: onScreeningTimer,
    say: enqueue,
    mute: (_, { on }) => [{ muted: on }],
    audible: 'ignore',
    said,
    ended: 'ignore',
    broken,
    close: onClose,
    gone: onGone,
  },
  listening: {
    connected: onConnected,
    screened: 'ignore',
    hold: onHold,
    transfer: onTransfer,
    transferred: 'ignore',
    started: (state, { at }, policy) => rest(voiced(state, at), at, policy),
    stopped: (state, { at, silentMs }, policy) => rest(fallenSilent(state, at - silentMs), at, policy),
    partial: (state, { at, text }, policy) => rest({ ...worded(state, at), partial: text }, at, policy),
    words: (state, { at, words }, policy) => rest(keep(state, words, at), at, policy),
    turnEnd: (_, { probability }) => [{ probability }],
    wait: askedToWait,
    timer: onListeningTimer,
    say: (state, { at, saying }, policy) =>
      state.talking && !saying.interrupt
        ? rest({ ...state, queue: [...state.queue, saying] }, at, policy)
        : speak(state, at, saying, policy),
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
    screened: 'ignore',
    hold: onHold,
    transfer: onTransfer,
    transferred: 'ignore',
    started: (state, { at }, policy) => rest(voiced(state, at), at, policy),
    // Noise that was not waited for is not waited for when it ends.
    stopped: note,
    partial: (state, { at, text }, policy) => decide({ ...worded(state, at), partial: text }, at, policy),
    words: (state, { at, words }, policy) => decide(keep(state, words, at), at, policy),
    turnEnd: (state, { at, probability }, policy) => decide({ ...state, probability }, at, policy),
    wait: (state, { at, ms }, policy) => decide({ ...state, askedMs: ms }, at, policy),
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
    screened: 'ignore',
    hold: onHold,
    transfer: toTransfer,
    transferred: 'ignore',
    // The reply is held, not thrown away: a cough costs nothing, and a tool that runs is not run twice.
    started: (state, { at }, policy) => (interruptible(state) ? hold(state, at, policy) : [voiced(state, at)]),
    stopped: note,
    partial: overPartial,
    words: (state, { at, words }, policy) => moreWords(state, words, at, policy),
    turnEnd: 'ignore',
    wait: askedToWait,
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
    screened: 'ignore',
    hold: onHold,
    transfer: toTransfer,
    transferred: 'ignore',
    started: (state, { at }, policy) =>
      interruptible(state) && policy.interruptWords === 0 ? hold(state, at, policy) : [voiced(state, at)],
    stopped: note,
    partial: overPartial,
    words: overWords,
    turnEnd: 'ignore',
    wait: askedToWait,
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
    screened: 'ignore',
    hold: onHold,
    transfer: toTransfer,
    transferred: 'ignore',
    started: note,
    stopped: onSilent,
    partial: overPartial,
    words: (state, input, policy) =>
      state.open?.audible ? overWords(state, input, policy) : moreWords(state, input.words, input.at, policy),
    turnEnd: 'ignore',
    wait: askedToWait,
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
  held: {
    connected: onReconnected,
    screened: 'ignore',
    hold: onHeldAgain,
    transfer: heldTransfer,
    transferred: 'ignore',
    started: note,
    stopped: note,
    partial: (state, { at }) => [worded(state, at)],
    words: heldWords,
    turnEnd: 'ignore',
    wait: askedToWait,
    timer: onHeldTimer,
    say: enqueue,
    mute: heldMute,
    audible: (state, { at }) => [heardNow(state, at)],
    said,
    ended: heldEnd,
    broken: noteBroken,
    close: (state, { reason }) => endNow(state, reason),
    gone: onGone,
  },
  transferring: {
    connected: () => [{ lost: false }],
    screened: 'ignore',
    // The leg breaks and is parked by the transfer itself.
    hold: noteHold,
    transfer: 'ignore',
    transferred: onTransferred,
    started: note,
    stopped: note,
    partial: (state, { at }) => [worded(state, at)],
    words: (state, { words, at }) => [keep(state, words, at)],
    turnEnd: 'ignore',
    wait: askedToWait,
    timer: onTransferTimer,
    say: enqueue,
    mute: (_, { on }) => [{ muted: on }],
    audible: 'ignore',
    said,
    ended: 'ignore',
    broken: noteBroken,
    close: (state, { reason }) => endNow(state, reason),
    // The carrier took the caller from here to where they were to go.
    gone: (state) => endNow(state, 'transferred'),
  },
  closing: {
    connected: 'ignore',
    screened: 'ignore',
    // A farewell that nobody hears is not waited for.
    hold: (state, { on, why }) => (on && why === 'lost' ? finish(state) : [{}]),
    transfer: 'ignore',
    transferred: 'ignore',
    started: note,
    stopped: note,
    partial: 'ignore',
    words: (state, { words, at }) => [keep(state, words, at)],
    turnEnd: 'ignore',
    wait: 'ignore',
    timer: (state, { timer }) => (timer === 'closing' ? finish(state) : [{}]),
    say: 'ignore',
    mute: (_, { on }) => [{ muted: on }],
    audible: (state, { at }) => [heardNow(state, at)],
    said,
    ended: (state, { at }) => bidFarewell({ ...state, open: null, waiting: unheard(state) }, at),
    broken: 'ignore',
    // Hung up, shut down: nobody hears a farewell.
    close: (state, { reason }) => (MANNERS[reason] ? [{}] : finish(state)),
    gone: onGone,
  },
  over: {
    connected: 'ignore',
    screened: 'ignore',
    hold: 'ignore',
    transfer: 'ignore',
    transferred: 'ignore',
    started: 'ignore',
    stopped: 'ignore',
    partial: 'ignore',
    words: 'ignore',
    turnEnd: 'ignore',
    wait: 'ignore',
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
