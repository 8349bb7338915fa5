/**
 * The rules of the floor that nobody has: what is due next when the agent is silent, how long the caller is waited for, how a reply
 * begins. Small pure functions from a state to the next one with its effects; none of them knows which cell of the table it stands in.
 */
import { answerable, voiced } from './kept-words.ts';
import {
  type Effect,
  type InputOf,
  type OpenReply,
  type Phase,
  type Policy,
  type Saying,
  type Step,
  type TurnState,
  textOf,
  type Wait,
} from './turn-state.ts';

/** A final that comes this late after the voice is still waited for before the caller is prompted; ms. */
const LATE_FINAL_MS = 1_500;
/** Partial words are made final, or told as they are, within this time after the voice; ms. */
const SETTLES_MS = 1_500;
/** Voice without any words for this long, while words wait, is noise, not the caller; ms. */
const NOISE_MS = 4_000;
/** So long, at most, does voice without words hold off an answer, a prompt or a limit: some recognisers know no word before the end; ms. */
export const WORDLESS_MOST_MS = 10_000;
/** A leg that broke is expected back for this long: a caller who hears nothing hangs up sooner; ms. */
const LOST_MS = 20_000;
/** Nobody is parked for longer: whoever put the caller on hold has forgotten it; ms. */
const PARKED_MS = 1_800_000;
/** A telephone rings so long, and somebody else may still pick it up; ms. */
const TRANSFER_MS = 60_000;

/** The answer to the caller's own words. */
export const TO_CALLER: Saying = { cause: 'turn', text: null, interruptible: true, interrupt: false, endAfter: false };

export function go(state: TurnState, phase: Phase, timers: TurnState['timers']): TurnState {
  return { ...state, phase, timers: { duration: state.timers.duration, ...timers } };
}

/** The voice came or went, and nothing follows from it now. */
export const note = (state: TurnState, input: InputOf<'started' | 'stopped'>): Step => [
  input.type === 'started' ? voiced(state, input.at) : fallenSilent(state, input.at - input.silentMs),
];
export const fallenSilent = (state: TurnState, quietSince: number): TurnState => ({
  ...state,
  talking: false,
  wordlessSince: null,
  quietSince,
});
export const enqueue = (state: TurnState, { saying }: InputOf<'say'>): Step => [{ queue: [...state.queue, saying] }];
export const said = (_: TurnState, { text }: InputOf<'said'>): Step => [{ lastSaid: text }];

/** Voice without words, for so long that nobody is kept waiting for them. */
export const isNoise = ({ wordlessSince }: TurnState, at: number): boolean => wordlessSince !== null && at - wordlessSince >= NOISE_MS;
/** When the voice that is there turns out to be noise, unless words come. */
export const noiseDue = ({ wordlessSince }: TurnState, at: number): number => Math.max(at, (wordlessSince ?? at) + NOISE_MS);

/** Nobody speaks for the agent: what is due next? */
export function rest(state: TurnState, at: number, policy: Policy): Step {
  if (!state.connected) return [state];
  if (state.parked || state.lost) return [away(state, at)];
  const [next, ...queue] = state.queue;
  const speaks = next !== undefined && !state.talking && !state.muted;
  if (state.transferTo !== null && !speaks) return setOut(state, at, state.transferTo);
  if (state.talking) return [awaitMore(state, at, policy)];
  if (state.muted) return [go(state, 'listening', { silence: limit(state, at, policy.silenceMs) })];
  if (next) return begin({ ...state, queue }, at, next);
  if (answerable(state)) return decide(state, at, policy);
  return [go(state, 'listening', limits(state, at, policy))];
}

/** The leg is not there for a while. What the agent was saying is held, or gone. */
export const away = (state: TurnState, at: number): TurnState => go(state, 'held', { held: at + (state.lost ? LOST_MS : PARKED_MS) });

export function setOut(state: TurnState, at: number, destination: string): Step {
  return [go({ ...state, transferTo: null }, 'transferring', { transfer: at + TRANSFER_MS }), { type: 'transfer', destination }];
}

/** The caller talks. Neither words that were said already nor the limits are hostage to a voice that never stops (a television, a street). */
export function awaitMore(state: TurnState, at: number, policy: Policy): TurnState {
  const pending = state.waiting.length > 0 || state.queue.length > 0;
  return go(state, 'listening', pending ? { 'turn-end': noiseDue(state, at) } : limits(state, at, policy));
}

