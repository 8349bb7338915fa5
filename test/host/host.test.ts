/** Call hosts: the contract over both forms, and what only a process of its own can suffer. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { childHost } from '../../src/host/child.ts';
import { hostGauge } from '../../src/host/gauge.ts';
import { createHost } from '../../src/host/host.ts';
import { inProcessHost } from '../../src/host/in-process.ts';
import type { Report } from '../../src/host/protocol.ts';
import { realClock, VirtualClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { SIDS } from '../carriers/twilio-wire.ts';
import { hostContract, say } from './contract.ts';
import { fakeParts } from './fake-parts.ts';
import { carrierRest, client, clientLeg, door, FAKE_CHILD, fakeSettings, planOf, reportsOf } from './room.ts';

const child = (name: string) => childHost(fakeSettings(name), realClock, FAKE_CHILD);

hostContract('in the control process', (name) => inProcessHost(fakeParts(name, silentLog)));
hostContract('in a process of its own', child);

describe('a process of its own', () => {
  const started = async () => {
    const host = child('host-1');
    const reports = reportsOf(host);
    const losses: string[] = [];
    const lost = new Promise<void>((resolve) =>
      host.onLost((detail) => {
        losses.push(detail);
        resolve();
      }),
    );
    await reports.next((report) => report.type === 'ready');
    const pid = async () => {
      host.send({ type: 'open', plan: planOf('pid', 'websocket', 'pid'), leg: clientLeg() });
      const { agent } = await reports.event('pid', 'call.created');
      return Number(agent.split(' ')[1]);
    };
    return { host, reports, losses, lost, pid };
  };

  it('that is killed says so once, and is silent from then on', async () => {
    const { host, losses, lost, pid } = await started();
    process.kill(await pid(), 'SIGKILL');
    await lost;
    expect(host.accepting).toBe(false);
    expect(host.calls).toBe(0);
    const origin = await door((request, socket, head) => {
      host.send({ type: 'drain' });
      host.handOver({ kind: 'socket', call: 'pid', method: 'GET', url: '/', headers: request.headers, head }, socket);
    });
    expect(await client(origin.url).closed).toBe(1006);
    await origin.close();
    await host.close(1_000);
    expect(losses).toEqual(['killed by SIGKILL']);
  });

  it('that is frozen is killed', async () => {
    const clock = new VirtualClock();
    const host = childHost(fakeSettings('host-1'), clock, FAKE_CHILD);
    const reports = reportsOf(host);
    const lost = new Promise<string>((resolve) => host.onLost(resolve));
    await reports.next((report) => report.type === 'ready');
    await clock.advance(14_000);
    await reports.next((report) => report.type === 'load');
    await clock.advance(14_000);
    expect(host.accepting).toBe(true);
    await clock.advance(15_000);
    expect(await lost).toBe('killed by SIGKILL');
    expect(clock.waiting).toBe(0);
  });

  it('finishes its calls and leaves when something fails that belongs to no call', async () => {
    const { host, reports, losses, lost } = await started();
    host.send({ type: 'open', plan: planOf('call-1', 'websocket'), leg: clientLeg() });
    host.send({ type: 'control', call: 'call-1', command: say('throw outside of every call') });
    await reports.next((report) => report.type === 'retiring');
    expect(host.accepting).toBe(false);
    host.send({ type: 'control', call: 'call-1', command: { type: 'end' } });
    expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'api' });
    await lost;
    expect(losses).toEqual(['exited with 70']);
  });

  it('hangs its callers up when control is gone', async () => {
    const rest = await carrierRest();
    const control = fork(fileURLToPath(new URL('./fake-control.ts', import.meta.url)), [rest.url], { execArgv: [] });
    await new Promise((resolve) => control.once('message', resolve));
    control.kill('SIGKILL');
    await rest.hungUp(SIDS.call);
    await rest.close();
  });
});

describe('a socket that says nothing', () => {
  it('is closed after five seconds, and its call ends', async () => {
    const clock = new VirtualClock();
    const reports: Report[] = [];
    const host = createHost({ ...fakeParts('host-1', silentLog), clock }, (report) => reports.push(report));
    const origin = await door((request, socket, head) => {
      host.handOver({ kind: 'socket', call: 'call-1', method: 'GET', url: '/', headers: request.headers, head }, socket);
    });
    const leg = { ...clientLeg(), carrier: 'twilio' };
    host.take({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg });
    const caller = client(origin.url);
    await caller.opened;
    await clock.advance(4_999);
    expect(caller.ws.readyState).toBe(caller.ws.OPEN);
    await clock.advance(21);
    expect(await caller.closed).toBe(1008);
    const events = reports.flatMap((report) => (report.type === 'events' ? report.events : []));
    expect(events.at(-1)).toMatchObject({ type: 'call.ended', reason: 'never-connected' });
    await host.stop(0);
    await origin.close();
    expect(clock.waiting).toBe(0);
  });
});

describe('a far end that is gone', () => {
  const talking = async (options: { autoPong: boolean }) => {
    const clock = new VirtualClock();
    const reports: Report[] = [];
    const host = createHost({ ...fakeParts('host-1', silentLog), clock }, (report) => reports.push(report));
    const origin = await door((request, socket, head) => {
      host.handOver({ kind: 'socket', call: 'call-1', method: 'GET', url: '/', headers: request.headers, head }, socket);
    });
    host.take({ type: 'open', plan: planOf('call-1', 'websocket'), leg: clientLeg() });
    const caller = client(origin.url, {}, options);
    await caller.opened;
    let echoes = 0;
    const echo = async () => {
      echoes += 1;
      const bytes = Buffer.from([echoes, echoes]);
      caller.ws.send(bytes);
      await caller.message((message) => Buffer.isBuffer(message) && message.equals(bytes));
    };
    await echo();
    const stop = async () => {
      await host.stop(0);
      await origin.close();
    };
    const ended = () =>
      reports.flatMap((report) => (report.type === 'events' ? report.events : [])).find(({ type }) => type === 'line.ended');
    return { clock, caller, echo, ended, stop };
  };

  it('is noticed after fifteen seconds of silence', async () => {
    const { clock, caller, ended, stop } = await talking({ autoPong: false });
    await clock.advance(14_999);
    expect(caller.ws.readyState).toBe(caller.ws.OPEN);
    await clock.advance(1);
    expect(await caller.closed).toBe(1006);
    await stop();
    expect(ended()).toMatchObject({ by: 'network', detail: 'Nothing came for 15 s.' });
  });

  it('is told from one that only has nothing to say', async () => {
    const { clock, caller, echo, ended, stop } = await talking({ autoPong: true });
    for (let i = 0; i < 5; i += 1) {
      const pinged = new Promise((resolve) => caller.ws.once('ping', resolve));
      await clock.advance(5_000);
      await pinged;
      await echo();
    }
    expect(ended()).toBeUndefined();
    await stop();
  });
});

describe('the gauge', () => {
  const load = (loopP99Ms: number): Report => ({ type: 'load', calls: 0, loopP99Ms, cpu: 0, rssMb: 0, opened: { http: 0, sockets: 0 } });
  it('refuses calls after three late seconds in a row, and takes them again after three good ones', () => {
    const gauge = hostGauge();
    const after = (ms: number) => {
      gauge.took(load(ms));
      return gauge.accepting;
    };
    expect(gauge.accepting).toBe(false);
    gauge.took({ type: 'ready' });
    gauge.sent({ type: 'open', plan: planOf('call-1', 'websocket'), leg: clientLeg() });
    expect([25, 25, 5, 25, 25].map(after)).toEqual([true, true, true, true, true]);
    expect([25, 5, 5, 25, 5, 5].map(after)).toEqual([false, false, false, false, false, false]);
    expect(after(5)).toBe(true);
  });

  it('takes a call however late it is when there is none that could suffer', () => {
    const gauge = hostGauge();
    gauge.took({ type: 'ready' });
    for (const late of [25, 25, 25]) gauge.took(load(late));
    expect(gauge.accepting).toBe(true);
  });
});
