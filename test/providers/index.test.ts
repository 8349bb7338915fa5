/** What follows from the list of vendors: lookup, validated settings, access, defaults, and that none lacks its fixture. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { type AywaError, isAywaError } from '../../src/kernel/errors.ts';
import { accessOf, chooseProvider, defaultChoice, environmentNames, PROVIDERS, providerSet } from '../../src/providers/index.ts';
import { compatibleBrains } from '../../src/providers/llm/compatible.ts';

function fault(work: () => unknown): AywaError {
  try {
    work();
  } catch (error) {
    if (isAywaError(error)) return error;
  }
  throw new Error('no AywaError was thrown');
}

const DEEPGRAM = { DEEPGRAM_API_KEY: 'dg' };

describe('choosing a provider', () => {
  it('gives settings with defaults, the way in and the plain name', () => {
    expect(chooseProvider('stt', 'deepgram', { language: 'de', notOurs: 1 }, DEEPGRAM)).toMatchObject({
      provider: 'deepgram',
      settings: { model: 'nova-3', language: 'de', endpointing: 10 },
      access: { apiKey: 'dg', baseUrl: 'https://api.deepgram.com' },
    });
    expect(chooseProvider('tts', 'elevenlabs', undefined, { ELEVENLABS_API_KEY: 'x' }).provider).toBe('11labs');
    const choice = chooseProvider('llm', 'openai', {}, { OPENAI_API_KEY: 'x', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect(choice.access.baseUrl).toBe('http://127.0.0.1:1/v1');
    expect(JSON.parse(JSON.stringify(choice))).toEqual(choice);
  });

  it('names every wrong setting by its path', () => {
    const settings = { model: 7, headers: { a: 1 }, url: 'ftp://x', temperature: 9 };
    const { code, faults } = fault(() => chooseProvider('llm', 'custom-llm', settings, {}));
    expect(code).toBe('assistant_invalid');
    expect(faults.map(({ path }) => path).sort()).toEqual(['headers.a', 'model', 'temperature', 'url']);
    const listed = fault(() => chooseProvider('stt', 'deepgram', { keyterm: ['a', 2] }, DEEPGRAM));
    expect(listed.faults[0]?.path).toBe('keyterm[1]');
  });

  it('lists the known names for one that is not known', () => {
    const { code, message, faults } = fault(() => chooseProvider('tts', 'gramophone', {}, {}));
    expect(code).toBe('unsupported');
    expect(message).toContain('11labs, cartesia, deepgram, openai, lab');
    expect(faults[0]?.path).toBe('provider');
  });

  it('says which variable or credential is missing', () => {
    const { code, message } = fault(() => chooseProvider('llm', 'anthropic', {}, {}));
    expect(code).toBe('credential_missing');
    expect(message).toContain('ANTHROPIC_API_KEY');
    expect(message).toContain('POST /credential');
  });

  it("takes a credential first, and never sends the environment's key to the credential's address", () => {
    const spec = { name: 'x', env: 'X', origin: 'https://x', needsKey: true };
    const variables = { X_API_KEY: 'env', X_BASE_URL: 'https://env' };
    const tenant = (of: Record<string, string>, reach: 'any' | 'public' = 'any') => ({ variables: of, reach });
    expect(accessOf(spec, variables, tenant({ X_API_KEY: 'own' }))).toEqual({ apiKey: 'own', baseUrl: 'https://env' });
    expect(accessOf(spec, variables)).toEqual({ apiKey: 'env', baseUrl: 'https://env' });
    expect(fault(() => accessOf(spec, variables, tenant({ X_BASE_URL: 'https://elsewhere' }))).code).toBe('credential_missing');
    const elsewhere = tenant({ X_API_KEY: 'own', X_BASE_URL: 'https://elsewhere' }, 'public');
    expect(accessOf(spec, variables, elsewhere)).toEqual({ apiKey: 'own', baseUrl: 'https://elsewhere', reach: 'public' });
  });

  it("lets an assistant's own address have the tenant's key and reach, and the operator's only on the operator's server", () => {
    const operator = { CUSTOM_LLM_API_KEY: 'env', CUSTOM_LLM_BASE_URL: 'http://10.0.0.5:8000/v1' };
    const tenant = { variables: {}, reach: 'public' as const };
    const access = (url: string, of = tenant, env: Record<string, string> = operator) =>
      chooseProvider('llm', 'custom-llm', { url }, env, of).access;
    expect(access('https://mine.example/v1')).toEqual({ apiKey: '', baseUrl: 'https://mine.example/v1', reach: 'public' });
    expect(access('https://mine.example/v1', tenant, { CUSTOM_LLM_API_KEY: 'env' }).apiKey).toBe('');
    const own = { ...tenant, variables: { CUSTOM_LLM_API_KEY: 'own' } };
    expect(access('https://mine.example/v1', own)).toEqual({ apiKey: 'own', baseUrl: 'https://mine.example/v1', reach: 'public' });
    expect(access('http://10.0.0.5:8000/v2')).toEqual({ apiKey: 'env', baseUrl: 'http://10.0.0.5:8000/v2' });
    expect(fault(() => chooseProvider('llm', 'custom-llm', {}, {})).faults[0]?.path).toBe('url');
  });

  it('takes the first vendor with a key, else the lab', () => {
    expect(defaultChoice('stt', {})).toEqual({ provider: 'lab', settings: {} });
    expect(defaultChoice('stt', { OPENAI_API_KEY: 'x' }).provider).toBe('openai');
    expect(defaultChoice('stt', { OPENAI_API_KEY: 'x', ...DEEPGRAM }).provider).toBe('deepgram');
    expect(defaultChoice('llm', { GROQ_API_KEY: 'x', GOOGLE_API_KEY: 'x' }).provider).toBe('google');
    expect(defaultChoice('llm', { CUSTOM_LLM_BASE_URL: 'http://127.0.0.1:11434/v1' }).provider).toBe('custom-llm');
    expect(defaultChoice('tts', { ...DEEPGRAM, CARTESIA_API_KEY: 'x' }).provider).toBe('cartesia');
  });
});

describe('the list of providers', () => {
  it('has no name twice within a kind', () => {
    const names = PROVIDERS.flatMap(({ kind, name, aliases = [] }) => [name, ...aliases].map((one) => `${kind} ${one}`));
    expect(names).toEqual([...new Set(names)]);
  });

  it('finds every vendor by name and alias', () => {
    for (const vendor of PROVIDERS) {
      for (const name of [vendor.name, ...(vendor.aliases ?? [])]) expect(providerSet[vendor.kind](name)).toBe(vendor);
    }
    expect(providerSet.stt('nobody')).toBeUndefined();
  });

  it('makes a usable call of every vendor without any setting', () => {
    for (const { kind, name, env } of PROVIDERS) {
      const variables = { [`${env}_API_KEY`]: 'k', ...(name === 'custom-llm' && { CUSTOM_LLM_BASE_URL: 'http://127.0.0.1:1/v1' }) };
      expect(chooseProvider(kind, name, {}, variables).provider).toBe(name);
    }
  });

  it('has a fixture of the wire of every vendor, one for all that share a dialect', () => {
    const dialect = new Set<unknown>(compatibleBrains.slice(1));
    const outside = PROVIDERS.filter((vendor) => vendor.name !== 'lab' && !dialect.has(vendor));
    for (const { kind, name } of outside) {
      const file = join(import.meta.dirname, '../fixtures/providers', `${kind}-${name.replace('11labs', 'elevenlabs')}.jsonl`);
      expect(existsSync(file), file).toBe(true);
      const dirs = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { dir: string }).dir);
      expect(new Set(dirs)).toEqual(new Set(['call', 'out', 'in', 'give']));
    }
  });

  it('tells its variables once, and configuration passes all of them on', () => {
    const names = environmentNames().map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toEqual(expect.arrayContaining(['DEEPGRAM_API_KEY', 'ELEVENLABS_BASE_URL', 'CUSTOM_LLM_BASE_URL', 'GROQ_API_KEY']));
    expect(names.some((name) => name.startsWith('LAB_'))).toBe(false);
    const env = Object.fromEntries(names.map((name) => [name, 'https://value']));
    const { vendors } = readConfig({ NODE_ENV: 'test', ...env }, { cores: 1, hostname: 'h', cwd: '/' });
    expect(vendors).toEqual(env);
  });
});
