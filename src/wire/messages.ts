/**
 * A call as Vapi's clients read it: its messages, transcript and status, folded from events, and the client messages that one event
 * gives. Pure; the host feeds websocket clients with it, the journal its record and webhooks. It never decides anything.
 */

import type { Channel } from '../agent/plan.ts';
import type { BodyOf, CallEvent } from '../call/events.ts';
import type { ProviderKind } from '../providers/contract.ts';
import { endedReasonOf } from './ended-reason.ts';

type CallStatus = 'queued' | 'ringing' | 'in-progress' | 'ended';

/** `time` and `endTime` are epoch ms, `duration` ms, `secondsFromStart` seconds since the call's first event. */
type Placed = { readonly time: number; readonly secondsFromStart: number };
type Spoken = Placed & { readonly message: string; readonly endTime: number; readonly duration: number };
export type RecordMessage =
  | (Placed & { readonly role: 'system'; readonly message: string })
  | (Spoken & { readonly role: 'user' | 'bot' })
  | (Placed & { readonly role: 'tool_calls'; readonly message: string; readonly toolCalls: RecordedToolCall[] })
  | (Placed & { readonly role: 'tool_call_result'; readonly toolCallId: string; readonly name: string; readonly result: string });

/** In the record the arguments are a JSON string; on the wire of `tool-calls` they are an object (`toolCallOnWire`). */
interface RecordedToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface CallRecord {
  call: string;
  channel: Channel;
  assistantId: string | null;
  assistantName: string;
  status: CallStatus;
  /** The event that changed the status, the messages. */
  statusSeq: number;
  messagesSeq: number;
  /** Wall time of the call's first event, of its answer and of its end; epoch ms. */
  createdAt: number;
  answeredAt: number | null;
  endedAt: number | null;
  durationMs: number;
  /** Vapi's name of the reason, once the call is over. */
  endedReason: string | null;
  endedDetail: string | null;
  messages: RecordMessage[];
  turn: number;
  /** Below: what the fold itself needs to remember. */
  mediaAt: number;
  audible: number | null;
  /** The message of the current turn. */
  asked: RecordMessage | null;
  /** Words of the caller that no turn has taken yet. */
  pending: { readonly from: number; readonly text: string }[];
  failed: Partial<Record<ProviderKind, string>>;
}

/** An empty record; `system` is the prompt, shown as the first message when given. */
export function startRecord(system: string | null = null): CallRecord {
  return {
    call: '',
    channel: 'websocket',
    assistantId: null,
    assistantName: '',
    status: 'queued',
    statusSeq: 0,
    messagesSeq: 0,
    createdAt: 0,
    answeredAt: null,
    endedAt: null,
    durationMs: 0,
    endedReason: null,
    endedDetail: null,
    messages: system ? [{ role: 'system', message: system, time: 0, secondsFromStart: 0 }] : [],
    turn: 0,
    mediaAt: 0,
    audible: null,
    asked: null,
    pending: [],
    failed: {},
  };
}

