/**
 * The rules of a caller who cannot be spoken to: not known to be a person yet, on hold, with a leg that broke, or being given to somebody
 * else. Nobody speaks and nobody decides; words are kept, and answered when the caller is back. Small pure functions, as in `turn-rules.ts`.
 */
import { close, drop, endNow } from './ending-rules.ts';
import { askedInterim, isHello, keep, sameWords } from './kept-words.ts';
import { concluded, interruptible, resume, STRIKES } from './reply-rules.ts';
import { after, away, go, rest, setOut } from './turn-rules.ts';
import type { Effect, InputOf, Policy, Saying, Step, TurnState } from './turn-state.ts';

// ---- the line, and what answered

export function onConnected(state: TurnState, { at, saying }: InputOf<'connected'>, policy: Policy): Step {
  if (state.connected) return [{}];
  if (state.broken === 'stt') return close({ ...state, connected: true }, at, 'stt-failed', policy);
  const queue = saying ? [saying, ...state.queue] : state.queue;
  const met = { ...state, connected: true, spokeAt: at, queue, timers: { duration: at + policy.durationMs } };
  return policy.screenMs > 0 ? [go(met, 'screening', { screening: at + policy.screenMs })] : rest(met, at, policy);
}

export function onScreened(state: TurnState, { at, by }: InputOf<'screened'>, policy: Policy): Step {
  return by === 'machine' ? close(state, at, 'voicemail', policy) : open(state, at, policy);
}

export function onScreeningTimer(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  if (timer === 'duration') return close(state, at, 'duration', policy);
  return timer === 'screening' ? open(state, at, policy) : [{}];
}

/** A person it is. The hello that was said into the telephone is met by the greeting. */
function open(state: TurnState, at: number, policy: Policy): Step {
  const greets = state.queue[0]?.cause === 'first-message';
  const waiting = state.waiting.map((words) => (greets && !words.typed && isHello(words.text) ? { ...words, soft: true } : words));
  return rest({ ...state, waiting, spokeAt: at }, at, policy);
}

// ---- on hold

const flagged = (state: TurnState, { on, why }: InputOf<'hold'>): TurnState =>
  why === 'lost' ? { ...state, lost: on } : { ...state, parked: on };
/** Noted where nobody speaks anyway; it counts when that is over. */
export const noteHold = (state: TurnState, input: InputOf<'hold'>): Step => [flagged(state, input)];

/** What is being said is held back, and comes back; on a leg that broke it is over, as far as it was heard. */
export function onHold(state: TurnState, input: InputOf<'hold'>, policy: Policy): Step {
  if (!state.connected || !input.on) return [{}];
  const left = flagged(state, input);
  if (left.lost) return giveUp(left, input.at, policy);
  const ducking: Effect[] = state.open && state.phase !== 'yielding' ? [{ type: 'duck', reply: state.open.number }] : [];
  return [away(left, input.at), ...ducking];
}

function giveUp(state: TurnState, at: number, policy: Policy): Step {
  const [dropped, ...effects] = drop(state, at, 'failure', policy);
  return [away(dropped, at), ...effects];
}

export function onHeldAgain(state: TurnState, input: InputOf<'hold'>, policy: Policy): Step {
  const now = flagged(state, input);
  if (now.lost && !state.lost) return giveUp(now, input.at, policy);
  if (!now.lost && !now.parked) return comeBack(now, input.at, policy);
  return [now.lost === state.lost ? now : away(now, input.at)];
}

/** The leg is back. The opening is said again only to somebody who has not heard a word. */
export function onReconnected(state: TurnState, { at, saying }: InputOf<'connected'>, policy: Policy): Step {
  if (!state.lost) return [{}];
  const says = saying !== null && (saying.cause !== 'first-message' || state.lastSaid === '');
  const found = { ...state, lost: false, queue: says ? [saying, ...state.queue] : state.queue };
  return found.parked ? [away(found, at)] : comeBack(found, at, policy);
}

function comeBack(state: TurnState, at: number, policy: Policy): Step {
  const back = { ...state, spokeAt: at };
  if (back.broken === 'stt') return close(back, at, 'stt-failed', policy);
  if (!back.open) return rest(back, at, policy);
  if (back.talking && interruptible(back)) return [go(back, 'yielding', { 'false-alarm': at + policy.falseAlarmMs })];
  return resume(back);
}

/** A final that corrects the question of the reply that is held back makes that reply a wrong one. */
export function heldWords(state: TurnState, { words, at }: InputOf<'words'>, policy: Policy): Step {
  const known = askedInterim(state, words);
  const kept = keep(state, words, at);
  return !known || sameWords(known.text, words.text) ? [kept] : drop(kept, at, 'superseded', policy);
}

export const heldMute = (state: TurnState, { on, at }: InputOf<'mute'>, policy: Policy): Step =>
  on ? drop({ ...state, muted: true }, at, 'control', policy) : [{ muted: false }];

export function heldEnd(state: TurnState, input: InputOf<'ended'>): Step {
  const closed = concluded(state, input);
  return closed.failures >= STRIKES ? endNow(closed, `${state.broken}-failed`) : [closed];
}

export function onHeldTimer(state: TurnState, { timer }: InputOf<'timer'>): Step {
  if (timer === 'duration') return endNow(state, 'duration');
  if (timer !== 'held') return [{}];
  return endNow(state, state.lost ? 'carrier-lost' : 'silence');
}

// ---- to somebody else

/** The agent says what it was saying, and what was to be said before; then the caller goes. */
export const toTransfer = (_: TurnState, { destination }: InputOf<'transfer'>): Step => [{ transferTo: destination }];
export const onTransfer = (state: TurnState, { at, destination }: InputOf<'transfer'>, policy: Policy): Step =>
  rest({ ...state, transferTo: destination }, at, policy);

/** From being parked the caller goes at once: what was held back is not said any more. */
export function heldTransfer(state: TurnState, input: InputOf<'transfer'>, policy: Policy): Step {
  if (state.lost) return toTransfer(state, input);
  const [dropped, ...effects] = drop({ ...state, parked: false }, input.at, 'superseded', policy);
  return after(effects, setOut(dropped, input.at, input.destination));
}

export function onTransferred(state: TurnState, { at, ok }: InputOf<'transferred'>, policy: Policy): Step {
  return ok ? endNow(state, 'transferred') : stay(state, at, policy);
}

export function onTransferTimer(state: TurnState, { timer, at }: InputOf<'timer'>, policy: Policy): Step {
  if (timer === 'duration') return endNow(state, 'duration');
  return timer === 'transfer' ? stay(state, at, policy) : [{}];
}

/** Nobody took the caller, who hears so and is answered here again. */
function stay(state: TurnState, at: number, policy: Policy): Step {
  const text = policy.transferFailed;
  const regret: Saying = { cause: 'fallback', text, interruptible: true, interrupt: false, endAfter: false };
  const back = { ...state, spokeAt: at, queue: text === '' ? state.queue : [regret, ...state.queue] };
  return back.broken === 'stt' ? close(back, at, 'stt-failed', policy) : rest(back, at, policy);
}
