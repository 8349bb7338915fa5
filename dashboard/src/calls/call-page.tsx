/** One call, looked into: facts, sound on a time axis, words, where the time went, every event, every webhook. Live while it runs. */
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react';
import type { Timeline } from '../../../src/api/contract.ts';
import { channelOf, fullMoment, lengthOf, reasonOf, talkedMs } from '../format.ts';
import { type Problem, problemOf } from '../problem.ts';
import { assistantsQuery, isLive } from '../queries.ts';
import { Badge } from '../ui/badge.tsx';
import { Card, PageHead, Skeleton } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { TabPanel, Tabs } from '../ui/tabs.tsx';
import { AudioTrack, type AudioTrackHandle } from './audio-track.tsx';
import { Conversation } from './conversation.tsx';
import { EventList } from './event-list.tsx';
import { LatencyBars } from './latency-bars.tsx';
import { StatusBadge } from './status-badge.tsx';
import { type Entry, storyOf } from './story.ts';
import { useNow } from './use-now.ts';
import { useTimeline } from './use-timeline.ts';
import { WebhookList } from './webhook-list.tsx';

const route = getRouteApi('/calls/$id');

export function CallPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useTimeline(id);
  if (data) return <Inside key={id} timeline={data} />;
  if (!error) return <Loading />;
  const problem = problemOf(error);
  const gone: Problem = { ...problem, message: 'There is no such call.', fix: 'Its record may have been deleted.' };
  return <ProblemNote problem={problem.kind === 'not-found' ? gone : problem} onRetry={() => void refetch()} />;
}

function Inside({ timeline }: { timeline: Timeline }) {
  const { call, events, turns, webhooks } = timeline;
  const story = useMemo(() => storyOf(events), [events]);
  const [current, setCurrent] = useState<string | null>(null);
  const [detail, setDetail] = useState<'events' | 'webhooks'>('events');
  const track = useRef<AudioTrackHandle>(null);
  const words = useRef<HTMLDivElement>(null);
  const recorded = events.some((event) => event.type === 'recording.stored');

  const follow = useCallback(
    (mediaMs: number, playing: boolean) => {
      const key = entryAt(story.entries, mediaMs);
      setCurrent(key);
      if (playing && key) bringIntoView(words.current, key);
    },
    [story],
  );

  return (
    <>
      <Head timeline={timeline} />
      <div className="flex flex-col gap-4 lg:gap-6">
        <AudioTrack ref={track} call={call.id} events={events} recorded={recorded} onPosition={follow} />
        <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)] lg:gap-6">
          <Card title="Conversation">
            {story.entries.length > 0 || story.now === 'thinking' ? (
              // Its own scroll box, so that following the sound never moves the page.
              <section
                ref={words}
                aria-label="Words"
                className="relative -mx-2 max-h-[34rem] overflow-y-auto motion-safe:scroll-smooth px-2 py-1"
              >
                <Conversation
                  entries={story.entries}
                  turns={turns}
                  thinking={story.now === 'thinking'}
                  current={current}
                  onSeek={recorded ? (mediaMs) => track.current?.play(mediaMs) : undefined}
                />
              </section>
            ) : (
              <p className="py-6 text-center text-muted">{isLive(call) ? 'Nobody has spoken yet.' : 'Nobody spoke.'}</p>
            )}
          </Card>
          <Card title="Time to answer">
            <LatencyBars turns={turns} />
          </Card>
        </div>
        <Card>
          <Tabs
            label="Details"
            value={detail}
            onChange={setDetail}
            tabs={[
              { id: 'events', label: `Events ${events.length}` },
              { id: 'webhooks', label: `Webhooks ${webhooks.length}` },
            ]}
          />
          <TabPanel id={detail}>{detail === 'events' ? <EventList events={events} /> : <WebhookList webhooks={webhooks} />}</TabPanel>
        </Card>
      </div>
    </>
  );
}

function Head({ timeline: { call, warningCount, errorCount } }: { timeline: Timeline }) {
  const { data: assistants } = useQuery(assistantsQuery);
  const now = useNow(isLive(call));
  const talked = talkedMs(call, now);
  const name = assistants?.find((one) => one.id === call.assistantId)?.name;
  return (
    <>
      <PageHead title={name || 'Call'}>
        {warningCount > 0 && <Badge tone="warn">{counted(warningCount, 'warning')}</Badge>}
        {errorCount > 0 && <Badge tone="danger">{counted(errorCount, 'error')}</Badge>}
        <StatusBadge call={call} />
      </PageHead>
      <dl className="mb-6 grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-4">
        <Fact name="Began">{fullMoment(call.createdAt)}</Fact>
        <Fact name="Duration">{talked === null ? 'Not answered' : lengthOf(talked)}</Fact>
        <Fact name="Type">{channelOf(call)}</Fact>
        <Fact name="Ended">{isLive(call) ? 'Not yet' : reasonOf(call.endedReason) || 'Unknown'}</Fact>
        {call.assistantId && (
          <Fact name="Assistant">
            <Link to="/assistants/$id" params={{ id: call.assistantId }} className="rounded text-accent underline-offset-2 hover:underline">
              {name || 'Open'}
            </Link>
          </Fact>
        )}
        <Fact name="Call" wide>
          <code className="font-mono text-[13px] break-all">{call.id}</code>
        </Fact>
      </dl>
    </>
  );
}

function Fact({ name, wide = false, children }: { name: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={`min-w-0 ${wide ? 'col-span-2 sm:col-span-3' : ''}`}>
      <dt className="text-[13px] text-muted">{name}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  );
}

function entryAt(entries: readonly Entry[], mediaMs: number): string | null {
  return entries.findLast(({ from, to }) => from !== null && to !== null && mediaMs >= from && mediaMs < to)?.key ?? null;
}

function bringIntoView(box: HTMLElement | null, key: string): void {
  const entry = box?.querySelector<HTMLElement>(`[data-entry="${CSS.escape(key)}"]`);
  if (!box || !entry) return;
  const { offsetTop, offsetHeight } = entry;
  if (offsetTop < box.scrollTop || offsetTop + offsetHeight > box.scrollTop + box.clientHeight) box.scrollTo({ top: offsetTop - 24 });
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function Loading() {
  return (
    <>
      <Skeleton className="mb-6 h-9 w-56" />
      <Skeleton className="mb-6 h-24" />
      <Skeleton className="mb-6 h-64" />
      <Skeleton className="h-96" />
    </>
  );
}
