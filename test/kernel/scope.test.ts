/** The laws of ownership: a closed scope stops everything inside it, leaks nothing, and names what does not obey. */
import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { isCancelled, rootScope, withDeadline, within } from '../../src/kernel/scope.ts';

const never = () => new Promise<never>(() => {});

describe('scope', () => {
  it('closes signal, children, work and cleanups, in this order', async () => {
    const order: string[] = [];
    const scope = rootScope('call');
    scope.signal.addEventListener('abort', () => order.push('signal'));
    const child = scope.child('reply');
    child.defer(() => void order.push('child cleanup'));
    scope.defer(() => void order.push('first registered cleanup'));
    scope.defer(() => void order.push('last registered cleanup'));
    scope.spawn('work', async (own) => {
      await own.wait(never()).catch(() => order.push('work saw the end'));
    });
    await settle();
    await scope.close('over');
    expect(order[0]).toBe('signal');
    expect(order.indexOf('work saw the end')).toBeLessThan(order.indexOf('last registered cleanup'));
    expect(order.slice(-2)).toEqual(['last registered cleanup', 'first registered cleanup']);
    expect(order).toContain('child cleanup');
    expect(scope.reason).toBe('over');
  });

  it('breaks a wait at once, with a cancellation that can be told from a failure', async () => {
    const scope = rootScope('call');
    const waiting = scope.wait(never());
    void scope.close('caller hung up');
    const error = await waiting.catch((e: unknown) => e);
    expect(isCancelled(error)).toBe(true);
    expect(String(error)).toContain('caller hung up');
    await expect(scope.wait(Promise.resolve(1))).rejects.toSatisfy(isCancelled);
  });

  it('swallows the late failure of a wait that was cut', async () => {
    const scope = rootScope('call');
    const { promise, reject } = Promise.withResolvers<void>();
    const waiting = scope.wait(promise).catch((e: unknown) => e);
    await scope.close('over');
    reject(new Error('too late'));
    expect(isCancelled(await waiting)).toBe(true);
    await settle();
  });

  it('closes a scope whose work fails, and reports the failure once', async () => {
    const failures: string[] = [];
    const scope = rootScope('call', { onFailure: (error, path) => failures.push(`${path}: ${(error as Error).message}`) });
    scope.spawn('model', async () => {
      throw new Error('boom');
    });
    await settle();
    expect(scope.closed).toBe(true);
    expect(failures).toEqual(['call/model: boom']);
  });

  it('names work that ignores its signal after the deadline, and goes on', async () => {
    const clock = new VirtualClock();
    const stuck: string[] = [];
    const scope = rootScope('call', { clock, deadlineMs: 1_000, onStuck: (path, names) => stuck.push(`${path}: ${names.join()}`) });
    scope.spawn('deaf', never);
    const closing = scope.close('over');
    await clock.advance(999);
    expect(stuck).toEqual([]);
    await clock.advance(1);
    await closing;
    expect(stuck).toEqual(['call: deaf']);
    expect(clock.waiting).toBe(0);
  });

  it('forgets children and waiters: memory stays flat over many cut replies', async () => {
    const call = rootScope('call');
    const run = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const reply = call.child('reply');
        const waiting = reply.wait(never()).catch(() => {});
        void reply.close('cut');
        await waiting;
      }
      await settle();
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    const warm = await run(5_000);
    const after = await run(20_000);
    expect(after - warm).toBeLessThan(8_000_000);
    await call.close('over');
  });

  it('closes a child that is born after its parent closed, and runs late cleanups at once', async () => {
    const scope = rootScope('call');
    await scope.close('over');
    expect(scope.child('late').closed).toBe(true);
    let cleaned = false;
    scope.defer(() => {
      cleaned = true;
    });
    expect(cleaned).toBe(true);
  });

  it('within closes its scope on every way out', async () => {
    const parent = rootScope('call');
    let seen: { closed: boolean } | undefined;
    await expect(
      within(parent, 'tool', async (scope) => {
        seen = scope;
        throw new AywaError('tool_failed');
      }),
    ).rejects.toThrow('usable answer');
    expect(seen?.closed).toBe(true);
    expect(parent.closed).toBe(false);
  });

  it('withDeadline rejects with a timeout and closes the work', async () => {
    const clock = new VirtualClock();
    const parent = rootScope('call', { clock });
    let closed = false;
    const work = withDeadline(parent, 'webhook', 500, async (scope) => {
      scope.defer(() => {
        closed = true;
      });
      return scope.wait(never());
    }).catch((e: unknown) => e);
    await clock.advance(500);
    expect(await work).toMatchObject({ code: 'timeout' });
    await settle();
    expect(closed).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('withDeadline leaves no timer, whichever way the work ends', async () => {
    const clock = new VirtualClock();
    const parent = rootScope('call', { clock });
    const ways: (() => Promise<unknown>)[] = [
      () => {
        throw new Error('at once');
      },
      () => Promise.reject(new Error('later')),
      () => Promise.resolve('done'),
    ];
    for (const work of ways) await withDeadline(parent, 'work', 5_000, work).catch(() => {});
    expect(clock.waiting).toBe(0);
    const open = withDeadline(parent, 'work', 5_000, never).catch((error: unknown) => error);
    await parent.close('the call is over');
    expect(await open).toMatchObject({ code: 'cancelled' });
    expect(clock.waiting).toBe(0);
  });

  it('a scope knows what its own work threw, and that nobody else closed it', async () => {
    const broken = rootScope('call');
    const failure = new Error('planted');
    broken.spawn('work', () => Promise.reject(failure));
    await settle();
    expect(broken.failure).toBe(failure);
    const closed = rootScope('call');
    await closed.close('shutdown');
    expect(closed.failure).toBeUndefined();
  });
});
