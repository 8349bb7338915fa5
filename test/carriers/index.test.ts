/** The list of carriers, and whose account a call uses. */
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/carriers/base64.ts';
import { accountNames, accountOf, carrierSet } from '../../src/carriers/index.ts';
import { twilio } from '../../src/carriers/twilio.ts';

const variables = { TWILIO_ACCOUNT_SID: 'ACenv', TWILIO_AUTH_TOKEN: 'envtoken', TWILIO_PHONE_NUMBER: '+1' };

describe('an account', () => {
  it('comes from the environment', () => {
    expect(accountOf(twilio, { ...variables, TWILIO_BASE_URL: 'http://127.0.0.1:9/' })).toEqual({
      carrier: 'twilio',
      id: 'ACenv',
      fields: { accountSid: 'ACenv', authToken: 'envtoken' },
      number: '+1',
      baseUrl: 'http://127.0.0.1:9',
    });
    expect(accountOf(twilio, variables).baseUrl).toBe('https://api.twilio.com');
  });

  it('that is given brings its own secret', () => {
    const fields = { accountSid: 'ACown', authToken: 'own' };
    expect(accountOf(twilio, variables, { fields, number: '+2' })).toMatchObject({ id: 'ACown', fields, number: '+2' });
    expect(() => accountOf(twilio, variables, { fields: { accountSid: 'ACown' } })).toThrow(/TWILIO_AUTH_TOKEN is not set/);
    expect(accountOf(twilio, variables, { fields: { authToken: 'own' } })).toMatchObject({
      id: 'ACenv',
      fields: { accountSid: 'ACenv', authToken: 'own' },
    });
  });

  it('that is missing is named by its variables', () => {
    expect(() => accountOf(twilio, {})).toThrow(/TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set/);
    expect(accountNames().map(({ name }) => name)).toContain('TWILIO_AUTH_TOKEN');
  });
});

describe('the set', () => {
  it('knows carriers and the lines of our own clients, and nothing of a prototype', () => {
    const set = carrierSet();
    expect(set.carrier('twilio')).toBe(twilio);
    expect(set.carrier('websocket')).toBeUndefined();
    expect(['twilio', 'websocket', 'text'].every((name) => set.connector(name))).toBe(true);
    expect(set.connector('constructor')).toBeUndefined();
  });
});

describe('base64', () => {
  it('decodes as the platform does, and refuses what the platform forgives', () => {
    const target = new Uint8Array(1_000);
    for (let length = 0; length < 400; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
      const text = Buffer.from(`ab${Buffer.from(bytes).toString('base64')}`);
      expect(decodeBase64(text, 2, text.length, target)).toBe(length);
      expect(Buffer.compare(target.subarray(0, length), bytes)).toBe(0);
    }
    for (const bad of ['A', 'AA', 'AAA', 'AA=A', '=AAA', 'AAA A', 'AA\n=', 'A-_A', '====', 'AA==AAAA', '\u00c4AA']) {
      const text = Buffer.from(bad);
      expect(decodeBase64(text, 0, text.length, target), bad).toBe(-1);
    }
    expect(decodeBase64(Buffer.from('AAAA'), 0, 4, new Uint8Array(2))).toBe(-1);
  });
});
