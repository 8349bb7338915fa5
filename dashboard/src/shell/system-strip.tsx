/** What everybody on every page must know: that this is a lab, that a part of the runtime is away, that nothing answers at all. */
import { useQuery } from '@tanstack/react-query';
import { CloudOff, FlaskConical, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { readinessQuery } from '../queries.ts';

export function SystemStrip() {
  const { data, isError } = useQuery(readinessQuery);
  const troubled = data?.parts.filter((part) => part.state !== 'ok') ?? [];
  return (
    <>
      {data?.mode === 'lab' && (
        <Strip icon={<FlaskConical size={15} aria-hidden />} tone="bg-sunken text-muted">
          <strong className="font-semibold">Lab:</strong> this machine only, for trying things out.
        </Strip>
      )}
      {isError ? (
        <Strip icon={<CloudOff size={15} aria-hidden />} tone="bg-danger-soft text-danger" alert>
          The runtime does not answer. What you see may be old.
        </Strip>
      ) : (
        troubled.map((part) => (
          <Strip key={part.name} icon={<TriangleAlert size={15} aria-hidden />} tone="bg-warn-soft text-warn" alert>
            <strong className="font-semibold">
              The {part.name} {part.name.endsWith('s') ? 'are' : 'is'} {part.state}.
            </strong>{' '}
            {part.means}
          </Strip>
        ))
      )}
    </>
  );
}

function Strip({ icon, tone, alert = false, children }: { icon: ReactNode; tone: string; alert?: boolean; children: ReactNode }) {
  return (
    <div role={alert ? 'alert' : undefined} className={`border-b border-line text-[13px] ${tone}`}>
      <p className="mx-auto flex max-w-6xl items-center gap-2 px-4 py-1.5 sm:px-6">
        <span className="shrink-0">{icon}</span>
        <span>{children}</span>
      </p>
    </div>
  );
}
