/** What production decides otherwise than the lab: where a tenant's addresses may point, whose key goes there, what readiness admits. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
let key: string;
beforeAll(async () => {
  api = await startApi({
    NODE_ENV: 'production',
    RUNTIME_STORE_POSTGRES_URL: 'postgres://127.0.0.1/not-asked',
    RUNTIME_STORE_ENCRYPTION_KEY: 'an-encryption-key-of-38-characters-0001',
    REDIS_URL: 'redis://127.0.0.1:6379',
    RUNTIME_ARTIFACT_S3_BUCKET: 'recordings',
    WEBHOOK_SIGNING_SECRET: 'a-webhook-signing-secret-of-some-length-2',
    RUNTIME_API_KEY: 'an-administrators-key-of-some-length-3',
    CUSTOM_LLM_API_KEY: 'operators-key-0001',
    CUSTOM_LLM_BASE_URL: 'http://10.0.0.5:8000/v1',
  });
  key = await api.key('*');
});
afterAll(() => api.stop());

const ask = async (url: string, payload?: object) =>
  (await api.app.inject({ method: payload ? 'POST' : 'GET', url, headers: { 'x-api-key': key }, ...(payload && { payload }) })).json();
const planned = async (model: object) => {
  await ask('/call', { assistant: { firstMessage: 'Hello.', model }, transport: { provider: 'aywa.text' } });
  return api.board.opened.at(-1)?.plan.agent.llm[0].access;
};

it("sends an assistant's address without the operator's key, and to public addresses only", async () => {
  const url = 'http://192.168.1.20/v1';
  expect(await planned({ provider: 'custom-llm', url })).toEqual({ apiKey: '', baseUrl: url, reach: 'public' });
});

it("takes the operator's own server as it is configured", async () => {
  const operators = { apiKey: 'operators-key-0001', baseUrl: 'http://10.0.0.5:8000/v1' };
  expect(await planned({ provider: 'custom-llm' })).toEqual(operators);
  expect(await planned({ provider: 'custom-llm', url: operators.baseUrl })).toEqual(operators);
});

it("takes a credential's address and key together", async () => {
  const credential = { provider: 'openai', apiKey: 'tenants-key-0001', baseUrl: 'https://models.example/v1' };
  expect(await ask('/credential', { ...credential, baseUrl: 'file:///etc/passwd' })).toMatchObject({ faults: [{ path: 'baseUrl' }] });
  expect(await ask('/credential', credential)).toMatchObject({ provider: 'openai', baseUrl: credential.baseUrl });
  expect(await planned({ provider: 'openai' })).toEqual({
    apiKey: 'tenants-key-0001',
    baseUrl: 'https://models.example/v1',
    reach: 'public',
  });
});

it('is ready, and says what is configured and not used', async () => {
  const { ready, mode, parts } = await ask('/readyz');
  expect({ ready, mode }).toEqual({ ready: true, mode: 'production' });
  expect(parts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'artifacts', state: 'degraded', means: expect.stringContaining('RUNTIME_ARTIFACT_S3_BUCKET') }),
      expect.objectContaining({ name: 'coordination', state: 'degraded', means: expect.stringContaining('REDIS_URL') }),
    ]),
  );
});
