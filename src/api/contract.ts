/**
 * What the HTTP API answers beyond Vapi's own shapes; the dashboard and the SDK import these types and nothing else.
 * Resources that follow Vapi (`Assistant`, `Call`) are open objects: fields that we do not know are kept and given back.
 */
import type { CallEvent } from '../call/events.ts';

/** Every error answer. `message` is a list when several fields are wrong. */
export interface ErrorBody {
  message: string | string[];
  error: string;
  statusCode: number;
  /** Our stable code, from `docs/errors.md`. */
  code: string;
  fix: string;
  faults?: { path: string; message: string }[];
}

export interface Assistant {
  id: string;
  orgId: string;
  createdAt: string;
  updatedAt: string;
  name?: string;
  firstMessage?: string;
  firstMessageMode?: string;
  model?: { provider: string; model?: string; messages?: { role: string; content: string }[]; [key: string]: unknown };
  voice?: { provider: string; voiceId?: string; [key: string]: unknown };
  transcriber?: { provider: string; model?: string; [key: string]: unknown };
  [key: string]: unknown;
}

export type CallStatus = 'queued' | 'ringing' | 'in-progress' | 'forwarding' | 'ended';

export interface Call {
  id: string;
  orgId: string;
  type: 'inboundPhoneCall' | 'outboundPhoneCall' | 'webCall' | 'vapi.websocketCall';
  status: CallStatus;
  endedReason?: string;
  endedMessage?: string;
  createdAt: string;
  updatedAt: string;
  startedAt?: string;
  endedAt?: string;
  assistantId?: string;
  transport?: { provider: string; websocketCallUrl?: string; [key: string]: unknown };
  monitor?: { listenUrl?: string; controlUrl?: string };
  artifact?: CallArtifact;
  [key: string]: unknown;
}

export interface CallArtifact {
  transcript?: string;
  messages?: { role: string; message?: string; time: number; secondsFromStart: number; [key: string]: unknown }[];
  recordingUrl?: string;
  stereoRecordingUrl?: string;
  performanceMetrics?: { turnLatencies: VapiTurnLatency[]; turnLatencyAverage?: number; [key: string]: unknown };
  [key: string]: unknown;
}

export interface VapiTurnLatency {
  modelLatency?: number;
  voiceLatency?: number;
  transcriberLatency?: number;
  endpointingLatency?: number;
  turnLatency?: number;
}

/** One turn as the timeline shows it; milliseconds from the call's start, `null` where it did not happen. */
export interface TurnLatency {
  turn: number;
  reply: number | null;
  caller: string;
  agent: string;
  /** The caller stopped speaking. */
  stoppedAt: number | null;
  decidedAt: number;
  audibleAt: number | null;
  /** stopped -> decided, begun -> first token, first token -> audible, stopped -> audible. */
  decideMs: number | null;
  thinkMs: number | null;
  voiceMs: number | null;
  totalMs: number | null;
  /** The reply was adopted from a draft, or cut by the caller. */
  adopted: boolean;
  cut: boolean;
}

/** `GET /call/:id/timeline` */
export interface Timeline {
  call: Call;
  events: CallEvent[];
  turns: TurnLatency[];
  webhooks: {
    id: string;
    type: string;
    state: string;
    attempts: number;
    lastStatus: number | null;
    lastError: string | null;
    createdAt: string;
    deliveredAt: string | null;
  }[];
  warningCount: number;
  errorCount: number;
}

/** `GET /call/:id/events?after=seq`: server-sent events, `data:` is a `CallEvent`; ends after `call.ended`. */
export type LiveEvent = CallEvent;

/** `GET /readyz` (200 or 503) */
export interface Readiness {
  ready: boolean;
  mode: 'lab' | 'production';
  version: string;
  node: string;
  /** Since `since` (ISO) each part is `ok`, `degraded` or `down`, and `means` says what that costs. */
  parts: { name: string; state: 'ok' | 'degraded' | 'down'; since: string; means: string }[];
}

/** `GET /providers`: what an assistant can choose, from the provider tables. */
export interface ProviderList {
  providers: { kind: 'stt' | 'llm' | 'tts'; name: string; configured: boolean; needs: string; settings: Record<string, unknown> }[];
}
