/** Clock, mailbox, channel, ids, errors, addresses: the small laws that everything else leans on. */
import { describe, expect, it } from 'vitest';
import { isPublicAddress, judgeUrl } from '../../src/kernel/addresses.ts';
import { channel } from '../../src/kernel/channel.ts';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError, asAywaError, ERRORS } from '../../src/kernel/errors.ts';
import { equalInConstantTime, isUuid, randomToken, uuidv7 } from '../../src/kernel/ids.ts';
import { mailbox } from '../../src/kernel/mailbox.ts';
import { rootScope } from '../../src/kernel/scope.ts';

describe('virtual clock', () => {
  it('fires timers in order of time, then of creation, and drains promises between them', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.timer(20, () => seen.push(`b at ${clock.now()}`));
    clock.timer(10, () => {
      seen.push(`a at ${clock.now()}`);
      void Promise.resolve().then(() => clock.timer(5, () => seen.push(`inner at ${clock.now()}`)));
    });
    clock.timer(20, () => seen.push('c'));
    await clock.advance(100);
    expect(seen).toEqual(['a at 10', 'inner at 15', 'b at 20', 'c']);
    expect(clock.now()).toBe(100);
    expect(clock.waiting).toBe(0);
  });

  it('sleep ends with its scope and leaves no timer', async () => {
    const clock = new VirtualClock();
    const scope = rootScope('call', { clock });
    const sleeping = clock.sleep(1_000, scope).catch((e: unknown) => e);
    await scope.close('over');
    expect(await sleeping).toMatchObject({ code: 'cancelled' });
    expect(clock.waiting).toBe(0);
  });
});

describe('mailbox', () => {
  it('handles one input to completion before the next, even when handling posts', () => {
    const seen: string[] = [];
    const box = mailbox<string>(
      (input) => {
        seen.push(`begin ${input}`);
        if (input === 'a') box.post('b');
        seen.push(`end ${input}`);
      },
      () => {},
    );
    box.post('a');
    expect(seen).toEqual(['begin a', 'end a', 'begin b', 'end b']);
  });

  it('closes when a handler throws: the state is unknown from there on', () => {
    const failures: unknown[] = [];
    const seen: number[] = [];
    const box = mailbox<number>(
      (input) => {
        if (input === 2) throw new Error('bug');
        seen.push(input);
      },
      (error) => failures.push(error),
    );
    for (const input of [1, 2, 3]) box.post(input);
    expect(seen).toEqual([1]);
    expect(failures).toHaveLength(1);
    expect(box.closed).toBe(true);
  });
});

describe('channel', () => {
  it('gives what was pushed, then ends', async () => {
    const items = channel<number>(rootScope('s'));
    items.push(1);
    items.push(2);
    items.close();
    expect(items.push(3)).toBe(false);
    expect(await Array.fromAsync(items)).toEqual([1, 2]);
  });

  it('ends with its scope, and drops the oldest past its bound', async () => {
    const scope = rootScope('s');
    const items = channel<number>(scope, 2);
    for (const item of [1, 2, 3]) items.push(item);
    expect(items.dropped).toBe(1);
    const reading = Array.fromAsync(items);
    await settle();
    await scope.close('over');
    expect(await reading).toEqual([2, 3]);
  });

  it('throws a failure after what was queued', async () => {
    const items = channel<number>(rootScope('s'));
    items.push(1);
    items.fail(new AywaError('provider_network'));
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of items) seen.push(item);
      })(),
    ).rejects.toMatchObject({ code: 'provider_network' });
    expect(seen).toEqual([1]);
  });
});

describe('ids', () => {
  it('makes version 7 UUIDs that sort by time', () => {
    const early = uuidv7(Date.UTC(2026, 0, 1));
    const late = uuidv7(Date.UTC(2026, 0, 2));
    expect(isUuid(early)).toBe(true);
    expect(early[14]).toBe('7');
    expect('89ab').toContain(early[19]);
    expect(early < late).toBe(true);
  });

  it('makes tokens of 256 bits and compares without leaking length', () => {
    expect(Buffer.from(randomToken(), 'base64url')).toHaveLength(32);
    expect(equalInConstantTime('a', 'a')).toBe(true);
    expect(equalInConstantTime('a', 'aa')).toBe(false);
  });
});

describe('errors', () => {
  it('says what happened and what to do next, for every code', () => {
    for (const [code, row] of Object.entries(ERRORS)) {
      expect(row.message, code).toMatch(/^[A-Z].*\.$/);
      expect(row.fix, code).toMatch(/^[A-Z].*\.$/);
      expect(row.status, code).toBeGreaterThanOrEqual(400);
    }
  });

  it('keeps an error of the table and wraps any other', () => {
    const known = new AywaError('not_found');
    expect(asAywaError(known)).toBe(known);
    expect(asAywaError(new TypeError('x is not a function'))).toMatchObject({ code: 'bug', status: 500 });
  });
});

describe('addresses', () => {
  it('knows which addresses are not the public internet', () => {
    const denied = [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.255.255',
      '192.168.0.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1%eth0',
      'fc00::1',
      '::ffff:127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      'not an address',
    ];
    for (const address of denied) expect(isPublicAddress(address), address).toBe(false);
    for (const address of ['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '::ffff:8.8.8.8'])
      expect(isPublicAddress(address), address).toBe(true);
  });

  it('refuses URLs by scheme, credentials and literal address, in every spelling', () => {
    const bad = [
      'ftp://example.com/',
      'http://user:pw@example.com/',
      'http://127.0.0.1/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://0177.0.0.1/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://①②⑦.0.0.1/',
      'nonsense',
    ];
    for (const url of bad) expect(() => judgeUrl(url, ['http:', 'https:'], 'public'), url).toThrow(AywaError);
    expect(judgeUrl('http://127.0.0.1:9/', ['http:'], 'any').hostname).toBe('127.0.0.1');
    expect(judgeUrl('https://example.com/a', ['https:'], 'public').pathname).toBe('/a');
  });
});