/** Takes the next event into the record (which it changes and returns). */
export function foldRecord(record: CallRecord, event: CallEvent): CallRecord {
  if (record.call === '') {
    record.call = event.call;
    record.createdAt = Math.round(event.wall - event.at);
    record.messages = record.messages.map((message) => ({ ...message, time: record.createdAt }));
  }
  switch (event.type) {
    case 'call.created':
      Object.assign(record, { channel: event.channel, assistantId: event.assistantId, assistantName: event.agent });
      break;
    case 'call.dialing':
    case 'call.ringing':
      if (record.status === 'queued') become(record, 'ringing', event.seq);
      break;
    case 'call.answered':
      record.answeredAt = event.wall;
      become(record, 'in-progress', event.seq);
      break;
    case 'line.connected':
      // A leg that comes after one that broke goes on in the same media time.
      record.mediaAt ||= event.at;
      break;
    case 'caller.words':
      if (event.rejected || !event.text) break;
      takeWords(record, event);
      break;
    case 'caller.turn':
      takeTurn(record, event);
      break;
    case 'reply.audible':
      record.audible = event.reply;
      break;
    case 'agent.said':
      record.audible = null;
      if (event.text) add(record, event.seq, { role: 'bot', message: event.text, ...span(record, event) });
      break;
    case 'tool.called':
      takeToolCall(record, event);
      break;
    case 'tool.answered':
      add(record, event.seq, {
        role: 'tool_call_result',
        toolCallId: event.id,
        name: event.name,
        result: event.result,
        ...place(record, event.at),
      });
      break;
    case 'memory.added':
      if (event.role === 'user' || event.role === 'assistant') {
        const role = event.role === 'user' ? 'user' : 'bot';
        add(record, event.seq, { role, message: event.text, ...span(record, { at: event.at, from: 0, to: 0 }) });
      } else add(record, event.seq, { role: 'system', message: event.text, ...place(record, event.at) });
      break;
    case 'provider.failed':
      if (event.final) record.failed[event.kind] = event.provider;
      break;
    case 'call.ended':
      // What the caller said last, when the call ended before an answer was due.
      if (record.pending.length > 0) {
        const last = record.pending.map(({ text }) => text).join(' ');
        add(record, event.seq, { role: 'user', message: last, ...span(record, { at: event.at, from: 0, to: 0 }) });
        record.pending = [];
      }
      Object.assign(record, { endedAt: event.wall, durationMs: event.durationMs, endedDetail: event.detail });
      record.endedReason = endedReasonOf(event.reason, providerAtFault(record, event.reason), record.channel);
      become(record, 'ended', event.seq);
      break;
    default:
  }
  return record;
}

/** One string, a line per message: `AI: ...` and `User: ...`, with a newline at the end. */
export function transcriptOf(record: CallRecord): string {
  let text = '';
  for (const message of record.messages) {
    if (message.role === 'bot') text += `AI: ${message.message}\n`;
    else if (message.role === 'user') text += `User: ${message.message}\n`;
  }
  return text;
}

/** The messages in the form of OpenAI's chat API. */
export function messagesOpenAIFormatted(messages: readonly RecordMessage[]): Record<string, unknown>[] {
  return messages.map((message) => {
    switch (message.role) {
      case 'tool_calls':
        return { role: 'assistant', content: null, tool_calls: message.toolCalls };
      case 'tool_call_result':
        return { role: 'tool', tool_call_id: message.toolCallId, content: message.result };
      default:
        return { role: message.role === 'bot' ? 'assistant' : message.role, content: message.message };
    }
  });
}

/** A tool call as webhooks and clients get it: every form that code in use reads, arguments as an object. */
export function toolCallOnWire(call: { id: string; name: string; arguments: Readonly<Record<string, unknown>> }): Record<string, unknown> {
  const { id, name, arguments: args } = call;
  return { id, type: 'function', name, arguments: args, parameters: args, function: { name, arguments: args } };
}

