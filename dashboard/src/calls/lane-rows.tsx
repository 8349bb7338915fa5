/** The lanes under the waveform, and the ruler under the lanes. */
import { lengthOf, placeOf } from '../format.ts';
import type { Lanes, Span } from './lanes.ts';

const LANES = ['caller', 'agent', 'tools'] as const;
const NAMES: Record<Span['lane'], string> = { caller: 'Caller', agent: 'Agent', tools: 'Tools' };

export function LaneRows({ lanes: { spans, endAt }, totalMs }: { lanes: Lanes; totalMs: number }) {
  return (
    <div className="mt-2">
      {LANES.filter((lane) => lane !== 'tools' || spans.some((span) => span.lane === lane)).map((lane) => (
        <ul key={lane} aria-label={NAMES[lane]} className="relative h-7 border-t border-line">
          {spans
            .filter((span) => span.lane === lane)
            .map((span) => {
              const to = span.to ?? endAt;
              const words = `${span.label}, ${placeOf(span.from)} to ${placeOf(to)}`;
              return (
                <li
                  key={`${span.kind}${span.from}${span.label}`}
                  title={words}
                  className={`absolute top-1.5 h-4 min-w-0.5 overflow-hidden rounded-sm ${look(span)}`}
                  style={{ left: `${(span.from / totalMs) * 100}%`, width: `${((to - span.from) / totalMs) * 100}%` }}
                >
                  <span className={span.kind === 'tool' ? 'block truncate px-1.5 text-[11px] leading-4 text-on-accent' : 'sr-only'}>
                    {span.kind === 'tool' ? span.label : words}
                  </span>
                </li>
              );
            })}
        </ul>
      ))}
    </div>
  );
}

function look({ lane, kind, bad, to }: Span): string {
  const live = to === null ? 'animate-breathe' : '';
  if (lane === 'caller') return `bg-caller ${live}`;
  if (kind === 'thinking') return `bg-accent-soft border border-dashed border-think ${live}`;
  if (kind === 'tool') return `${bad ? 'bg-danger' : 'bg-accent'} ${live}`;
  return `bg-accent ${live} ${bad ? 'border-r-4 border-warn' : ''}`;
}

const STEPS_MS = [500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
/** Labels that fit beside each other on a narrow screen, per screenful. */
const MOST_LABELS = 4;
/** Of the width, what a label takes at most. */
const ROOM = 0.12;

export function Ruler({ totalMs, zoom }: { totalMs: number; zoom: number }) {
  const step = STEPS_MS.find((one) => totalMs / one <= MOST_LABELS * zoom) ?? 3_600_000;
  const places = Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => index * step);
  return (
    <div aria-hidden className="relative h-6 border-t border-line text-xs text-faint">
      {places.map((place) => {
        // Near the end the label stands before its mark, so that it is not cut off.
        const before = place > totalMs * (1 - ROOM / zoom);
        return (
          <span
            key={place}
            className={`absolute top-0 leading-6 ${before ? '-translate-x-full border-r pr-1' : 'border-l pl-1'} border-line-strong`}
            style={{ left: `${(place / totalMs) * 100}%` }}
          >
            {step < 1_000 ? placeOf(place) : lengthOf(place)}
          </span>
        );
      })}
    </div>
  );
}
