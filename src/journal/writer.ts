/**
 * The one writer of a node's events. Entries are taken at once and stored in batches, one transaction each; while the database does
 * not answer they go to the spool on disk, and from there in order when it is back. Nothing is dropped: what the database refuses for
 * good is put aside in a file. Writing twice is harmless (call and seq are the key), so in doubt it writes again.
 */
import { z } from 'zod';
import { channel } from '../kernel/channel.ts';
import type { Clock } from '../kernel/clock.ts';
import { isAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { isCancelled, type Scope } from '../kernel/scope.ts';
import type { NewCall } from '../store/calls.ts';
import type { CallAppend, NewDelivery } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import type { Spool } from './spool.ts';

/** A call's row, or one or more of its events with what follows from them. */
export type Entry = { readonly opens: NewCall } | { readonly append: CallAppend };

export interface Writer {
  /** Never throws, never waits. */
  put(entry: Entry): void;
  /** Entries in memory: not yet stored, not yet on disk. */
  readonly waiting: number;
  /** Resolves when what an earlier process left in the spool is stored. */
  readonly leftovers: Promise<void>;
}

export interface WriterDeps {
  readonly store: Pick<Store, 'calls' | 'events' | 'sealing'>;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly scope: Scope;
  readonly log: Log;
  /** These are in the database, or refused for good. May be told of the same entry twice. */
  readonly onStored: (entries: readonly Entry[]) => void;
}

/** Most entries of a transaction, and how long the first may wait for others; ms. */
const BATCH = 256;
const GATHER_MS = 40;
/** The same in front of the disk, where each batch costs a sync. */
const GATHER_FOR_DISK_MS = 50;
/** A batch that is not stored by then goes to the disk too. With the gathering this bounds what a SIGKILL can cost: under 200 ms. */
const STORED_WITHIN_MS = 100;
/** More in memory than this means that the database is too slow: the disk takes it. */
const MEMORY_ENTRIES = 10_000;
const RETRY_MS = 250;

export function createWriter(deps: WriterDeps): Writer {
  const { store, spool, clock, scope, log, onStored } = deps;
  const queue: Entry[] = [];
  /** Out of the queue, not known to be safe yet. */
  let taken: Entry[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  const arrived = channel<true>(scope, 1);
  const spooled = channel<true>(scope, 1);

  scope.spawn('journal intake', async () => {
    for await (const _ of arrived) {
      while (queue.length > 0) {
        if (queue.length < BATCH) await clock.sleep(spool.empty ? GATHER_MS : GATHER_FOR_DISK_MS, scope);
        taken = queue.splice(0, BATCH);
        const direct = spool.empty && queue.length < MEMORY_ENTRIES;
        if (!(direct && (await storedSoon(taken)))) await keep(taken);
        taken = [];
      }
    }
  });
  scope.spawn('journal drain', async () => {
    for await (const _ of spooled) {
      try {
        await drain();
        none();
      } catch (error) {
        if (isCancelled(error)) throw error;
        log.error('journal_spool_refused', { detail: String(error) });
        await clock.sleep(RETRY_MS, scope);
        spooled.push(true);
      }
    }
  });
  scope.defer(() => {
    const left = [...taken, ...queue];
    if (left.length > 0) spool.appendNow(left.map(toLine));
  });
  const { promise: leftovers, resolve: none } = Promise.withResolvers<void>();
  if (spool.empty) none();
  else {
    log.info('journal_spool_found', { bytes: spool.bytes });
    spooled.push(true);
  }

  return {
    leftovers,
    put(entry) {
      queue.push(entry);
      arrived.push(true);
    },
    get waiting() {
      return queue.length + taken.length;
    },
  };

  /** Stores the batch; `false` when that takes too long or the database is away. */
  function storedSoon(batch: readonly Entry[]): Promise<boolean> {
    const stored = storeAll(batch);
    writing = stored;
    return scope.wait(
      new Promise<boolean>((resolve) => {
        const timer = clock.timer(STORED_WITHIN_MS, () => resolve(false));
        void stored.then((done) => {
          timer.cancel();
          resolve(done);
        });
      }),
    );
  }

  async function keep(batch: readonly Entry[]): Promise<void> {
    const lines = batch.map(toLine);
    for (;;) {
      try {
        const first = spool.empty;
        await spool.append(lines, scope);
        if (first) log.warn('journal_spooling', { entries: batch.length });
        spooled.push(true);
        return;
      } catch (error) {
        if (isCancelled(error)) throw error;
        log.error('journal_spool_refused', { detail: String(error), waiting: queue.length });
        // With the disk gone too, memory is the last place: keep trying both.
        if (spool.empty && (await scope.wait(storeAll(batch)))) return;
        await clock.sleep(RETRY_MS, scope);
      }
    }
  }

  async function drain(): Promise<void> {
    let count = 0;
    for (let segment = await spool.oldest(scope); segment; segment = await spool.oldest(scope)) {
      const read = segment.lines.map((line) => ({ line, entry: fromLine(line) }));
      const entries = read.flatMap(({ entry }) => entry ?? []);
      const unreadable = read.flatMap(({ line, entry }) => (entry ? [] : line));
      if (unreadable.length > 0) await spool.refuse(unreadable, scope);
      // A write that was given up may still arrive: it must not come after what follows it.
      await scope.wait(writing);
      for (let at = 0; at < entries.length; at += BATCH) {
        while (!(await scope.wait(storeAll(entries.slice(at, at + BATCH))))) await clock.sleep(RETRY_MS, scope);
      }
      await segment.drop(scope);
      count += entries.length;
    }
    if (count > 0) log.info('journal_spool_drained', { entries: count });
  }

  /** `false`: the database is away. Never rejects. What the database refuses for good is found piece by piece and put aside. */
  async function storeAll(entries: readonly Entry[]): Promise<boolean> {
    try {
      for (const entry of entries) if ('opens' in entry) await scope.wait(store.calls.create(entry.opens));
      const { fenced } = await scope.wait(store.events.append(merge(entries)));
      if (fenced.length > 0)
        await putAside(
          entries.filter((entry) => 'append' in entry && fenced.includes(entry.append.call)),
          'fenced',
        );
    } catch (error) {
      if (isAywaError(error) && ['store_away', 'store_timeout', 'cancelled'].includes(error.code)) return false;
      if (entries.length > 1) {
        const calls = Map.groupBy(entries, callOf);
        for (const part of calls.size > 1 ? calls.values() : entries.map((entry) => [entry])) if (!(await storeAll(part))) return false;
        return true;
      }
      await putAside(entries, String(error));
    }
    onStored(entries);
    return true;
  }

  async function putAside(entries: readonly Entry[], detail: string): Promise<void> {
    await spool.refuse(entries.map(toLine), scope).catch((error) => log.error('journal_spool_refused', { detail: String(error) }));
    log.error('journal_refused', { calls: [...new Set(entries.map(callOf))], entries: entries.length, detail });
  }

  /** Webhook destinations hold secrets: on disk they are sealed. */
  function toLine(entry: Entry): string {
    return JSON.stringify(withDestinations(entry, (text, place) => store.sealing.seal(text, place)));
  }

  function fromLine(line: string): Entry | undefined {
    try {
      const entry: unknown = JSON.parse(line);
      if (!isEntry(entry)) throw new SyntaxError('not an entry');
      return withDestinations(entry, (text, place) => store.sealing.open(text, place));
    } catch (error) {
      log.error('journal_spool_line', { detail: String(error) });
      return undefined;
    }
  }
}

/** One append per call: its events in order, the last word on each field of its row. */
function merge(entries: readonly Entry[]): CallAppend[] {
  const appends = entries.flatMap((entry) => ('append' in entry ? [entry.append] : []));
  return [...Map.groupBy(appends, (append) => append.call)].map(([call, group]) => ({
    call,
    organization: group[0]?.organization ?? '',
    fence: Math.max(...group.map((append) => append.fence)),
    events: group.flatMap((append) => append.events),
    change: Object.assign({}, ...group.map((append) => append.change)),
    deliveries: group.flatMap((append) => append.deliveries),
  }));
}

function callOf(entry: Entry): string {
  return 'opens' in entry ? entry.opens.id : entry.append.call;
}

type Turn = (text: string, place: { organization: string; table: string; row: string; column: string }) => string;

function withDestinations(entry: Entry, turn: Turn): Entry {
  if ('opens' in entry || entry.append.deliveries.length === 0) return entry;
  const { call, organization, deliveries } = entry.append;
  const place = { organization, table: 'spool', row: call, column: 'destination' };
  const turned = deliveries.map((item): NewDelivery => ({ ...item, destination: turn(item.destination, place) }));
  return { append: { ...entry.append, deliveries: turned } };
}

/** A line is our own writing: its frame is checked, because the file may have been damaged, not what it carries. */
const Frame = z.union([
  z.object({ opens: z.looseObject({ id: z.string(), organization: z.string() }) }),
  z.object({
    append: z.looseObject({
      call: z.string(),
      organization: z.string(),
      fence: z.number(),
      events: z.array(z.looseObject({ call: z.string(), seq: z.number(), type: z.string() })),
      change: z.looseObject({}),
      deliveries: z.array(z.looseObject({ destination: z.string() })),
    }),
  }),
]);

function isEntry(value: unknown): value is Entry {
  return Frame.safeParse(value).success;
}
