/** Short messages at the edge of the page: what was done, or what could not be. They go by themselves and never take the focus. */
import { X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { IconButton } from './button.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'good' | 'bad';
}

const STAYS_MS = { good: 3_500, bad: 8_000 };
let toasts: readonly Toast[] = [];
let last = 0;
const watchers = new Set<() => void>();

export function toast(text: string, tone: Toast['tone'] = 'good'): void {
  last += 1;
  const id = last;
  become([...toasts.slice(-2), { id, text, tone }]);
  setTimeout(() => dismiss(id), STAYS_MS[tone]);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => toasts,
  );
  return (
    <div
      aria-live="polite"
      className="fixed inset-x-4 bottom-20 z-50 flex flex-col items-center gap-2 md:inset-x-auto md:right-6 md:bottom-6 md:items-end"
    >
      {shown.map(({ id, text, tone }) => (
        <div
          key={id}
          className={`animate-arrive flex max-w-md items-center gap-2 rounded-xl border bg-surface py-1.5 pr-1.5 pl-4 text-sm shadow-card ${tone === 'bad' ? 'border-danger text-danger' : 'border-line text-ink'}`}
        >
          <span className="min-w-0 break-words">{text}</span>
          <IconButton label="Dismiss" onClick={() => dismiss(id)}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  );
}

function dismiss(id: number): void {
  become(toasts.filter((one) => one.id !== id));
}

function become(next: readonly Toast[]): void {
  toasts = next;
  for (const changed of watchers) changed();
}
