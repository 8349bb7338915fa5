/**
 * The rules behind the turn table's cells: small pure functions from a state to the next one with its effects. Each returns a whole
 * state; none of them knows which cell it stands in.
 */
import type { EndReason } from '../events.ts';
import {
  type CutBy,
  type Effect,
  type InputOf,
  type OpenReply,
  type Phase,
  type Policy,
  type Saying,
  type Step,
  type TurnState,
  textOf,
  type Words,
} from './turn-state.ts';

/** A final that comes this late after the voice is still waited for before the caller is prompted; ms. */
const LATE_FINAL_MS = 1_500;
/** Voice activity without any new words for this long after words is noise, not the caller; ms. */
const NOISE_MS = 4_000;
/** Between the last heard word and the hang-up, so that no carrier clips it; ms. */
const TAIL_MS = 200;
/** No farewell may hold the line longer than this; ms. */
const FAREWELL_MOST_MS = 15_000;
/** So few words into a greeting that has hardly begun are a hello, not a question. */
const HELLO_WORDS = 2;
const HELLO_MS = 1_500;
/** A murmur this shortly before the end of a question answers it (`Yes.`); ms. */
const ANSWER_MS = 1_500;
/** A second failure in a row ends the call. */
const STRIKES = 2;

export const note = (_: TurnState, input: InputOf<'started' | 'stopped'>): Step =>
  input.type === 'started' ? [{ talking: true }] : [{ talking: false, quietSince: input.at - input.silentMs }];
export const enqueue = (state: TurnState, { saying }: InputOf<'say'>): Step => [{ queue: [...state.queue, saying] }];
export const said = (_: TurnState, { text }: InputOf<'said'>): Step => [{ lastSaid: text }];
export const broken = (state: TurnState, input: InputOf<'broken'>, policy: Policy): Step =>
  // Before there is a line nobody can be told: the call is answered first.
  input.kind === 'stt' && state.connected
    ? close(state, input.at, 'stt-failed', policy)
    : [{ broken: state.broken === 'stt' ? 'stt' : input.kind }];
export const onClose = (state: TurnState, input: InputOf<'close'>, policy: Policy): Step => close(state, input.at, input.reason, policy);
export const onGone = (state: TurnState): Step => finish(state);
export const onMute = (state: TurnState, { on, at }: InputOf<'mute'>, policy: Policy): Step =>
  on ? cut({ ...state, muted: true }, at, 'control', policy) : [{ muted: false }];

/** The answer to the caller's own words. */
export const TO_CALLER: Saying = { cause: 'turn', text: null, interruptible: true, interrupt: false, endAfter: false };

export function go(state: TurnState, phase: Phase, timers: TurnState['timers']): TurnState {
  return { ...state, phase, timers: { duration: state.timers.duration, ...timers } };
}

/** Nobody speaks for the agent: what is due next? */
export function rest(state: TurnState, at: number, policy: Policy): Step {
  if (!state.connected) return [state];
  if (state.talking) return [awaitMore(state, at)];
  const [next, ...queue] = state.queue;
  if (state.muted) return [go(state, 'listening', { silence: quietFrom(state, at, policy.silenceMs) })];
  if (next) return begin({ ...state, queue }, at, next);
  if (answerable(state)) return decide(state, at, policy);
  return [listen(state, at, policy)];
}

function listen(state: TurnState, at: number, policy: Policy): TurnState {
  const prompts = policy.idleMs > 0 && policy.idleTexts.length > 0 && state.prompts < policy.idleMost;
  const timers = { silence: quietFrom(state, at, policy.silenceMs) };
  return go(state, 'listening', prompts ? { ...timers, quiet: quietFrom(state, at, policy.idleMs) } : timers);
}

const quietFrom = (state: TurnState, at: number, ms: number) => Math.max(state.spokeAt + ms, at + Math.min(ms, LATE_FINAL_MS));

export function laterQuiet(state: TurnState, at: number): TurnState['timers'] {
  const { quiet, silence } = state.timers;
  const late = at + LATE_FINAL_MS;
  return {
    ...state.timers,
    ...(quiet !== undefined && { quiet: Math.max(quiet, late) }),
    ...(silence !== undefined && { silence: Math.max(silence, late) }),
  };
}

/** The caller talks. Words that were said already are not hostage to a voice that never stops (a television, a street). */
export function awaitMore(state: TurnState, at: number): TurnState {
  const pending = state.waiting.length > 0 || state.queue.length > 0;
  return go(state, 'listening', pending ? { 'turn-end': at + NOISE_MS } : {});
}

export function keep(state: TurnState, words: Words, at: number): TurnState {
  return { ...state, waiting: [...state.waiting, words], spokeAt: at, prompts: 0 };
}

function answerable(state: TurnState): boolean {
  return state.waiting.some((words) => !words.soft);
}

