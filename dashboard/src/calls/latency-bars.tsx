/** How long the caller waited in each turn, and for what: to decide that the turn was over, to think, to find a voice. */
import type { TurnLatency } from '../../../src/api/contract.ts';
import { latencyOf } from '../format.ts';

const PARTS = [
  { of: 'decideMs', label: 'Decide', className: 'bg-decide', means: 'from the last sound until it was certain that the caller is done' },
  { of: 'thinkMs', label: 'Think', className: 'bg-think', means: "until the model's first word" },
  { of: 'voiceMs', label: 'Voice', className: 'bg-voice', means: 'until the first sound went out' },
] as const;

export function LatencyBars({ turns }: { turns: readonly TurnLatency[] }) {
  const answered = turns.filter((turn) => turn.totalMs !== null);
  const longest = Math.max(1, ...turns.map(sumOf));
  if (turns.length === 0) return <p className="py-6 text-center text-muted">No turn yet.</p>;
  return (
    <>
      <div className="mb-4 flex flex-wrap items-baseline justify-between gap-2">
        <ul className="flex gap-4 text-[13px] text-muted">
          {PARTS.map(({ label, className, means }) => (
            <li key={label} title={means} className="flex items-center gap-1.5">
              <span aria-hidden className={`size-2.5 rounded-sm ${className}`} />
              {label}
            </li>
          ))}
        </ul>
        {answered.length > 0 && (
          <p className="text-[13px] text-muted">
            Median <strong className="font-semibold text-ink">{latencyOf(median(answered.map((turn) => turn.totalMs ?? 0)))}</strong>
          </p>
        )}
      </div>
      <ol className="flex max-h-[30rem] flex-col gap-4 overflow-y-auto">
        {turns.map((turn) => (
          <li key={turn.turn} className="min-w-0">
            <div className="flex items-baseline justify-between gap-3 text-sm">
              <span className="truncate" title={turn.caller}>
                <span className="mr-2 text-faint">{turn.turn}</span>
                {turn.caller || <em className="text-muted">Not understood</em>}
              </span>
              <strong className="shrink-0 font-semibold">{latencyOf(turn.totalMs)}</strong>
            </div>
            <div className="mt-1.5 flex h-2.5 gap-px overflow-hidden rounded-full bg-sunken">
              {PARTS.map(({ of, className }) => (
                <span key={of} className={className} style={{ width: `${((turn[of] ?? 0) / longest) * 100}%` }} />
              ))}
            </div>
            <p className="mt-1 flex flex-wrap gap-x-3 text-[13px] text-muted">
              {PARTS.map(({ of, label }) => (
                <span key={of}>
                  {label} {latencyOf(turn[of])}
                </span>
              ))}
              {turn.adopted && <span className="text-accent">prepared early</span>}
              {turn.cut && <span className="text-warn">interrupted</span>}
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}

function sumOf(turn: TurnLatency): number {
  return PARTS.reduce((sum, { of }) => sum + (turn[of] ?? 0), 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
