/** The unmodified `@vapi-ai/server-sdk` against a listening server, by base URL alone. */
import type { AddressInfo } from 'node:net';
import { type Vapi, VapiClient, VapiError } from '@vapi-ai/server-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIFE, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let client: VapiClient;
let baseUrl: string;
beforeAll(async () => {
  api = await startApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  baseUrl = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
  client = new VapiClient({ token: await api.key('*'), baseUrl });
});
afterAll(() => api.stop());

const definition: Vapi.CreateAssistantDto = {
  name: 'Clinic',
  firstMessage: 'Hello, how can I help?',
  model: { provider: 'openai', model: 'gpt-4.1', messages: [{ role: 'system', content: 'Be brief.' }] },
};
/** A string on the wire; the SDK's type says otherwise. */
const PCM = 'pcm_s16le' as unknown as Record<string, unknown>;
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('was not refused'),
    (error: unknown) => {
      if (error instanceof VapiError) return error;
      throw error;
    },
  );

describe('assistants', () => {
  it('are created, listed, read, changed and deleted', async () => {
    const made = await client.assistants.create(definition);
    expect(made).toMatchObject(definition);
    expect((await client.assistants.list({ limit: 1 })).map(({ id }) => id)).toEqual([made.id]);
    expect(await client.assistants.get({ id: made.id })).toEqual(made);
    expect((await client.assistants.update({ id: made.id, firstMessage: 'Good day.' })).firstMessage).toBe('Good day.');
    expect((await client.assistants.delete({ id: made.id })).id).toBe(made.id);
    const gone = await refusal(client.assistants.get({ id: made.id }));
    expect(gone.statusCode).toBe(404);
    expect(gone.body).toMatchObject({ statusCode: 404, error: 'Not Found' });
  });

  it('narrow their list by dates', async () => {
    const { createdAt, id } = await client.assistants.create(definition);
    expect((await client.assistants.list({ createdAtGe: createdAt })).map((one) => one.id)).toEqual([id]);
    expect(await client.assistants.list({ createdAtGt: new Date(createdAt).toISOString() })).toEqual([]);
  });
});

describe('calls', () => {
  it('by websocket are created, read, listed and renamed', async () => {
    const { id: assistantId } = await client.assistants.create(definition);
    const made = (await client.calls.create({
      assistantId,
      name: 'Test',
      transport: { provider: 'vapi.websocket', audioFormat: { format: PCM, container: 'raw', sampleRate: 16000 } },
    })) as Vapi.Call & { transport: { websocketCallUrl: string } };
    expect(made).toMatchObject({ type: 'vapi.websocketCall', status: 'queued', assistantId, name: 'Test' });
    expect(made.transport.websocketCallUrl).toMatch(new RegExp(`^wss://voice\\.example\\.com/call/${made.id}/transport/[\\w-]{43}$`));
    expect(made.monitor?.controlUrl).toMatch(new RegExp(`^https://voice\\.example\\.com/call/${made.id}/control/[\\w-]{43}$`));

    const read = await client.calls.get({ id: made.id });
    expect(read).toMatchObject({ id: made.id, type: 'vapi.websocketCall', status: 'queued', name: 'Test' });
    expect((await client.calls.list({ assistantId })).map(({ id }) => id)).toEqual([made.id]);
    expect((await client.calls.update({ id: made.id, name: 'Renamed' })).name).toBe('Renamed');
  });

  it('that cannot be are one 400, never a 5xx that the SDK would repeat', async () => {
    const error = await refusal(
      client.calls.create({ assistantId: '0190a0a0-0000-7000-8000-000000000000', transport: { provider: 'vapi.websocket' } }),
    );
    expect(error.statusCode).toBe(400);
    expect(error.body).toMatchObject({ error: 'Bad Request', faults: [{ path: 'assistantId' }] });
  });

  it('are deleted when they are over', async () => {
    const { id: assistantId } = await client.assistants.create(definition);
    const made = (await client.calls.create({ assistantId, transport: { provider: 'vapi.websocket' } })) as Vapi.Call;
    expect((await refusal(client.calls.delete({ id: made.id }))).statusCode).toBe(409);
    await api.happens(made.id, ...LIFE);
    expect((await client.calls.delete({ id: made.id })).id).toBe(made.id);
    expect((await refusal(client.calls.get({ id: made.id }))).statusCode).toBe(404);
  });
});

describe('a wrong key', () => {
  it('is an error with our body', async () => {
    const stranger = new VapiClient({ token: 'wrong', baseUrl });
    const error = await refusal(stranger.assistants.list());
    expect(error.statusCode).toBe(401);
    expect(error.body).toMatchObject({ error: 'Unauthorized', statusCode: 401, code: 'unauthorized' });
  });
});
