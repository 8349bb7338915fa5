/**
 * Reading what a stranger wrote as JSON, field by field: a field of the wrong shape counts as absent and is noted, and says nothing about
 * its neighbours. Nothing here throws.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** What of a stream could not be used, by the name of the field. */
export interface Tally {
  note(what: string): void;
  /** Unusable things so far, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly total: number;
}

export function createTally(): Tally {
  const counts: Record<string, number> = {};
  let total = 0;
  return {
    counts,
    get total() {
      return total;
    },
    note(what) {
      counts[what] = (counts[what] ?? 0) + 1;
      total += 1;
    },
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown, what: string, tally: Tally): Fields | undefined {
  if (value === undefined || value === null) return undefined;
  if (isFields(value)) return value;
  tally.note(what);
  return undefined;
}

/** Text, empty when there is none. */
export function textOf(value: unknown, what: string, tally: Tally): string {
  if (typeof value === 'string') return value;
  if (value !== undefined && value !== null) tally.note(what);
  return '';
}

/** A number, also one in quotes. */
export function numberOf(value: unknown, what: string, tally: Tally): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  tally.note(what);
  return undefined;
}

/** The objects of a list; one object that should have been a list is a list of one. */
export function listOf(value: unknown, what: string, tally: Tally): readonly Fields[] {
  if (value === undefined || value === null) return [];
  if (isFields(value)) return [value];
  if (Array.isArray(value)) return value.filter((entry: unknown): entry is Fields => fieldsOf(entry, what, tally) !== undefined);
  tally.note(what);
  return [];
}
