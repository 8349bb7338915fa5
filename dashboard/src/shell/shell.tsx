/** The frame around every screen: where one is, where one can go, and whether this is a lab. Without a key it is the sign-in page. */
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { Bot, History, LogOut, Mic } from 'lucide-react';
import { readinessQuery } from '../queries.ts';
import { signOut, useSession } from '../session.ts';
import { IconButton } from '../ui/button.tsx';
import { Mark } from './mark.tsx';
import { SignIn } from './sign-in.tsx';
import { SystemStrip } from './system-strip.tsx';
import { ThemeButton } from './theme-button.tsx';

const PLACES = [
  { to: '/assistants', label: 'Assistants', Icon: Bot },
  { to: '/talk', label: 'Talk', Icon: Mic },
  { to: '/calls', label: 'Calls', Icon: History },
] as const;

export function Shell() {
  const { key } = useSession();
  return key === null ? <SignIn /> : <Frame />;
}

function Frame() {
  const { data: readiness } = useQuery(readinessQuery);
  return (
    <div className="min-h-dvh pb-[calc(4rem+env(safe-area-inset-bottom))] md:pb-0">
      <a
        href="#content"
        className="absolute top-2 left-2 z-50 -translate-y-20 rounded-lg bg-accent px-4 py-2 text-sm font-medium text-on-accent focus:translate-y-0"
      >
        Skip to the content
      </a>
      <SystemStrip />
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex h-14 max-w-6xl items-center gap-6 px-4 sm:px-6">
          <Link to="/assistants" className="flex items-center gap-2.5 rounded-lg font-semibold">
            <Mark />
            Aywa
          </Link>
          <nav aria-label="Main" className="hidden h-full items-stretch gap-1 md:flex">
            {PLACES.map(({ to, label }) => (
              <Link
                key={to}
                to={to}
                className="-mb-px flex items-center border-b-2 border-transparent px-3 text-sm font-medium text-muted -outline-offset-4 transition-colors hover:text-ink"
                activeProps={{ className: '!border-accent !text-ink' }}
              >
                {label}
              </Link>
            ))}
          </nav>
          <div className="ml-auto flex items-center gap-1">
            {readiness && <span className="mr-2 hidden text-[13px] text-faint lg:inline">{readiness.version}</span>}
            <ThemeButton />
            <IconButton label="Sign out" onClick={() => signOut('signed-out')}>
              <LogOut size={18} aria-hidden />
            </IconButton>
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 outline-none sm:px-6 sm:py-8">
        <Outlet />
      </main>
      <nav
        aria-label="Main"
        className="fixed inset-x-0 bottom-0 z-40 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
      >
        {PLACES.map(({ to, label, Icon }) => (
          <Link
            key={to}
            to={to}
            className="flex h-16 flex-1 flex-col items-center justify-center gap-1 text-xs font-medium text-muted -outline-offset-4"
            activeProps={{ className: '!text-accent' }}
          >
            <Icon size={20} aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
    </div>
  );
}
