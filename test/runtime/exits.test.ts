/** How a start can fail, told to a person: the exit code for scripts, one sentence that names the thing, one that says what to do. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../../src/main.ts';
import { API_KEY, createWorld, type Env, outside, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** The words of a start that fails, without a stack, and its code. */
async function refusal(env: Env): Promise<[number | null, string]> {
  const { code, stderr } = await outside(world, env).exited;
  expect(stderr).toMatch(/^The runtime did not start/);
  expect(stderr).not.toMatch(/\n\s+at /);
  return [code, stderr];
}
const folder = (name: string) => join(world.dataDir, name);

describe.concurrent('the runtime does not start', { timeout: 60_000 }, () => {
  it('in production with nothing set, and names everything at once', async () => {
    const [code, words] = await refusal({ RUNTIME_DATA_DIR: folder('nothing') });
    expect(code).toBe(64);
    for (const name of [
      'RUNTIME_PUBLIC_URL',
      'RUNTIME_STORE_POSTGRES_URL',
      'RUNTIME_STORE_ENCRYPTION_KEY',
      'REDIS_URL',
      'RUNTIME_ARTIFACT_S3_BUCKET',
      'WEBHOOK_SIGNING_SECRET',
      'RUNTIME_API_KEY',
      'NODE_ENV',
    ])
      expect(words).toContain(`${name} is`);
    expect(existsSync(folder('nothing'))).toBe(false);
  });

  it.each([
    ['RUNTIME_PROT', { RUNTIME_PROT: '8081' }],
    ['RUNTIME_PORT', { RUNTIME_PORT: 'eighty' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['RUNTIME_HOST', { RUNTIME_HOST: '0.0.0.0' }],
    ['NODE_ENV', { NODE_ENV: 'develpment' }],
  ] as const)('with a mistake in %s, and says so', async (name, mistake) => {
    const started = start({ ...world.env, RUNTIME_DATA_DIR: folder('mistake'), ...mistake });
    await expect(started).rejects.toMatchObject({
      code: 'config_refused',
      faults: expect.arrayContaining([{ path: name, message: expect.stringMatching(/./) }]),
      message: expect.not.stringContaining(API_KEY),
    });
    expect(existsSync(folder('mistake'))).toBe(false);
  });

  it('on a port that is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const [code, words] = await refusal({ ...world.env, RUNTIME_DATA_DIR: folder('port'), RUNTIME_PORT: String(port) });
    other.close();
    expect(code).toBe(69);
    expect(words).toContain(`127.0.0.1:${port}`);
    expect(words).toContain('RUNTIME_PORT');
    // It was found out before a database was made.
    expect(existsSync(folder('port/postgres'))).toBe(false);
  });

  it('in a data folder that cannot be used', async () => {
    writeFileSync(folder('a-file'), '');
    const [code, words] = await refusal({ ...world.env, RUNTIME_DATA_DIR: folder('a-file/data') });
    expect(code).toBe(69);
    expect(words).toContain(folder('a-file'));
    expect(words).toContain('RUNTIME_DATA_DIR');
  });

  it('when the database is not there', async () => {
    const nobody = 'postgres://aywa:a-password-of-nobody@127.0.0.1:1/aywa';
    const env = { ...world.env, RUNTIME_DATA_DIR: folder('away'), RUNTIME_STORE_POSTGRES_URL: 'postgres://127.0.0.1:nonsense' };
    expect((await refusal(env))[0]).toBe(64);
    const waiting = outside(world, { ...env, RUNTIME_STORE_POSTGRES_URL: nobody, LOG_LEVEL: 'warn' });
    // It may still be starting; a person who looks sees why nothing happens, and no password.
    const line = await waiting.logged('store_waiting');
    expect(line.database).toBe('127.0.0.1:1/aywa');
    expect(JSON.stringify(line)).not.toContain('a-password-of-nobody');
  });
});

describe.concurrent('another encryption key', () => {
  it('does not start on an existing database and changes nothing', async () => {
    const dataDir = folder('keys');
    mkdirSync(dataDir, { mode: 0o755 });
    const env = { ...world.env, RUNTIME_DATA_DIR: dataDir, LOG_LEVEL: 'info' };
    const right = { ...env, RUNTIME_STORE_ENCRYPTION_KEY: 'k1:Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg==' };
    const wrong = { ...env, RUNTIME_STORE_ENCRYPTION_KEY: 'k1:ZmVkY2JhMDk4NzY1NDMyMXh1cXphYnJhYm9vZg==' };

    const first = outside(world, right);
    const client = await first.ready;
    const { body } = await client.ask('POST', '/credential', { provider: 'openai', apiKey: 'sk-of-the-vendor' });
    first.kill('SIGTERM');
    expect((await first.exited).code).toBe(0);

    const [code, words] = await refusal(wrong);
    expect(code).toBe(69);
    expect(words).toMatch(/fingerprint|Start with the key that wrote it/);
    expect(words).not.toContain('ZmVkY2Jh');

    const again = outside(world, right);
    const credentials = await (await again.ready).ask<{ id: string }[]>('GET', '/credential');
    expect(credentials.body.map(({ id }) => id)).toEqual([body.id]);
    expect(JSON.stringify(credentials.body)).not.toContain('sk-of-the-vendor');
    again.kill('SIGTERM');
    await again.exited;
  }, 60_000);
});

describe.concurrent('an empty key of a vendor', () => {
  it('is a missing one: the request that needs it says which', async () => {
    const dataDir = folder('empty-key');
    mkdirSync(dataDir, { mode: 0o755 });
    const runtime = outside(world, { ...world.env, RUNTIME_DATA_DIR: dataDir, LOG_LEVEL: 'info', OPENAI_API_KEY: ' ' });
    const client = await runtime.ready;
    const transport = { provider: 'vapi.websocket' };
    const asked = await client.ask('POST', '/call', { transport, assistant: { model: { provider: 'openai', model: 'gpt-4o' } } });
    expect([asked.status, asked.body.code]).toEqual([400, 'credential_missing']);
    expect(JSON.stringify(asked.body)).toContain('OPENAI_API_KEY');
    // Without a wish there is one that needs no key.
    expect((await client.ask('POST', '/call', { transport, assistant: { firstMessage: 'Hello.' } })).status).toBe(201);
    runtime.kill('SIGTERM');
    expect((await runtime.exited).code).toBe(0);
  }, 60_000);
});
