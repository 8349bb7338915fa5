/** What a call left behind, and what it leaves while it runs: timeline, events as they happen, recordings. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CallEvent } from '../../call/events.ts';
import { timelineOf } from '../../journal/timeline.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { CallRow } from '../../store/calls.ts';
import { kept } from '../../switchboard/kept.ts';
import { organizationOf } from '../auth.ts';
import type { Timeline } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { streamEvents } from '../event-stream.ts';
import { presentCall } from '../presenters.ts';
import { recordingFile, sendRecording } from '../recording.ts';
import { answers, ById, Timeline as TimelineShape } from '../schemas.ts';

const tags = ['Calls'];
const PAGE = 5_000;
const After = z.object({ after: z.coerce.number().int().min(0).default(0) });

export function callRecordRoutes(app: Api, deps: ApiDeps): void {
  const { store, config, scope } = deps;

  app.get(
    '/call/:id/timeline',
    {
      schema: {
        tags,
        summary: 'Every event of a call, its turns with latencies, its webhooks',
        params: ById,
        response: answers(TimelineShape),
      },
    },
    async (request): Promise<Timeline> => {
      const row = await callOf(request, request.params.id);
      const deliveries = await store.outbox.list(row.organization, { call: row.id, limit: 1_000 });
      return { call: presentCall(row, config.publicUrl), ...timelineOf(await eventsOf(row.id), deliveries) };
    },
  );

  app.get(
    '/call/:id/events',
    {
      exposeHeadRoute: false,
      schema: { tags, summary: 'The events as server-sent events, from `after` on, until the call ends', params: ById, querystring: After },
    },
    async (request, reply) => {
      const row = await callOf(request, request.params.id);
      // A browser that reconnects names the last event that it has.
      const resumed = Number(request.headers['last-event-id'] ?? request.query.after);
      streamEvents(deps, row, Number.isSafeInteger(resumed) ? Math.max(0, resumed) : 0, reply);
      return reply;
    },
  );

  const recordings: readonly [string, boolean, string][] = [
    ['/call/:id/recording', true, 'The recording, both sides mixed'],
    ['/call/:id/mono-recording', true, 'The same, under the name of Vapi'],
    ['/call/:id/recording/stereo', false, 'The recording: caller left, agent right'],
    ['/call/:id/stereo-recording', false, 'The same, under the name of Vapi'],
  ];
  for (const [path, mix, summary] of recordings) {
    app.get(path, { schema: { tags, summary, params: ById } }, async (request, reply) => sendFile(request, reply, request.params.id, mix));
  }

  async function callOf(request: FastifyRequest, id: string): Promise<CallRow> {
    await kept(deps, id);
    const row = await store.calls.get(organizationOf(request), id);
    if (!row) throw new AywaError('not_found');
    return row;
  }

  async function eventsOf(id: string): Promise<CallEvent[]> {
    const events: CallEvent[] = [];
    for (let page = PAGE; page === PAGE; ) {
      const read = await store.events.read(id, events.length, PAGE);
      events.push(...(read as CallEvent[]));
      page = read.length;
    }
    return events;
  }

  async function sendFile(request: FastifyRequest, reply: FastifyReply, id: string, mix: boolean): Promise<FastifyReply> {
    const file = recordingFile(config.recordingsDir, await callOf(request, id));
    if (!file) throw new AywaError('artifact_missing');
    await sendRecording(request, reply, file, mix, scope);
    return reply;
  }
}
