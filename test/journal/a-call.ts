/** Small event lists to fold: bodies with their time, stamped as a call stamps them. */
import type { CallEvent, CallEventBody } from '../../src/call/events.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';

export const EPOCH = Date.UTC(2026, 0, 1);

export type Step = readonly [at: number, body: CallEventBody];

/** The steps as events of one call, `seq` counting on from `after`. */
export function stamped(call: string, steps: readonly Step[], epoch = EPOCH, after = 0): CallEvent[] {
  return steps.map(([at, body], index) => ({ ...body, call, seq: after + index + 1, at, wall: epoch + at }));
}

export const created: CallEventBody = {
  type: 'call.created',
  channel: 'websocket',
  agent: 'Ada',
  assistantId: null,
  from: null,
  to: null,
  node: 'node-1',
  host: 'host-1',
};

export const words = (text: string, from = 0, to = 0, typed = false): CallEventBody => ({
  type: 'caller.words',
  text,
  from,
  to,
  confidence: 0.9,
  language: 'en',
  rejected: false,
  typed,
});

export const turn = (number: number, text: string, from = 0, to = 0): CallEventBody => ({
  type: 'caller.turn',
  turn: number,
  text,
  from,
  to,
  waitedMs: 0,
});

export const begun = (reply: number, number: number | null): CallEventBody => ({
  type: 'reply.begun',
  reply,
  cause: number === null ? 'first-message' : 'turn',
  turn: number,
  adopted: false,
});

export const said = (reply: number, text: string, from: number, to: number, complete = true): CallEventBody => ({
  type: 'agent.said',
  reply,
  text,
  complete,
  from,
  to,
});

export const ended = (reason: 'caller-hung-up' | 'llm-failed' = 'caller-hung-up'): CallEventBody => ({
  type: 'call.ended',
  reason,
  detail: null,
  durationMs: 9_000,
});

/** A greeting, a question, a tool, an answer, and the caller hangs up: 9 seconds, line connected at 100 ms. */
const CONVERSATION: readonly Step[] = [
  [0, created],
  [100, { type: 'line.connected', carrier: 'websocket', encoding: 'pcm16', rate: 16000, facts: {} }],
  [100, { type: 'call.answered' }],
  [110, begun(1, null)],
  [200, { type: 'reply.first_token', reply: 1 }],
  [250, { type: 'reply.audible', reply: 1 }],
  [1250, said(1, 'Hello, this is Ada.', 150, 1150)],
  [1250, { type: 'reply.ended', reply: 1, outcome: 'complete' }],
  [2000, { type: 'caller.started' }],
  [3000, { type: 'caller.stopped' }],
  [3100, words('Where is my order?', 1900, 2900)],
  [3400, turn(1, 'Where is my order?', 1900, 2900)],
  [3400, begun(2, 1)],
  [3700, { type: 'reply.first_token', reply: 2 }],
  [3700, { type: 'tool.called', reply: 2, id: 't1', name: 'find_order', arguments: { number: 7 } }],
  [4000, { type: 'tool.answered', reply: 2, id: 't1', name: 'find_order', ok: true, result: 'on its way', tookMs: 300 }],
  [4300, { type: 'reply.audible', reply: 2 }],
  [6000, said(2, 'It is on its way.', 4200, 5900)],
  [6000, { type: 'reply.ended', reply: 2, outcome: 'complete' }],
  [
    6100,
    { type: 'usage.counted', kind: 'llm', provider: 'openai', model: 'gpt-x', quantity: 1200, completionTokens: 30, cachedTokens: 200 },
  ],
  [
    6100,
    { type: 'usage.counted', kind: 'tts', provider: 'cartesia', model: 'sonic', quantity: 36, completionTokens: null, cachedTokens: null },
  ],
  [9000, { type: 'line.ended', by: 'caller', detail: 'hung up' }],
  [
    9050,
    { type: 'usage.counted', kind: 'stt', provider: 'deepgram', model: 'nova', quantity: 9, completionTokens: null, cachedTokens: null },
  ],
  [9060, { type: 'recording.stored', file: 'a.wav', bytes: 1000, durationMs: 9_000 }],
  [9100, ended()],
];

export const aCall = (epoch?: number): { id: string; events: CallEvent[] } => {
  const id = uuidv7(epoch ?? EPOCH);
  return { id, events: stamped(id, CONVERSATION, epoch) };
};
