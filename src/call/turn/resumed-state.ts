/**
 * Where a call goes on whose process died: its past, played through the turn table again. What the table had decided and nobody put on
 * record is put there now; the reply that was open ends as far as it was heard; the leg counts as lost until it is back. Pure; starts nothing.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import type { CallEvent, CallEventBody, EventOf } from '../events.ts';
import { isUnspaced } from './endpointing.ts';
import { inputOf } from './inputs.ts';
import { type Effect, type Policy, TURN_START, type TurnState } from './turn-state.ts';
import { step } from './turn-taking.ts';

export interface Speaker {
  readonly agent: AgentPlan;
  readonly policy: Policy;
}

export interface Resumed {
  /** After `bodies`. `over` where nothing is left but to end the call. */
  readonly state: TurnState;
  /** To be put on record, in this order, without being played through the table again. */
  readonly bodies: readonly CallEventBody[];
}

/** A reply on record that has not ended there. */
interface Told {
  readonly reply: number;
  /** Media time of its first sound, about; `null` before. */
  readonly from: number | null;
  readonly text: string;
  readonly heardMs: number;
  readonly cut: boolean;
  readonly said: boolean;
}

/** `at` is now, in the call's time. `speakerOf` tells who speaks from an `agent.entered` on; `null`: who began. */
export function resumeState(
  past: readonly CallEvent[],
  at: number,
  speakerOf: (entered: EventOf<'agent.entered'> | null) => Speaker,
): Resumed {
  const bodies: CallEventBody[] = [];
  let speaker = speakerOf(null);
  let state = TURN_START;
  let connectedAt = 0;
  let told: Told | null = null;
  /** Decided, and not on record yet. */
  let owed: Effect[] = [];

  const take = (event: CallEvent) => {
    if (event.type === 'agent.entered') speaker = speakerOf(event);
    if (event.type === 'line.connected' && !state.connected) connectedAt = event.at;
    const done = owed.findIndex((effect) => recordOf(effect) === nameOf(event));
    owed = done < 0 ? owed : owed.toSpliced(done, 1);
    told = tell(told, event, connectedAt);
    const input = inputOf(event, speaker.agent);
    if (!input) return;
    const [next, ...effects] = step(state, input, speaker.policy);
    state = next;
    owed = [...owed, ...effects.filter(({ type }) => type !== 'closing' || event.type !== 'call.closing')];
  };
  const write = (body: CallEventBody) => {
    bodies.push(body);
    take({ ...body, call: '', seq: 0, at, wall: 0 });
  };
  const conclude = () => {
    if (!told?.cut) return;
    const { reply, from, text, heardMs, said } = told;
    if (from !== null && !said) write({ type: 'agent.said', reply, text, complete: false, from, to: from + heardMs });
    write({ type: 'reply.ended', reply, outcome: 'cut' });
  };
  const catchUp = () => {
    conclude();
    while (owed.length > 0) {
      const [effect, ...rest] = owed;
      const body = effect && bodyOf(effect);
      if (body) write(body);
      else owed = rest;
      conclude();
    }
  };

  for (const event of past) take(event);
  catchUp();
  if (state.connected && !state.lost && state.phase !== 'over') write({ type: 'line.held', on: true, why: 'lost' });
  catchUp();
  const timers = Object.fromEntries(Object.entries(state.timers).map(([name, due]) => [name, due && Math.max(due, at)]));
  return { state: { ...state, timers }, bodies };
}

/** What a decision looks like on record; `null` for one that leaves no trace of its own. */
function bodyOf(effect: Effect): CallEventBody | null {
  switch (effect.type) {
    case 'begin':
      // Its turn is not on record either: the words wait, and are asked again under the same number.
      return { type: 'reply.begun', reply: effect.reply, cause: effect.saying.cause, turn: null, adopted: false };
    case 'cut':
      return { type: 'reply.cut', reply: effect.reply, by: effect.by };
    case 'duck':
      return { type: 'reply.ducked', reply: effect.reply };
    case 'resume':
      return { type: 'reply.resumed', reply: effect.reply };
    case 'closing':
      return { type: 'call.closing', reason: effect.reason, detail: null };
    case 'transfer':
    case 'finish':
      return null;
    default:
      return effect satisfies never;
  }
}

const recordOf = (effect: Effect): string | null => {
  const body = bodyOf(effect);
  return body && nameOf(body);
};
const nameOf = (body: CallEventBody): string => ('reply' in body ? `${body.type} ${body.reply}` : body.type);

function tell(told: Told | null, event: CallEvent, connectedAt: number): Told | null {
  if (event.type === 'reply.begun') return { reply: event.reply, from: null, text: '', heardMs: 0, cut: false, said: false };
  if (!told || !('reply' in event) || event.reply !== told.reply) return told;
  switch (event.type) {
    case 'reply.audible':
      return { ...told, from: event.at - connectedAt };
    case 'reply.heard':
      return { ...told, text: joined(told.text, event.text), heardMs: event.ms };
    case 'reply.cut':
      return { ...told, cut: true };
    case 'agent.said':
      return { ...told, said: true };
    case 'reply.ended':
      return null;
    default:
      return told;
  }
}

/** Pieces of one text: a space between them, unless there is one or the script has none. */
function joined(before: string, text: string): string {
  const apart = before === '' || /\s$/.test(before) || /^\s/.test(text) || isUnspaced(before.at(-1)) || isUnspaced(text[0]);
  return apart ? before + text : `${before} ${text}`;
}
