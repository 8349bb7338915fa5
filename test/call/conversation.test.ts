/** What a model remembers, as a fold of the call's events: the same live, from a past, and for another agent. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConversation } from '../../src/call/answer/conversation.ts';
import type { CallEvent, CallEventBody } from '../../src/call/events.ts';
import { PLAN } from '../scenarios/scenario.ts';

const stamped = (bodies: readonly CallEventBody[]): CallEvent[] =>
  bodies.map((body, index) => ({ ...body, call: 'c', seq: index + 1, at: index, wall: 0 }));
const ada = PLAN.agent;
const bob = { ...ada, name: 'Bob', prompt: [{ role: 'system', content: 'You are Bob.' } as const] };

const turn = (number: number, text: string): CallEventBody => ({ type: 'caller.turn', turn: number, text, from: 0, to: 1, waitedMs: 0 });
const said = (reply: number, text: string): CallEventBody => ({ type: 'agent.said', reply, text, complete: true, from: 0, to: 1 });
const created: CallEventBody = {
  type: 'call.created',
  channel: 'text',
  agent: 'Ada',
  assistantId: null,
  from: null,
  to: null,
  node: 'n',
  host: 'h',
};
const HANDOVER = stamped([
  created,
  turn(1, 'Your colleague, please.'),
  { type: 'reply.begun', reply: 1, cause: 'turn', turn: 1, adopted: false },
  { type: 'reply.audible', reply: 1 },
  said(1, 'One moment.'),
  { type: 'agent.entered', agent: 'Bob', assistantId: null, from: 'Ada' },
  said(2, 'Bob here.'),
  turn(2, 'Hello Bob.'),
]);

describe('another agent', () => {
  it('has its own instructions first and the whole conversation behind them', () => {
    let speaker = ada;
    const conversation = createConversation(() => speaker);
    for (const event of HANDOVER) {
      const before = conversation.version;
      conversation.take(event);
      if (event.type !== 'agent.entered') continue;
      speaker = bob;
      // A draft of the agent before answers nothing any more.
      expect(conversation.version).toBeGreaterThan(before);
    }
    expect(conversation.messages().map(({ role, content }) => `${role}: ${content}`)).toEqual([
      'system: You are Bob.',
      'user: Your colleague, please.',
      'assistant: One moment.',
      'assistant: Bob here.',
      'user: Hello Bob.',
    ]);
  });

  it('may see its own part alone', () => {
    const conversation = createConversation(
      () => bob,
      (past, parts) => past.slice(parts.at(-1)?.from),
    );
    for (const event of HANDOVER) conversation.take(event);
    expect(conversation.messages().map(({ content }) => content)).toEqual(['You are Bob.', 'Bob here.', 'Hello Bob.']);
  });
});

it('a past that is folded in anywhere gives the memory that the call had', () => {
  const golden = join(import.meta.dirname, '../scenarios/golden');
  for (const file of readdirSync(golden)) {
    const lines = readFileSync(join(golden, file), 'utf8').trimEnd().split('\n');
    const events = lines.map((line): CallEvent => ({ ...JSON.parse(line), call: 'c', wall: 0 }));
    const live = createConversation(() => ada);
    for (const [index, event] of events.entries()) {
      live.take(event);
      if (index % 7 !== 0) continue;
      const resumed = createConversation(() => ada);
      for (const past of events.slice(0, index + 1)) resumed.take(past);
      expect(resumed.messages()).toEqual(live.messages());
      expect(resumed.version).toBe(live.version);
    }
  }
});

it('knows the ids of its tool calls', () => {
  const conversation = createConversation(() => ada);
  for (const event of stamped([{ type: 'tool.called', reply: 1, id: 'a', name: 'look_up', arguments: {} }])) conversation.take(event);
  expect([conversation.knows('a'), conversation.knows('b')]).toEqual([true, false]);
});
