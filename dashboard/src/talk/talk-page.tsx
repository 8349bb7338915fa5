/** Talking to an assistant, aloud or in writing, with the conversation appearing as it happens. */
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Bot, Keyboard, Mic, MicOff, PhoneOff } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Assistant } from '../../../src/api/contract.ts';
import { Conversation } from '../calls/conversation.tsx';
import { type Story, storyOf } from '../calls/story.ts';
import { useTimeline } from '../calls/use-timeline.ts';
import { lengthOf, reasonOf, talkedMs } from '../format.ts';
import { type Problem, problemOf } from '../problem.ts';
import { assistantsQuery } from '../queries.ts';
import { Button, buttonClass } from '../ui/button.tsx';
import { Select } from '../ui/field.tsx';
import { Empty, PageHead, Skeleton } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { Composer } from './composer.tsx';
import { Orb, orbHandle } from './orb.tsx';
import { type Talk, useTalk } from './use-talk.ts';

const route = getRouteApi('/talk');

export function TalkPage() {
  const { data, error, refetch } = useQuery(assistantsQuery);
  return (
    <>
      <PageHead title="Talk" />
      {data ? (
        data.length > 0 ? (
          <Room assistants={data} />
        ) : (
          <Empty
            icon={<Bot size={22} />}
            title="Nobody to talk to yet"
            action={
              <Link to="/assistants/$id" params={{ id: 'new' }} className={buttonClass('primary')}>
                New assistant
              </Link>
            }
          >
            Make an assistant first; then talk to it here.
          </Empty>
        )
      ) : error ? (
        <ProblemNote problem={problemOf(error)} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-[32rem]" />
      )}
    </>
  );
}

const QUIET: Story = { entries: [], now: 'quiet', ended: false };

function Room({ assistants }: { assistants: readonly Assistant[] }) {
  const asked = route.useSearch().assistant;
  const assistant = assistants.find((one) => one.id === asked) ?? assistants[0];
  const navigate = useNavigate();
  const orb = useRef<HTMLDivElement>(null);
  const [{ level }] = useState(() => orbHandle(() => orb.current));
  const talk = useTalk(level);
  const { state } = talk;
  const callId = state.phase === 'live' || state.phase === 'over' ? state.callId : '';
  const { data: timeline } = useTimeline(callId, callId !== '');
  const story = useMemo(() => (callId && timeline ? storyOf(timeline.events) : QUIET), [callId, timeline]);
  const busy = state.phase === 'connecting' || state.phase === 'live';
  const start = (mode: 'voice' | 'text') => assistant && talk.start(assistant.id, mode);

  return (
    <div className="grid gap-4 lg:grid-cols-[20rem_minmax(0,1fr)] lg:gap-6">
      <section aria-label="Line" className="flex flex-col rounded-2xl border border-line bg-surface p-4 shadow-card sm:p-6">
        <Select
          label="Assistant"
          value={assistant?.id}
          disabled={busy}
          onChange={(event) => {
            talk.reset();
            void navigate({ to: '/talk', search: { assistant: event.target.value }, replace: true });
          }}
        >
          {assistants.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name || 'Without a name'}
            </option>
          ))}
        </Select>
        <div className="flex flex-col items-center pt-2 lg:pt-4">
          <Orb
            ref={orb}
            phase={state.phase}
            written={busy && state.mode === 'text'}
            muted={talk.muted}
            disabled={!assistant}
            onStart={() => start('voice')}
          />
          <p aria-live="polite" className="min-h-7 text-lg font-medium">
            {headline(talk, story)}
          </p>
          <p className="mb-3 min-h-6 text-center lg:mb-5 text-sm text-muted">{subline(talk, timeline?.call)}</p>
          <div className="flex min-h-9 flex-wrap justify-center gap-2">
            {state.phase === 'live' && state.mode === 'voice' && (
              <Button onClick={() => talk.mute(!talk.muted)}>
                {talk.muted ? <Mic size={17} aria-hidden /> : <MicOff size={17} aria-hidden />}
                {talk.muted ? 'Unmute' : 'Mute'}
              </Button>
            )}
            {busy && (
              <Button look="danger" onClick={talk.hangUp}>
                <PhoneOff size={17} aria-hidden />
                {state.phase === 'connecting' ? 'Cancel' : 'Hang up'}
              </Button>
            )}
            {!busy && (
              <Button onClick={() => start('text')}>
                <Keyboard size={17} aria-hidden />
                Talk in writing
              </Button>
            )}
            {state.phase === 'over' && (
              <Link to="/calls/$id" params={{ id: state.callId }} className={buttonClass()}>
                Look into the call
              </Link>
            )}
          </div>
          {state.phase === 'idle' && state.problem && <Trouble problem={state.problem} />}
        </div>
      </section>

      <section
        aria-label="Conversation"
        className="flex h-[min(36rem,70dvh)] min-w-0 flex-col overflow-hidden rounded-2xl border border-line bg-surface shadow-card lg:h-[calc(100dvh-14rem)] lg:min-h-[28rem]"
      >
        <Scroller follow={story}>
          {story.entries.length > 0 || story.now === 'thinking' ? (
            <Conversation
              entries={story.entries}
              turns={timeline?.turns ?? []}
              thinking={story.now === 'thinking'}
              written={talk.written}
            />
          ) : (
            <p className="m-auto max-w-xs text-center text-muted">
              {busy ? 'What is said appears here.' : 'Press the microphone and speak, or talk in writing. What is said appears here.'}
            </p>
          )}
        </Scroller>
        {state.phase === 'live' && <Composer onSay={talk.say} focus={state.mode === 'text'} />}
      </section>
    </div>
  );
}

function headline({ state, muted }: Talk, story: Story): string {
  switch (state.phase) {
    case 'idle':
      return 'Press to talk';
    case 'connecting':
      return 'Connecting';
    case 'over':
      return 'The call is over';
    case 'live': {
      if (story.now === 'agent') return 'The agent is speaking';
      if (story.now === 'thinking') return 'The agent is thinking';
      if (state.mode === 'text') return 'Your turn to write';
      if (muted) return 'You are muted';
      return story.now === 'caller' ? 'You are speaking' : 'Listening';
    }
  }
}

function subline({ state }: Talk, call: Parameters<typeof talkedMs>[0] | undefined): string {
  if (state.phase === 'idle') return state.problem ? '' : 'The browser will ask for the microphone.';
  if (state.phase === 'over' && call) return [reasonOf(call.endedReason), lengthOf(talkedMs(call) ?? 0)].filter(Boolean).join(', ');
  if (state.phase === 'live' && state.mode === 'voice') return 'You can interrupt at any time.';
  return '';
}

function Trouble({ problem }: { problem: Problem }) {
  return (
    <div role="alert" className="mt-5 w-full rounded-xl bg-danger-soft p-4 text-sm">
      <p className="font-medium break-words text-danger">{problem.message}</p>
      {problem.fix && <p className="mt-1 break-words">{problem.fix}</p>}
    </div>
  );
}

/** Keeps the newest words in sight, unless the reader has scrolled up. */
function Scroller({ follow, children }: { follow: unknown; children: React.ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  useEffect(() => {
    if (follow && stuck.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow]);
  return (
    <div
      ref={box}
      role="log"
      aria-label="What was said"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        stuck.current = scrollHeight - scrollTop - clientHeight < 48;
      }}
      className="flex min-h-0 flex-1 flex-col overflow-y-auto p-4 -outline-offset-2 sm:p-6"
    >
      {children}
    </div>
  );
}
