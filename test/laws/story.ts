/** A short story, played through the turn table by hand. */
import type { TurnPolicy } from '../../src/agent/plan.ts';
import { compilePolicy } from '../../src/call/turn/endpointing.ts';
import { type Effect, type Input, type Policy, type Saying, TURN_START, type TurnState } from '../../src/call/turn/turn-state.ts';
import { step } from '../../src/call/turn/turn-taking.ts';
import { planWith } from '../scenarios/scenario.ts';

export type Untimed = Input extends infer I ? (I extends Input ? Omit<I, 'at'> : never) : never;
type AgentChange = Parameters<typeof planWith>[0];

export const agent = (turns: Partial<TurnPolicy> = {}, change: AgentChange = {}): Policy =>
  compilePolicy(planWith({ ...change, turns: { interruptions: ['stop', 'no'], ...turns } }).agent, 600_000);

export interface Story {
  readonly state: TurnState;
  /** Everything decided so far, in words. */
  readonly told: string[];
  at(ms: number, input: Untimed): Story;
  says(ms: number, text: string, more?: { interim?: true; replaces?: number; from?: number; typed?: true; rejected?: true }): Story;
  /** The reply that is open is heard from its first sound to its end. */
  heard(ms: number): Story;
  /** Lets every timer fire that is due until then, in order, and replies be heard as they come. */
  until(ms: number): Story;
}

export function story(policy: Policy = agent()): Story {
  let state = TURN_START;
  const told: string[] = [];
  const take = (input: Input) => {
    const [next, ...effects] = step(state, input, policy);
    state = next;
    for (const effect of effects) told.push(`${input.at} ${inWords(effect)}`);
  };
  const self: Story = {
    get state() {
      return state;
    },
    told,
    at(ms, input) {
      take({ ...input, at: ms } as Input);
      return self;
    },
    says(ms, text, { from = ms, interim, replaces, typed = false, rejected = false } = {} as never) {
      const words = {
        at: ms,
        text,
        from,
        to: ms,
        typed,
        rejected,
        ...(interim && { interim }),
        ...(replaces !== undefined && { replaces }),
      };
      return self.at(ms, { type: 'words', words });
    },
    heard(ms) {
      const reply = state.open?.number ?? 0;
      return self.at(ms, { type: 'audible', reply }).at(ms + 100, { type: 'ended', reply, failed: false });
    },
    until(ms) {
      for (;;) {
        const due = Object.entries(state.timers).filter((entry): entry is [string, number] => entry[1] !== undefined);
        const [name, time] = due.reduce((a, b) => (a[1] <= b[1] ? a : b), ['', Infinity] as [string, number]);
        if (time > ms || state.phase === 'over') return self;
        take({ at: time, type: 'timer', timer: name } as Input);
        if (state.open && state.phase !== 'yielding') self.heard(time);
      }
    },
  };
  return self.at(0, { type: 'connected', saying: null });
}

export function inWords(effect: Effect): string {
  if (effect.type === 'begin')
    return `${effect.saying.cause}${effect.turn ? ` asked ${JSON.stringify(effect.turn.words.map(({ text }) => text).join(' '))}` : ''}`;
  if (effect.type === 'cut') return `cut by ${effect.by}`;
  if (effect.type === 'closing') return `closing: ${effect.reason}`;
  return effect.type === 'transfer' ? `transfer to ${effect.destination}` : effect.type;
}

export const saying = (more: Partial<Saying> = {}): Saying => ({
  cause: 'say',
  text: 'This call is recorded.',
  interruptible: true,
  interrupt: false,
  endAfter: false,
  ...more,
});
export const say = (more: Partial<Saying> = {}): Untimed => ({ type: 'say', saying: saying(more) });
export const started: Untimed = { type: 'started' };
export const stopped: Untimed = { type: 'stopped', silentMs: 256 };
export const partial = (text: string): Untimed => ({ type: 'partial', text });
