/** The database is away, the process is killed, the disk holds half a line: what was said stays said. */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSpool } from '../../src/journal/spool.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';
import { rootScope, within } from '../../src/kernel/scope.ts';
import type { Events } from '../../src/store/events.ts';
import type { Store } from '../../src/store/store.ts';
import { emptyFolder, type LabStore, openLabStore } from '../store/lab-store.ts';
import { beginCall, listeningLog, openLabJournal } from './lab-journal.ts';

const KEY = 'a key that two processes of this test share';
let lab: LabStore;
beforeAll(async () => {
  lab = await openLabStore({ encryptionKey: KEY });
});
afterAll(() => lab.stop());

/** The real store behind a switch: away it refuses at once, or never answers. */
function switched(): { store: Store; away: (how: 'refuses' | 'silent' | null) => void } {
  let how: 'refuses' | 'silent' | null = null;
  const append: Events['append'] = (batch) => {
    if (how === 'refuses') return Promise.reject(new AywaError('store_away'));
    if (how === 'silent') return new Promise((_, reject) => realClock.timer(1_000, () => reject(new AywaError('store_timeout'))));
    return lab.store.events.append(batch);
  };
  return {
    store: { ...lab.store, events: { ...lab.store.events, append } },
    away: (next) => {
      how = next;
    },
  };
}

const segments = (folder: string) => readdirSync(folder).filter((name) => /^\d+\.jsonl$/.test(name));

describe('while the database is away', () => {
  it.each(['refuses', 'silent'] as const)('(it %s) events go to disk, then into the database in order', async (how) => {
    const { store, away } = switched();
    const { log, said } = listeningLog();
    const { journal, scope, spoolDir } = await openLabJournal(lab, { store, log });
    away(how);
    const { id, events } = beginCall(lab, journal, { server: { url: 'https://hook.example', secret: 'a planted secret' } });
    journal.append(events.slice(0, 24));
    await said('journal_spooling');
    const onDisk = segments(spoolDir)
      .map((name) => readFileSync(join(spoolDir, name), 'utf8'))
      .join('');
    // The call's row and its events.
    expect(onDisk.trim().split('\n')).toHaveLength(25);
    expect(onDisk).not.toContain('a planted secret');

    away(null);
    await said('journal_spool_drained');
    expect(segments(spoolDir)).toEqual([]);
    journal.append(events.slice(24));
    await journal.settled(id);
    expect(await lab.store.events.read(id)).toEqual(events);
    expect(await lab.store.calls.get(lab.organization, id)).toMatchObject({ status: 'ended', lastSeq: events.length });
    expect((await lab.store.outbox.list(lab.organization, { call: id })).map((one) => one.type)).toContain('end-of-call-report');
    await scope.close('test over');
  });

  it('one entry that the database refuses for good costs no other call anything', async () => {
    const { log, said } = listeningLog();
    const { journal, scope, spoolDir } = await openLabJournal(lab, { log });
    const bad = { row: { ...openRow(uuidv7(0)), organization: uuidv7(0) }, assistant: {}, prompt: null };
    journal.open(bad);
    const good = beginCall(lab, journal);
    journal.append(good.events);
    await journal.settled(good.id);
    await said('journal_refused');
    expect(await lab.store.events.read(good.id)).toEqual(good.events);
    expect(readdirSync(spoolDir)).toContain('refused.jsonl');
    await scope.close('test over');
  });
});