/** Waits for the end of the turn: from the end of the voice, so that late words do not wait twice. */
export function decide(state: TurnState, at: number, policy: Policy, partial = ''): Step {
  const typed = state.waiting.at(-1)?.typed === true && !state.talking;
  const text = `${textOf(state.waiting)} ${partial}`.trim();
  // A recogniser's opinion scales the wait: certain of the end, none; certain of the contrary, twice.
  const scale = state.probability === null ? 1 : 2 * (1 - state.probability);
  const wait = typed ? 0 : policy.waitMs(text, state.lastSaid) * scale;
  // More words are on their way while there are partial ones: the wait counts from them, for now.
  const since = partial === '' ? (state.quietSince ?? at) : at;
  const due = Math.max(since + wait, typed ? at : state.backoffUntil);
  if (due <= at) return begin(state, at, TO_CALLER);
  return [go({ ...state, quietSince: state.quietSince ?? at }, 'deciding', { 'turn-end': due })];
}

/** Opens a reply, answering the words that wait. */
export function begin(state: TurnState, at: number, saying: Saying): Step {
  const number = state.replies + 1;
  const asked = state.waiting;
  const open: OpenReply = {
    number,
    audible: false,
    audibleAt: 0,
    greets: saying.cause === 'first-message',
    interruptible: saying.interruptible,
    fixed: saying.text !== null,
    asked,
  };
  const turn = asked.length > 0 ? { number: state.turns + 1, words: asked, waitedMs: at - (state.quietSince ?? at) } : null;
  return [
    { ...go(state, 'thinking', {}), open, waiting: [], replies: number, probability: null },
    { type: 'begin', reply: number, saying, turn },
  ];
}

export function speak(state: TurnState, at: number, saying: Saying, policy: Policy): Step {
  return state.muted || !state.connected ? rest({ ...state, queue: [...state.queue, saying] }, at, policy) : begin(state, at, saying);
}

export function supersede(state: TurnState, input: InputOf<'say'>, policy: Policy): Step {
  if (!input.saying.interrupt) return enqueue(state, input);
  const [dropped, ...effects] = drop(state, input.at, 'say', policy);
  const [next, ...more] = begin(dropped, input.at, input.saying);
  return [next, ...effects, ...more];
}

export function onQuietTimer(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  if (timer === 'duration') return close(state, at, 'duration', policy);
  if (timer === 'silence') return close(state, at, 'silence', policy);
  if (timer === 'turn-end') return rest({ ...state, talking: false, quietSince: state.quietSince ?? at - NOISE_MS }, at, policy);
  if (timer !== 'quiet') return [{}];
  const text = policy.idleTexts[state.prompts % policy.idleTexts.length] ?? '';
  const prompt: Saying = { cause: 'idle', text, interruptible: true, interrupt: false, endAfter: false };
  return begin({ ...state, prompts: state.prompts + 1 }, at, prompt);
}

export function onDuration(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  return timer === 'duration' ? close(state, at, 'duration', policy) : [{}];
}

export const interruptible = (state: TurnState) => state.open?.interruptible === true;

export function hold(state: TurnState, at: number, policy: Policy): Step {
  const ducked = go({ ...state, talking: true }, 'yielding', { 'false-alarm': at + policy.falseAlarmMs });
  return [ducked, { type: 'duck', reply: state.open?.number ?? 0 }];
}

/** Held long enough: a voice that still talks means it; silence was a false alarm. */
export function judgeAlarm(state: TurnState, at: number, policy: Policy): Step {
  if (!state.talking) {
    const phase = state.open?.audible ? 'speaking' : 'thinking';
    return [go(state, phase, {}), { type: 'resume', reply: state.open?.number ?? 0 }];
  }
  if (state.open?.fixed && !state.open.audible) return [go(state, 'yielding', { 'false-alarm': at + policy.falseAlarmMs })];
  return cut(state, at, state.open?.audible ? 'caller' : 'superseded', policy);
}

/** Words before the reply was heard belong to the turn that it answers; into a given text they do not break, and a murmur changes nothing. */
export function moreWords(state: TurnState, words: Words, at: number, policy: Policy): Step {
  const given = state.open?.fixed === true;
  const soft = isMurmur(words, policy) || (given && !words.typed && countWords(words.text) <= HELLO_WORDS);
  const kept = keep(state, { ...words, soft }, at);
  return soft || given || !interruptible(state) ? [kept] : cut(kept, at, 'superseded', policy);
}

/** A backchannel, or a sound that the recogniser could make nothing of: no turn of its own while the agent has the floor. */
function isMurmur({ typed, rejected, text }: Words, policy: Policy): boolean {
  return !typed && (rejected || policy.acknowledges(text));
}

/** Words while the reply is heard: an interruption, or kept for the next turn. */
export function overWords(state: TurnState, { words, at }: InputOf<'words'>, policy: Policy): Step {
  const soft = isMurmur(words, policy) || (!words.typed && isHello(state, words.text, at));
  const kept = keep(state, { ...words, soft }, at);
  const interrupts = words.typed ? interruptible(state) : !words.rejected && isInterruption(state, words.text, at, policy);
  return interrupts ? cut(kept, at, 'caller', policy) : [kept];
}

