/**
 * What the HTTP API answers beyond Vapi's own shapes; the dashboard and the SDK import these types and nothing else.
 * Resources that follow Vapi (`Assistant`, `Call`) are open objects: fields that we do not know are kept and given back.
 */
import type { CallEvent } from '../call/events.ts';
import type { CallArtifact } from '../journal/call-facts.ts';
import type { CallTimeline } from '../journal/timeline.ts';
import type { ProviderKind } from '../providers/contract.ts';

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

export type { TurnLatency } from '../journal/latency.ts';

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

/** `GET /call/:id/timeline` */
export type Timeline = { call: Call } & CallTimeline;

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
  providers: { kind: ProviderKind; name: string; configured: boolean; needs: string; settings: Record<string, unknown> }[];
}
