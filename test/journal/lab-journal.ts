/** A journal over a real store, with calls to put into it. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CallEvent } from '../../src/call/events.ts';
import { createJournal, type Journal, type JournalDeps, type OpenCall } from '../../src/journal/journal.ts';
import { createMetrics } from '../../src/journal/metrics.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { LabStore } from '../store/lab-store.ts';
import { aCall } from './a-call.ts';

export interface LabJournal {
  readonly journal: Journal;
  readonly scope: Scope;
  readonly spoolDir: string;
}

let folders = 0;

export async function openLabJournal(lab: LabStore, changes: Partial<JournalDeps> = {}): Promise<LabJournal> {
  const scope = rootScope('journal');
  folders += 1;
  const spoolDir = changes.spoolDir ?? join(lab.dataDir, `spool-${folders}`);
  const journal = await createJournal({
    store: lab.store,
    spoolDir,
    node: 'node-1',
    boot: randomUUID(),
    publicUrl: 'https://runtime.example',
    metrics: createMetrics(() => lab.store.outbox.counts()),
    onDeliveries: () => {},
    clock: realClock,
    scope,
    log: silentLog,
    ...changes,
  });
  return { journal, scope, spoolDir };
}

export function openCall(lab: LabStore, id: string, assistant: OpenCall['assistant'] = {}): OpenCall {
  const row = {
    id,
    organization: lab.organization,
    type: 'vapi.websocketCall',
    assistantId: null,
    request: { name: 'a test' },
    controlHash: null,
  };
  return { row, assistant: { name: 'Ada', ...assistant }, prompt: 'Be kind.' };
}

/** A call of now, opened in the journal; its events are for the test to append. */
export function beginCall(lab: LabStore, journal: Journal, assistant: OpenCall['assistant'] = {}): { id: string; events: CallEvent[] } {
  const call = aCall(realClock.wall());
  journal.open(openCall(lab, call.id, assistant));
  return call;
}

/** A log that remembers what was said. */
export function listeningLog(): { log: Log; said: (event: string) => Promise<void> } {
  const heard = new Set<string>();
  const waiting = new Map<string, () => void>();
  const note = (event: string) => {
    heard.add(event);
    waiting.get(event)?.();
  };
  const log: Log = { debug: note, info: note, warn: note, error: note, with: () => log };
  return { log, said: (event) => (heard.has(event) ? Promise.resolve() : new Promise((resolve) => waiting.set(event, resolve))) };
}
