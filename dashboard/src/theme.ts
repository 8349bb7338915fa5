/** Light or dark: the system's choice until the reader makes one. `index.html` sets it before the first paint. */
import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';
const PLACE = 'aywa.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const watchers = new Set<() => void>();

system.addEventListener('change', () => {
  if (!chosen()) show(system.matches ? 'dark' : 'light');
});

export function useTheme(): Theme {
  return useSyncExternalStore((changed) => {
    watchers.add(changed);
    return () => watchers.delete(changed);
  }, currentTheme);
}

/** The other theme; choosing what the system has anyway follows the system again. */
export function toggleTheme(): void {
  const next: Theme = currentTheme() === 'dark' ? 'light' : 'dark';
  try {
    if ((next === 'dark') === system.matches) localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, next);
  } catch {}
  show(next);
}

function currentTheme(): Theme {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  for (const changed of watchers) changed();
}

function chosen(): boolean {
  try {
    return localStorage.getItem(PLACE) !== null;
  } catch {
    return false;
  }
}
