import { describe, expect, it } from 'vitest';
import { createSealing, type Place } from '../../src/store/sealing.ts';

const A = 'first-key-of-these-tests-long-enough';
const B = 'second-key-of-these-tests-long-enough';
const place: Place = { organization: 'org-1', table: 'credential', row: 'row-1', column: 'sealed' };
const code = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('sealing', () => {
  const sealing = createSealing(A);
  const plain = 'sk-secret "quoted" ünïcode\n';
  const sealed = sealing.seal(plain, place);

  it('opens what it sealed, and never seals the same way twice', () => {
    expect(sealing.open(sealed, place)).toBe(plain);
    expect(sealing.open(sealing.seal('', place), place)).toBe('');
    expect(sealing.seal(plain, place)).not.toBe(sealed);
    expect(sealed).not.toContain('secret');
  });

  it('refuses a change of any letter', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'];
    for (let at = 0; at < sealed.length; at++) {
      for (const letter of letters) {
        if (letter === sealed[at]) continue;
        const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1);
        expect(
          code(() => sealing.open(changed, place)),
          changed,
        ).toMatch(/^store_(damaged|key_wrong)$/);
      }
    }
  });

  it('refuses a shortened tag, and any other length', () => {
    const [version, key, text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    for (let length = 0; length < bytes.length; length++) {
      const short = `${version}.${key}.${bytes.subarray(0, length).toString('base64url')}`;
      expect(code(() => sealing.open(short, place))).toBe('store_damaged');
    }
    expect(code(() => sealing.open(`${sealed}AAAA`, place))).toBe('store_damaged');
    expect(code(() => sealing.open('', place))).toBe('store_damaged');
    expect(code(() => sealing.open('plain text', place))).toBe('store_damaged');
  });

  it('refuses a value that was moved', () => {
    for (const part of ['organization', 'table', 'row', 'column'] as const) {
      expect(
        code(() => sealing.open(sealed, { ...place, [part]: 'other' })),
        part,
      ).toBe('store_damaged');
    }
    // The parts are bound one by one, not as one text that could be cut elsewhere.
    expect(code(() => sealing.open(sealed, { ...place, table: 'credentialrow-1', row: '' }))).toBe('store_damaged');
  });

  it('seals with the first key and opens with all, whatever they are called', () => {
    const both = createSealing(`new:${B}, old:${A}`);
    expect(both.open(sealed, place)).toBe(plain);
    expect(both.fingerprint).toBe(createSealing(B).fingerprint);
    const byNew = both.seal(plain, place);
    expect(createSealing(B).open(byNew, place)).toBe(plain);
    expect(() => sealing.open(byNew, place)).toThrow(both.fingerprint);
    expect(() => sealing.open(byNew, place)).toThrow(sealing.fingerprint);
  });

  it('refuses keys that are short or given twice, and never shows them', () => {
    for (const given of ['short', `a:${A},b:short`, `a:${A},a:${B}`, `a:${A},b:${A}`, '']) {
      const error = (() => {
        try {
          createSealing(given);
        } catch (thrown) {
          return thrown as Error & { code: string };
        }
      })();
      expect(error?.code, given).toBe('config_refused');
      expect(error?.message).not.toContain(A);
    }
  });
});
