/** What the screens read, cached and kept fresh. One place decides how old each thing may be. */
import { QueryClient, queryOptions } from '@tanstack/react-query';
import type { Call, Timeline } from '../../src/api/contract.ts';
import { problemOf } from './problem.ts';
import { runtime } from './requests.ts';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Only silence is worth asking again; a refusal stays one.
      retry: (count, error) => problemOf(error).kind === 'away' && count < 2,
    },
  },
});

const CALLS_EVERY_MS = 10_000;
/** While a call is live its row changes under the reader's eyes. */
const LIVE_CALLS_EVERY_MS = 2_500;
const READINESS_EVERY_MS = 15_000;
/** Who waits for the runtime to come back wants to know soon. */
const AWAY_EVERY_MS = 3_000;

export const readinessQuery = queryOptions({
  queryKey: ['readiness'],
  queryFn: ({ signal }) => runtime.readiness(signal),
  retry: false,
  refetchInterval: ({ state }) => (state.status === 'error' ? AWAY_EVERY_MS : READINESS_EVERY_MS),
});

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: ({ signal }) => runtime.providers(signal),
  staleTime: 60_000,
});

export const assistantsQuery = queryOptions({
  queryKey: ['assistants'],
  queryFn: ({ signal }) => runtime.assistants(signal),
});

export const assistantQuery = (id: string) =>
  queryOptions({ queryKey: ['assistants', id], queryFn: ({ signal }) => runtime.assistant(id, signal) });

export const callsQuery = queryOptions({
  queryKey: ['calls'],
  queryFn: ({ signal }) => runtime.calls(signal),
  refetchInterval: ({ state }) => (state.data?.some(isLive) ? LIVE_CALLS_EVERY_MS : CALLS_EVERY_MS),
});

export const timelineQuery = (id: string) =>
  queryOptions({
    queryKey: ['timeline', id],
    // A call that was placed this moment may not be stored yet.
    retry: (count, error) => ['not-found', 'away'].includes(problemOf(error).kind) && count < 2,
    retryDelay: 500,
    queryFn: async ({ signal, client, queryKey }): Promise<Timeline> => {
      const read = await runtime.timeline(id, signal);
      // The stream of a live call may be ahead of what is stored.
      const known = client.getQueryData<Timeline>(queryKey)?.events ?? [];
      return known.length > read.events.length ? { ...read, events: known } : read;
    },
  });

export const recordingQuery = (id: string) =>
  queryOptions({
    queryKey: ['recording', id],
    queryFn: ({ signal }) => runtime.recording(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });

export function isLive(call: Pick<Call, 'status'>): boolean {
  return call.status !== 'ended';
}
