/**
 * The journal over the embedded PostgreSQL in a process of its own, as control keeps it for a call host: batches of events come in by the
 * same kind of channel. It answers nothing but that it is ready and, at the end, how many events it stored.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallEvent } from '../../src/call/events.ts';
import { createJournal } from '../../src/journal/journal.ts';
import { createMetrics } from '../../src/journal/metrics.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { openStore } from '../../src/store/store.ts';
import { ASSISTANT } from '../lib/plan.ts';

export interface Keeper {
  readonly organization: string;
  open(call: string): void;
  events(batch: readonly CallEvent[]): void;
  /** Resolves with the number of events that were stored. */
  close(): Promise<number>;
}

type Down = { type: 'open'; call: string } | { type: 'events'; batch: readonly CallEvent[] } | { type: 'close' };

export async function startKeeper(): Promise<Keeper> {
  const child: ChildProcess = fork(import.meta.filename, ['keep'], { serialization: 'advanced' });
  const [{ organization }] = (await once(child, 'message')) as [{ organization: string }];
  const send = (down: Down) => void child.send(down);
  return {
    organization,
    open: (call) => send({ type: 'open', call }),
    events: (batch) => send({ type: 'events', batch }),
    async close() {
      send({ type: 'close' });
      const [{ stored }] = (await once(child, 'message')) as [{ stored: number }];
      await once(child, 'exit');
      return stored;
    },
  };
}

async function keep(): Promise<void> {
  const scope = rootScope('keeper');
  const dataDir = mkdtempSync(join(tmpdir(), 'aywa-bench-'));
  // The database's user goes through here to its cluster.
  chmodSync(dataDir, 0o755);
  const options = { postgresUrl: undefined, dataDir, encryptionKey: 'bench:bench-encryption-key-0123456789abcdef', migrate: true };
  const store = await openStore(options, scope, realClock, silentLog);
  const { id: organization } = await store.organizations.ensure('bench');
  const journal = await createJournal({
    store,
    spoolDir: join(dataDir, 'spool'),
    node: 'bench',
    boot: randomUUID(),
    publicUrl: 'http://127.0.0.1',
    metrics: createMetrics(() => store.outbox.counts()),
    onDeliveries: () => {},
    clock: realClock,
    scope: scope.child('journal'),
    log: silentLog,
  });
  let stored = 0;
  const leave = async () => {
    await Promise.all(journal.live.map((call) => journal.settled(call)));
    await scope.close('bench over');
    rmSync(dataDir, { recursive: true, force: true });
    process.send?.({ stored }, () => process.exit(0));
  };
  process.on('message', (down: Down) => {
    if (down.type === 'open') {
      const row = { id: down.call, organization, type: 'inboundPhoneCall', assistantId: null, request: {}, controlHash: null };
      journal.open({ row, assistant: ASSISTANT, prompt: 'You are a receptionist.' });
    } else if (down.type === 'events') {
      stored += down.batch.length;
      journal.append(down.batch);
    } else void leave();
  });
  process.on('disconnect', () => process.exit(1));
  process.send?.({ organization });
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'keep') await keep();
