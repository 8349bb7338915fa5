/** The big calm control: a button while nobody talks, then a sign of who does. The rings follow the two levels without rendering. */
import { Keyboard, LoaderCircle, Mic, MicOff } from 'lucide-react';
import type { Ref } from 'react';

export interface OrbHandle {
  level(who: 'caller' | 'agent', level: number): void;
}

/** Speech lies around 0.05 to 0.2; the ear judges by ratio, so the ring does too. */
const LOUDEST = 0.25;

export function orbHandle(element: () => HTMLElement | null): OrbHandle {
  return {
    level(who, level) {
      const shown = Math.sqrt(Math.min(1, level / LOUDEST));
      element()?.style.setProperty(`--${who}-level`, shown.toFixed(2));
    },
  };
}

interface OrbProps {
  readonly ref: Ref<HTMLDivElement>;
  readonly phase: 'idle' | 'connecting' | 'live' | 'over';
  readonly written: boolean;
  readonly muted: boolean;
  readonly disabled: boolean;
  readonly onStart: () => void;
}

export function Orb({ ref, phase, written, muted, disabled, onStart }: OrbProps) {
  const face = 'relative flex size-20 items-center justify-center rounded-full transition-colors lg:size-28';
  const Face = phase === 'connecting' ? LoaderCircle : written ? Keyboard : muted ? MicOff : Mic;
  return (
    <div
      ref={ref}
      data-levels
      className={`relative size-36 items-center justify-center lg:flex lg:size-52 ${written && phase === 'live' ? 'hidden' : 'flex'}`}
    >
      {phase === 'live' && (
        <>
          <Ring of="agent" className="bg-accent-soft" />
          <Ring of="caller" className="border-2 border-caller" />
        </>
      )}
      {phase === 'idle' || phase === 'over' ? (
        <button
          type="button"
          aria-label="Start talking"
          disabled={disabled}
          onClick={onStart}
          className={`${face} bg-accent text-on-accent shadow-card hover:bg-accent-strong disabled:bg-sunken disabled:text-faint`}
        >
          <Mic aria-hidden className="size-8 lg:size-10" />
        </button>
      ) : (
        <div aria-hidden className={`${face} bg-accent text-on-accent ${phase === 'connecting' ? 'animate-breathe' : ''}`}>
          <Face className={`size-8 lg:size-10 ${phase === 'connecting' ? 'animate-turn' : ''}`} />
        </div>
      )}
    </div>
  );
}

function Ring({ of, className }: { of: 'caller' | 'agent'; className: string }) {
  return (
    <div
      aria-hidden
      className={`absolute size-20 rounded-full lg:size-28 transition-transform duration-100 ease-out ${className}`}
      style={{ transform: `scale(calc(1 + 0.75 * var(--${of}-level, 0)))` }}
    />
  );
}
