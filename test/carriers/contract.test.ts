/** The carriers' contract over every carrier of this build, and over the one that docs/add-a-carrier.md adds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountOf, CARRIERS, carrierSet } from '../../src/carriers/index.ts';
import { twilio } from '../../src/carriers/twilio.ts';
import { acme } from './acme.ts';
import { carrierContract, type Dialect } from './contract.ts';
import { mediaMessage, SIDS, startMessage, twilioAccount } from './twilio-wire.ts';

const ofTwilio = (event: string, fields: Record<string, unknown>) => JSON.stringify({ event, streamSid: SIDS.stream, ...fields });

const dialects: readonly Dialect[] = [
  {
    carrier: twilio,
    providerCallId: SIDS.call,
    account: twilioAccount('http://127.0.0.1:9'),
    start: JSON.stringify(startMessage()),
    media: (audio) => mediaMessage(audio),
    digit: (digit) => ofTwilio('dtmf', { dtmf: { digit } }),
    mark: (name) => ofTwilio('mark', { mark: { name } }),
    stop: ofTwilio('stop', { stop: {} }),
    audioOf: (sent) => Buffer.from(JSON.parse(String(sent)).media.payload, 'base64'),
    markOf: (sent) => JSON.parse(String(sent)).mark.name,
  },
  {
    carrier: acme,
    providerCallId: 'call_0123456789abcdef',
    account: accountOf(acme, { ACME_ACCOUNT_ID: 'acc-1', ACME_SIGNING_KEY: 'key', ACME_API_TOKEN: 'token' }),
    start: JSON.stringify({ type: 'start', call: 'call_0123456789abcdef', account: 'acc-1' }),
    media: (audio) => Buffer.from(audio),
    digit: (digit) => JSON.stringify({ type: 'digit', digit }),
    mark: (name) => JSON.stringify({ type: 'played', name }),
    stop: '{"type":"stop"}',
    audioOf: (sent) => Buffer.from(sent),
    markOf: (sent) => JSON.parse(String(sent)).name,
  },
];
for (const dialect of dialects) carrierContract(dialect);

describe('every carrier', () => {
  it('stands in the contract test', () => {
    const tested = dialects.map(({ carrier }) => carrier.name);
    expect(CARRIERS.filter(({ name }) => !tested.includes(name))).toEqual([]);
  });
});

describe('docs/add-a-carrier.md', () => {
  const root = join(import.meta.dirname, '../..');
  const guide = readFileSync(join(root, 'docs/add-a-carrier.md'), 'utf8');

  it('shows the carrier that was tested here, as it stands in src/carriers/', () => {
    const tested = readFileSync(join(import.meta.dirname, 'acme.ts'), 'utf8');
    const inPlace = tested.replaceAll("'../../src/carriers/", "'./").replaceAll("'../../src/", "'../");
    expect(guide).toContain(`\`\`\`ts\n${inPlace}\`\`\``);
  });

  it('names only files that exist', () => {
    const named = [...guide.matchAll(/`((?:src|test|docs)\/[\w./-]+\.(?:ts|md))`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(3);
    for (const file of named.filter((name) => !name.endsWith('/acme.ts'))) expect(() => readFileSync(join(root, file)), file).not.toThrow();
  });

  it('needs one row: the set then knows the carrier', () => {
    expect(carrierSet([...CARRIERS, acme]).carrier('acme')).toBe(acme);
  });
});
