/** A call's timeline that follows the call while it is live: read once, then event by event, without a gap. */
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Timeline } from '../../../src/api/contract.ts';
import type { CallEvent } from '../../../src/call/events.ts';
import { isLive, timelineQuery } from '../queries.ts';
import { followEvents } from '../requests.ts';

const RETRY_MS = 1_000;
/** What a turn's latencies, the call's row and its webhooks change with: the server folds those, so they are read again. */
const TURNING_POINTS: ReadonlySet<CallEvent['type']> = new Set([
  'call.answered',
  'reply.audible',
  'agent.said',
  'recording.stored',
  'call.ended',
]);

export function useTimeline(id: string, enabled = true) {
  const query = useQuery({ ...timelineQuery(id), enabled });
  const client = useQueryClient();
  const following =
    query.data !== undefined && enabled && !query.data.events.some((event) => event.type === 'call.ended') && isLive(query.data.call);
  useEffect(() => {
    if (!following) return;
    const leaving = new AbortController();
    void follow(client, id, leaving.signal);
    return () => leaving.abort();
  }, [following, client, id]);
  return query;
}

async function follow(client: QueryClient, id: string, signal: AbortSignal): Promise<void> {
  const { queryKey } = timelineQuery(id);
  const lastSeq = () => client.getQueryData<Timeline>(queryKey)?.events.at(-1)?.seq ?? 0;
  const take = (event: CallEvent) => {
    if (event.seq !== lastSeq() + 1) return;
    client.setQueryData<Timeline>(queryKey, (timeline) => timeline && { ...timeline, events: [...timeline.events, event] });
    if (TURNING_POINTS.has(event.type)) void client.invalidateQueries({ queryKey });
    if (event.type === 'call.ended') void client.invalidateQueries({ queryKey: ['calls'] });
  };
  while (!signal.aborted) {
    // A broken connection is taken up again where it broke.
    await followEvents(id, lastSeq(), take, signal).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