export function isInterruption(state: TurnState, text: string, at: number, policy: Policy): boolean {
  if (!interruptible(state) || policy.acknowledges(text)) return false;
  const words = countWords(text);
  return policy.interrupts(text) || (words > 0 && words >= policy.interruptWords && !isHello(state, text, at));
}

/** Both sides greet at the same time: the caller's hello does not end the agent's. */
function isHello({ open }: TurnState, text: string, at: number): boolean {
  return open?.greets === true && at - open.audibleAt < HELLO_MS && countWords(text) <= HELLO_WORDS;
}

const countWords = (text: string) => text.split(/\s+/).filter(Boolean).length;

export function heardNow(state: TurnState, at: number): TurnState {
  const { open } = state;
  if (!open) return state;
  return {
    ...state,
    open: { ...open, audible: true, audibleAt: at, asked: [] },
    turns: state.turns + (open.asked.length > 0 ? 1 : 0),
    quietSince: null,
  };
}

/** The first sound answers the words that were asked; over a caller who talks it is held back at once. */
export function onAudible(state: TurnState, { at }: InputOf<'audible'>, policy: Policy): Step {
  const speaking = go(heardNow(state, at), 'speaking', {});
  return state.talking && interruptible(state) && policy.interruptWords === 0 ? hold(speaking, at, policy) : [speaking];
}

export function unheard(state: TurnState): readonly Words[] {
  return state.open && !state.open.audible ? [...state.open.asked, ...state.waiting] : state.waiting;
}

export function onEnded(state: TurnState, { at, failed }: InputOf<'ended'>, policy: Policy): Step {
  const failures = failed ? state.failures + 1 : 0;
  const asks = state.lastSaid.trimEnd().endsWith('?');
  const waiting = unheard(state).map((words) => (asks && words.soft && at - words.at < ANSWER_MS ? { ...words, soft: false } : words));
  const closed = { ...state, open: null, waiting, failures, spokeAt: at };
  if (failures >= STRIKES) return close(closed, at, `${state.broken}-failed`, policy);
  return rest(closed, at, policy);
}

function drop(state: TurnState, at: number, by: CutBy, policy: Policy): readonly [TurnState, ...Effect[]] {
  const { open } = state;
  if (!open) return [state];
  const backoffUntil = by === 'caller' && open.audible ? at + policy.backoffMs : state.backoffUntil;
  return [
    { ...state, open: null, waiting: unheard(state), backoffUntil, spokeAt: at },
    { type: 'cut', reply: open.number, by },
  ];
}

export function cut(state: TurnState, at: number, by: CutBy, policy: Policy): Step {
  const [dropped, ...effects] = drop(state, at, by, policy);
  const [next, ...more] = rest(dropped, at, policy);
  return [next, ...effects, ...more];
}

/** How a call ends for a reason: after a farewell, after the last word and a tail, or at once. */
export const MANNERS: Partial<Record<EndReason, 'farewell' | 'tail'>> = {
  'agent-hung-up': 'farewell',
  api: 'farewell',
  silence: 'farewell',
  'stt-failed': 'farewell',
  'llm-failed': 'farewell',
  'tts-failed': 'tail',
  'said-end-phrase': 'tail',
  'said-last-words': 'tail',
};
/** Decided by a reply about itself: that reply is heard to its end, and said goodbye in its own words if it said anything. */
const OWN_WORDS: ReadonlySet<EndReason> = new Set(['agent-hung-up', 'said-end-phrase', 'said-last-words']);

export function close(state: TurnState, at: number, reason: EndReason, policy: Policy): Step {
  const manner = MANNERS[reason];
  const closing: Effect = { type: 'closing', reason };
  if (!manner || !state.connected) {
    const [over, ...effects] = finish(state);
    return [over, closing, ...effects];
  }
  const own = OWN_WORDS.has(reason) && state.open !== null;
  const words = reason === 'stt-failed' ? policy.farewell || policy.deafFarewell : policy.farewell;
  const farewell = manner === 'farewell' && !state.muted && !(own && state.open?.audible) ? words : '';
  const base = go({ ...state, farewell, queue: [] }, 'closing', { duration: undefined, closing: at + FAREWELL_MOST_MS });
  if (own) return [base, closing];
  const [dropped, ...effects] = drop(base, at, 'close', policy);
  const [next, ...more] = bidFarewell(dropped, at);
  return [next, closing, ...effects, ...more];
}

export function bidFarewell(state: TurnState, at: number): Step {
  if (state.farewell === '') return [go(state, 'closing', { closing: at + TAIL_MS })];
  const saying: Saying = { cause: 'farewell', text: state.farewell, interruptible: false, interrupt: false, endAfter: false };
  const [next, ...effects] = begin({ ...state, farewell: '' }, at, saying);
  return [{ ...next, phase: 'closing', timers: { closing: at + FAREWELL_MOST_MS } }, ...effects];
}

export function finish(state: TurnState): Step {
  const cutting: Effect[] = state.open ? [{ type: 'cut', reply: state.open.number, by: 'close' }] : [];
  return [{ phase: 'over', open: null, waiting: unheard(state), timers: {}, queue: [], talking: false }, ...cutting, { type: 'finish' }];
}
