/**
 * A runtime whose database is away, for a test that kills it: appends an event every few milliseconds and says each on standard
 * output. Arguments: spool folder, organisation, call id, encryption key, and `gone` or `silent`
 * for how the database is away.
 */
import { createJournal } from '../../src/journal/journal.ts';
import { createMetrics } from '../../src/journal/metrics.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { createSealing } from '../../src/store/sealing.ts';
import type { Store } from '../../src/store/store.ts';
import { created, stamped } from './a-call.ts';

const [spoolDir = '', organization = '', id = '', key = '', how = 'gone'] = process.argv.slice(2);
const scope = rootScope('child');

function away(): Promise<never> {
  if (how === 'gone') return Promise.reject(new AywaError('store_away'));
  return new Promise(() => {});
}
const store = { calls: { create: away }, events: { append: away, read: away }, sealing: createSealing(key) };

const journal = await createJournal({
  store: store as unknown as Pick<Store, 'calls' | 'events' | 'sealing'>,
  spoolDir,
  node: 'node-1',
  boot: id,
  publicUrl: 'https://runtime.example',
  metrics: createMetrics(() => away()),
  onDeliveries: () => {},
  clock: realClock,
  scope,
  log: silentLog,
});
const row = { id, organization, type: 'vapi.websocketCall', assistantId: null, request: {}, controlHash: null };
journal.open({ row, assistant: { server: { url: 'https://hook.example', secret: 'shh' } }, prompt: null });

for (let seq = 0; ; seq += 1) {
  const body = seq === 0 ? created : ({ type: 'caller.turn', turn: seq, text: `turn ${seq}`, from: 0, to: 0, waitedMs: 0 } as const);
  const wall = realClock.wall();
  journal.append(stamped(id, [[seq, body]], wall - seq, seq));
  process.stdout.write(`${JSON.stringify({ seq: seq + 1, wall })}\n`);
  await realClock.sleep(3, scope);
}
