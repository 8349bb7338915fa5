/** All calls, newest first, with what one needs to find the one that went wrong. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { History } from 'lucide-react';
import { useState } from 'react';
import type { Call } from '../../../src/api/contract.ts';
import { channelOf, fullMoment, lengthOf, momentOf, reasonOf, talkedMs } from '../format.ts';
import { problemOf } from '../problem.ts';
import { assistantsQuery, callsQuery, isLive } from '../queries.ts';
import { MOST_CALLS } from '../requests.ts';
import { Button, buttonClass } from '../ui/button.tsx';
import { Empty, PageHead, Skeleton } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { Search } from '../ui/search.tsx';
import { StatusBadge } from './status-badge.tsx';
import { useNow } from './use-now.ts';

const STATES = { all: 'All', live: 'Live', ended: 'Ended' } as const;
type State = keyof typeof STATES;

export function CallsPage() {
  const { data, error, refetch } = useQuery(callsQuery);
  const { data: assistants } = useQuery(assistantsQuery);
  const [state, setState] = useState<State>('all');
  const [wanted, setWanted] = useState('');
  const now = useNow(data?.some(isLive) ?? false);
  const names = new Map(assistants?.map((one) => [one.id, one.name]));
  const nameOf = (call: Call) => names.get(call.assistantId ?? '') || (call.assistantId ? 'Deleted assistant' : 'Transient assistant');
  const shown = data?.filter(
    (call) =>
      (state === 'all' || isLive(call) === (state === 'live')) &&
      [nameOf(call), call.id, channelOf(call), reasonOf(call.endedReason)].join(' ').toLowerCase().includes(wanted.toLowerCase()),
  );

  return (
    <>
      <PageHead title="Calls">
        <Search label="Search calls" value={wanted} onChange={setWanted} />
        <fieldset className="flex rounded-lg border border-line-strong bg-surface p-0.5">
          <legend className="sr-only">Show</legend>
          {(Object.keys(STATES) as State[]).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={state === one}
              onClick={() => setState(one)}
              className="min-h-7.5 rounded-md px-3 text-sm font-medium text-muted aria-pressed:bg-sunken aria-pressed:text-ink"
            >
              {STATES[one]}
            </button>
          ))}
        </fieldset>
      </PageHead>
      {shown ? (
        data?.length === 0 ? (
          <Empty
            icon={<History size={22} />}
            title="No calls yet"
            action={
              <Link to="/talk" className={buttonClass('primary')}>
                Talk to an assistant
              </Link>
            }
          >
            Every call appears here, with its recording, its words and where the time went.
          </Empty>
        ) : shown.length === 0 ? (
          <div className="py-12 text-center text-muted">
            <p>No call fits.</p>
            <Button
              className="mt-4"
              onClick={() => {
                setState('all');
                setWanted('');
              }}
            >
              Show all
            </Button>
          </div>
        ) : (
          <>
            <Table calls={shown} nameOf={nameOf} now={now} />
            {data?.length === MOST_CALLS && <p className="mt-4 text-center text-[13px] text-muted">The newest {MOST_CALLS} calls.</p>}
          </>
        )
      ) : error ? (
        <ProblemNote problem={problemOf(error)} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-96" />
      )}
    </>
  );
}

/** A table where there is room; on a phone each row becomes two lines. */
function Table({ calls, nameOf, now }: { calls: readonly Call[]; nameOf: (call: Call) => string; now: number }) {
  const small = 'hidden md:table-cell';
  return (
    <div className="overflow-hidden rounded-2xl border border-line bg-surface shadow-card">
      <table className="w-full table-fixed text-left text-sm">
        <thead className="hidden border-b border-line text-[13px] text-muted md:table-header-group">
          <tr>
            {COLUMNS.map(([title, width]) => (
              <th key={title} scope="col" className={`px-4 py-2.5 font-medium first:pl-6 last:pr-6 last:text-right ${width}`}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {calls.map((call) => {
            const talked = talkedMs(call, now);
            const length = talked === null ? '–' : lengthOf(talked);
            const name = nameOf(call);
            return (
              <tr key={call.id} className="relative transition-colors hover:bg-sunken">
                <td className={`px-4 py-3 pl-6 text-muted ${small}`}>
                  <time dateTime={call.createdAt} title={fullMoment(call.createdAt)}>
                    {momentOf(call.createdAt)}
                  </time>
                </td>
                <td className="px-4 py-3">
                  <Link
                    to="/calls/$id"
                    params={{ id: call.id }}
                    title={name}
                    className="block truncate font-medium outline-none after:absolute after:inset-0 after:-outline-offset-2 after:outline-accent focus-visible:after:outline-2"
                  >
                    {name}
                  </Link>
                  <span className="mt-0.5 block truncate text-[13px] text-muted md:hidden">
                    {[momentOf(call.createdAt), channelOf(call), length].join(' · ')}
                  </span>
                </td>
                <td className={`px-4 py-3 text-muted ${small}`}>{channelOf(call)}</td>
                <td className="w-28 px-4 py-3 text-right md:w-auto md:text-left">
                  <StatusBadge call={call} />
                </td>
                <td className={`truncate px-4 py-3 text-muted ${small}`} title={call.endedReason}>
                  {reasonOf(call.endedReason)}
                </td>
                <td className={`px-4 py-3 pr-6 text-right ${small}`}>{length}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const COLUMNS = [
  ['Time', 'w-36'],
  ['Assistant', ''],
  ['Type', 'w-28'],
  ['Status', 'w-28'],
  ['Ended', 'w-64'],
  ['Duration', 'w-28'],
] as const;
