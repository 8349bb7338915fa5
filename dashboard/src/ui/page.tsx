/** What every screen is made of: a head, a card, a grey shape where something is still coming, a word where nothing is. */
import type { ReactNode } from 'react';

/** `stays`: in sight while a long page scrolls, for its buttons. */
export function PageHead({ title, stays = false, children }: { title: string; stays?: boolean; children?: ReactNode }) {
  return (
    <div
      className={`mb-6 flex min-h-9 flex-wrap items-center justify-between gap-x-6 gap-y-3 ${stays ? 'sticky top-0 z-30 -mx-4 bg-canvas px-4 py-3 sm:-mx-6 sm:px-6' : ''}`}
    >
      <title>{`${title} · Aywa`}</title>
      <h1 className="min-w-0 text-[1.6rem] leading-tight font-semibold break-words">{title}</h1>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  );
}

export function Card({
  title,
  aside,
  children,
  className = '',
}: {
  title?: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={`min-w-0 rounded-2xl border border-line bg-surface p-4 shadow-card sm:p-6 ${className}`}>
      {title && (
        <div className="mb-4 flex min-h-7 flex-wrap items-center justify-between gap-2">
          <h2 className="text-base font-semibold">{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** Takes the place of what is being loaded, in its size, so that nothing jumps. */
export function Skeleton({ className }: { className: string }) {
  return <div aria-hidden className={`animate-breathe rounded-lg bg-sunken ${className}`} />;
}

export function Empty({ icon, title, children, action }: { icon: ReactNode; title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center rounded-2xl border border-dashed border-line-strong px-6 py-16 text-center">
      <div aria-hidden className="mb-4 flex size-12 items-center justify-center rounded-full bg-accent-soft text-accent">
        {icon}
      </div>
      <h2 className="text-lg font-semibold">{title}</h2>
      <p className="mt-1.5 max-w-sm text-muted">{children}</p>
      {action && <div className="mt-6">{action}</div>}
    </div>
  );
}
