/** Deliveries from a real outbox to real sockets: signed, in order, retried, and nobody waits for a dead address. */
import { createServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDispatcher, DISPATCH, type DispatcherDeps } from '../../src/journal/dispatcher.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { Outbox } from '../../src/store/outbox.ts';
import { type LabStore, openLabStore } from '../store/lab-store.ts';
import { openCall } from './lab-journal.ts';
import { openReceiver, type Receiver } from './receiver.ts';

const SECRET = 'the secret of the owner, long enough to sign with';

let lab: LabStore;
let scope: Scope;
const open: { stop(): Promise<void> }[] = [];
/** The calls of the test that runs: what others left behind does not count. */
const mine = new Set<string>();
beforeAll(async () => {
  lab = await openLabStore();
});
afterEach(async () => {
  await scope.close('test over');
  mine.clear();
  for (const one of open.splice(0)) await one.stop();
});
afterAll(() => lab.stop());

async function receiver(behaviour?: Parameters<typeof openReceiver>[0]): Promise<Receiver> {
  const made = await openReceiver(behaviour);
  open.push(made);
  return made;
}

/** A dispatcher that says when an attempt was written down. */
function dispatch(changes: Partial<DispatcherDeps> = {}) {
  scope = rootScope('dispatch');
  const recorded: Parameters<Outbox['record']>[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const record: Outbox['record'] = async (...given) => {
    const done = await lab.store.outbox.record(...given);
    if (!mine.has(given[1].call)) return done;
    recorded.push(given);
    for (const waiter of waiting) if (recorded.length >= waiter.count) waiter.resolve();
    return done;
  };
  const dispatcher = createDispatcher({
    store: { outbox: { ...lab.store.outbox, record } },
    node: 'node-1',
    egress: createEgress('any'),
    secret: SECRET,
    metrics: { webhookAttempt: () => {} },
    clock: realClock,
    scope,
    log: silentLog,
    settings: { pollMs: 20, jitter: 0 },
    ...changes,
  });
  const wrote = (count: number) =>
    new Promise<void>((resolve) => (recorded.length >= count ? resolve() : waiting.push({ count, resolve })));
  return { dispatcher, recorded, wrote };
}

/** A call with one delivery per `seq`, as the journal writes them. */
async function ask(url: string, count = 1, target: Record<string, unknown> = {}): Promise<string> {
  const id = uuidv7(Date.now());
  mine.add(id);
  const { row } = openCall(lab, id);
  await lab.store.calls.create({ ...row, name: null, status: 'queued', node: 'node-1', boot: uuidv7(1) });
  const destination = JSON.stringify({ name: 'assistant', url, secret: null, headers: {}, timeoutMs: 20_000, ...target });
  const deliveries = Array.from({ length: count }, (_, index) => {
    const body = JSON.stringify({ message: { type: 'status-update', seq: index + 1, call: { id } } });
    return { seq: index + 1, type: 'status-update', target: 'assistant', url, destination, body, dueAt: Date.now() };
  });
  await lab.store.events.append([{ call: id, organization: lab.organization, fence: 1, events: [], change: {}, deliveries }]);
  return id;
}

const statesOf = async (call: string) => (await lab.store.outbox.list(lab.organization, { call })).map((one) => one.state);

describe('a delivery', () => {
  it('is signed so that the reference library believes it, on each attempt with a new time and the same id and body', async () => {
    const { url, got, received, behave } = await receiver((_, response) => void response.writeHead(500).end('not yet'));
    const call = await ask(url, 1, { headers: { 'x-team': 'a' }, secret: 'older secret' });
    const { wrote } = dispatch({ settings: { pollMs: 20, jitter: 0, retryAfterMs: [1_000] } });
    await got(1);
    behave((_, response) => void response.writeHead(204).end());
    await wrote(2);
    expect(received).toHaveLength(2);
    const [first, second] = received;
    for (const one of received) {
      expect(new Webhook(SECRET, { format: 'raw' }).verify(one.body, one.headers)).toMatchObject({ message: { call: { id: call } } });
      expect(one.headers).toMatchObject({ 'x-team': 'a', 'x-vapi-secret': 'older secret' });
    }
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp']);
    expect(await statesOf(call)).toEqual(['delivered']);
    expect(
      (await lab.store.outbox.attempts(lab.organization, call)).map(({ status, error, response }) => ({ status, error, response })),
    ).toEqual([
      { status: 500, error: 'answered 500', response: 'not yet' },
      { status: 204, error: null, response: '' },
    ]);
  });

  it('reaches its target in order, whatever fails on the way', async () => {
    const { url, received } = await receiver((one, response) => void response.writeHead(one.message.seq % 3 === 0 ? 503 : 200).end());
    const calls = [await ask(url, 12), await ask(url, 12)];
    const { wrote } = dispatch({ settings: { pollMs: 20, jitter: 0, retryAfterMs: [3_600_000], breakAfter: 100 } });
    await wrote(24);
    for (const call of calls) {
      const seqs = received.filter((one) => one.message.call.id === call).map((one) => one.message.seq);
      expect(seqs).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    }
  });

  it('ends after its last attempt, or at once when the receiver wants no more', async () => {
    const failing = await receiver((_, response) => void response.writeHead(500).end());
    const gone = await receiver((_, response) => void response.writeHead(410).end());
    const moved = await receiver((_, response) => void response.writeHead(302, { location: failing.url }).end());
    const calls = [await ask(failing.url), await ask(gone.url), await ask(moved.url)];
    const { wrote } = dispatch({ settings: { pollMs: 5, jitter: 0, retryAfterMs: [1, 1] } });
    await wrote(3 + 1 + 3);
    expect((await Promise.all(calls.map(statesOf))).flat()).toEqual(['exhausted', 'exhausted', 'exhausted']);
    expect([failing, gone, moved].map((one) => one.received.length)).toEqual([3, 1, 3]);
  });

  it('waits as long as its schedule and the receiver say', async () => {
    const busy = await receiver((_, response) => void response.writeHead(429, { 'retry-after': '120' }).end());
    const down = await receiver((_, response) => void response.writeHead(500).end());
    const before = Date.now();
    const calls = [await ask(busy.url), await ask(down.url)];
    const { wrote, recorded } = dispatch({ settings: { pollMs: 20 } });
    await wrote(2);
    const due = (call: string | undefined) => {
      const verdict = recorded.find(([, delivery]) => delivery.call === call)?.[3];
      return verdict?.state === 'pending' ? verdict.dueAt - before : Number.NaN;
    };
    const spent = Date.now() - before;
    expect(due(calls[0])).toBeGreaterThanOrEqual(120_000);
    expect(due(calls[0])).toBeLessThanOrEqual(120_000 + spent);
    expect(due(calls[1])).toBeGreaterThanOrEqual(4_000);
    expect(due(calls[1])).toBeLessThanOrEqual(6_000 + spent);
  });

  it('is not sent to an address that is not allowed', async () => {
    const call = await ask('http://169.254.169.254/latest');
    const { wrote } = dispatch({ egress: createEgress('public') });
    await wrote(1);
    expect(await statesOf(call)).toEqual(['skipped']);
  });

  it('reads little of a hostile answer and keeps less, without the secrets in it', async () => {
    const endless = await receiver((_, response) => {
      response.writeHead(200);
      response.on('error', () => {});
      const more = () => {
        while (response.write('x'.repeat(16_384))) if (response.destroyed) return;
        response.once('drain', more);
      };
      more();
    });
    const echo = await receiver((one, response) => void response.end(`${one.headers['x-vapi-secret']} \0 ${one.headers.authorization}`));
    const calls = [
      await ask(endless.url),
      await ask(echo.url, 1, { secret: 'a planted secret', headers: { authorization: 'Bearer planted' } }),
    ];
    const { wrote } = dispatch();
    await wrote(2);
    expect((await Promise.all(calls.map(statesOf))).flat()).toEqual(['delivered', 'delivered']);
    const [stored, echoed] = (await Promise.all(calls.map((call) => lab.store.outbox.attempts(lab.organization, call)))).flat();
    expect(stored?.response).toHaveLength(4096);
    expect(echoed?.response).toMatch(/^\[redacted\] . \[redacted\]$/);
  });

  it('survives a dispatcher that died with it in hand', async () => {
    const { url, got } = await receiver();
    const call = await ask(url);
    // Claimed by a node that never came back; the lease lapses.
    await lab.store.outbox.claim({ node: 'dead', now: Date.now(), leaseMs: 50, limit: 10 });
    const { wrote } = dispatch();
    await got(1);
    await wrote(1);
    expect(await statesOf(call)).toEqual(['delivered']);
  });

  it('is written down even when the database was away in between', async () => {
    const { url, received } = await receiver();
    const call = await ask(url);
    let refusals = 3;
    const { AywaError } = await import('../../src/kernel/errors.ts');
    const { promise: written, resolve } = Promise.withResolvers<void>();
    const record: Outbox['record'] = async (...given) => {
      refusals -= 1;
      if (refusals >= 0) throw new AywaError('store_away');
      const done = await lab.store.outbox.record(...given);
      resolve();
      return done;
    };
    dispatch({ store: { outbox: { ...lab.store.outbox, record } } });
    await written;
    expect(received).toHaveLength(1);
    expect(await statesOf(call)).toEqual(['delivered']);
  });
});

describe('a dead address', () => {
  it('delays no other: hanging receivers hold their few sockets, the healthy one gets everything', async () => {
    const hanging = await Promise.all(Array.from({ length: 20 }, () => receiver(() => {})));
    for (const one of hanging) for (let i = 0; i < 6; i += 1) await ask(one.url);
    const healthy = await receiver();
    const calls = await Promise.all(Array.from({ length: 10 }, () => ask(healthy.url, 5)));
    const { wrote } = dispatch();
    await wrote(50);
    expect((await Promise.all(calls.map(statesOf))).flat().every((state) => state === 'delivered')).toBe(true);
    expect(healthy.received).toHaveLength(50);
    for (const one of hanging) expect(one.received.length).toBeLessThanOrEqual(7);
  });

  it('rests after failures in a row, and is tried again later', async () => {
    const { url, received, behave } = await receiver((_, response) => void response.writeHead(500).end());
    for (let i = 0; i < 12; i += 1) await ask(url);
    const { wrote } = dispatch({
      settings: { pollMs: 10, jitter: 0, retryAfterMs: [1, 1, 1, 1, 1, 1, 1, 1, 1], breakAfter: 5, breakMs: 400 },
    });
    await wrote(5);
    // What was in flight when the breaker opened still arrives, no more than that.
    const opened = received.length;
    expect(opened).toBeLessThanOrEqual(5 + 7);
    behave((_, response) => void response.end());
    await wrote(opened + 12);
    expect(received.length).toBeGreaterThanOrEqual(opened + 12);
  });

  it('may be one that accepts and says nothing that is HTTP', async () => {
    const raw = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write('ho ho ho\r\n\r\n')));
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const address = raw.address();
    const call = await ask(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    const { wrote } = dispatch();
    await wrote(1);
    const [attempt] = await lab.store.outbox.attempts(lab.organization, call);
    expect(attempt).toMatchObject({ status: null });
    expect(attempt?.error).toContain('provider_network');
    expect(await statesOf(call)).toEqual(['pending']);
    raw.close();
  });
});

describe('the schedule', () => {
  it('is ten attempts over 75 hours', () => {
    const hours = DISPATCH.retryAfterMs.reduce((sum, ms) => sum + ms, 0) / 3_600_000;
    expect(DISPATCH.retryAfterMs).toHaveLength(9);
    expect(Math.floor(hours)).toBe(75);
  });
});
