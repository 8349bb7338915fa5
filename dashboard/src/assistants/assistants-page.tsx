/** The assistants of this organisation. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Bot, Mic, Plus } from 'lucide-react';
import { useState } from 'react';
import type { Assistant } from '../../../src/api/contract.ts';
import { fullMoment, momentOf } from '../format.ts';
import { problemOf } from '../problem.ts';
import { assistantsQuery } from '../queries.ts';
import { buttonClass } from '../ui/button.tsx';
import { Empty, PageHead, Skeleton } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { Search } from '../ui/search.tsx';

/** From here on a search is of use. */
const MANY = 8;

export function AssistantsPage() {
  const { data, error, refetch } = useQuery(assistantsQuery);
  const [wanted, setWanted] = useState('');
  const shown = data?.filter((one) => (one.name ?? '').toLowerCase().includes(wanted.toLowerCase())) ?? [];
  return (
    <>
      <PageHead title="Assistants">
        {data && data.length > MANY && <Search label="Search assistants" value={wanted} onChange={setWanted} />}
        {data && data.length > 0 && <NewLink />}
      </PageHead>
      {data ? (
        data.length === 0 ? (
          <Empty icon={<Bot size={22} />} title="No assistants yet" action={<NewLink />}>
            An assistant is who answers: its words, its voice, its limits. Make one, then talk to it in the browser.
          </Empty>
        ) : shown.length === 0 ? (
          <p className="py-12 text-center text-muted">No assistant is called “{wanted}”.</p>
        ) : (
          <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
            {shown.map((assistant) => (
              <Item key={assistant.id} assistant={assistant} />
            ))}
          </ul>
        )
      ) : error ? (
        <ProblemNote problem={problemOf(error)} onRetry={() => void refetch()} />
      ) : (
        <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
          <Skeleton className="h-44" />
          <Skeleton className="h-44" />
          <Skeleton className="h-44" />
        </div>
      )}
    </>
  );
}

function Item({ assistant }: { assistant: Assistant }) {
  const { id, name, firstMessage, model, voice, transcriber, updatedAt } = assistant;
  const parts = [transcriber?.provider, model?.model ?? model?.provider, voice?.provider].filter((part) => part !== undefined);
  return (
    <li className="relative flex h-44 min-w-0 flex-col rounded-2xl border border-line bg-surface p-5 shadow-card transition-colors hover:border-line-strong">
      <h2 className="truncate text-base font-semibold" title={name}>
        <Link
          to="/assistants/$id"
          params={{ id }}
          className="outline-none after:absolute after:inset-0 after:rounded-2xl after:outline-accent focus-visible:after:outline-2"
        >
          {name || 'Without a name'}
        </Link>
      </h2>
      <p className="mt-1 line-clamp-2 text-sm text-muted">{firstMessage ? `“${firstMessage}”` : 'Waits for the caller to speak.'}</p>
      <p className="mt-auto truncate text-[13px] text-faint">{[...new Set(parts)].join(' · ') || 'Automatic providers'}</p>
      <div className="mt-1 flex items-center justify-between">
        <time dateTime={updatedAt} title={fullMoment(updatedAt)} className="text-[13px] text-faint">
          Changed {momentOf(updatedAt)}
        </time>
        <Link
          to="/talk"
          search={{ assistant: id }}
          aria-label={`Talk to ${name || 'this assistant'}`}
          className="relative z-10 -mr-2 -mb-2 inline-flex h-9 items-center gap-1.5 rounded-lg px-2.5 text-sm font-medium text-accent hover:bg-accent-soft"
        >
          <Mic size={16} aria-hidden />
          Talk
        </Link>
      </div>
    </li>
  );
}

function NewLink() {
  return (
    <Link to="/assistants/$id" params={{ id: 'new' }} className={buttonClass('primary')}>
      <Plus size={17} aria-hidden />
      New assistant
    </Link>
  );
}
