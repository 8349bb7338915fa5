import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../src/kernel/clock.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { CallAppend, NewDelivery, StoredEvent } from '../../src/store/events.ts';
import { openPool } from '../../src/store/pool.ts';
import { type LabStore, openLabStore } from './lab-store.ts';

let lab: LabStore;
beforeAll(async () => {
  lab = await openLabStore();
});
afterAll(() => lab.stop());

const NOW = 1_800_000_000_000;
const boot = uuidv7(Date.now());
const aCall = async (node = 'here', nodeBoot = boot) => {
  const id = uuidv7(Date.now());
  const fields = { assistantId: null, name: null, type: 'webCall', status: 'queued' as const, request: {}, controlHash: null };
  await lab.store.calls.create({ id, organization: lab.organization, node, boot: nodeBoot, ...fields });
  return id;
};
const event = (call: string, seq: number, more: object = {}): StoredEvent => ({
  call,
  seq,
  at: seq * 1.5,
  wall: NOW + seq,
  type: 'reply.begun',
  ...more,
});
const delivery = (seq: number, more: Partial<NewDelivery> = {}): NewDelivery => ({
  seq,
  type: 'status-update',
  target: 'assistant-server',
  url: 'https://example.test/hook',
  destination: '{"secret":"whsec_x"}',
  body: `{"seq":${seq}}`,
  dueAt: NOW,
  ...more,
});
const append = (call: string, more: Partial<CallAppend> = {}): CallAppend => ({
  call,
  organization: lab.organization,
  fence: 1,
  events: [],
  change: {},
  deliveries: [],
  ...more,
});
const claim = (more: object = {}) => lab.store.outbox.claim({ node: 'here', now: NOW, leaseMs: 60_000, limit: 100, ...more });
const attempt = { status: 500, error: 'no', tookMs: 12.4, response: null };

