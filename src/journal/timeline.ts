/** `GET /call/:id/timeline`: one call with all that happened in it, read from its events and the outbox; a fold like all the others. */
import type { Call, Timeline } from '../api/contract.ts';
import type { CallEvent } from '../call/events.ts';
import type { DeliveryRow } from '../store/outbox.ts';
import { latency, turnsOf } from './latency.ts';

export function timelineOf(call: Call, events: readonly CallEvent[], deliveries: readonly DeliveryRow[]): Timeline {
  const turns = turnsOf(events.reduce(latency.fold, latency.start()));
  return {
    call,
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
