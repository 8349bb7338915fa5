/** The caller hangs up whenever it likes: one `call.created`, one `call.ended`, no gap between, and nothing is left running. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MULAW_8K } from '../../src/audio/format.ts';
import { spoken } from '../../src/providers/tts/lab.ts';
import type { CallRecord, Client } from './client.ts';
import { createWorld, hangUps, inside, NOBODY, type Phoned, phone, speaks, WITHIN, type World } from './world.ts';

const GREETING = 'Hello, this is the workshop on the hill. How can I help you today?';
let world: World;
let client: Client;
/** A tool that never answers; resolves `asked` for each request. */
let toolUrl: string;
let asked = () => {};

beforeAll(async () => {
  world = await createWorld();
  const tool = createServer(() => asked());
  await new Promise<void>((resolve) => tool.listen(0, '127.0.0.1', resolve));
  world.defer(() => {
    tool.close();
    tool.closeAllConnections();
  });
  toolUrl = `http://127.0.0.1:${(tool.address() as AddressInfo).port}`;
  client = await inside(world);
  // From memory when the calls come: on a starved machine the voice would be late, and the caller rightly hear the apology instead.
  await spoken('slt', GREETING, MULAW_8K);
});
afterAll(() => world.close());

const assistant = (more: object = {}, model: object = {}) => ({
  transcriber: { provider: 'lab' },
  voice: { provider: 'lab' },
  model: { provider: 'lab', ...model },
  ...more,
});

async function isOver(record: CallRecord, reason: string): Promise<void> {
  expect((await record.ended).reason).toBe(reason);
  expect(record.of('call.created')).toHaveLength(1);
  expect(record.of('call.ended')).toHaveLength(1);
  expect(record.events.map(({ seq }) => seq)).toEqual(record.events.map((_, index) => index + 1));
  expect(record.events.at(-1)?.type).toBe('call.ended');
  const { body } = await client.ask('GET', `/call/${record.call}`);
  expect(body).toMatchObject({ status: 'ended', endedReason: expect.any(String) });
  const again = await client.ask('POST', `/call/${record.call}/control`, { type: 'say', content: 'Hello?' });
  expect([again.status, again.body.code]).toEqual([409, 'call_over']);
}

async function hangsUp({ leg, record }: Phoned): Promise<void> {
  leg.hangUp('caller');
  await isOver(record, 'caller-hung-up');
  // Who is gone needs no hanging up.
  expect(hangUps(world, leg)).toBe(0);
}

describe.concurrent('a caller who hangs up', () => {
  it('during the greeting', async () => {
    const phoned = await phone(world, client, assistant({ firstMessage: GREETING }));
    await phoned.leg.when(({ agentTalksMs }) => agentTalksMs > 600);
    await hangsUp(phoned);
    const [said] = phoned.record.of('agent.said');
    expect(said?.complete).toBe(false);
    expect(GREETING.startsWith(said?.text ?? 'nothing')).toBe(true);
  });

  it('before the greeting', async () => {
    const phoned = await phone(world, client, assistant({ firstMessage: GREETING }));
    await hangsUp(phoned);
    expect(phoned.record.of('agent.said').filter(({ text }) => text !== '')).toEqual([]);
  });

  it('while the agent thinks', async () => {
    const phoned = await phone(world, client, assistant({}, { delayMs: 2_000, script: [{ when: 'where is my order', say: 'Here.' }] }));
    await speaks(phoned.leg, 'Where is my order?');
    await phoned.record.until('reply.begun');
    await hangsUp(phoned);
    expect(phoned.record.of('agent.said')).toEqual([]);
  });

  it('while a tool runs', async () => {
    const tools = [{ type: 'function', function: { name: 'find_order' }, server: { url: toolUrl } }];
    const script = [{ when: 'where is my order', say: 'One moment.', tool: { name: 'find_order' }, answered: 'It left.' }];
    const running = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const phoned = await phone(world, client, assistant({}, { tools, script }));
    await speaks(phoned.leg, 'Where is my order?');
    await running;
    await hangsUp(phoned);
    expect(phoned.record.of('tool.called')).toHaveLength(1);
  });

  it('during the farewell', async () => {
    const phoned = await phone(world, client, assistant({ endCallMessage: 'Thank you very much for calling us today. Goodbye.' }));
    await phoned.record.until('line.connected');
    await client.ask('POST', `/call/${phoned.record.call}/control`, { type: 'end-call' });
    await phoned.leg.when(({ agentTalksMs }) => agentTalksMs > 300);
    phoned.leg.hangUp('caller');
    // Who asked first is the reason.
    await isOver(phoned.record, 'api');
    expect(phoned.record.of('agent.said').map(({ complete }) => complete)).toEqual([false]);
    expect(hangUps(world, phoned.leg)).toBe(0);
  });

  it('before it was answered', async ({ expect }) => {
    const id = await client.assistant(assistant({ firstMessage: GREETING }));
    const placed = await client.ask<{ id: string; phoneCallProviderId: string }>('POST', '/call', {
      assistantId: id,
      customer: { number: NOBODY },
    });
    expect(placed.status).toBe(201);
    const record = client.follow(placed.body.id);
    await record.until('call.ringing');
    await client.ask('POST', `/call/${record.call}/control`, { type: 'end-call' });
    await isOver(record, 'api');
    const { phoneCallProviderId } = placed.body;
    const told = () => world.carrier.requests.filter((request) => request.endsWith(`/Calls/${phoneCallProviderId}.json`)).length;
    await expect.poll(told, WITHIN).toBe(1);
  });
});

it('leaves no call and no work behind', async () => {
  expect(await client.metric('vr_calls_active')).toBe(0);
  const { body } = await client.ask<{ status: string }[]>('GET', '/call');
  expect(new Set(body.map(({ status }) => status))).toEqual(new Set(['ended']));
});
