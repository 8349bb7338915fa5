/** The webhooks of whole calls at a real receiver: signed, in order, complete, delivered late rather than never. */
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type Receiver } from '../journal/receiver.ts';
import type { Client } from './client.ts';
import { asks, QUESTION } from './faults.ts';
import { createWorld, inside, phone, WITHIN, type World } from './world.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const ORDER = 'It left this morning';

let world: World;
let client: Client;
beforeAll(async () => {
  world = await createWorld();
  client = await inside(world);
});
afterAll(() => world.close());

async function receiver(...behaviour: Parameters<typeof openReceiver>): Promise<Receiver> {
  const made = await openReceiver(...behaviour);
  world.defer(() => made.stop());
  return made;
}

const assistant = (url: string, more: object = {}, tool: object = {}) => ({
  name: 'Webhooks',
  transcriber: { provider: 'lab' },
  voice: { provider: 'lab' },
  model: {
    provider: 'lab',
    tools: [{ type: 'function', function: { name: 'find_order', parameters: { type: 'object', properties: {} } }, ...tool }],
    script: [
      {
        when: QUESTION,
        tool: { name: 'find_order', arguments: { order: 'mine' } },
        answered: '{result.state}.',
        failed: 'I cannot find it.',
      },
    ],
  },
  server: { url, secret: SECRET },
  serverMessages: ['status-update', 'tool-calls', 'end-of-call-report'],
  ...more,
});

interface Report {
  readonly endedReason: string;
  readonly transcript: string;
  readonly messages: readonly { readonly role: string; readonly message?: string }[];
  readonly artifact: { readonly recordingUrl: string; readonly stereoRecordingUrl: string; readonly transcript: string };
  readonly recordingUrl: string;
  readonly costs: readonly { readonly type: string }[];
  readonly cost: number;
  readonly durationSeconds: number;
  readonly startedAt: string;
  readonly endedAt: string;
}

describe.concurrent('the webhooks of a call', () => {
  it('are signed, come in order and tell everything', async () => {
    const server = await receiver((one, response) => {
      const { toolCallList = [] } = one.message as { toolCallList?: { id: string }[] };
      const results = toolCallList.map(({ id }) => ({ toolCallId: id, result: { state: ORDER } }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
    });
    const phoned = await phone(world, client, assistant(server.url));
    expect((await asks(phoned)).text).toBe(`${ORDER}.`);
    phoned.leg.hangUp('caller');
    await phoned.record.ended;
    await server.got(4);

    const webhook = new Webhook(SECRET);
    for (const { body, headers } of server.received) webhook.verify(body, headers);
    const tampered = server.received.map(
      ({ body, headers }) =>
        () =>
          webhook.verify(body.replace('Webhooks', 'webhooks'), headers),
    );
    for (const verify of tampered) expect(verify).toThrow();
    expect(new Set(server.received.map(({ headers }) => headers['webhook-id'])).size).toBe(server.received.length);

    const messages = server.received.map(({ message }) => message);
    expect(messages.map(({ type, status }) => [type, status])).toEqual([
      ['status-update', 'in-progress'],
      ['tool-calls', undefined],
      ['status-update', 'ended'],
      ['end-of-call-report', undefined],
    ]);
    expect(messages.every(({ call }) => call.id === phoned.record.call)).toBe(true);
    const numbers = messages.flatMap(({ seq }) => seq ?? []);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));

    expect(messages[1]).toMatchObject({
      toolCallList: [{ name: 'find_order', arguments: { order: 'mine' } }],
      call: { type: 'inboundPhoneCall', customer: { number: '+15550100300' } },
    });
    const report = messages[3] as unknown as Report;
    expect(report).toMatchObject({
      endedReason: 'customer-ended-call',
      assistant: { name: 'Webhooks' },
      durationSeconds: expect.any(Number),
    });
    expect(report.transcript).toMatch(/where is my order/i);
    expect(report.transcript).toContain(ORDER);
    expect(report.artifact.transcript).toBe(report.transcript);
    expect(report.messages.map(({ role }) => role)).toEqual(['user', 'tool_calls', 'tool_call_result', 'bot']);
    expect(report.costs.map(({ type }) => type)).toEqual(expect.arrayContaining(['transport', 'transcriber', 'model', 'voice']));
    expect(Date.parse(report.endedAt) - Date.parse(report.startedAt)).toBeGreaterThan(0);
    expect(JSON.stringify(messages)).not.toContain(SECRET);

    for (const url of [report.recordingUrl, report.artifact.stereoRecordingUrl]) {
      expect((await fetch(url)).status).toBe(401);
      const recording = await fetch(url, { headers: { authorization: `Bearer ${client.apiKey}` } });
      expect([recording.status, recording.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^audio\//)]);
      expect((await recording.arrayBuffer()).byteLength).toBeGreaterThan(10_000);
    }
  }, 60_000);

  it('reach a receiver that was down during the call when it is back', async ({ expect }) => {
    const server = await receiver((_, response) => void response.writeHead(503).end());
    const phoned = await phone(world, client, assistant(server.url, { firstMessage: 'Hello.', serverMessages: ['end-of-call-report'] }));
    await phoned.record.until('agent.said');
    phoned.leg.hangUp('caller');
    await server.got(1);
    server.behave((_, response) => void response.end('{}'));
    await server.got(2);
    const [first, second] = server.received;
    expect([first?.message.type, second?.message.type]).toEqual(['end-of-call-report', 'end-of-call-report']);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    new Webhook(SECRET).verify(second?.body ?? '', second?.headers ?? {});
    const delivered = async () => {
      const { body } = await client.ask<{ webhooks: { state: string; attempts: number }[] }>('GET', `/call/${phoned.record.call}/timeline`);
      return body.webhooks.map(({ state, attempts }) => [state, attempts]);
    };
    await expect.poll(delivered, WITHIN).toEqual([['delivered', 2]]);
  }, 60_000);

  it('a tool that hangs costs the caller its deadline, then the call goes on', async () => {
    let hanging = true;
    const server = await receiver((one, response) => {
      const { toolCallList = [] } = one.message as { toolCallList?: { id: string }[] };
      if (!hanging) response.end(JSON.stringify({ results: toolCallList.map(({ id }) => ({ toolCallId: id, result: { state: ORDER } })) }));
    });
    const tool = { server: { url: server.url, secret: SECRET, timeoutSeconds: 1 } };
    const phoned = await phone(world, client, assistant(server.url, { serverMessages: ['tool-calls'] }, tool));
    expect((await asks(phoned)).text).toBe('I cannot find it.');
    expect(phoned.record.of('tool.answered')).toMatchObject([{ ok: false, result: expect.stringMatching(/in time/) }]);
    hanging = false;
    expect((await asks(phoned)).text).toBe(`${ORDER}.`);
    // Asked once each time: a tool may move money.
    expect(server.received.map(({ message }) => message.type)).toEqual(['tool-calls', 'tool-calls']);
    phoned.leg.hangUp('caller');
    expect((await phoned.record.ended).reason).toBe('caller-hung-up');
  }, 60_000);

  it('a tool that takes long is not a silent line', async () => {
    const server = await receiver(() => {});
    const phoned = await phone(
      world,
      client,
      assistant(server.url, { serverMessages: ['tool-calls'], server: { url: server.url, timeoutSeconds: 5 } }),
    );
    expect((await asks(phoned)).text).toBe('One moment, please. I cannot find it.');
    phoned.leg.hangUp('caller');
    await phoned.record.ended;
  }, 60_000);
});
