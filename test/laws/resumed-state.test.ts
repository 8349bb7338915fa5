/** A call that goes on from its past: what is put on record about the reply that was open, and where the table stands. */
import { describe, expect, it } from 'vitest';
import type { CallEvent, CallEventBody } from '../../src/call/events.ts';
import { compilePolicy } from '../../src/call/turn/endpointing.ts';
import { resumeState } from '../../src/call/turn/resumed-state.ts';
import { step } from '../../src/call/turn/turn-taking.ts';
import { planWith } from '../scenarios/scenario.ts';

const { agent } = planWith({});
const other = planWith({ silenceMs: 5_000 }).agent;
const speakerOf = (entered: unknown) => {
  const speaker = entered === null ? agent : other;
  return { agent: speaker, policy: compilePolicy(speaker, 60_000) };
};
const log = (...bodies: readonly (readonly [number, CallEventBody])[]): CallEvent[] =>
  bodies.map(([at, body], index) => ({ ...body, call: 'call-1', seq: index + 1, at, wall: at }));

const connected: CallEventBody = { type: 'line.connected', carrier: 'fake', encoding: 'mulaw', rate: 8_000, facts: {} };
const words: CallEventBody = {
  type: 'caller.words',
  text: 'Where is my order?',
  from: 100,
  to: 900,
  confidence: 1,
  language: null,
  rejected: false,
  typed: false,
};
const asked: (readonly [number, CallEventBody])[] = [
  [0, connected],
  [1_000, words],
  [1_300, { type: 'timer.fired', name: 'turn-end' }],
  [1_300, { type: 'caller.turn', turn: 1, text: 'Where is my order?', from: 100, to: 900, waitedMs: 300 }],
  [1_300, { type: 'reply.begun', reply: 1, cause: 'turn', turn: 1, adopted: false }],
];
const audible: readonly [number, CallEventBody] = [2_000, { type: 'reply.audible', reply: 1 }];
const heard = (at: number, text: string): readonly [number, CallEventBody] => [at, { type: 'reply.heard', reply: 1, text, ms: at - 2_000 }];
const lost: CallEventBody = { type: 'line.held', on: true, why: 'lost' };
const cut: CallEventBody = { type: 'reply.cut', reply: 1, by: 'failure' };
const ended: CallEventBody = { type: 'reply.ended', reply: 1, outcome: 'cut' };

describe('a call that goes on from its past', () => {
  it('gives the words back that nobody has heard an answer to', () => {
    const { state, bodies } = resumeState(log(...asked), 9_000, speakerOf);
    expect(bodies).toEqual([lost, cut, ended]);
    expect(state).toMatchObject({ phase: 'held', open: null, turns: 0, waiting: [{ text: 'Where is my order?' }] });
  });

  it.each([
    [['It left ', 'this morning'], 'It left this morning'],
    [['It left', 'this morning'], 'It left this morning'],
    [['它今天', '早上出发'], '它今天早上出发'],
    [['Оно ушло', 'утром.'], 'Оно ушло утром.'],
    [[], ''],
  ])('says what was heard: %j', (pieces, text) => {
    const past = log(...asked, audible, ...pieces.map((piece, index) => heard(3_000 + index * 1_000, piece)));
    const { state, bodies } = resumeState(past, 9_000, speakerOf);
    const to = 2_000 + pieces.length * 1_000;
    expect(bodies).toEqual([
      lost,
      cut,
      { type: 'agent.said', reply: 1, text, complete: false, from: 2_000, to: pieces.length ? to : 2_000 },
      ended,
    ]);
    expect(state).toMatchObject({ phase: 'held', open: null, turns: 1, waiting: [], lastSaid: text });
  });

  it('goes on when the leg is back', () => {
    const { state } = resumeState(log(...asked), 9_000, speakerOf);
    const [back] = step(state, { at: 9_500, type: 'connected', saying: null }, speakerOf(null).policy);
    expect(back.timers['turn-end'] ?? 9_500).toBeLessThan(10_000);
  });

  it('ends what a cut had begun to end', () => {
    const { bodies } = resumeState(
      log(...asked, audible, [3_000, { type: 'line.held', on: true, why: 'lost' }], [3_000, cut]),
      9_000,
      speakerOf,
    );
    expect(bodies).toEqual([{ type: 'agent.said', reply: 1, text: '', complete: false, from: 2_000, to: 2_000 }, ended]);
  });

  it('puts on record what was decided and not written', () => {
    const { bodies } = resumeState(log(...asked.slice(0, 3)), 9_000, speakerOf);
    expect(bodies).toEqual([{ type: 'reply.begun', reply: 1, cause: 'turn', turn: null, adopted: false }, lost, cut, ended]);
  });

  it('counts what was due in the past as due now', () => {
    const { state } = resumeState(log([0, connected]), 90_000, speakerOf);
    expect(state.timers).toEqual({ duration: 90_000, held: 110_000 });
  });

  it('asks who spoke when', () => {
    const entered: CallEventBody = { type: 'agent.entered', agent: 'Bea', assistantId: null, from: 'Ada' };
    const seen: unknown[] = [];
    resumeState(log([0, connected], [10, entered], [20, words]), 90, (event) => {
      seen.push(event?.agent ?? null);
      return speakerOf(event);
    });
    expect(seen).toEqual([null, 'Bea']);
  });

  it.each([
    ['before there was a line', log([0, { type: 'call.answered' }]), 'listening'],
    ['after it had ended', log([0, connected], [10, { type: 'line.ended', by: 'caller', detail: '' }]), 'over'],
    ['in its farewell', log([0, connected], [10, { type: 'call.closing', reason: 'api', detail: null }]), 'over'],
  ])('%s', (_, past, phase) => {
    expect(resumeState(past, 9_000, speakerOf).state.phase).toBe(phase);
  });
});
