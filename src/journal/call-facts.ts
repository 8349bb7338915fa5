/**
 * What is known about a call, folded from its events: the content of `call.facts`, so that reading a call is reading one row, and
 * the views of it that the API and the webhooks share. Rebuildable from the events; it never holds a secret in clear.
 */
import type { CallEvent } from '../call/events.ts';
import { type CallRecord, foldRecord, messagesOpenAIFormatted, type RecordMessage, startRecord, transcriptOf } from '../wire/messages.ts';
import { type Costs, costsOf, type RateCard, type UsageState, usage } from './cost.ts';
import { type LatencyState, latency, performanceMetrics, type TurnLatency, turnsOf, type VapiTurnLatency } from './latency.ts';

export interface CallFacts extends Costs {
  readonly channel: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Who carries the call, and its id there; `null` while unknown. */
  readonly carrier: string | null;
  readonly providerCallId: string | null;
  /** The assistant as it was used, without secrets. */
  readonly assistant: Readonly<Record<string, unknown>>;
  /** Vapi's name of the reason, `null` while the call lives. */
  readonly endedReason: string | null;
  readonly durationMs: number;
  readonly messages: readonly RecordMessage[];
  readonly transcript: string;
  readonly turns: readonly TurnLatency[];
  readonly performanceMetrics: ReturnType<typeof performanceMetrics>;
  /** Where it lies on disk; `null` while there is none. */
  readonly recording: { readonly file: string; readonly bytes: number; readonly durationMs: number } | null;
  /** The assistant's webhook target, sealed: what the report needs when another process has to end the call. */
  readonly target: { readonly url: string; readonly sealed: string } | null;
}

/** Vapi's `artifact`: what a call leaves behind. */
export interface CallArtifact {
  transcript?: string;
  messages?: { role: string; message?: string; time: number; secondsFromStart: number; [key: string]: unknown }[];
  recordingUrl?: string;
  stereoRecordingUrl?: string;
  performanceMetrics?: { turnLatencies: VapiTurnLatency[]; turnLatencyAverage?: number; [key: string]: unknown };
  [key: string]: unknown;
}

export interface CallState {
  readonly record: CallRecord;
  readonly latency: LatencyState;
  readonly usage: UsageState;
  from: string | null;
  to: string | null;
  carrier: string | null;
  providerCallId: string | null;
  recording: CallFacts['recording'];
}

const NOTHING = { from: null, to: null, carrier: null, providerCallId: null, recording: null };

export function startCallState(system: string | null): CallState {
  return { record: startRecord(system), latency: latency.start(), usage: usage.start(), ...NOTHING };
}

export function foldCall(state: CallState, event: CallEvent): void {
  foldRecord(state.record, event);
  latency.fold(state.latency, event);
  usage.fold(state.usage, event);
  switch (event.type) {
    case 'call.created':
      Object.assign(state, { from: event.from, to: event.to });
      break;
    case 'call.dialing':
      state.carrier = event.carrier;
      state.providerCallId = event.providerCallId ?? state.providerCallId;
      break;
    case 'line.connected':
      state.carrier = event.carrier;
      state.providerCallId = event.facts.providerCallId ?? state.providerCallId;
      break;
    case 'recording.stored':
      state.recording = { file: event.file, bytes: event.bytes, durationMs: event.durationMs };
      break;
    default:
  }
}

export function factsOf(state: CallState, known: Pick<CallFacts, 'assistant' | 'target'>, rates: RateCard): CallFacts {
  const { record } = state;
  return {
    channel: record.channel,
    from: state.from,
    to: state.to,
    carrier: state.carrier,
    providerCallId: state.providerCallId,
    assistant: known.assistant,
    endedReason: record.endedReason,
    durationMs: record.durationMs,
    messages: record.messages,
    transcript: transcriptOf(record),
    turns: turnsOf(state.latency),
    performanceMetrics: performanceMetrics(state.latency),
    recording: state.recording,
    target: known.target,
    ...costsOf(state.usage, record.durationMs, rates),
  };
}

/** The carrier's side of a phone call in Vapi's names; nothing for other calls. */
export function phoneFields(type: string, { carrier, providerCallId }: Pick<CallFacts, 'carrier' | 'providerCallId'>) {
  if (!type.endsWith('PhoneCall') || !carrier) return {};
  return {
    phoneCallProvider: carrier,
    phoneCallTransport: 'pstn',
    ...(providerCallId && { phoneCallProviderId: providerCallId }),
  } as const;
}

/** Vapi's artifact. Recording links are routes of this runtime that ask for a key. */
export function artifactOf(call: string, facts: CallFacts, publicUrl: string): CallArtifact {
  const route = `${publicUrl}/call/${call}/recording`;
  const links = { recordingUrl: route, stereoRecordingUrl: `${route}/stereo` };
  return {
    messages: [...facts.messages],
    messagesOpenAIFormatted: messagesOpenAIFormatted(facts.messages),
    transcript: facts.transcript,
    performanceMetrics: facts.performanceMetrics,
    ...(facts.recording && { ...links, recording: { stereoUrl: links.stereoRecordingUrl, mono: { combinedUrl: links.recordingUrl } } }),
  };
}
