import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/kernel/ids.ts';
import type { NewCall } from '../../src/store/calls.ts';
import { type LabStore, openLabStore } from './lab-store.ts';

let lab: LabStore;
let mine: string;
let other: string;
beforeAll(async () => {
  lab = await openLabStore();
  mine = lab.organization;
  other = (await lab.store.organizations.ensure('other')).id;
});
afterAll(() => lab.stop());

const newCall = (more: Partial<NewCall> = {}): NewCall => ({
  id: uuidv7(Date.now()),
  organization: mine,
  assistantId: null,
  name: null,
  type: 'webCall',
  status: 'queued',
  request: {},
  controlHash: null,
  node: 'here',
  boot: uuidv7(Date.now()),
  ...more,
});

/** Times hold milliseconds: what must have an order is made in different ones. */
const inTheNextMillisecond = () => {
  for (const now = Date.now(); Date.now() === now; );
};

describe('organizations', () => {
  it('makes each name once, also when asked at once', async () => {
    const rows = await Promise.all(Array.from({ length: 8 }, () => lab.store.organizations.ensure('together')));
    expect(new Set(rows.map((row) => row.id)).size).toBe(1);
    expect(await lab.store.organizations.get(mine)).toMatchObject({ name: 'default' });
    expect(await lab.store.organizations.get('nonsense')).toBeUndefined();
    expect((await lab.store.organizations.list()).map((row) => row.name)).toContain('together');
  });
});

describe('assistants', () => {
  it('keeps what it was given, letters that JSON columns refuse aside', async () => {
    const { assistants } = lab.store;
    const definition = {
      firstMessage: 'Ol\u00e1 \ud83d\ude00',
      nested: { MixedCase: [1, null, true] },
      bad: 'a\u0000b\ud800c',
      kept: '\\u0000',
    };
    const made = await assistants.create(mine, { name: 'Front\u0000desk', definition });
    expect(await assistants.get(mine, made.id)).toEqual(made);
    expect(made.name).toBe('Front\ufffddesk');
    expect(made.definition).toEqual({ ...definition, bad: 'a\ufffdb\ufffdc' });
  });

  it('is found by id or by the newest of its name', async () => {
    const { assistants } = lab.store;
    const older = await assistants.create(mine, { name: 'Twin', definition: { n: 1 } });
    inTheNextMillisecond();
    const newer = await assistants.create(mine, { name: 'Twin', definition: { n: 2 } });
    await assistants.update(mine, newer.id, ({ name, definition }) => ({ name, definition: { ...definition, later: true } }));
    expect((await assistants.find(mine, older.id))?.definition).toEqual({ n: 1 });
    expect((await assistants.find(mine, 'Twin'))?.definition).toEqual({ n: 2, later: true });
    expect(await assistants.find(mine, "no'body")).toBeUndefined();
  });

  it('loses no concurrent change', async () => {
    const { assistants } = lab.store;
    const { id } = await assistants.create(mine, { name: null, definition: { count: 0 } });
    const add = () =>
      assistants.update(mine, id, ({ name, definition }) => ({ name, definition: { count: Number(definition.count) + 1 } }));
    await Promise.all(Array.from({ length: 10 }, add));
    expect((await assistants.get(mine, id))?.definition).toEqual({ count: 10 });
  });

  it('writes nothing when the change throws', async () => {
    const { assistants } = lab.store;
    const made = await assistants.create(mine, { name: 'as it was', definition: {} });
    const refuse = () => {
      throw new Error('refused');
    };
    await expect(assistants.update(mine, made.id, refuse)).rejects.toThrow('refused');
    expect(await assistants.get(mine, made.id)).toEqual(made);
  });

  it('shows nothing to another organisation', async () => {
    const { assistants } = lab.store;
    const { id } = await assistants.create(mine, { name: 'Hidden', definition: {} });
    expect(await assistants.get(other, id)).toBeUndefined();
    expect(await assistants.find(other, 'Hidden')).toBeUndefined();
    expect(await assistants.update(other, id, (row) => row)).toBeUndefined();
    expect(await assistants.remove(other, id)).toBeUndefined();
    expect(await assistants.list(other)).toEqual([]);
    expect(await assistants.remove(mine, id)).toMatchObject({ id, name: 'Hidden' });
    expect(await assistants.remove(mine, id)).toBeUndefined();
    expect(await assistants.get(mine, 'not-an-id')).toBeUndefined();
  });

  it('lists newest first, within limit and dates', async () => {
    const { assistants, organizations } = lab.store;
    const { id: org } = await organizations.ensure('listing');
    const made = [];
    for (let n = 0; n < 5; n++) {
      made.push(await assistants.create(org, { name: `${n}`, definition: {} }));
      inTheNextMillisecond();
    }
    const ids = made.map((row) => row.id).reverse();
    expect((await assistants.list(org)).map((row) => row.id)).toEqual(ids);
    expect((await assistants.list(org, { limit: 2 })).map((row) => row.id)).toEqual(ids.slice(0, 2));
    expect(await assistants.list(org, { limit: 0 })).toEqual([]);
    const middle = made[2]?.createdAt;
    const bounds = ['createdAtGe', 'createdAtLt', 'createdAtGt', 'createdAtLe'] as const;
    const [ge = 0, lt = 0, gt = 0, le = 0] = await Promise.all(
      bounds.map(async (bound) => (await assistants.list(org, { [bound]: middle })).length),
    );
    expect({ ge, lt, gt, le }).toEqual({ ge: 3, lt: 2, gt: 2, le: 3 });
    expect(await assistants.list(org, { updatedAtGt: new Date(Date.now() + 60_000) })).toEqual([]);
  });
});