function limits(state: TurnState, at: number, policy: Policy): TurnState['timers'] {
  const prompts = policy.idleMs > 0 && policy.idleTexts.length > 0 && state.prompts < policy.idleMost && !state.muted;
  const silence = limit(state, at, policy.silenceMs);
  return prompts ? { silence, quiet: limit(state, at, policy.idleMs) } : { silence };
}

/** So long after the last words. Voice puts it off while words may come of it, but not for ever: bursts of noise count together. */
function limit(state: TurnState, at: number, ms: number): number {
  const { spokeAt, talking, wordlessSince } = state;
  const most = spokeAt + ms + WORDLESS_MOST_MS;
  const putOff = talking
    ? Math.min((wordlessSince ?? at) + Math.min(ms, WORDLESS_MOST_MS), Math.max(most, noiseDue(state, at)))
    : Math.min(at + Math.min(ms, LATE_FINAL_MS), most);
  return Math.max(at, spokeAt + ms, talking ? Math.max(putOff, noiseDue(state, at)) : putOff);
}

/** Waits for the end of the turn: from the end of the voice, so that late words do not wait twice. */
export function decide(state: TurnState, at: number, policy: Policy): Step {
  const { partial } = state;
  const typed = state.waiting.at(-1)?.typed === true && !state.talking;
  const text = `${textOf(state.waiting)} ${partial}`.trim();
  const wait = typed ? 0 : waitOf(policy.waitFor(text, state.lastSaid), state, policy);
  // More words are on their way while there are partial ones: they are waited for, whatever the others look like, and the wait counts
  // from them, for now. Voice that brings none puts it off, but not for ever.
  const since = partial === '' ? Math.min(state.quietSince ?? at, state.spokeAt + WORDLESS_MOST_MS) : at;
  const due = Math.max(since + wait, typed ? at : state.backoffUntil, partial === '' ? at : at + SETTLES_MS);
  if (due <= at) return begin(state, at, TO_CALLER);
  return [go({ ...state, quietSince: state.quietSince ?? at }, 'deciding', { 'turn-end': due })];
}

/**
 * A rule of the agent stands whatever anybody thinks. Next comes who was asked outside, then the numbers of the plan. What is only
 * guessed from the shape of the words the recogniser's opinion scales: certain of the end, none; certain of the contrary, twice.
 */
function waitOf({ beforeMs, wordsMs, by }: Wait, { askedMs, probability }: TurnState, policy: Policy): number {
  if (by !== 'rule' && askedMs !== null) return beforeMs + Math.min(Math.max(0, askedMs), policy.silenceMs);
  const scale = by === 'shape' && probability !== null ? 2 * (1 - probability) : 1;
  return beforeMs + wordsMs * scale;
}

/** Somebody outside says how long to wait for more. Where no words wait there is nothing to wait for. */
export const askedToWait = (state: TurnState, { ms }: InputOf<'wait'>): Step => [state.waiting.length > 0 ? { askedMs: ms } : {}];

/** Opens a reply. One whose words the model finds answers the words that wait; a given text answers nothing, and they go on waiting. */
export function begin(state: TurnState, at: number, saying: Saying): Step {
  const number = state.replies + 1;
  const answers = saying.text === null;
  const asked = answers ? state.waiting : [];
  const open: OpenReply = {
    number,
    audible: false,
    audibleAt: 0,
    greets: saying.cause === 'first-message',
    interruptible: saying.interruptible,
    fixed: !answers,
    asked,
  };
  const turn = asked.length > 0 ? { number: state.turns + 1, words: asked, waitedMs: at - (state.quietSince ?? at) } : null;
  const opened = { ...go(state, 'thinking', {}), partial: '', open, replies: number, utterance: state.talking ? state.utterance : '' };
  return [answers ? { ...opened, waiting: [], probability: null, askedMs: null } : opened, { type: 'begin', reply: number, saying, turn }];
}

export function speak(state: TurnState, at: number, saying: Saying, policy: Policy): Step {
  return state.muted || !state.connected ? rest({ ...state, queue: [...state.queue, saying] }, at, policy) : begin(state, at, saying);
}

/** The same state with more to do before it. */
export function after(effects: readonly Effect[], [next, ...more]: Step): Step {
  return [next, ...effects, ...more];
}
