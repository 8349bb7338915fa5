/**
 * Reading request bodies: JSON everywhere, forms from carriers, with the bounds that keep a hostile body from costing more than its bytes.
 * Depth is checked here because writing deep JSON overflows the stack, and `__proto__` because a later merge would obey it.
 */
import type { FastifyInstance } from 'fastify';
import { AywaError } from '../kernel/errors.ts';

export const MAX_BODY_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;
/** Fields and entries of lists: each may become a fault of its own, or a row of somebody's work. */
const MAX_VALUES = 10_000;

/** Replaces fastify's own readers: JSON only. An empty body reads as `undefined`, with or without a content type. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/(.+\+)?json/i, { parseAs: 'string' }, (_request, body, done) => {
    settle(done, () => readJson(String(body)));
  });
}

/** For carriers' callbacks. Nowhere else: a page of anybody may send a form, and a form read as JSON is full of strings. */
export function readForms(app: FastifyInstance): void {
  app.addContentTypeParser(/^application\/x-www-form-urlencoded/i, { parseAs: 'string' }, (_request, body, done) => {
    settle(done, () => readForm(String(body)));
  });
}

/** Throws `invalid_request` for what is not JSON or breaks a bound. */
export function readJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refused(`The body is not JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}`);
  }
  judge(value);
  return value;
}

/** Form fields as an object without a prototype; a field that comes twice gives all its values, because they are signed. */
export function readForm(text: string): Record<string, string | string[]> {
  const form: Record<string, string | string[]> = Object.create(null);
  let count = 0;
  for (const [key, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > MAX_VALUES) throw tooMany();
    const known = form[key];
    if (Array.isArray(known)) known.push(value);
    else form[key] = known === undefined ? value : [known, value];
  }
  return form;
}

/** Walks level by level without recursion, so that depth costs no stack. */
function judge(value: unknown): void {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw refused(`The body is nested deeper than ${MAX_DEPTH} levels.`);
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      if (Array.isArray(item)) {
        count += item.length;
        if (count > MAX_VALUES) throw tooMany();
        for (const entry of item) if (typeof entry === 'object') next.push(entry);
        continue;
      }
      for (const [key, entry] of Object.entries(item)) {
        count += 1;
        if (count > MAX_VALUES) throw tooMany();
        if (key === '__proto__') throw refused('The field `__proto__` is not allowed.');
        if (typeof entry === 'object') next.push(entry);
      }
    }
    level = next;
  }
}

const tooMany = () => refused(`The body has more than ${MAX_VALUES} fields and entries.`);

function refused(detail: string): AywaError {
  return new AywaError('invalid_request', { detail });
}

function settle(done: (error: Error | null, body?: unknown) => void, read: () => unknown): void {
  let body: unknown;
  try {
    body = read();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, body);
}
