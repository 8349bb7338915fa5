/** Which fields of a settings schema are secrets: marked where the field is declared, so that forms, masks and sealing follow from the schema. */
import { z } from 'zod';

const marked = z.registry<{ secret: true }>();

/** Marks a field as one that is never shown and never logged. Mark last: what zod derives from a schema is another schema. */
export function secret<T extends z.ZodType>(schema: T): T {
  marked.add(schema as z.ZodType, { secret: true });
  return schema;
}

export function isSecret(schema: z.ZodType): boolean {
  return marked.has(schema);
}
