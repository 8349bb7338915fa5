/** A search box that `/` jumps to and Escape empties. */
import { Search as Glass } from 'lucide-react';
import { useEffect, useRef } from 'react';

export function Search({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const jump = (event: KeyboardEvent) => {
      const writing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (event.key !== '/' || writing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', jump);
    return () => removeEventListener('keydown', jump);
  }, []);
  return (
    <div className="relative min-w-0 max-sm:flex-1">
      <Glass size={16} aria-hidden className="pointer-events-none absolute top-2.5 left-3 text-faint" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onChange('');
        }}
        className="h-9 w-full rounded-lg border border-field bg-surface pr-3 pl-9 text-sm focus-visible:outline-offset-0 sm:w-56"
      />
    </div>
  );
}
