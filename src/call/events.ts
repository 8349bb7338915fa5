/**
 * The vocabulary of the product: everything that can happen in a call, as one typed union. The log of a call is a gapless list of
 * these, appended by `call/` alone; transcript, timeline, latency, costs, metrics, webhooks and dashboard are folds of it.
 * Every input of the turn table appears here exactly once, before its effects: a log can be played through the table again.
 */
import { z } from 'zod';
import { CHANNELS } from '../agent/plan.ts';
import { PROVIDER_KINDS } from '../providers/contract.ts';

/** Who may see a field: anyone, operators, people who may hear the caller, nobody in clear. */
export const privacy = z.registry<{ class: 'public' | 'internal' | 'personal' | 'secret' }>();
const personal = <T extends z.ZodType>(schema: T): T => {
  privacy.add(schema, { class: 'personal' });
  return schema;
};

const text = personal(z.string());
const ms = z.number();
const reply = z.int();

/** Reasons why a call ended. The wire names of Vapi are made of these by its presenter. */
export const END_REASONS = [
  'caller-hung-up', // the caller's leg ended
  'agent-hung-up', // the model's endCall tool, or an end-call phrase, or the API
  'said-end-phrase',
  'said-last-words', // a message that was to end the call was spoken
  'silence', // nobody spoke for the silence limit
  'duration', // the duration limit was reached
  'api', // ended through the control API
  'voicemail',
  'busy',
  'no-answer',
  'canceled', // before it was answered
  'dial-failed', // the carrier refused or failed
  'never-connected', // answered, but its media never arrived
  'transferred',
  'carrier-lost', // the media leg broke
  'stt-failed',
  'llm-failed',
  'tts-failed',
  'agent-invalid', // the assistant could not be used
  'host-lost', // the process that held the call died
  'node-lost', // the machine that held the call died
  'shutdown',
  'bug',
] as const;
export const EndReason = z.enum(END_REASONS);
export type EndReason = z.infer<typeof EndReason>;

const ReplyCause = z.enum(['first-message', 'turn', 'say', 'idle', 'tool', 'fallback', 'farewell']);
export type ReplyCause = z.infer<typeof ReplyCause>;

