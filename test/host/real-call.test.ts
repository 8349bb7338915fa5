/** The product's own call host, in both forms, with the real engine and the keyless lab: a written and a spoken conversation through it. */
import { describe, expect, it } from 'vitest';
import type { CallPlan } from '../../src/agent/plan.ts';
import { childHost } from '../../src/host/child.ts';
import { inProcessHost } from '../../src/host/in-process.ts';
import { hostParts } from '../../src/host/parts.ts';
import type { CallHost } from '../../src/host/protocol.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { mediaMessage, SIDS, startMessage } from '../carriers/twilio-wire.ts';
import { carrierRest, client, clientLeg, door, fakeSettings, phoneLeg, planOf, reportsOf } from './room.ts';

const forms: [string, () => CallHost][] = [
  ['in the control process', () => inProcessHost(hostParts(fakeSettings('host-1'), silentLog))],
  ['in a process of its own', () => childHost(fakeSettings('host-1'), realClock)],
];
const greeting = { mode: 'agent-text', text: 'Hello. How can I help?', interruptible: true } as const;
const greets = (plan: CallPlan): CallPlan => ({ ...plan, agent: { ...plan.agent, opening: greeting } });

describe.each(forms)('a real call %s', (_form, makeHost) => {
  it('is held in writing and by telephone', async () => {
    const rest = await carrierRest();
    const host = makeHost();
    const reports = reportsOf(host);
    const origin = await door((request, socket, head) => {
      const { method = 'GET', url = '', headers } = request;
      host.handOver({ kind: 'socket', call: url.slice(1), method, url, headers, head }, socket);
    });
    if (!host.accepting) await reports.next((report) => report.type === 'ready');

    host.send({ type: 'open', plan: greets(planOf('written', 'text')), leg: clientLeg('text') });
    const writer = client(`${origin.url}/written`);
    await writer.message((message) => !Buffer.isBuffer(message) && JSON.stringify(message).includes(greeting.text));
    writer.ws.send(JSON.stringify({ type: 'text', text: 'What are your opening hours?' }));
    expect(await reports.event('written', 'caller.turn')).toMatchObject({ text: 'What are your opening hours?' });
    await reports.next(
      (report) => report.type === 'events' && report.events.some((e) => e.type === 'agent.said' && e.text !== greeting.text),
    );
    writer.ws.close(1000);
    expect(await reports.event('written', 'call.ended')).toMatchObject({ reason: 'caller-hung-up' });

    host.send({ type: 'open', plan: greets(planOf('spoken', 'phone-inbound')), leg: phoneLeg(rest.url) });
    const carrier = client(`${origin.url}/spoken`);
    await carrier.opened;
    carrier.ws.send(JSON.stringify(startMessage()));
    carrier.ws.send(mediaMessage(new Uint8Array(160).fill(0xff)));
    carrier.ws.send('rubbish');
    await carrier.message((message) => !Buffer.isBuffer(message) && message.event === 'media');
    expect(await reports.event('spoken', 'line.malformed')).toMatchObject({ code: 'media_malformed' });
    host.send({ type: 'control', call: 'spoken', command: { type: 'end' } });
    expect(await reports.event('spoken', 'call.ended')).toMatchObject({ reason: 'api' });
    await carrier.closed;
    expect(rest.hangUps).toEqual([SIDS.call]);

    for (const call of ['written', 'spoken']) {
      await reports.closed(call);
      const events = reports.eventsOf(call);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.filter(({ type }) => type === 'call.ended')).toHaveLength(1);
    }
    await host.close(5_000);
    await origin.close();
    await rest.close();
  });
});
