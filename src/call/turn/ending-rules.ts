/**
 * The rules of limits and ends: prompts, the silence and duration limits, and how a call ends for each reason (a farewell that is heard, a
 * tail after the last word, or at once). Small pure functions, as in `turn-rules.ts`.
 */
import type { EndReason } from '../events.ts';
import { unheard } from './kept-words.ts';
import { after, begin, fallenSilent, go, rest } from './turn-rules.ts';
import type { CutBy, Effect, InputOf, Policy, Saying, Step, TurnState } from './turn-state.ts';

/** Between the last heard word and the hang-up, so that no carrier clips it; ms. */
const TAIL_MS = 200;
/** No farewell may hold the line longer than this; ms. */
const FAREWELL_MOST_MS = 15_000;

/** How a call ends for a reason: after a farewell, after the last word and a tail, or at once. */
export const MANNERS: Partial<Record<EndReason, 'farewell' | 'tail'>> = {
  'agent-hung-up': 'farewell',
  api: 'farewell',
  silence: 'farewell',
  voicemail: 'farewell',
  'stt-failed': 'farewell',
  'llm-failed': 'farewell',
  'tts-failed': 'tail',
  'said-end-phrase': 'tail',
  'said-last-words': 'tail',
};
/** Decided by a reply about itself: that reply is heard to its end, and said goodbye in its own words if it said anything. */
const OWN_WORDS: ReadonlySet<EndReason> = new Set(['agent-hung-up', 'said-end-phrase', 'said-last-words']);

export function onListeningTimer(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  if (timer === 'duration') return close(state, at, 'duration', policy);
  if (timer === 'silence') return close(state, at, 'silence', policy);
  // The voice has brought no words for so long that it is nobody's.
  const alone = state.talking ? fallenSilent(state, state.quietSince ?? state.wordlessSince ?? at) : state;
  if (timer === 'turn-end') return rest(alone, at, policy);
  if (timer !== 'quiet') return [{}];
  const text = policy.idleTexts[state.prompts % policy.idleTexts.length] ?? '';
  const prompt: Saying = { cause: 'idle', text, interruptible: true, interrupt: false, endAfter: false };
  return begin({ ...alone, prompts: state.prompts + 1 }, at, prompt);
}

export function onDuration(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  return timer === 'duration' ? close(state, at, 'duration', policy) : [{}];
}

export const broken = (state: TurnState, input: InputOf<'broken'>, policy: Policy): Step =>
  // Before there is a line nobody can be told: the call is answered first.
  input.kind === 'stt' && state.connected ? close(state, input.at, 'stt-failed', policy) : noteBroken(state, input);
/** What is broken is told when somebody can be told. */
export const noteBroken = (state: TurnState, { kind }: InputOf<'broken'>): Step => [{ broken: state.broken === 'stt' ? 'stt' : kind }];
export const onClose = (state: TurnState, input: InputOf<'close'>, policy: Policy): Step => close(state, input.at, input.reason, policy);
export const onGone = (state: TurnState): Step => finish(state);

export function close(state: TurnState, at: number, reason: EndReason, policy: Policy): Step {
  const manner = MANNERS[reason];
  if (!manner || !state.connected || state.parked || state.lost) return endNow(state, reason);
  const closing: Effect = { type: 'closing', reason };
  const own = OWN_WORDS.has(reason) && state.open !== null;
  const farewell = manner === 'farewell' && !state.muted && !(own && state.open?.audible) ? farewellFor(reason, policy) : '';
  const base = go({ ...state, farewell, queue: [], transferTo: null }, 'closing', { duration: undefined, closing: at + FAREWELL_MOST_MS });
  if (own) return [base, closing];
  const [dropped, ...effects] = drop(base, at, 'close', policy);
  return after([closing, ...effects], bidFarewell(dropped, at));
}

function farewellFor(reason: EndReason, { farewell, deafFarewell, voicemail }: Policy): string {
  if (reason === 'voicemail') return voicemail;
  return reason === 'stt-failed' ? farewell || deafFarewell : farewell;
}

export function bidFarewell(state: TurnState, at: number): Step {
  if (state.farewell === '') return [go(state, 'closing', { closing: at + TAIL_MS })];
  const saying: Saying = { cause: 'farewell', text: state.farewell, interruptible: false, interrupt: false, endAfter: false };
  const [next, ...effects] = begin({ ...state, farewell: '' }, at, saying);
  return [{ ...next, phase: 'closing', timers: { closing: at + FAREWELL_MOST_MS } }, ...effects];
}

/** Nobody is there to hear a farewell. */
export const endNow = (state: TurnState, reason: EndReason): Step => after([{ type: 'closing', reason }], finish(state));

export function finish(state: TurnState): Step {
  const cutting: Effect[] = state.open ? [{ type: 'cut', reply: state.open.number, by: 'close' }] : [];
  const nothing = { open: null, timers: {}, queue: [], talking: false, wordlessSince: null, parked: false, lost: false, transferTo: null };
  return [{ ...nothing, phase: 'over', waiting: unheard(state) }, ...cutting, { type: 'finish' }];
}

/** The open reply is given up; what it was asked waits again, unless it was heard. */
export function drop(state: TurnState, at: number, by: CutBy, policy: Policy): readonly [TurnState, ...Effect[]] {
  const { open } = state;
  if (!open) return [state];
  const dropped = { ...state, open: null, waiting: unheard(state) };
  const cutting: Effect = { type: 'cut', reply: open.number, by };
  if (!open.audible) return [dropped, cutting];
  return [{ ...dropped, backoffUntil: by === 'caller' ? at + policy.backoffMs : state.backoffUntil, spokeAt: at }, cutting];
}