describe('a killed process', () => {
  it.each(['gone', 'silent'])('(database %s) loses at most 200 ms of events', async (how) => {
    const spoolDir = join(emptyFolder(), 'spool');
    const id = uuidv7(Date.now());
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./away-child.ts', import.meta.url)), spoolDir, lab.organization, id, KEY, how],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let last = { seq: 0, wall: 0 };
    const said: (typeof last)[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      last = JSON.parse(line);
      said.push(last);
      if (last.seq === 300) child.kill('SIGKILL');
    }
    // The half line that a kill in the middle of a write leaves.
    appendFileSync(join(spoolDir, segments(spoolDir).sort().at(-1) ?? ''), '{"append":{"call":');

    const { log, said: logged } = listeningLog();
    const { scope } = await openLabJournal(lab, { spoolDir, log });
    await logged('journal_spool_drained');
    const stored = await lab.store.events.read(id);
    expect(stored.map((event) => event.seq)).toEqual(stored.map((_, index) => index + 1));
    const safe = said.filter(({ wall }) => wall < last.wall - 200);
    expect(safe.length).toBeGreaterThan(50);
    expect(stored.length).toBeGreaterThanOrEqual(safe.length);
    // Its webhooks are there too, and open for whoever delivers them.
    const claimed = await lab.store.outbox.claim({ node: 't', now: Date.now(), leaseMs: 1_000, limit: 1_000 });
    const delivery = claimed.find((one) => one.call === id);
    expect(JSON.parse(delivery?.destination ?? '{}')).toMatchObject({ secret: 'shh' });
    await scope.close('test over');
  });

  it('leaves a damaged line: it is put aside, what follows it is stored', async () => {
    const { store, away } = switched();
    const first = await openLabJournal(lab, { store });
    const { id, events } = beginCall(lab, first.journal);
    away('refuses');
    first.journal.append(events);
    await first.scope.close('the process ends');
    writeFileSync(join(first.spoolDir, '000000000000.jsonl'), '{"append":{"call":"nobody"}}\nrubbish\n');

    const { log, said } = listeningLog();
    const second = await openLabJournal(lab, { spoolDir: first.spoolDir, log });
    await said('journal_spool_line');
    expect(await lab.store.events.read(id)).toEqual(events);
    expect(readFileSync(join(first.spoolDir, 'refused.jsonl'), 'utf8')).toBe('{"append":{"call":"nobody"}}\nrubbish\n');
    await second.scope.close('test over');
  });

  it('that ends in order leaves what it could not store on disk', async () => {
    const { store, away } = switched();
    const first = await openLabJournal(lab, { store });
    const { id, events } = beginCall(lab, first.journal);
    away('silent');
    first.journal.append(events);
    await first.scope.close('the process ends');

    const { log, said } = listeningLog();
    const second = await openLabJournal(lab, { spoolDir: first.spoolDir, log });
    await said('journal_spool_drained');
    expect(await lab.store.events.read(id)).toEqual(events);
    await second.scope.close('test over');
  });
});

describe('the spool', () => {
  it('gives back in order what was put in, over files and processes', async () => {
    const folder = join(emptyFolder(), 'spool');
    const root = rootScope('test');
    const line = (n: number) => JSON.stringify({ n, text: 'x'.repeat(1_000) });
    await within(root, 'first process', async (scope) => {
      const spool = await openSpool(folder, scope);
      for (let n = 0; n < 6_000; n += 500)
        await spool.append(
          Array.from({ length: 500 }, (_, i) => line(n + i)),
          scope,
        );
      expect(segments(folder).length).toBeGreaterThan(1);
    });
    await within(root, 'second process', async (scope) => {
      const spool = await openSpool(folder, scope);
      await spool.append([line(6_000)], scope);
      const got: number[] = [];
      for (let segment = await spool.oldest(scope); segment; segment = await spool.oldest(scope)) {
        got.push(...segment.lines.map((text) => JSON.parse(text).n));
        await segment.drop(scope);
      }
      expect(got).toEqual(Array.from({ length: 6_001 }, (_, n) => n));
      expect({ empty: spool.empty, bytes: spool.bytes, files: segments(folder) }).toEqual({ empty: true, bytes: 0, files: [] });
    });
  });

  it('says so when the disk refuses, and takes the next lines', async () => {
    const folder = join(emptyFolder(), 'spool');
    const scope = rootScope('test');
    const spool = await openSpool(folder, scope);
    mkdirSync(join(folder, '000000000001.jsonl'));
    await expect(spool.append(['a'], scope)).rejects.toThrow();
    await spool.append(['b'], scope);
    expect((await spool.oldest(scope))?.lines).toEqual(['b']);
    await scope.close('test over');
  });
});

function openRow(id: string) {
  return { id, organization: '', type: 'vapi.websocketCall', assistantId: null, request: {}, controlHash: null };
}
