/** The hosts of a node: the least loaded first, each dead one replaced, never in a tight loop. */
import { describe, expect, it } from 'vitest';
import type { CallHost } from '../../src/host/protocol.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { hostPool } from '../../src/switchboard/host-pool.ts';

function pool(wanted: number) {
  const clock = new VirtualClock();
  const made: { name: string; at: number; calls: number; accepting: boolean; die: () => void; closed: boolean }[] = [];
  const lost: string[] = [];
  const makeHost = (name: string): CallHost => {
    let die: (detail: string) => void = () => {};
    const host = { name, at: clock.now(), calls: 0, accepting: true, die: () => die('planted'), closed: false };
    made.push(host);
    const onLost: CallHost['onLost'] = (take) => {
      die = take;
    };
    const close = async () => {
      host.closed = true;
    };
    return Object.assign(host, { send() {}, handOver() {}, onReport() {}, onLost, close });
  };
  const hosts = hostPool({ wanted, makeHost, clock, log: silentLog, onReport() {}, onLost: (host) => void lost.push(host.name) });
  return { clock, made, lost, hosts };
}

describe('a pool of hosts', () => {
  it('gives the least loaded host that accepts', () => {
    const { made, hosts } = pool(3);
    for (const [index, calls] of [4, 1, 2].entries()) Object.assign(made[index] ?? {}, { calls });
    expect(hosts.pick()?.name).toBe('host-2');
    Object.assign(made[1] ?? {}, { accepting: false });
    expect(hosts.pick()?.name).toBe('host-3');
    for (const host of made) host.accepting = false;
    expect(hosts.pick()).toBeUndefined();
    expect(hosts.accepting).toBe(false);
  });

  it('replaces a host that died, later and later while its successors die too', async () => {
    const { clock, made, lost } = pool(1);
    for (let i = 0; i < 8; i += 1) {
      made.at(-1)?.die();
      await clock.advance(10_000);
    }
    const waits = made.slice(1).map(({ at }, index) => at - index * 10_000);
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    await clock.advance(60_001);
    made.at(-1)?.die();
    await clock.advance(250);
    expect(made).toHaveLength(10);
    expect(lost).toEqual(made.slice(0, -1).map(({ name }) => name));
  });

  it('starts nothing once it is leaving', async () => {
    const { clock, made, hosts } = pool(2);
    made[0]?.die();
    hosts.drain();
    made[1]?.die();
    await clock.advance(60_000);
    expect(made).toHaveLength(2);
    expect(hosts.pick()).toBeUndefined();
    const closing = pool(2);
    await closing.hosts.close(1_000);
    expect(closing.made.every(({ closed }) => closed)).toBe(true);
    expect(closing.clock.waiting + clock.waiting).toBe(0);
  });
});
