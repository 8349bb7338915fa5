/** A problem where the content would be: what happened, what to do, and a way to try again. */
import { CloudOff, SearchX, TriangleAlert } from 'lucide-react';
import type { Problem } from '../problem.ts';
import { Button } from './button.tsx';

export function ProblemNote({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  const Icon = problem.kind === 'away' ? CloudOff : problem.kind === 'not-found' ? SearchX : TriangleAlert;
  return (
    <div role="alert" className="flex flex-col items-center rounded-2xl border border-line bg-surface px-6 py-14 text-center">
      <Icon aria-hidden size={28} className="mb-4 text-faint" />
      <p className="max-w-lg text-lg font-semibold break-words">{problem.message}</p>
      {problem.fix && <p className="mt-1.5 max-w-md text-muted">{problem.fix}</p>}
      {onRetry && problem.kind !== 'not-found' && (
        <Button className="mt-6" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
