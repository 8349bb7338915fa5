/** The production gates: all faults at once, by name, never by value. */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { AywaError } from '../src/kernel/errors.ts';

const machine = { cores: 4, hostname: 'node-a', cwd: '/srv/aywa' };
const good = {
  NODE_ENV: 'production',
  RUNTIME_PUBLIC_URL: 'https://voice.example.com',
  RUNTIME_STORE_POSTGRES_URL: 'postgres://runtime:pw@db.internal/aywa?sslmode=require',
  RUNTIME_STORE_ENCRYPTION_KEY: 'k1:Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg==',
  REDIS_URL: 'redis://redis:6379',
  RUNTIME_ARTIFACT_S3_BUCKET: 'voice-artifacts',
  WEBHOOK_SIGNING_SECRET: 'whsec_8dJk3Lq0PzX7vN2mC5tR9yW1bF4hG6sA',
  RUNTIME_API_KEY: 'ak_live_Qm3xT8zR1vK6pL9wN4cY7bJ2hG5fD0sA',
};

function faultsOf(env: Record<string, string | undefined>): string[] {
  try {
    readConfig(env, machine);
    return [];
  } catch (error) {
    if (!(error instanceof AywaError)) throw error;
    expect(error.code).toBe('config_refused');
    for (const value of Object.values(env)) if (value && value.length > 12) expect(error.message).not.toContain(value);
    return error.faults.map((fault) => fault.path);
  }
}

describe('production', () => {
  it('starts when every gate holds', () => {
    const config = readConfig(good, machine);
    expect(config).toMatchObject({ mode: 'production', host: '0.0.0.0', port: 8080, callHosts: 3, nodeId: 'node-a' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('is what an unset or misspelt NODE_ENV means', () => {
    for (const NODE_ENV of [undefined, '', 'prod', 'Development', 'dev', 'TEST'])
      expect(faultsOf({ NODE_ENV }), String(NODE_ENV)).toContain('RUNTIME_PUBLIC_URL');
  });

  it('lists every missing variable at once', () => {
    expect(faultsOf({})).toEqual([
      'RUNTIME_PUBLIC_URL',
      'RUNTIME_STORE_POSTGRES_URL',
      'RUNTIME_STORE_ENCRYPTION_KEY',
      'REDIS_URL',
      'RUNTIME_ARTIFACT_S3_BUCKET',
      'WEBHOOK_SIGNING_SECRET',
      'RUNTIME_API_KEY',
      'NODE_ENV',
    ]);
  });

  const weak: [string, string][] = [
    ['RUNTIME_STORE_ENCRYPTION_KEY', 'changeme'],
    ['RUNTIME_STORE_ENCRYPTION_KEY', '   '],
    ['WEBHOOK_SIGNING_SECRET', 'short-but-not-weak'],
    ['WEBHOOK_SIGNING_SECRET', 'a'.repeat(40)],
    ['RUNTIME_API_KEY', good.WEBHOOK_SIGNING_SECRET],
    ['RUNTIME_PUBLIC_URL', 'http://voice.example.com'],
    ['RUNTIME_STORE_POSTGRES_URL', 'postgres://runtime:pw@db.internal/aywa'],
    ['RUNTIME_STORE_POSTGRES_URL', 'mysql://x'],
    ['CORS_ORIGINS', 'https://a.example, *'],
    ['RUNTIME_PORT', '99999'],
    ['LOG_LEVEL', 'loud'],
    ['RUNTIME_STROE_POSTGRES_URL', 'x'],
  ];
  for (const [name, value] of weak)
    it(`refuses ${name}=${value.slice(0, 24)}`, () => expect(faultsOf({ ...good, [name]: value })).toContain(name));
});

describe('the lab', () => {
  it('needs nothing and stays on loopback', () => {
    expect(readConfig({ NODE_ENV: 'development' }, machine)).toMatchObject({
      mode: 'lab',
      host: '127.0.0.1',
      publicUrl: 'http://127.0.0.1:8080',
      dataDir: '/srv/aywa/.aywa',
      postgresUrl: undefined,
    });
    expect(faultsOf({ NODE_ENV: 'test', RUNTIME_HOST: '0.0.0.0' })).toEqual(['RUNTIME_HOST']);
  });

  it("keeps the vendors' variables apart from its own", () => {
    const { vendors } = readConfig(
      { NODE_ENV: 'test', OPENAI_API_KEY: 'sk-1', TWILIO_AUTH_TOKEN: 't', PATH: '/bin', RUNTIME_API_KEY: 'x'.repeat(40) },
      machine,
    );
    expect(vendors).toEqual({ OPENAI_API_KEY: 'sk-1', TWILIO_AUTH_TOKEN: 't' });
  });
});
