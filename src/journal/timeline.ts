/** `GET /call/:id/timeline`: one call with all that happened in it, read from its events and the outbox; a fold like all the others. */
import type { CallEvent } from '../call/events.ts';
import type { DeliveryRow } from '../store/outbox.ts';
import { latency, type TurnLatency, turnsOf } from './latency.ts';

/** All that happened in one call, for whoever looks into it. */
export interface CallTimeline {
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

export function timelineOf(events: readonly CallEvent[], deliveries: readonly DeliveryRow[]): CallTimeline {
  const turns = turnsOf(events.reduce(latency.fold, latency.start()));
  return {
    events: [...events],
    turns,
    webhooks: deliveries.map(({ id, type, state, attempts, lastStatus, lastError, createdAt, deliveredAt }) => ({
      id,
      type,
      state,
      attempts,
      lastStatus,
      lastError,
      createdAt: createdAt.toISOString(),
      deliveredAt: deliveredAt?.toISOString() ?? null,
    })),
    warningCount: events.filter(isWarning).length,
    errorCount: events.filter(isError).length,
  };
}

function isWarning(event: CallEvent): boolean {
  return (
    ['line.malformed', 'audio.dropped', 'provider.switched', 'scope.stuck'].includes(event.type) ||
    (event.type === 'provider.failed' && !event.final)
  );
}

function isError(event: CallEvent): boolean {
  if (event.type === 'provider.failed') return event.final;
  if (event.type === 'tool.answered') return !event.ok;
  return event.type === 'recording.failed' || (event.type === 'reply.ended' && event.outcome === 'failed');
}
