/**
 * What a recogniser says, as objects: one a message, or one a line. A line that is no JSON says nothing about its neighbours; only a message
 * without any object throws. What the fields hold is read one by one (`fields.ts`).
 */
import { type Fields, isFields, type Tally } from '../fields.ts';

export function messagesIn(message: string | Buffer, tally: Tally): readonly Fields[] {
  const text = String(message).trim();
  if (text === '') return [];
  const whole = objectsIn(text);
  if (whole) return whole;
  const found: Fields[] = [];
  for (const line of text.split('\n')) {
    const objects = objectsIn(line);
    if (objects) found.push(...objects);
    else tally.note('line');
  }
  if (found.length === 0) throw new SyntaxError('no JSON object');
  return found;
}

function objectsIn(text: string): readonly Fields[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return [value];
    return Array.isArray(value) && value.length > 0 && value.every(isFields) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Yes, also in quotes; anything else is no. */
export function flagOf(value: unknown): boolean {
  return value === true || value === 'true';
}

/** The first of a list of texts, or the one that stands in its place; empty when there is none. */
export function firstTextOf(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}
