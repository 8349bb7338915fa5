/**
 * The addresses of the app. They are plural (`/calls/:id`), because the singular ones are the API's. Each screen is its own piece of
 * script, loaded when it is first opened.
 */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { problemOf } from './problem.ts';
import { Shell } from './shell/shell.tsx';
import { ProblemNote } from './ui/problem-note.tsx';

const root = createRootRoute({ component: Shell });

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/assistants', replace: true });
  },
});

const assistants = createRoute({
  getParentRoute: () => root,
  path: '/assistants',
  component: lazyRouteComponent(() => import('./assistants/assistants-page.tsx'), 'AssistantsPage'),
});

const assistantRoute = createRoute({
  getParentRoute: () => root,
  path: '/assistants/$id',
  component: lazyRouteComponent(() => import('./assistants/assistant-page.tsx'), 'AssistantPage'),
});

const talkRoute = createRoute({
  getParentRoute: () => root,
  path: '/talk',
  validateSearch: (search): { assistant?: string } => (typeof search.assistant === 'string' ? { assistant: search.assistant } : {}),
  component: lazyRouteComponent(() => import('./talk/talk-page.tsx'), 'TalkPage'),
});

const calls = createRoute({
  getParentRoute: () => root,
  path: '/calls',
  component: lazyRouteComponent(() => import('./calls/calls-page.tsx'), 'CallsPage'),
});

const callRoute = createRoute({
  getParentRoute: () => root,
  path: '/calls/$id',
  component: lazyRouteComponent(() => import('./calls/call-page.tsx'), 'CallPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([home, assistants, assistantRoute, talkRoute, calls, callRoute]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultNotFoundComponent: () => (
    <ProblemNote
      problem={{ kind: 'not-found', message: 'There is no such page.', fix: 'The address may be old or mistyped.', faults: [] }}
    />
  ),
  defaultErrorComponent: ({ error }) => <ProblemNote problem={problemOf(error)} onRetry={() => location.reload()} />,
});

/** Fetches the screens that are not open yet, so that a runtime that restarts or goes away leaves the app whole. */
export function preloadScreens(): void {
  for (const route of [assistants, assistantRoute, talkRoute, calls, callRoute]) void router.loadRouteChunk(route);
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
