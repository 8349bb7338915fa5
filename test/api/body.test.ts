/** What the body readers let in, and what they refuse before anything else sees it. */
import { describe, expect, it } from 'vitest';
import { readForm, readJson } from '../../src/api/body.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('JSON bodies', () => {
  it('reads JSON, and nothing as nothing', () => {
    expect(readJson('{"a":[1,{"b":null}]}')).toEqual({ a: [1, { b: null }] });
    expect(readJson('')).toBeUndefined();
    expect(readJson(' \n')).toBeUndefined();
    expect(readJson('null')).toBeNull();
  });

  it('allows 64 levels and no more', () => {
    expect(readJson(nested(64))).toBeDefined();
    expect(() => readJson(nested(66))).toThrow(/64 levels/);
    expect(() => readJson(nested(400_000))).toThrow(/64 levels/);
  });

  it.each([
    ['{"__proto__":{"admin":true}}', /__proto__/],
    ['{"a":[{"__proto__":1}]}', /__proto__/],
    ['{"\\u005f_proto__":1}', /__proto__/],
    ['{', /not JSON/],
    ['{"a":1}x', /not JSON/],
    [`{${Array.from({ length: 10_001 }, (_, i) => `"k${i}":1`).join(',')}}`, /10000 fields/],
    [`{"a":[[${'1,'.repeat(10_000)}1]]}`, /10000 fields and entries/],
  ])('refuses %#', (text, reason) => {
    expect(() => readJson(text)).toThrow(reason);
  });
});

describe('forms', () => {
  it('keeps every value of a field that comes twice', () => {
    expect({ ...readForm('To=%2B1415&Digits=1&Digits=2&empty=') }).toEqual({ To: '+1415', Digits: ['1', '2'], empty: '' });
  });

  it('has no prototype to pollute', () => {
    const form = readForm('__proto__=x&constructor=y');
    expect(Object.getPrototypeOf(form)).toBeNull();
    expect(Object.keys(form)).toEqual(['__proto__', 'constructor']);
  });

  it('bounds the number of fields', () => {
    expect(() => readForm('a=1&'.repeat(10_001))).toThrow(/10000 fields/);
  });
});
