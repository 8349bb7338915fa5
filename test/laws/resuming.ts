/** A log cut off at any event, and gone on from: the record fits together, and the laws hold for what follows. */
import { expect } from 'vitest';
import type { CallPlan } from '../../src/agent/plan.ts';
import type { CallEvent, CallEventBody } from '../../src/call/events.ts';
import { compilePolicy } from '../../src/call/turn/endpointing.ts';
import { inputOf } from '../../src/call/turn/inputs.ts';
import { resumeState } from '../../src/call/turn/resumed-state.ts';
import { type Input, TURN_START } from '../../src/call/turn/turn-state.ts';
import { step } from '../../src/call/turn/turn-taking.ts';
import { check } from './conversations.ts';

/** The process is found dead after so long; ms. */
const FOUND_MS = 7_000;

export function resumeAnywhere({ agent, durationMs }: CallPlan, events: readonly CallEvent[]): void {
  const policy = compilePolicy(agent, durationMs);
  const speakerOf = () => ({ agent, policy });
  for (let length = 1; length < events.length; length++) {
    const past = events.slice(0, length);
    const at = (past.at(-1)?.at ?? 0) + FOUND_MS;
    const { state, bodies } = resumeState(past, at, speakerOf);
    const why = `cut off after ${past.at(-1)?.type} ${length}`;
    const resumed: CallEventBody = { type: 'call.resumed', node: 'node-2', host: 'host-2' };
    const log = [...past, ...[resumed, ...bodies].map((body, index) => ({ ...body, call: '', seq: length + 1 + index, at, wall: 0 }))];
    const inputs = log.flatMap((event) => inputOf(event, agent) ?? []);
    expect(told(log), why).toEqual(decided(inputs, policy));
    expect(openReplies(log), why).toBe(0);
    const again = inputs.reduce((before, input) => step(before, input, policy)[0], TURN_START);
    expect({ ...state, timers: {} }, why).toEqual({ ...again, timers: {} });
    for (const due of Object.values(state.timers)) expect(due ?? at, why).toBeGreaterThanOrEqual(at);
    if (state.connected) expect(['held', 'transferring', 'over'], why).toContain(state.phase);
    expect(check(inputs, policy, false), why).toBeNull();
  }
}

const DECISIONS: Readonly<Record<string, string>> = {
  begin: 'reply.begun',
  cut: 'reply.cut',
  duck: 'reply.ducked',
  resume: 'reply.resumed',
};

function decided(inputs: readonly Input[], policy: Parameters<typeof step>[2]): string[] {
  let state = TURN_START;
  return inputs.flatMap((input) => {
    const [next, ...effects] = step(state, input, policy);
    state = next;
    return effects.flatMap((effect) => ('reply' in effect ? `${DECISIONS[effect.type]} ${effect.reply}` : []));
  });
}

const told = (log: readonly CallEvent[]) =>
  log.flatMap((event) => (Object.values(DECISIONS).includes(event.type) && 'reply' in event ? `${event.type} ${event.reply}` : []));

const openReplies = (log: readonly CallEvent[]) =>
  log.filter(({ type }) => type === 'reply.begun').length - log.filter(({ type }) => type === 'reply.ended').length;