describe('events', () => {
  it('stores events, row and deliveries of several calls together', async () => {
    const [a, b] = [await aCall(), await aCall()];
    const events = [
      event(a, 1, { type: 'call.created', from: '+1', facts: { deep: [1] } }),
      event(a, 2, { text: 'nul \u0000 half \udc00' }),
    ];
    const change = { status: 'in-progress', startedAt: NOW, facts: { x: 1 } } as const;
    const result = await lab.store.events.append([
      append(a, { events, change, deliveries: [delivery(1)] }),
      append(b, { events: [event(b, 1)], change: { facts: { y: 2 } } }),
    ]);
    expect(result).toEqual({ fenced: [] });
    expect(await lab.store.events.read(a)).toEqual([events[0], { ...events[1], text: 'nul \ufffd half \ufffd' }]);
    expect(await lab.store.events.read(a, 1, 1)).toHaveLength(1);
    expect(await lab.store.events.read(a, 2)).toEqual([]);
    expect(await lab.store.calls.find(a)).toMatchObject({ lastSeq: 2, status: 'in-progress', startedAt: new Date(NOW), facts: { x: 1 } });
    expect(await lab.store.calls.find(b)).toMatchObject({ lastSeq: 1, status: 'queued', startedAt: null, facts: { y: 2 } });
    expect(await lab.store.outbox.list(lab.organization, { call: a })).toMatchObject([{ seq: 1, state: 'pending', attempts: 0 }]);
  });

  it('may be repeated', async () => {
    const call = await aCall();
    const batch = [append(call, { events: [event(call, 1), event(call, 2)], deliveries: [delivery(2)] })];
    await lab.store.events.append(batch);
    await lab.store.events.append(batch);
    await lab.store.events.append([append(call, { events: [event(call, 2), event(call, 3)], deliveries: [delivery(2), delivery(3)] })]);
    expect((await lab.store.events.read(call)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await lab.store.outbox.list(lab.organization, { call })).toHaveLength(2);
    expect(await lab.store.calls.find(call)).toMatchObject({ lastSeq: 3 });
  });

  it('stores nothing of a call that another node owns, and all of the others', async () => {
    const [lost, kept, gone] = [await aCall(), await aCall(), uuidv7(Date.now())];
    await lab.store.calls.takeOver(lost, 1, { node: 'there', boot });
    const batch = [lost, kept, gone].map((call) =>
      append(call, { events: [event(call, 1)], deliveries: [delivery(1)], change: { status: 'ended', endedAt: NOW } }),
    );
    expect(await lab.store.events.append(batch)).toEqual({ fenced: [lost, gone] });
    expect(await lab.store.events.read(lost)).toEqual([]);
    expect(await lab.store.outbox.list(lab.organization, { call: lost })).toEqual([]);
    expect(await lab.store.calls.find(lost)).toMatchObject({ status: 'queued', endedAt: null });
    expect(await lab.store.calls.find(kept)).toMatchObject({ status: 'ended', endedAt: new Date(NOW) });
  });

  it('takes an empty batch, and a large one', async () => {
    expect(await lab.store.events.append([])).toEqual({ fenced: [] });
    const call = await aCall();
    const events = Array.from({ length: 2_000 }, (_, index) => event(call, index + 1, { text: 'word '.repeat(20) }));
    await lab.store.events.append([append(call, { events })]);
    expect(await lab.store.events.read(call)).toHaveLength(2_000);
  });

  it('goes with the removed call', async () => {
    const call = await aCall();
    await lab.store.events.append([
      append(call, { events: [event(call, 1)], deliveries: [delivery(1)], change: { status: 'ended', endedAt: NOW } }),
    ]);
    await lab.store.calls.remove(lab.organization, call);
    expect(await lab.store.events.read(call)).toEqual([]);
    expect(await lab.store.outbox.list(lab.organization, { call })).toEqual([]);
  });
});

describe('the outbox', () => {
  const filled = async (url: string, seqs: readonly number[], more: Partial<NewDelivery> = {}) => {
    const call = await aCall();
    const deliveries = seqs.map((seq) => delivery(seq, { url, ...more }));
    await lab.store.events.append([append(call, { events: seqs.map((seq) => event(call, seq)), deliveries })]);
    return call;
  };
  const mine = async (call: string, more: object = {}) => (await claim(more)).filter((each) => each.call === call);

  it('gives the first attempts of a call in order, one at a time', async () => {
    const call = await filled('https://a.test', [1, 2, 3]);
    const [first, ...rest] = await mine(call);
    expect(first).toMatchObject({ seq: 1, destination: '{"secret":"whsec_x"}', body: '{"seq":1}', attempts: 0 });
    expect(rest).toEqual([]);
    expect(await mine(call)).toEqual([]);
    if (!first) return;
    // A retry later stands in nobody's way.
    expect(await lab.store.outbox.record('here', first, attempt, { state: 'pending', dueAt: NOW + 5_000 })).toBe(true);
    const [second] = await mine(call);
    expect(second).toMatchObject({ seq: 2 });
    if (!second) return;
    expect(await lab.store.outbox.record('here', second, { ...attempt, status: 200, error: null }, { state: 'delivered' })).toBe(true);
    const third = await mine(call, { now: NOW + 5_000 });
    expect(third.map(({ seq, attempts }) => [seq, attempts])).toEqual([
      [3, 0],
      [1, 1],
    ]);
    const rows = await lab.store.outbox.list(lab.organization, { call });
    expect(rows.find((row) => row.seq === 2)).toMatchObject({ state: 'delivered', lastStatus: 200, attempts: 1 });
    expect(rows.find((row) => row.seq === 1)).toMatchObject({
      state: 'pending',
      lastStatus: 500,
      lastError: 'no',
      dueAt: new Date(NOW + 5_000),
    });
    expect(await lab.store.outbox.attempts(lab.organization, call)).toMatchObject([{ status: 500, tookMs: 12 }, { status: 200 }]);
  });

  it('keeps one claim per delivery between many nodes', async () => {
    const calls = await Promise.all(Array.from({ length: 20 }, (_, index) => filled(`https://b.test/${index}`, [1])));
    const claims = await Promise.all(Array.from({ length: 6 }, (_, node) => claim({ node: `node-${node}`, limit: 5 })));
    const taken = claims.flat().map((each) => each.id);
    expect(new Set(taken).size).toBe(taken.length);
    const rest = await claim();
    expect(
      claims
        .flat()
        .concat(rest)
        .filter((each) => calls.includes(each.call)),
    ).toHaveLength(20);
  });

  it('frees a lapsed claim, whose holder then decides nothing', async () => {
    const call = await filled('https://c.test', [1]);
    const [slow] = await mine(call, { node: 'slow', leaseMs: 0 });
    const [quick] = await mine(call, { node: 'quick' });
    expect(quick?.id).toBe(slow?.id);
    if (!slow || !quick) return;
    expect(await lab.store.outbox.record('slow', slow, attempt, { state: 'exhausted' })).toBe(false);
    expect(await lab.store.outbox.list(lab.organization, { call, state: 'pending' })).toHaveLength(1);
    expect(await lab.store.outbox.record('quick', quick, attempt, { state: 'exhausted' })).toBe(true);
    expect(await lab.store.outbox.list(lab.organization, { call, state: 'exhausted' })).toHaveLength(1);
  });

  it('leaves out the addresses that take nothing now, and what is not due', async () => {
    const busy = await filled('https://busy.test', [1]);
    const later = await filled('https://d.test', [1], { dueAt: NOW + 1 });
    const free = await filled('https://free.test', [1]);
    const taken = (await claim({ exceptUrls: ['https://busy.test'] })).map((each) => each.call);
    expect(taken).toContain(free);
    expect(taken).not.toContain(busy);
    expect(taken).not.toContain(later);
    expect(await lab.store.outbox.nextDue()).toBeLessThanOrEqual(NOW);
    expect((await lab.store.outbox.counts()).pending).toBeGreaterThan(1);
  });

  it('keeps an attempt that has no delivery', async () => {
    const call = await aCall();
    await lab.store.outbox.note({ ...attempt, organization: lab.organization, call, type: 'tool-calls', url: 'https://t.test' });
    const [row] = await lab.store.outbox.attempts(lab.organization, call);
    expect(row).toMatchObject({ delivery: null, type: 'tool-calls', status: 500 });
  });

  it('gives up what no key opens, and goes on with the rest', async () => {
    const [strange, fine] = [await aCall(), await aCall()];
    // Sealed for another organisation: as good as sealed by another key.
    const { id: organization } = await lab.store.organizations.ensure('another');
    await lab.store.events.append([
      append(strange, { organization, deliveries: [delivery(1)] }),
      append(fine, { deliveries: [delivery(1)] }),
    ]);
    const db = openPool(lab.url, {}, lab.scope, realClock, silentLog).db;
    await db.updateTable('outbox').set({ organization_id: lab.organization }).where('call_id', '=', strange).execute();
    const taken = (await claim()).map((each) => each.call);
    expect(taken).toContain(fine);
    expect(taken).not.toContain(strange);
    const [row] = await lab.store.outbox.list(lab.organization, { call: strange });
    expect(row).toMatchObject({ state: 'exhausted', lastError: expect.stringContaining('cannot be opened') });
    const kept = await db.selectFrom('outbox').select('sealed_destination').execute();
    expect(JSON.stringify(kept)).not.toContain('whsec_');
  });
});

describe('nodes', () => {
  const orphans = async () => (await lab.store.nodes.orphans()).map((row) => row.id);

  it('lets a call be orphaned by the lapse of its own node alone', async () => {
    const { nodes } = lab.store;
    const [alive, dead] = [uuidv7(Date.now()), uuidv7(Date.now())];
    await nodes.register('alive', alive, 60_000);
    await nodes.register('dead', dead, 0);
    const [kept, lost, over] = [await aCall('alive', alive), await aCall('dead', dead), await aCall('dead', dead)];
    await lab.store.calls.update(over, 1, { status: 'ended', endedAt: NOW });
    expect(await orphans()).toContain(lost);
    expect(await orphans()).not.toContain(kept);
    expect(await orphans()).not.toContain(over);
    await nodes.renew('dead', dead, 60_000);
    expect(await orphans()).not.toContain(lost);
    expect((await nodes.list()).filter((node) => node.alive).map((node) => node.id)).toEqual(['alive', 'dead']);
    await nodes.release('dead', dead);
    expect(await orphans()).toContain(lost);
  });

  it('tells an earlier boot of a living node from the present one', async () => {
    const { nodes } = lab.store;
    const [before, after] = [uuidv7(Date.now()), uuidv7(Date.now())];
    await nodes.register('again', before, 60_000);
    const left = await aCall('again', before);
    expect(await orphans()).not.toContain(left);
    await nodes.register('again', after, 60_000);
    const fresh = await aCall('again', after);
    expect(await orphans()).toContain(left);
    expect(await orphans()).not.toContain(fresh);
    await expect(nodes.renew('again', before, 60_000)).rejects.toMatchObject({ code: 'fenced' });
    await nodes.release('again', before);
    expect(await orphans()).not.toContain(fresh);
  });
});