describe('credentials', () => {
  it('shows no secret, and opens it for its own organisation alone', async () => {
    const { credentials } = lab.store;
    const first = await credentials.create(mine, { provider: 'deepgram', name: 'old', shown: {}, secrets: { apiKey: 'dg-old' } });
    inTheNextMillisecond();
    const second = await credentials.create(mine, {
      provider: 'deepgram',
      name: 'new',
      shown: { region: 'eu' },
      secrets: { apiKey: 'dg-new' },
    });
    expect(JSON.stringify([await credentials.list(mine), await credentials.get(mine, first.id)])).not.toContain('dg-');
    expect(await credentials.list(mine, { provider: 'openai' })).toEqual([]);
    expect(await credentials.open(mine, first.id)).toEqual({ ...first, secrets: { apiKey: 'dg-old' } });
    expect(await credentials.openLatest(mine, 'deepgram')).toEqual({ ...second, secrets: { apiKey: 'dg-new' } });
    expect(await credentials.open(other, first.id)).toBeUndefined();
    expect(await credentials.openLatest(other, 'deepgram')).toBeUndefined();
    expect(await credentials.remove(mine, first.id)).toMatchObject({ id: first.id });
    expect(await credentials.get(mine, first.id)).toBeUndefined();
  });
});

describe('calls', () => {
  it('is created once, however often it is asked for', async () => {
    const { calls } = lab.store;
    const call = newCall({ request: { customer: { number: '+1' } } });
    const made = await calls.create(call);
    expect(made).toMatchObject({ fence: 1, lastSeq: 0, status: 'queued', facts: {}, endedAt: null });
    expect(await calls.create({ ...call, type: 'other' })).toEqual(made);
    await expect(calls.create({ ...call, organization: other })).rejects.toMatchObject({ code: 'conflict' });
    expect(await calls.find(call.id)).toEqual(made);
    expect(await calls.get(other, call.id)).toBeUndefined();
    expect(await calls.find('nonsense')).toBeUndefined();
  });

  it('is filtered as Vapi does', async () => {
    const { calls } = lab.store;
    const assistantId = uuidv7(Date.now());
    const call = await calls.create(newCall({ assistantId }));
    await calls.create(newCall());
    expect((await calls.list(mine, { assistantId })).map((row) => row.id)).toEqual([call.id]);
    expect((await calls.list(mine, { id: call.id })).map((row) => row.id)).toEqual([call.id]);
    expect(await calls.list(mine, { assistantId: 'nonsense' })).toEqual([]);
    expect(await calls.list(other)).toEqual([]);
  });

  it('takes writes of its owner alone', async () => {
    const { calls } = lab.store;
    const { id } = await calls.create(newCall());
    await calls.update(id, 1, { status: 'in-progress', startedAt: 1_700_000_000_123, facts: { carrier: 'twilio' } });
    const fence = await calls.takeOver(id, 1, { node: 'there', boot: uuidv7(Date.now()) });
    expect(fence).toBe(2);
    await expect(calls.update(id, 1, { status: 'ended' })).rejects.toMatchObject({ code: 'fenced' });
    await expect(calls.takeOver(id, 1, { node: 'late', boot: uuidv7(Date.now()) })).rejects.toMatchObject({ code: 'fenced' });
    await calls.update(id, 2, { facts: { cost: 3 } });
    const row = await calls.get(mine, id);
    expect(row).toMatchObject({ status: 'in-progress', node: 'there', facts: { carrier: 'twilio', cost: 3 } });
    expect(row?.startedAt?.getTime()).toBe(1_700_000_000_123);
  });

  it('is renamed at any time, and removed when it is over', async () => {
    const { calls } = lab.store;
    const { id } = await calls.create(newCall());
    expect(await calls.rename(mine, id, 'VIP')).toMatchObject({ name: 'VIP' });
    expect(await calls.rename(other, id, 'stolen')).toBeUndefined();
    await expect(calls.remove(mine, id)).rejects.toMatchObject({ code: 'conflict' });
    await calls.update(id, 1, { status: 'ended', endedAt: Date.now(), endedReason: 'api', endedMessage: null });
    expect(await calls.remove(other, id)).toBeUndefined();
    expect(await calls.remove(mine, id)).toMatchObject({ id, name: 'VIP', endedReason: 'api' });
    expect(await calls.get(mine, id)).toBeUndefined();
  });
});

