/**
 * Do the arguments of a model fit the JSON schema of a tool? Says where they do not, in words that the model can mend them by. It knows
 * the keywords that tools use and lets pass what it does not know: a schema that is wrong itself never keeps a tool from working. Pure.
 */
import { RE2JS } from 're2js';
import type { FieldFault } from '../kernel/errors.ts';

type Schema = Readonly<Record<string, unknown>>;

/** More than these a model does not mend at once. */
const MOST_FAULTS = 10;
/** Schemas that refer to themselves, and those that branch without end, are followed so far; beyond it everything fits. */
const MOST_DEPTH = 40;
const MOST_STEPS = 20_000;
/** Of a long list of choices the first ones show what is meant. */
const MOST_NAMED = 30;

export function schemaFaults(schema: Schema, value: unknown): FieldFault[] {
  const faults: FieldFault[] = [];
  const walk: Walk = { root: schema, steps: 0 };
  check(schema, value, '', 0, walk, (fault) => faults.push(fault));
  return faults.slice(0, MOST_FAULTS);
}

interface Walk {
  readonly root: Schema;
  steps: number;
}
type Tell = (fault: FieldFault) => void;

function check(schema: unknown, value: unknown, path: string, depth: number, walk: Walk, tell: Tell): void {
  walk.steps += 1;
  if (depth > MOST_DEPTH || walk.steps > MOST_STEPS) return;
  if (schema === false) tell({ path, message: 'is not allowed' });
  if (!isObject(schema)) return;
  const follow = (inner: unknown, of: unknown, at: string, told: Tell = tell) => check(inner, of, at, depth + 1, walk, told);
  const fits = (inner: unknown): boolean => {
    let fit = true;
    follow(inner, value, path, () => {
      fit = false;
    });
    return fit;
  };

  if (typeof schema.$ref === 'string') follow(resolve(schema.$ref, walk.root), value, path);
  if (value === null && schema.nullable === true) return;
  const types = typesOf(schema.type);
  if (types.length > 0 && !types.some((type) => TYPES[type](value))) {
    tell({ path, message: `must be ${types.map(article).join(' or ')}` });
    return;
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((entry) => equal(entry, value)))
    tell({
      path,
      message: `must be one of ${schema.enum
        .slice(0, MOST_NAMED)
        .map((entry) => JSON.stringify(entry))
        .join(', ')}`,
    });
  if ('const' in schema && !equal(schema.const, value)) tell({ path, message: `must be ${JSON.stringify(schema.const)}` });
  if (Array.isArray(schema.allOf)) for (const inner of schema.allOf) follow(inner, value, path);
  // One of several that overlap is still one of them: what models are given is seldom written to exclude.
  for (const alternatives of [schema.anyOf, schema.oneOf]) {
    if (!Array.isArray(alternatives) || alternatives.length === 0 || alternatives.some(fits)) continue;
    if (alternatives.length === 1) follow(alternatives[0], value, path);
    else tell({ path, message: 'fits none of the forms that are allowed' });
  }
  if (typeof value === 'string') checkText(schema, value, path, tell);
  if (typeof value === 'number') checkNumber(schema, value, path, tell);
  if (Array.isArray(value)) checkList(schema, value, path, tell, follow);
  else if (isObject(value)) checkObject(schema, value, path, tell, follow);
}

type Follow = (inner: unknown, of: unknown, at: string) => void;

function checkObject(schema: Schema, value: Schema, path: string, tell: Tell, follow: Follow): void {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  if (Array.isArray(schema.required))
    for (const name of schema.required)
      if (typeof name === 'string' && (!Object.hasOwn(value, name) || value[name] === undefined))
        tell({ path: at(name), message: 'is required' });
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) follow(properties[name], inner, at(name));
    else if (schema.additionalProperties === false && !isObject(schema.patternProperties))
      tell({ path: at(name), message: 'is not known' });
    else if (isObject(schema.additionalProperties)) follow(schema.additionalProperties, inner, at(name));
  }
}

function checkList(schema: Schema, value: readonly unknown[], path: string, tell: Tell, follow: Follow): void {
  bounds(schema, value.length, ['minItems', 'maxItems'], (message) => tell({ path, message: `${message} entries` }));
  const first = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  for (const [index, entry] of value.entries()) follow(index < first.length ? first[index] : schema.items, entry, `${path}[${index}]`);
}

function checkText(schema: Schema, value: string, path: string, tell: Tell): void {
  bounds(schema, value.length, ['minLength', 'maxLength'], (message) => tell({ path, message: `${message} characters` }));
  if (typeof schema.pattern === 'string' && compiled(schema.pattern)?.matcher(value).find() === false)
    tell({ path, message: `must match ${schema.pattern}` });
}

function checkNumber(schema: Schema, value: number, path: string, tell: Tell): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (typeof minimum === 'number' && value < minimum) tell({ path, message: `must be at least ${minimum}` });
  if (typeof maximum === 'number' && value > maximum) tell({ path, message: `must be at most ${maximum}` });
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) tell({ path, message: `must be more than ${exclusiveMinimum}` });
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) tell({ path, message: `must be less than ${exclusiveMaximum}` });
  const parts = typeof multipleOf === 'number' && multipleOf > 0 ? value / multipleOf : 0;
  // 0.3 is a multiple of 0.1 for everybody but a computer.
  if (Math.abs(parts - Math.round(parts)) > 1e-9 * Math.max(1, Math.abs(parts)))
    tell({ path, message: `must be a multiple of ${multipleOf}` });
}

function bounds(schema: Schema, size: number, [least, most]: readonly [string, string], tell: (message: string) => void): void {
  const [from, to] = [schema[least], schema[most]];
  if (typeof from === 'number' && size < from) tell(`must have at least ${from}`);
  if (typeof to === 'number' && size > to) tell(`must have at most ${to}`);
}

const TYPES = {
  object: (value: unknown) => isObject(value),
  array: (value: unknown) => Array.isArray(value),
  string: (value: unknown) => typeof value === 'string',
  number: (value: unknown) => typeof value === 'number',
  integer: (value: unknown) => Number.isInteger(value),
  boolean: (value: unknown) => typeof value === 'boolean',
  null: (value: unknown) => value === null,
} as const;
type TypeName = keyof typeof TYPES;

/** Some dialects write types in capitals. */
function typesOf(type: unknown): TypeName[] {
  const named = (Array.isArray(type) ? type : [type]).map((entry) => (typeof entry === 'string' ? entry.toLowerCase() : ''));
  const known = named.filter((entry): entry is TypeName => Object.hasOwn(TYPES, entry));
  return known.length === named.length ? known : [];
}

function article(type: TypeName): string {
  if (type === 'null') return type;
  return /^[aio]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** `#/$defs/Place`, within the schema itself. */
function resolve(reference: string, root: Schema): unknown {
  if (!reference.startsWith('#')) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(1).split('/').filter(Boolean)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    node = (isObject(node) || Array.isArray(node)) && Object.hasOwn(node, name) ? (node as Schema)[name] : undefined;
  }
  return node;
}

/** Linear in time; what does not compile asks for nothing. */
function compiled(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}

function equal(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