/** The client messages that an event gives, unwrapped, in order; `record` has folded the event already. */
export function clientMessages(event: CallEvent, record: CallRecord): Record<string, unknown>[] {
  const out: Record<string, unknown>[] = [];
  const say = (type: string, fields: Record<string, unknown>) =>
    out.push({ type, timestamp: event.wall, call: { id: event.call }, ...fields });

  if (record.statusSeq === event.seq) {
    say('status-update', { status: record.status, ...(record.endedReason ? { endedReason: record.endedReason } : {}) });
  }
  switch (event.type) {
    case 'call.answered':
      say('assistant.started', { newAssistant: { id: record.assistantId, name: record.assistantName } });
      break;
    case 'caller.started':
    case 'caller.stopped':
      say('speech-update', { status: event.type === 'caller.started' ? 'started' : 'stopped', role: 'user', turn: record.turn });
      break;
    case 'caller.partial':
      say('transcript', { role: 'user', transcriptType: 'partial', transcript: event.text });
      break;
    case 'caller.words':
      if (!event.rejected) say('transcript', { role: 'user', transcriptType: 'final', transcript: event.text });
      break;
    case 'reply.audible':
      say('speech-update', { status: 'started', role: 'assistant', turn: record.turn });
      break;
    case 'reply.cut':
      // A reply that was cut before its first sound interrupted nobody's hearing.
      if (event.by === 'caller' && record.audible === event.reply) say('user-interrupted', { turnId: String(event.reply) });
      break;
    case 'agent.said':
      say('speech-update', { status: 'stopped', role: 'assistant', turn: record.turn });
      if (event.text) say('transcript', { role: 'assistant', transcriptType: 'final', transcript: event.text });
      break;
    case 'tool.called': {
      const call = toolCallOnWire(event);
      say('tool-calls', { toolCalls: [call], toolCallList: [call] });
      break;
    }
    case 'tool.answered':
      say('tool-calls-result', { toolCallResult: { toolCallId: event.id, name: event.name, result: event.result } });
      break;
    default:
  }
  if (record.messagesSeq === event.seq) {
    const formatted = messagesOpenAIFormatted(record.messages);
    const conversation = formatted.filter((message) => typeof message.content === 'string');
    say('conversation-update', { messages: record.messages, messagesOpenAIFormatted: formatted, conversation });
  }
  return out;
}

function become(record: CallRecord, status: CallStatus, seq: number): void {
  record.status = status;
  record.statusSeq = seq;
}

function add(record: CallRecord, seq: number, message: RecordMessage): void {
  record.messages.push(message);
  record.messagesSeq = seq;
}

/** The late final of interim words takes their place; when they have been answered, what it says more comes with the next turn. */
function takeWords(record: CallRecord, { from, text, replaces }: BodyOf<'caller.words'>): void {
  const others = record.pending.filter((words) => words.from !== replaces);
  if (replaces === undefined || others.length < record.pending.length) record.pending = [...others, { from, text }];
}

function takeTurn(record: CallRecord, event: BodyOf<'caller.turn'> & { at: number; seq: number }): void {
  // A turn that comes again, because nobody heard the reply to it, holds its earlier words too.
  if (record.asked && record.turn === event.turn) record.messages.splice(record.messages.lastIndexOf(record.asked), 1);
  const message: RecordMessage = { role: 'user', message: event.text, ...span(record, event) };
  add(record, event.seq, message);
  record.asked = message;
  record.pending = [];
  record.turn = event.turn;
}

function takeToolCall(record: CallRecord, event: BodyOf<'tool.called'> & { at: number; seq: number }): void {
  const call: RecordedToolCall = {
    id: event.id,
    type: 'function',
    function: { name: event.name, arguments: JSON.stringify(event.arguments) },
  };
  const last = record.messages.at(-1);
  if (last?.role === 'tool_calls') {
    last.toolCalls.push(call);
    record.messagesSeq = event.seq;
  } else add(record, event.seq, { role: 'tool_calls', message: '', toolCalls: [call], ...place(record, event.at) });
}

/** `at` is ms since the call's first event. */
function place(record: CallRecord, at: number): Placed {
  return { time: Math.round(record.createdAt + at), secondsFromStart: Math.round(at) / 1000 };
}

/** `from` and `to` are media time, which begins when the line connects; 0 and 0 for words without sound. */
function span(record: CallRecord, event: { at: number; from: number; to: number }): Omit<Spoken, 'message'> {
  const end = event.to > 0 ? Math.min(record.mediaAt + event.to, event.at) : event.at;
  const duration = Math.max(0, Math.round(Math.min(event.to - event.from, end)));
  return { ...place(record, end - duration), endTime: Math.round(record.createdAt + end), duration };
}

function providerAtFault(record: CallRecord, reason: string): string | null {
  const kind = reason.endsWith('-failed') ? reason.slice(0, 3) : '';
  return (kind === 'stt' || kind === 'llm' || kind === 'tts' ? record.failed[kind] : undefined) ?? null;
}
