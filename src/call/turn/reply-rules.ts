/**
 * The rules of an open reply: what the caller's voice and words do to it, what its first sound and its end mean. Small pure functions,
 * as in `turn-rules.ts`.
 */

import { close, drop } from './ending-rules.ts';
import { countWords } from './endpointing.ts';
import {
  answerable,
  answeredWith,
  askedInterim,
  isHello,
  isMurmur,
  keep,
  runningWith,
  sameWords,
  unheard,
  utteranceWith,
  voiced,
  worded,
} from './kept-words.ts';
import { after, begin, enqueue, fallenSilent, go, isNoise, noiseDue, rest, WORDLESS_MOST_MS } from './turn-rules.ts';
import type { CutBy, InputOf, Policy, Step, TurnState, Words } from './turn-state.ts';

/** Into a greeting people say hello for so long; ms. */
const HELLO_MS = 1_500;
/** A murmur this shortly before the end of a question answers it (`Yes.`); ms. */
const ANSWER_MS = 1_500;
/** A second failure in a row ends the call. */
export const STRIKES = 2;

export const interruptible = (state: TurnState) => state.open?.interruptible === true;

export function cut(state: TurnState, at: number, by: CutBy, policy: Policy): Step {
  const [dropped, ...effects] = drop(state, at, by, policy);
  return after(effects, rest(dropped, at, policy));
}

export const onMute = (state: TurnState, { on, at }: InputOf<'mute'>, policy: Policy): Step =>
  on ? cut({ ...state, muted: true }, at, 'control', policy) : [{ muted: false }];

export function supersede(state: TurnState, input: InputOf<'say'>, policy: Policy): Step {
  if (!input.saying.interrupt) return enqueue(state, input);
  const [dropped, ...effects] = drop(state, input.at, 'say', policy);
  return after(effects, begin(dropped, input.at, input.saying));
}

// ---- the voice over it

export function hold(state: TurnState, at: number, policy: Policy): Step {
  return [go(voiced(state, at), 'yielding', { 'false-alarm': at + policy.falseAlarmMs }), { type: 'duck', reply: state.open?.number ?? 0 }];
}

export function onSilent(state: TurnState, { at, silentMs }: InputOf<'stopped'>, policy: Policy): Step {
  const wait = state.open?.audible ? policy.falseAlarmMs : policy.holdMs;
  const since = at - silentMs;
  return [go(fallenSilent(state, since), 'yielding', { 'false-alarm': Math.max(at, since + wait) })];
}

/**
 * Held long enough: a voice that still talks means it, silence was a false alarm. Over a reply that was not heard, voice that never
 * brings words is noise in the end, and cuts it no second time.
 */
export function judgeAlarm(state: TurnState, at: number, policy: Policy): Step {
  const { open, talking, spokeAt } = state;
  if (!talking) return resume(state);
  if (open?.audible) return cut(state, at, 'caller', policy);
  if (isNoise(state, at)) return resume({ ...state, talking: false });
  if (!open?.fixed && at - spokeAt < WORDLESS_MOST_MS) return cut(state, at, 'superseded', policy);
  return [go(state, 'yielding', { 'false-alarm': noiseDue(state, at) })];
}

export function resume(state: TurnState): Step {
  return [go(state, state.open?.audible ? 'speaking' : 'thinking', {}), { type: 'resume', reply: state.open?.number ?? 0 }];
}

// ---- words over it

/** Words before the reply was heard belong to the turn that it answers; into a given text they do not break, and a murmur changes nothing. */
export function moreWords(state: TurnState, words: Words, at: number, policy: Policy): Step {
  const known = askedInterim(state, words);
  if (known) {
    const corrected = keep(state, words, at);
    return sameWords(known.text, words.text) ? [corrected] : cut(corrected, at, 'superseded', policy);
  }
  const given = state.open?.fixed === true;
  const soft = isMurmur(state, words, policy) || (given && !words.typed && isHello(utteranceWith(state, words)));
  const kept = keep(state, { ...words, soft }, at);
  return soft || given || !interruptible(state) ? [kept] : cut(kept, at, 'superseded', policy);
}

/** Words while the reply is heard: an interruption, or kept for the next turn. */
export function overWords(state: TurnState, { words, at }: InputOf<'words'>, policy: Policy): Step {
  const uttered = utteranceWith(state, words);
  const soft = isMurmur(state, words, policy) || (!words.typed && greeted(state, uttered, at));
  const kept = keep(state, { ...words, soft }, at);
  const interrupts = words.typed ? interruptible(state) : !words.rejected && isInterruption(state, uttered, at, policy);
  return interrupts ? cut(kept, at, 'caller', policy) : [kept];
}

/** Words that are not final yet interrupt a reply that is heard, or take the question of one that is not further. */
export function overPartial(state: TurnState, { text, at }: InputOf<'partial'>, policy: Policy): Step {
  const { open } = state;
  const uttered = runningWith(state, text);
  const talks = { ...worded(state, at), partial: text };
  if (open?.audible) return isInterruption(state, uttered, at, policy) ? cut(talks, at, 'caller', policy) : [talks];
  const goesOn = state.phase === 'yielding' && !open?.fixed && !policy.acknowledges(uttered);
  return goesOn ? cut(talks, at, 'superseded', policy) : [talks];
}

function isInterruption(state: TurnState, uttered: string, at: number, policy: Policy): boolean {
  if (!interruptible(state) || policy.acknowledges(uttered)) return false;
  const words = countWords(uttered);
  return policy.interrupts(uttered) || (words > 0 && words >= policy.interruptWords && !greeted(state, uttered, at));
}

/** Both sides greet at the same time: the caller's hello does not end the agent's. */
const greeted = ({ open }: TurnState, uttered: string, at: number) =>
  open?.greets === true && at - open.audibleAt < HELLO_MS && isHello(uttered);

// ---- its first sound and its end

export function heardNow(state: TurnState, at: number): TurnState {
  const { open } = state;
  if (!open) return state;
  return {
    ...state,
    open: { ...open, audible: true, audibleAt: at, asked: [] },
    answered: answeredWith(state, open.asked),
    turns: state.turns + (open.asked.length > 0 ? 1 : 0),
    // Words that go on waiting were over when the voice was.
    quietSince: answerable(state) ? state.quietSince : null,
  };
}

/** The first sound answers the words that were asked; over a caller who talks it is held back at once. */
export function onAudible(state: TurnState, { at }: InputOf<'audible'>, policy: Policy): Step {
  const speaking = go(heardNow(state, at), 'speaking', {});
  if (!state.talking || !interruptible(state) || policy.interruptWords > 0) return [speaking];
  return isNoise(state, at) ? [{ ...speaking, talking: false }] : hold(speaking, at, policy);
}

export function onEnded(state: TurnState, input: InputOf<'ended'>, policy: Policy): Step {
  const closed = concluded(state, input);
  return closed.failures >= STRIKES ? close(closed, input.at, `${state.broken}-failed`, policy) : rest(closed, input.at, policy);
}

export function concluded(state: TurnState, { at, failed }: InputOf<'ended'>): TurnState {
  const failures = failed ? state.failures + 1 : 0;
  const asks = state.lastSaid.trimEnd().endsWith('?');
  const waiting = unheard(state).map((words) => (asks && words.soft && at - words.at < ANSWER_MS ? { ...words, soft: false } : words));
  return { ...state, open: null, waiting, failures, spokeAt: at };
}
