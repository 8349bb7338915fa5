/**
 * The key of this browser. It arrives once in the address (`#key=...`, which no server ever sees), is kept in local storage, and leaves
 * the address at once, so that it is in no history, bookmark or screenshot.
 */
import { useSyncExternalStore } from 'react';

const PLACE = 'aywa.key';

interface Session {
  readonly key: string | null;
  /** Why there is no key any more, for the sign-in page. */
  readonly reason: 'refused' | 'signed-out' | null;
}

let session: Session = { key: stored(), reason: null };
const watchers = new Set<() => void>();

takeFromAddress();
addEventListener('hashchange', takeFromAddress);

export function useSession(): Session {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => session,
  );
}

export function currentKey(): string | null {
  return session.key;
}

export function signIn(key: string): void {
  keep(key);
  become({ key, reason: null });
}

/** `refused` is the server's word against this very key: an answer to an older one must not end a newer session. */
export function signOut(reason: 'refused' | 'signed-out', key = session.key): void {
  if (session.key !== key) return;
  keep(null);
  become({ key: null, reason });
}

function takeFromAddress(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!key) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  signIn(key);
}

function become(next: Session): void {
  session = next;
  for (const changed of watchers) changed();
}

function stored(): string | null {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

/** A browser without storage keeps the key for as long as the page lives. */
function keep(key: string | null): void {
  try {
    if (key === null) localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, key);
  } catch {}
}
