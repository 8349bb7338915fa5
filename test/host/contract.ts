/** What every form of call host must do: one suite, run over a host in this process and over one in a process of its own. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlCommand } from '../../src/call/control.ts';
import type { CallHost } from '../../src/host/protocol.ts';
import { mediaMessage, SIDS, startMessage } from '../carriers/twilio-wire.ts';
import { carrierRest, client, clientLeg, door, type Origin, phoneLeg, planOf, type Reports, reportsOf } from './room.ts';

const FRAME = Uint8Array.from({ length: 160 }, (_, i) => i);

export function say(text: string): ControlCommand {
  return { type: 'say', text, endAfter: false, interruptible: true, interrupt: false };
}

export function hostContract(form: string, makeHost: (name: string) => CallHost): void {
  describe(`a call host ${form}`, () => {
    let host: CallHost;
    let reports: Reports;
    let origin: Origin;
    let rest: Awaited<ReturnType<typeof carrierRest>>;

    beforeAll(async () => {
      rest = await carrierRest();
      origin = await door((request, socket, head) => {
        const { method = 'GET', url = '', headers } = request;
        host.handOver({ kind: 'socket', call: url.slice(1), method, url, headers, head }, socket);
      });
    });
    afterAll(async () => {
      await origin.close();
      await rest.close();
    });
    beforeEach(async () => {
      rest.hangUps.length = 0;
      host = makeHost('host-1');
      reports = reportsOf(host);
      if (!host.accepting) await reports.next((report) => report.type === 'ready');
    });
    afterEach(() => host.close(5_000));

    const open = (call: string) => host.send({ type: 'open', plan: planOf(call, 'websocket'), leg: clientLeg() });
    /** A websocket call whose client is connected. */
    const talking = async (call: string) => {
      open(call);
      const caller = client(`${origin.url}/${call}`);
      await caller.opened;
      caller.ws.send(Buffer.from([1, 2, 3, 4]));
      await reports.event(call, 'call.answered');
      return caller;
    };
    const echoes = (caller: ReturnType<typeof client>, bytes: Uint8Array) => {
      caller.ws.send(bytes);
      return caller.message((message) => Buffer.isBuffer(message) && message.equals(bytes));
    };

    it('takes a carrier call from its first event to its last', async () => {
      expect(host.accepting).toBe(true);
      host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg: phoneLeg(rest.url) });
      expect(host.calls).toBe(1);
      expect(await reports.event('call-1', 'call.created')).toMatchObject({ seq: 1, host: 'host-1', node: 'node-1' });
      const caller = client(`${origin.url}/call-1`);
      await caller.opened;
      // At once, without waiting for anything: not a byte may be lost between the two processes.
      caller.ws.send(JSON.stringify(startMessage()));
      for (let i = 1; i <= 90; i += 1) caller.ws.send(mediaMessage(Uint8Array.of(i, ...FRAME.subarray(1)), i));
      expect(await reports.event('call-1', 'line.connected')).toMatchObject({ carrier: 'twilio', facts: { providerCallId: SIDS.call } });
      const heard = new Set<number>();
      await caller.message((message) => {
        if (Buffer.isBuffer(message) || message.event !== 'media') return undefined;
        heard.add(Buffer.from((message.media as { payload: string }).payload, 'base64')[0] ?? 0);
        return heard.size === 90;
      });
      caller.ws.close(1000);
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'caller-hung-up' });
      await reports.closed('call-1');
      expect(host.calls).toBe(0);
      expect(reports.eventsOf('call-1').map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(rest.hangUps).toEqual([SIDS.call]);
    });

    it('tells a client on its own socket what happens, and nothing to a carrier', async () => {
      const caller = await talking('call-1');
      const status = await caller.message((message) => !Buffer.isBuffer(message) && message.type === 'status-update' && message);
      expect(status).toMatchObject({ type: 'status-update', status: 'in-progress' });
      host.send({ type: 'control', call: 'call-1', command: { type: 'end' } });
      expect(await caller.closed).toBe(1000);
      await reports.closed('call-1');
    });

    it('passes progress, commands and the end on, and ignores calls that are not here', async () => {
      open('call-1');
      host.send({ type: 'progress', call: 'call-1', state: 'dialing', carrier: 'twilio', providerCallId: SIDS.call });
      host.send({ type: 'control', call: 'call-1', command: say('Hello') });
      host.send({ type: 'control', call: 'another', command: say('Hello') });
      host.send({ type: 'end', call: 'another', reason: 'busy', detail: '' });
      expect(await reports.event('call-1', 'call.dialing')).toMatchObject({ providerCallId: SIDS.call });
      expect(await reports.event('call-1', 'control.received')).toMatchObject({ text: 'Hello' });
      host.send({ type: 'end', call: 'call-1', reason: 'busy', detail: 'The line is busy.' });
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'busy', detail: 'The line is busy.' });
      await reports.closed('call-1');
    });

    it('asks control and gets its answer, its refusal, or a timeout', async () => {
      const asked = async (call: string) => {
        open(call);
        host.send({ type: 'control', call, command: say('ask') });
        return reports.next((report) => report.type === 'question' && report.call === call && report.id);
      };
      const told = (call: string) =>
        reports.next((report) => {
          const events = report.type === 'events' ? report.events : [];
          return events.find((event) => event.call === call && event.type === 'control.received' && event.command === 'answered');
        });
      const results = [{ id: 'a', ok: true, result: 'sunny' }];
      host.send({ type: 'answer', question: await asked('call-1'), answer: { type: 'tool-calls', results }, error: null });
      expect(await told('call-1')).toMatchObject({ text: 'sunny' });
      const refusal = { code: 'tool_failed', detail: 'The server is away.' };
      host.send({ type: 'answer', question: await asked('call-2'), answer: null, error: refusal });
      expect(await told('call-2')).toMatchObject({ text: 'tool_failed' });
      const late = await asked('call-3');
      expect(await told('call-3')).toMatchObject({ text: 'timeout' });
      host.send({ type: 'answer', question: late, answer: { type: 'tool-calls', results }, error: null });
    });

    it.each(['throw', 'throw in a task'])('ends the one call whose code does "%s"', async (text) => {
      const other = await talking('call-2');
      await talking('call-1');
      host.send({ type: 'control', call: 'call-1', command: say(text) });
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'bug', detail: expect.stringContaining('planted') });
      await reports.closed('call-1');
      await echoes(other, Uint8Array.of(9, 9, 9, 9));
      expect(host.accepting).toBe(true);
    });

    it('lets go of a call that does not even start', async () => {
      host.send({ type: 'open', plan: planOf('call-1', 'websocket', 'refuses to start'), leg: clientLeg() });
      await reports.closed('call-1');
      expect(reports.eventsOf('call-1')).toEqual([]);
      expect(host.calls).toBe(0);
    });

    it('hangs up at the carrier when the media never came', async () => {
      host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg: phoneLeg(rest.url) });
      host.send({ type: 'end', call: 'call-1', reason: 'never-connected', detail: 'No media.' });
      await reports.closed('call-1');
      expect(rest.hangUps).toEqual([SIDS.call]);
    });

    it('refuses a leg that is not the one expected, and ends its call', async () => {
      host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg: phoneLeg(rest.url) });
      const stranger = client(`${origin.url}/call-1`);
      await stranger.opened;
      stranger.ws.send(JSON.stringify(startMessage({ accountSid: SIDS.account.replace(/1$/, '2') })));
      expect(await stranger.closed).toBe(1008);
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({
        reason: 'never-connected',
        detail: expect.stringContaining('another account'),
      });
    });

    describe('a leg that broke', () => {
      const phoned = async (call: string) => {
        host.send({ type: 'open', plan: planOf(call, 'phone-inbound', 'waits for its leg'), leg: phoneLeg(rest.url) });
        return leg(call);
      };
      const leg = async (call: string) => {
        const caller = client(`${origin.url}/${call}`);
        await caller.opened;
        caller.ws.send(JSON.stringify(startMessage()));
        return caller;
      };
      const names = (call: string) =>
        reports.eventsOf(call).flatMap((event) => (event.type === 'control.received' && event.command === 'leg' ? [event.text] : []));
      const echoed = async (caller: ReturnType<typeof client>) => {
        caller.ws.send(mediaMessage(FRAME));
        await caller.message((message) => !Buffer.isBuffer(message) && message.event === 'media');
      };
      const connections = (call: string, count: number) =>
        reports.next(() => reports.eventsOf(call).filter(({ type }) => type === 'line.connected').length === count || undefined);

      it('makes room for another one, and the call goes on with it', async () => {
        const first = await phoned('call-1');
        await echoed(first);
        first.ws.terminate();
        expect(await reports.event('call-1', 'line.ended')).toMatchObject({ by: 'network' });
        const second = await leg('call-1');
        await echoed(second);
        await connections('call-1', 2);
        expect(names('call-1')).toEqual(['call-1.1', 'call-1.2']);
        expect(rest.hangUps).toEqual([]);
        second.ws.send(JSON.stringify({ event: 'stop', streamSid: SIDS.stream, stop: {} }));
        expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'caller-hung-up' });
      });

      it('counts as broken when the carrier says so, whatever its socket says', async () => {
        const first = await phoned('call-1');
        await echoed(first);
        host.send({ type: 'reclaim', call: 'call-1' });
        const second = await leg('call-1');
        expect(await first.closed).toBe(1001);
        await echoed(second);
        await connections('call-1', 2);
        const ends = reports.eventsOf('call-1').filter(({ type }) => type === 'line.ended');
        expect(ends).toEqual([expect.objectContaining({ by: 'network', detail: 'The carrier says that its stream is over.' })]);
        host.send({ type: 'reclaim', call: 'no call' });
      });

      it('that never said its start makes room, too', async () => {
        host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound', 'waits for its leg'), leg: phoneLeg(rest.url) });
        const mute = client(`${origin.url}/call-1`);
        await mute.opened;
        host.send({ type: 'reclaim', call: 'call-1' });
        await echoed(await leg('call-1'));
        expect(await mute.closed).toBe(1001);
        expect(reports.eventsOf('call-1').some(({ type }) => type === 'call.ended')).toBe(false);
      });

      it('is not made room for by a stranger: the call waits for the next one', async () => {
        const first = await phoned('call-1');
        await echoed(first);
        first.ws.terminate();
        await reports.event('call-1', 'line.ended');
        const stranger = client(`${origin.url}/call-1`);
        await stranger.opened;
        stranger.ws.send(JSON.stringify(startMessage({ callSid: SIDS.call.replace(/1$/, '2') })));
        expect(await stranger.closed).toBe(1008);
        await echoed(await leg('call-1'));
      });

      it('has no place for a second one while it is whole, or after its caller hung up', async () => {
        const first = await phoned('call-1');
        await echoed(first);
        expect(await client(`${origin.url}/call-1`).closed).toBe(1006);
        await echoed(first);
      });
    });

    it.each(['rtp', 'channel'] as const)('takes no media by %s yet, and says so', async (kind) => {
      host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg: phoneLeg(rest.url) });
      host.handOver(kind === 'rtp' ? { kind, call: 'call-1', address: '127.0.0.1', port: 9 } : { kind, call: 'call-1', label: 'a' }, null);
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({
        reason: 'never-connected',
        detail: `A twilio line takes its media by socket, not by ${kind}.`,
      });
      host.handOver({ kind: 'rtp', call: 'no call', address: '127.0.0.1', port: 9 }, null);
    });

    it('refuses a second leg, a leg of no call, and a broken handshake', async () => {
      const caller = await talking('call-1');
      expect(await client(`${origin.url}/call-1`).closed).toBe(1006);
      expect(await client(`${origin.url}/no-call`).closed).toBe(1006);
      await echoes(caller, Uint8Array.of(5, 5));

      open('call-2');
      const raw = connect(Number(new URL(origin.url).port), '127.0.0.1');
      raw.on('error', () => {});
      raw.write('GET /call-2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n');
      expect(await reports.event('call-2', 'call.ended')).toMatchObject({ reason: 'never-connected' });
    });

    it('cuts off a message that is too large, and nobody else', async () => {
      const other = await talking('call-2');
      const caller = await talking('call-1');
      caller.ws.send(new Uint8Array(70_000));
      expect(await caller.closed).toBe(1009);
      expect(await reports.event('call-1', 'call.ended')).toMatchObject({ reason: 'carrier-lost' });
      await echoes(other, Uint8Array.of(5, 5));
    });

    it('cuts off a caller who stopped reading', async () => {
      open('call-1');
      const caller = client(`${origin.url}/call-1`);
      await caller.opened;
      caller.ws.send('{"type":"hello","clear":true}');
      await reports.event('call-1', 'call.answered');
      caller.ws.pause();
      host.send({ type: 'control', call: 'call-1', command: say('flood') });
      expect(await reports.event('call-1', 'line.ended')).toMatchObject({ by: 'network', detail: 'The far end stopped reading.' });
      caller.ws.terminate();
      await reports.closed('call-1');
    });

    it('reports its load', async () => {
      const load = await reports.next((report) => report.type === 'load' && report);
      expect(load).toMatchObject({ calls: 0, opened: { http: expect.any(Number), sockets: expect.any(Number) } });
      expect(load.rssMb).toBeGreaterThan(1);
      expect(load.loopP99Ms).toBeGreaterThanOrEqual(0);
    });

    it('drains: no new calls, the old ones go on to their end', async () => {
      const caller = await talking('call-1');
      host.send({ type: 'drain' });
      expect(host.accepting).toBe(false);
      await echoes(caller, Uint8Array.of(5, 5));
      expect(reports.all.some((report) => report.type === 'drained')).toBe(false);
      caller.ws.close();
      await reports.next((report) => report.type === 'drained');
    });

    it('stops: every call ends, is hung up and told of before it is gone', async () => {
      await talking('call-1');
      host.send({ type: 'open', plan: planOf('call-2', 'phone-inbound'), leg: phoneLeg(rest.url) });
      await host.close(5_000);
      for (const call of ['call-1', 'call-2'])
        expect(reports.eventsOf(call).at(-1)).toMatchObject({ type: 'call.ended', reason: 'shutdown' });
      expect(rest.hangUps).toEqual([SIDS.call]);
      expect(host.calls).toBe(0);
      expect(host.accepting).toBe(false);
    });
  });
}
