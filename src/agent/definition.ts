/**
 * What may be done with an assistant as clients write it: validated, patched, overridden for one call, searched for fields that nobody
 * knows. Turns unknown bodies into assistants and back into precise faults; it never decides what a field means (see `make-plan.ts`).
 */

import { z } from 'zod';
import { AywaError, isAywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf, pathOf } from '../kernel/faults.ts';
import { Assistant, openEnded } from './assistant.ts';

export type { Assistant } from './assistant.ts';

/**
 * A body as an assistant; `null` fields count as absent, unknown ones are kept.
 * Throws `invalid_request` with the path of each fault (`model.messages[0].role`).
 */
export function validateAssistant(body: unknown): Assistant {
  const parsed = Assistant.safeParse(isObject(body) ? present(body) : body);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error).map(({ path, message }) => ({ path: path || 'body', message }));
  throw new AywaError('invalid_request', { detail: faultLine(faults), faults });
}

/** Paths of fields that no part of the product knows: stored and given back, but named in a warning. */
export function unknownFields(body: unknown): string[] {
  const found: string[] = [];
  walk(Assistant, body, [], found);
  return found;
}

/** Of `paths`, those that lie in a top-level field of `sent`. */
export function within(sent: Readonly<Record<string, unknown>>, paths: readonly string[]): string[] {
  return paths.filter((path) => Object.hasOwn(sent, path.split(/[.[]/)[0] ?? ''));
}

/**
 * Vapi's PATCH: only the top-level fields that were sent change, and each is replaced whole. An object that lacks the `provider` or
 * `type` that the stored one has is a correction of it and merged one level. `null` clears. Throws like `validateAssistant`.
 */
export function patchAssistant(stored: Assistant, patch: unknown): Assistant {
  if (!isObject(patch)) return validateAssistant(patch);
  const merged = Object.entries(patch).map(([key, value]) => {
    const old = stored[key];
    if (!isObject(value) || !isObject(old)) return [key, value];
    const discriminator = ['provider', 'type'].find((name) => name in old);
    return [key, discriminator && !(discriminator in value) ? present({ ...old, ...value }) : value];
  });
  return validateAssistant({ ...stored, ...Object.fromEntries(merged) });
}

/**
 * The assistant of one call: objects are merged deeply, arrays replaced, `tools:append` is added to the model's tools, `null`
 * overrides nothing. `variableValues` is not part of the assistant. Throws like `validateAssistant`.
 */
export function mergeOverrides(assistant: Assistant, overrides: unknown): Assistant {
  if (overrides === undefined || overrides === null) return assistant;
  if (!isObject(overrides)) throw fault('assistantOverrides', 'must be an object');
  const { variableValues: _, 'tools:append': append, ...rest } = overrides;
  const merged = merge(assistant, rest) as Record<string, unknown>;
  if (append === undefined) return overridden(merged);
  if (!Array.isArray(append)) throw fault('assistantOverrides.tools:append', 'must be a list of tools');
  const model = isObject(merged.model) ? merged.model : {};
  return overridden({ ...merged, model: { ...model, tools: [...(Array.isArray(model.tools) ? model.tools : []), ...append] } });
}

/** The assistant itself was valid before: what is wrong now came with the overrides. */
function overridden(merged: Record<string, unknown>): Assistant {
  return underPath('assistantOverrides', () => validateAssistant(merged));
}

/** Runs `work`; its faults get the path of the part of a body that they lie in. */
export function underPath<T>(part: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isAywaError(error) || error.faults.length === 0) throw error;
    const faults = error.faults.map(({ path, message }) => ({ path: path === 'body' ? part : `${part}.${path}`, message }));
    throw new AywaError(error.code, { detail: faultLine(faults), faults });
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(path: string, message: string): AywaError {
  return new AywaError('invalid_request', { detail: `${path}: ${message}`, faults: [{ path, message }] });
}

function present(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function merge(base: unknown, over: unknown): unknown {
  if (over === null || over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const changed = Object.entries(over).map(([key, value]) => [key, merge(Object.hasOwn(base, key) ? base[key] : undefined, value)]);
  return { ...base, ...Object.fromEntries(changed) };
}

function walk(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[], found: string[]): void {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) walk(schema.unwrap(), value, path, found);
  else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    value.forEach((item, index) => {
      walk(schema.element, item, [...path, index], found);
    });
  } else if (schema instanceof z.ZodObject && isObject(value)) {
    const shape: z.core.$ZodLooseShape = schema.shape;
    for (const [key, inner] of Object.entries(value)) {
      const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (known) walk(known, inner, [...path, key], found);
      else if (!openEnded.has(schema)) found.push(pathOf([...path, key]));
    }
  }
}