const bodies = [
  // The call
  z.object({
    type: z.literal('call.created'),
    channel: z.enum(CHANNELS),
    agent: z.string(),
    assistantId: z.string().nullable(),
    from: personal(z.string().nullable()),
    to: personal(z.string().nullable()),
    node: z.string(),
    host: z.string(),
  }),
  z.object({ type: z.literal('call.dialing'), carrier: z.string(), providerCallId: z.string().nullable() }),
  z.object({ type: z.literal('call.ringing') }),
  z.object({ type: z.literal('call.answered') }),
  /** Another agent speaks from here on: a handoff, a node of a flow, another language. The one that begins is named by `call.created`. */
  z.object({ type: z.literal('agent.entered'), agent: z.string(), assistantId: z.string().nullable(), from: z.string() }),
  /** The call goes on here, from its past: another node or process had it before. */
  z.object({ type: z.literal('call.resumed'), node: z.string(), host: z.string() }),
  z.object({
    type: z.literal('line.connected'),
    carrier: z.string(),
    encoding: z.string(),
    rate: z.int(),
    facts: personal(z.record(z.string(), z.string())),
  }),
  z.object({ type: z.literal('line.ended'), by: z.enum(['caller', 'carrier', 'network', 'transfer']), detail: z.string() }),
  /** The leg broke or was parked: nothing is said and nobody is waited for until it is back. */
  z.object({ type: z.literal('line.held'), on: z.boolean(), why: z.enum(['asked', 'lost']) }),
  z.object({ type: z.literal('transfer.begun'), destination: personal(z.string()) }),
  z.object({ type: z.literal('transfer.ended'), ok: z.boolean(), detail: z.string() }),
  z.object({ type: z.literal('line.malformed'), code: z.string(), detail: z.string(), count: z.int() }),
  /** Asked to end: the closing sequence (farewell, its mark, a tail, hang up) begins. */
  z.object({ type: z.literal('call.closing'), reason: EndReason, detail: z.string().nullable() }),
  /** Always the last event. `durationMs` counts from `call.answered`, 0 when it never was. */
  z.object({ type: z.literal('call.ended'), reason: EndReason, detail: z.string().nullable(), durationMs: ms }),

  // The caller
  z.object({ type: z.literal('caller.started') }),
  /** `silentMs` is how long the voice had been gone when that was certain. */
  z.object({ type: z.literal('caller.stopped'), silentMs: ms.optional() }),
  z.object({ type: z.literal('caller.partial'), text, from: ms, to: ms }),
  z.object({
    type: z.literal('caller.words'),
    text,
    from: ms,
    to: ms,
    confidence: z.number().nullable(),
    language: z.string().nullable(),
    rejected: z.boolean(),
    typed: z.boolean(),
    /** The recogniser never made them final; they are what it had when the voice had been gone for long, or the caller was. */
    interim: z.boolean().optional(),
    /** The final of interim words, which it takes the place of: their `from`. */
    replaces: ms.optional(),
  }),
  z.object({ type: z.literal('caller.turn_end'), probability: z.number() }),
  /** Somebody outside says how long to wait after the end of the voice before these words are answered. */
  z.object({ type: z.literal('wait.asked'), waitMs: ms }),
  /** What answered the telephone, before anybody spoke to it. */
  z.object({ type: z.literal('screening.decided'), by: z.enum(['person', 'machine', 'unknown']), detail: z.string() }),
  /**
   * The caller's turn as the agent will answer it. `from` and `to` span its words in media time. A reply that is cut before its first
   * sound gives the turn back: it comes again under the same number, with what was added, and replaces the earlier one.
   */
  z.object({ type: z.literal('caller.turn'), turn: z.int(), text, from: ms, to: ms, waitedMs: ms }),
  z.object({ type: z.literal('dtmf.received'), digit: personal(z.string()) }),

  // The agent
  z.object({ type: z.literal('reply.begun'), reply, cause: ReplyCause, turn: z.int().nullable(), adopted: z.boolean() }),
  z.object({ type: z.literal('reply.first_token'), reply }),
  z.object({ type: z.literal('reply.first_audio'), reply }),
  /** The first sound of the reply went to the line. */
  z.object({ type: z.literal('reply.audible'), reply }),
  /** The caller seems to speak: sending stopped, nothing is lost yet. */
  /** While it is heard, every second or so: the words since the last time, and the sound so far. What a crash leaves of the reply. */
  z.object({ type: z.literal('reply.heard'), reply, text, ms }),
  z.object({ type: z.literal('reply.ducked'), reply }),
  z.object({ type: z.literal('reply.resumed'), reply }),
  z.object({ type: z.literal('reply.cut'), reply, by: z.enum(['caller', 'say', 'control', 'close', 'superseded', 'failure']) }),
  /** Exactly one per reply that became audible: what the caller heard of it. The only source of the agent's memory of its words. */
  z.object({ type: z.literal('agent.said'), reply, text, complete: z.boolean(), from: ms, to: ms }),
  z.object({ type: z.literal('reply.ended'), reply, outcome: z.enum(['complete', 'cut', 'empty', 'failed']) }),
  z.object({ type: z.literal('draft.begun'), draft: z.int(), text }),
  z.object({ type: z.literal('draft.adopted'), draft: z.int(), reply }),
  z.object({ type: z.literal('draft.discarded'), draft: z.int() }),

  // Timers and commands: the remaining inputs of the turn table
  z.object({ type: z.literal('timer.fired'), name: z.string() }),
  z.object({
    type: z.literal('control.received'),
    command: z.string(),
    text: text.nullable(),
    options: z.record(z.string(), z.boolean()).optional(),
  }),
  /** A message was put into the agent's memory from outside. */
  z.object({ type: z.literal('memory.added'), role: z.enum(['system', 'user', 'assistant', 'tool']), text }),

  // Tools
  z.object({
    type: z.literal('tool.called'),
    reply,
    id: z.string(),
    name: z.string(),
    arguments: personal(z.record(z.string(), z.unknown())),
  }),
  z.object({ type: z.literal('tool.answered'), reply, id: z.string(), name: z.string(), ok: z.boolean(), result: text, tookMs: ms }),

  // Providers, recording, health
  z.object({
    type: z.literal('provider.failed'),
    kind: z.enum(PROVIDER_KINDS),
    provider: z.string(),
    code: z.string(),
    detail: z.string(),
    final: z.boolean(),
  }),
  z.object({ type: z.literal('provider.switched'), kind: z.enum(PROVIDER_KINDS), from: z.string(), to: z.string() }),
  z.object({
    type: z.literal('usage.counted'),
    kind: z.enum(PROVIDER_KINDS),
    provider: z.string(),
    model: z.string(),
    /** Seconds of audio for stt, characters for tts, prompt tokens for llm. */
    quantity: z.number(),
    completionTokens: z.int().nullable(),
    cachedTokens: z.int().nullable(),
    /** The vendor said nothing, or the work was cut before it did: counted here. */
    estimated: z.boolean().optional(),
  }),
  z.object({ type: z.literal('recording.started'), file: z.string() }),
  z.object({ type: z.literal('recording.stored'), file: z.string(), bytes: z.int(), durationMs: ms }),
  z.object({ type: z.literal('recording.failed'), detail: z.string() }),
  z.object({ type: z.literal('audio.dropped'), consumer: z.string(), ms }),
  z.object({ type: z.literal('scope.stuck'), names: z.array(z.string()) }),
] as const;

export const CallEventBody = z.discriminatedUnion('type', bodies);
export type CallEventBody = z.infer<typeof CallEventBody>;
export type CallEventType = CallEventBody['type'];
export type BodyOf<T extends CallEventType> = Extract<CallEventBody, { type: T }>;

/** A body with its place: `seq` counts from 1 without a gap, `at` is ms since the call's first event, `wall` epoch ms. */
export interface Stamp {
  readonly call: string;
  readonly seq: number;
  readonly at: number;
  readonly wall: number;
}
export type CallEvent = CallEventBody & Stamp;
export type EventOf<T extends CallEventType> = BodyOf<T> & Stamp;

/** Every member of the union, for the documentation. */
export const EVENT_SCHEMAS: readonly z.ZodObject[] = bodies;

/** A fold: a start value and how each event changes it. `fold` may mutate and return its state. */
export interface Projection<S> {
  start(): S;
  fold(state: S, event: CallEvent): S;
}

export interface EventLog {
  /** Now, in the call's time; ms. */
  readonly at: number;
  append(body: CallEventBody): CallEvent;
  /** Called synchronously for every event after it was appended. */
  subscribe(take: (event: CallEvent) => void): Disposable;
}
