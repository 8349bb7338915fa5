/** What zod found wrong, as the faults that every error answer shows: a path in dots and indexes, and a sentence without the value. */
import type { z } from 'zod';
import type { FieldFault } from './errors.ts';

/** `['model', 'messages', 0, 'role']` -> `model.messages[0].role`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((so, key) => (typeof key === 'number' ? `${so}[${key}]` : so ? `${so}.${String(key)}` : String(key)), '');
}

/** Who sent a thousand wrong things needs no list of them to begin with. */
const MOST = 50;

/** `root` names what was parsed, for faults of the whole and in front of every path. */
export function faultsOf(error: z.core.$ZodError, root = ''): FieldFault[] {
  return error.issues
    .slice(0, MOST)
    .map((issue) => ({ path: pathOf(root ? [root, ...issue.path] : issue.path), message: sentence(issue) }));
}

/** The faults as one line: `media.payload: must be a string; track: ...`. */
export function faultLine(faults: readonly FieldFault[]): string {
  return faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
}

/** Zod's own wording; a schema that says something better is left alone. */
const GENERIC = /^(Invalid|Too|Unrecognized)\b/;

/** Reads on from the path: `name must have at most 40 characters`. */
function sentence(issue: z.core.$ZodIssue): string {
  if (!GENERIC.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? 'is required'
        : `must be ${TYPES[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'has the wrong form';
    case 'invalid_union':
      // A discriminator that names none of its options.
      return 'options' in issue && Array.isArray(issue.options)
        ? oneOf(issue.options)
        : `must be ${[...new Set(issue.errors.flat().map(typeIn))].join(' or ')}`;
    case 'unrecognized_keys':
      return `must not have the field ${issue.keys.join(', ')}`;
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};
const FORMATS: Readonly<Record<string, string>> = { url: 'must be a URL', uuid: 'must be a UUID', datetime: 'must be a time in ISO 8601' };

const oneOf = (values: readonly unknown[]) => (values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`);

function bound(origin: string, how: string, limit: number | bigint): string {
  const unit = origin === 'string' ? 'character' : origin === 'array' ? 'item' : '';
  return unit ? `must have ${how} ${limit} ${unit}${limit === 1 ? '' : 's'}` : `must be ${how} ${limit}`;
}

function typeIn(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.path.length === 0) return TYPES[issue.expected] ?? issue.expected;
  return issue.code === 'invalid_value' && issue.path.length === 0 ? issue.values.join(' or ') : 'of another form';
}
