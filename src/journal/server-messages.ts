/**
 * The webhook bodies that one event gives: Vapi's informational server messages in their envelope, chosen by the assistant's filter.
 * Pure: the journal writes them into the outbox in the event's own transaction. Questions that need an answer are asked elsewhere.
 */
import type { CallEvent } from '../call/events.ts';
import { clientMessages, messagesOpenAIFormatted } from '../wire/messages.ts';
import { artifactOf, type CallFacts, type CallState, phoneFields } from './call-facts.ts';

/** What a message tells about its call besides the events. */
export interface Subject {
  readonly id: string;
  readonly organization: string;
  /** Vapi's call type. */
  readonly type: string;
  readonly assistantId: string | null;
  /** The create body without secrets: customer, transport, metadata and the like are shown from it. */
  readonly request: Readonly<Record<string, unknown>>;
  /** The resolved assistant without secrets. */
  readonly assistant: Readonly<Record<string, unknown>>;
  /** Commands the call without a key: for the assistant's own servers. */
  readonly controlUrl: string | null;
  /** The types of messages that its server wants. */
  readonly wanted: ReadonlySet<string>;
}

export interface ServerMessage {
  readonly type: string;
  readonly body: string;
}

/** Sent when the assistant has no `serverMessages`: Vapi's defaults, as far as they inform. */
const DEFAULTS = ['assistant.started', 'conversation-update', 'end-of-call-report', 'speech-update', 'status-update', 'user-interrupted'];
/** Not sent from here: a question with an answer, and a message for clients only. */
const NEVER = new Set(['tool-calls', 'tool-calls-result']);
const FINAL = 'transcript[transcriptType="final"]';

/** What an assistant's `serverMessages` asks for: a list, or one name as older assistants have it. */
export function wantedMessages(serverMessages: unknown): ReadonlySet<string> {
  if (typeof serverMessages === 'string') return new Set([serverMessages]);
  return new Set(Array.isArray(serverMessages) ? serverMessages.map(String) : DEFAULTS);
}

/** The bodies in order; `state` has folded the event already, `facts` is asked for at most once. */
export function serverMessages(
  event: CallEvent,
  state: CallState,
  subject: Subject,
  facts: () => CallFacts,
  publicUrl: string,
): ServerMessage[] {
  const { wanted } = subject;
  const out: ServerMessage[] = [];
  const add = (type: string, fields: Readonly<Record<string, unknown>>) => {
    out.push({ type, body: JSON.stringify(envelope(type, event.wall, state, subject, { seq: event.seq, ...fields })) });
  };

  for (const { type, timestamp: _, call: __, ...fields } of clientMessages(event, state.record)) {
    const name = String(type);
    if (NEVER.has(name)) continue;
    if (name === 'transcript' && !wanted.has(name) && wanted.has(FINAL) && fields.transcriptType === 'final') add(FINAL, fields);
    if (!wanted.has(name)) continue;
    if (name === 'status-update') {
      add(name, { ...fields, ...conversation(state), assistant: subject.assistant, artifact: artifactOf(subject.id, facts(), publicUrl) });
    } else if (name === 'assistant.started') add(name, { ...fields, newAssistant: subject.assistant });
    else add(name, fields);
  }
  if (event.type === 'call.ended' && wanted.has('end-of-call-report'))
    add('end-of-call-report', report(state, subject, facts(), publicUrl));
  return out;
}

/** The envelope of every message to a server. `seq` among the fields lets a receiver sort what retries have mixed up. */
export function envelope(
  type: string,
  timestamp: number,
  state: CallState,
  subject: Subject,
  fields: Readonly<Record<string, unknown>>,
): { message: Record<string, unknown> } {
  return { message: { type, timestamp, call: callOnWire(state, subject), ...fields } };
}

/** The call in Vapi's shape, as far as it is known while it lives. */
function callOnWire(state: CallState, { id, organization, type, assistantId, request, controlUrl }: Subject): Record<string, unknown> {
  const { record } = state;
  const moment = (wall: number | null) => (wall === null ? undefined : new Date(wall).toISOString());
  const { name, customer, phoneNumber, transport, metadata, assistantOverrides } = request;
  return {
    id,
    orgId: organization,
    type,
    status: record.status,
    ...(assistantId && { assistantId }),
    createdAt: moment(record.createdAt),
    updatedAt: moment(record.endedAt ?? record.answeredAt ?? record.createdAt),
    startedAt: moment(record.answeredAt),
    endedAt: moment(record.endedAt),
    ...(record.endedReason && { endedReason: record.endedReason }),
    ...phoneFields(type, state),
    ...{ name, customer, phoneNumber, transport, metadata, assistantOverrides },
    ...(controlUrl && record.endedAt === null && { monitor: { controlUrl } }),
  };
}

function report(state: CallState, subject: Subject, facts: CallFacts, publicUrl: string): Record<string, unknown> {
  const { record } = state;
  const artifact = artifactOf(subject.id, facts, publicUrl);
  const { recordingUrl, stereoRecordingUrl } = artifact;
  return {
    endedReason: facts.endedReason,
    ...(record.endedDetail && { endedMessage: record.endedDetail }),
    startedAt: new Date(record.answeredAt ?? record.createdAt).toISOString(),
    endedAt: new Date(record.endedAt ?? record.createdAt).toISOString(),
    cost: facts.cost,
    costs: facts.costs,
    costBreakdown: facts.costBreakdown,
    assistant: subject.assistant,
    artifact,
    analysis: {},
    // Older integrations read these copies.
    transcript: facts.transcript,
    messages: facts.messages,
    ...(recordingUrl && { recordingUrl, stereoRecordingUrl }),
    durationMs: facts.durationMs,
    durationSeconds: facts.durationMs / 1000,
    durationMinutes: facts.durationMs / 60_000,
  };
}

function conversation({ record }: CallState): Record<string, unknown> {
  return { messages: record.messages, messagesOpenAIFormatted: messagesOpenAIFormatted(record.messages) };
}
