/** Every event of a call as it was recorded, with a filter; a row opens to show its fields. */
import { useState } from 'react';
import type { CallEvent } from '../../../src/call/events.ts';
import { placeOf } from '../format.ts';
import { Button } from '../ui/button.tsx';
import { Search } from '../ui/search.tsx';

const GROUPS = {
  all: { label: 'All', of: null },
  caller: { label: 'Caller', of: ['caller', 'dtmf'] },
  agent: { label: 'Agent', of: ['reply', 'agent', 'draft', 'tool'] },
  line: { label: 'Line', of: ['call', 'line', 'recording', 'audio'] },
  providers: { label: 'Providers', of: ['provider', 'usage'] },
} as const;
type Group = keyof typeof GROUPS;
/** Rows at once: a long call has thousands of events. */
const PAGE = 300;

export function EventList({ events }: { events: readonly CallEvent[] }) {
  const [group, setGroup] = useState<Group>('all');
  const [wanted, setWanted] = useState('');
  const [most, setMost] = useState(PAGE);
  const kinds: readonly string[] | null = GROUPS[group].of;
  const shown = events.filter(
    (event) =>
      (!kinds || kinds.includes(event.type.split('.')[0] ?? '')) &&
      (wanted === '' || JSON.stringify(event).toLowerCase().includes(wanted.toLowerCase())),
  );
  return (
    <>
      <div className="mb-3 flex flex-col gap-2 sm:flex-row sm:items-center">
        <Search label="Search events" value={wanted} onChange={setWanted} />
        <fieldset className="flex flex-wrap gap-1">
          <legend className="sr-only">Show</legend>
          {(Object.keys(GROUPS) as Group[]).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={group === one}
              onClick={() => setGroup(one)}
              className="min-h-8 rounded-full px-3 text-sm text-muted hover:bg-sunken aria-pressed:bg-accent-soft aria-pressed:text-accent-strong"
            >
              {GROUPS[one].label}
            </button>
          ))}
        </fieldset>
      </div>
      {shown.length === 0 ? (
        <p className="py-6 text-center text-muted">No event fits.</p>
      ) : (
        <ol className="max-h-[36rem] divide-y divide-line overflow-y-auto text-sm">
          {shown.slice(0, most).map((event) => (
            <li key={event.seq}>
              <details className="group">
                <summary className="flex min-h-9 list-none flex-wrap items-baseline gap-x-3 rounded px-1 py-1.5 -outline-offset-2 hover:bg-sunken sm:flex-nowrap">
                  <span className="w-14 shrink-0 text-right text-[13px] text-faint">{placeOf(event.at)}</span>
                  <code className={`w-40 shrink-0 font-mono text-[13px] ${isBad(event) ? 'text-danger' : ''}`}>{event.type}</code>
                  <span className="w-full min-w-0 truncate pl-17 text-[13px] text-muted empty:hidden sm:w-auto sm:pl-0">
                    {summaryOf(event)}
                  </span>
                </summary>
                <pre className="mb-2 overflow-x-auto sm:ml-18 rounded-lg bg-sunken p-3 font-mono text-[13px] leading-relaxed">
                  {JSON.stringify(event, null, 2)}
                </pre>
              </details>
            </li>
          ))}
          {shown.length > most && (
            <li className="py-2 text-center">
              <Button look="quiet" onClick={() => setMost(most + PAGE)}>
                Show {Math.min(PAGE, shown.length - most)} more of {shown.length}
              </Button>
            </li>
          )}
        </ol>
      )}
    </>
  );
}

const STAMP = new Set(['type', 'call', 'seq', 'at', 'wall']);

/** The fields in a line, words first. */
function summaryOf(event: CallEvent): string {
  const fields = Object.entries(event).filter(([name, value]) => !STAMP.has(name) && value !== null && value !== false);
  const words = fields.filter(([name]) => name === 'text' || name === 'detail').map(([, value]) => `“${value}”`);
  const rest = fields
    .filter(([name]) => name !== 'text' && name !== 'detail')
    .map(([name, value]) =>
      typeof value === 'object'
        ? `${name} ${JSON.stringify(value)}`
        : `${name} ${typeof value === 'number' ? Math.round(value * 100) / 100 : value}`,
    );
  return [...words, ...rest].join(' · ');
}

function isBad(event: CallEvent): boolean {
  return event.type.endsWith('.failed') || event.type === 'scope.stuck' || (event.type === 'tool.answered' && !event.ok);
}