describe('idempotency', () => {
  const place = (key: string) => ({ organization: mine, route: 'POST /call', key });

  it('runs once and repeats the answer', async () => {
    const { idempotency } = lab.store;
    const begun = await Promise.all(Array.from({ length: 6 }, () => idempotency.begin(place('k1'), 'hash')));
    const first = begun.find((each) => each.state === 'new');
    expect(begun.map((each) => each.state).sort()).toEqual(['new', 'running', 'running', 'running', 'running', 'running']);
    if (first?.state !== 'new') return expect.unreachable();
    await idempotency.finish(place('k1'), first.holder, 201, { id: 'x', list: ['\u0000'] });
    expect(await idempotency.begin(place('k1'), 'hash')).toEqual({ state: 'done', status: 201, response: { id: 'x', list: ['\ufffd'] } });
    expect(await idempotency.begin(place('k1'), 'another')).toEqual({ state: 'mismatch' });
    expect((await idempotency.begin({ ...place('k1'), organization: other }, 'hash')).state).toBe('new');
  });

  it('is free again after a failure, and a late answer of the earlier holder counts for nothing', async () => {
    const { idempotency } = lab.store;
    const first = await idempotency.begin(place('k2'), 'hash');
    if (first.state !== 'new') return expect.unreachable();
    await idempotency.abandon(place('k2'), first.holder);
    expect((await idempotency.begin(place('k2'), 'hash')).state).toBe('new');
    await idempotency.finish(place('k2'), first.holder, 500, {});
    expect(await idempotency.begin(place('k2'), 'hash')).toEqual({ state: 'running' });
    expect(await idempotency.prune()).toBe(0);
  });
});

describe('API keys', () => {
  it('lets in the whole key and nothing else', async () => {
    const { apiKeys } = lab.store;
    const { key, row } = await apiKeys.create(mine, { name: 'ci', scopes: ['call:write'], kind: 'live' });
    expect(key).toMatch(/^ak_live_[0-9a-f]{16}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/);
    expect(await apiKeys.authenticate(key)).toMatchObject({ id: row.id, organization: mine, scopes: ['call:write'], revokedAt: null });
    const { key: second } = await apiKeys.create(mine, { name: 'two', scopes: [], kind: 'live' });
    for (const wrong of [
      '',
      'x',
      key.slice(0, -1),
      `${key}0`,
      key.toUpperCase(),
      key.slice(0, 25) + second.slice(25),
      key.replace('live', 'lab'),
    ]) {
      expect(await apiKeys.authenticate(wrong), wrong).toBeUndefined();
    }
    expect((await apiKeys.list(mine)).find((each) => each.id === row.id)?.lastUsedAt).toBeInstanceOf(Date);
    expect(await apiKeys.revoke(other, row.id)).toBeUndefined();
    expect((await apiKeys.revoke(mine, row.id))?.revokedAt).toBeInstanceOf(Date);
    expect(await apiKeys.authenticate(key)).toBeUndefined();
  });

  it("takes the operator's key as it is, once, and the next one in its place", async () => {
    const { apiKeys } = lab.store;
    const given = 'a key of the operator, 32 characters or more';
    await apiKeys.ensureAdminKey(mine, given);
    await apiKeys.ensureAdminKey(mine, given);
    expect(await apiKeys.authenticate(given)).toMatchObject({ organization: mine, scopes: ['*'] });
    const next = 'the next key of the operator, after a leak';
    await apiKeys.ensureAdminKey(mine, next);
    expect(await apiKeys.authenticate(given)).toBeUndefined();
    expect(await apiKeys.authenticate(next)).toMatchObject({ scopes: ['*'] });
    // In the lab a key may be as short as its owner likes; production refuses it before the store is opened.
    await apiKeys.ensureAdminKey(mine, 'short');
    expect(await apiKeys.authenticate('short')).toMatchObject({ scopes: ['*'] });
    expect(await apiKeys.authenticate(next)).toBeUndefined();
    await expect(apiKeys.ensureAdminKey(mine, '')).rejects.toMatchObject({ code: 'config_refused' });
    const { key } = await apiKeys.create(mine, { name: 'x', scopes: [], kind: 'live' });
    await expect(apiKeys.ensureAdminKey(mine, key.slice(0, -3))).rejects.toThrow('checksum');
  });
});
