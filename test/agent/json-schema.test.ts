/** Arguments against the schemas that tools have. */
import { describe, expect, it } from 'vitest';
import { schemaFaults } from '../../src/agent/json-schema.ts';

const faults = (schema: Record<string, unknown>, value: unknown) =>
  schemaFaults(schema, value).map(({ path, message }) => `${path} ${message}`.trim());
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({ type: 'object', properties, ...more });
const text = { type: 'string' };

describe('what does not fit is named by its path', () => {
  it.each<[string, Record<string, unknown>, unknown, string[]]>([
    ['a type', object({ n: { type: 'number' } }), { n: '7' }, ['n must be a number']],
    ['an integer', object({ n: { type: 'integer' } }), { n: 7.5 }, ['n must be an integer']],
    ['several types', object({ n: { type: ['string', 'null'] } }), { n: 7 }, ['n must be a string or null']],
    ['types in capitals', object({ n: { type: 'STRING' } }), { n: 7 }, ['n must be a string']],
    ['what is missing', object({ a: text, b: text }, { required: ['a', 'b'] }), { a: 'x' }, ['b is required']],
    ['what is missing inside', object({ a: object({ b: text }, { required: ['b'] }) }), { a: {} }, ['a.b is required']],
    ['a choice', object({ size: { enum: ['S', 'M'] } }), { size: 'L' }, ['size must be one of "S", "M"']],
    ['a constant', object({ kind: { const: 'order' } }), { kind: 'x' }, ['kind must be "order"']],
    [
      'an entry',
      object({ days: { type: 'array', items: { enum: ['mon', 'tue'] } } }),
      { days: ['mon', 'x'] },
      ['days[1] must be one of "mon", "tue"'],
    ],
    [
      'an entry by its place',
      object({ at: { type: 'array', prefixItems: [text, { type: 'integer' }] } }),
      { at: ['a', 'b'] },
      ['at[1] must be an integer'],
    ],
    ['how many', object({ days: { type: 'array', minItems: 2, maxItems: 3 } }), { days: [1] }, ['days must have at least 2 entries']],
    ['what is too much', object({ a: text }, { additionalProperties: false }), { a: 'x', b: 1 }, ['b is not known']],
    ['what is too much, by its form', object({}, { additionalProperties: { type: 'number' } }), { b: 'x' }, ['b must be a number']],
    ['bounds', object({ n: { minimum: 1, maximum: 9 } }), { n: 10 }, ['n must be at most 9']],
    ['bounds that are not included', object({ n: { exclusiveMinimum: 0, exclusiveMaximum: 1 } }), { n: 0 }, ['n must be more than 0']],
    ['multiples', object({ n: { multipleOf: 0.5 } }), { n: 0.7 }, ['n must be a multiple of 0.5']],
    ['lengths', object({ a: { type: 'string', minLength: 2, maxLength: 3 } }), { a: 'x' }, ['a must have at least 2 characters']],
    ['a pattern', object({ zip: { type: 'string', pattern: '^[0-9]{5}$' } }), { zip: '123' }, ['zip must match ^[0-9]{5}$']],
    ['alternatives', object({ a: { anyOf: [text, { type: 'null' }] } }), { a: 7 }, ['a fits none of the forms that are allowed']],
    ['one alternative', object({ a: { oneOf: [object({ b: text }, { required: ['b'] })] } }), { a: {} }, ['a.b is required']],
    ['all of several', object({ n: { allOf: [{ minimum: 1 }, { maximum: 9 }] } }), { n: 0 }, ['n must be at least 1']],
    [
      'a reference',
      { ...object({ a: { $ref: '#/$defs/Zip' } }), $defs: { Zip: { type: 'string', minLength: 5 } } },
      { a: '1' },
      ['a must have at least 5 characters'],
    ],
    ['the whole', object({}), 'x', ['must be an object']],
    ['what is never allowed', object({ a: false }), { a: 1 }, ['a is not allowed']],
  ])('%s', (_name, schema, value, expected) => {
    expect(faults(schema, value)).toEqual(expected);
  });
});

describe('what fits passes, and so does what is not known', () => {
  it.each<[string, Record<string, unknown>, unknown]>([
    ['nothing asked', {}, { anything: 1 }],
    ['no arguments', object({}), {}],
    ['more than is named', object({ a: text }), { a: 'x', b: 1 }],
    ['an integer with a fraction of nothing', object({ n: { type: 'integer' } }), { n: 7.0 }],
    ['null where it may be', object({ a: { type: 'string', nullable: true } }), { a: null }],
    ['one of two that overlap', object({ n: { oneOf: [{ type: 'number' }, { type: 'integer' }] } }), { n: 7 }],
    ['a choice of objects', object({ a: { enum: [{ x: 1, y: 2 }] } }), { a: { y: 2, x: 1 } }],
    ['a multiple that computers do not see', object({ n: { multipleOf: 0.1 } }), { n: 0.3 }],
    ['a type that nobody knows', object({ a: { type: 'date' } }), { a: 7 }],
    ['a keyword that nobody knows', object({ a: { type: 'string', format: 'email', weird: 1 } }), { a: 'x' }],
    ['a pattern that does not compile', object({ a: { type: 'string', pattern: '(' } }), { a: 'x' }],
    ['a pattern that only other engines know', object({ a: { type: 'string', pattern: '(?=x)' } }), { a: 'y' }],
    ['a schema that is none', object({ a: 'string', b: null, c: [] }), { a: 1, b: 2, c: 3 }],
    ['required that is no list', object({}, { required: 'a' }), {}],
    ['a reference to nowhere', object({ a: { $ref: '#/nowhere' }, b: { $ref: 'https://example.com/x' } }), { a: 1, b: 2 }],
    ['names of prototypes', object({ a: text }), { toString: 1, constructor: 2 }],
  ])('%s', (_name, schema, value) => {
    expect(faults(schema, value)).toEqual([]);
  });

  it('names like those of prototypes are required like others', () => {
    expect(faults(object({}, { required: ['toString'] }), {})).toEqual(['toString is required']);
  });
});

describe('bounds', () => {
  it('a schema that refers to itself ends', () => {
    const loop = { $ref: '#' };
    expect(faults(loop, {})).toEqual([]);
    const tree: Record<string, unknown> = { type: 'object', properties: { child: { $ref: '#' }, name: text } };
    expect(faults(tree, { child: { child: { name: 7 } } })).toEqual(['child.child.name must be a string']);
  });

  it('alternatives within alternatives do not explode', () => {
    let schema: Record<string, unknown> = { type: 'null' };
    for (let depth = 0; depth < 30; depth++) schema = { anyOf: [schema, schema] };
    const since = performance.now();
    faults(schema, 7);
    expect(performance.now() - since).toBeLessThan(1_000);
  });

  it('no more is told than a model can mend', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, text]));
    expect(faults(object(many, { required: Object.keys(many) }), {})).toHaveLength(10);
  });
});
