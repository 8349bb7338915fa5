/**
 * The user's own replacements. They work on stretches of whole words: a key that spans deltas is found, and a pattern sees a clause.
 * Patterns are RE2: linear in the text, whatever the user wrote; one that does not compile changes nothing, its plan was refused before.
 */
import { RE2JS } from 're2js';
import type { Replacement, SpeechPlan } from '../../../agent/plan.ts';
import type { TextStream } from './unmark.ts';

interface Compiled {
  readonly items: readonly Item[];
  /** Beginnings of keys: a text that ends in one is held until it is clear. */
  readonly beginnings: ReadonlySet<string>;
  readonly longest: number;
  /** A pattern needs to see a clause at once. */
  readonly byClause: boolean;
}
type Item = { readonly once: boolean; replace(text: string): string | undefined };

/** A stretch without a place to cut; characters. */
const LONGEST_STRETCH = 400;
/** The clause that a pattern sees ends here at the latest; words. */
const CLAUSE_WORDS = 12;
const CLAUSE_END = /[,;:.!?…]["'”’)]*\s$|[。！？；，、\n]$/;
const SENTENCE_END = /[.!?…]["'”’)]*\s$|[。！？\n]$/;

const compiled = new WeakMap<readonly Replacement[], Compiled>();

/** `undefined` where there is nothing to replace. */
export function replacements({ replacements: list }: SpeechPlan): TextStream | undefined {
  if (list.length === 0) return undefined;
  const { items, beginnings, longest, byClause } = compiled.get(list) ?? compile(list);
  let rest = '';
  let scanned = 0;
  let words = 0;
  let done = new Set<Item>();

  const replace = (text: string): string => {
    let said = text;
    for (const item of items) {
      if (done.has(item)) continue;
      const changed = item.replace(said);
      if (changed === undefined) continue;
      said = changed;
      if (item.once) done.add(item);
    }
    if (done.size > 0 && SENTENCE_END.test(text)) done = new Set();
    return said;
  };
  /** May the text be cut at this place? */
  const over = (at: number): boolean => {
    const c = rest.charAt(at - 1);
    const border = /[\s。！？；，、]/.test(c);
    if (/\s/.test(c)) words++;
    if (at >= LONGEST_STRETCH) return true;
    if (!border || (byClause && words < CLAUSE_WORDS && !CLAUSE_END.test(rest.slice(Math.max(0, at - 6), at)))) return false;
    for (let length = 1; length < longest && length <= at; length++) if (beginnings.has(rest.slice(at - length, at))) return false;
    return true;
  };

  return {
    push(text) {
      rest += text;
      let said = '';
      while (scanned < rest.length) {
        scanned++;
        if (!over(scanned)) continue;
        said += replace(rest.slice(0, scanned));
        rest = rest.slice(scanned);
        scanned = 0;
        words = 0;
      }
      return said;
    },
    flush() {
      const said = replace(rest);
      rest = '';
      scanned = 0;
      words = 0;
      return said;
    },
  };
}

function compile(list: readonly Replacement[]): Compiled {
  const keys = list.flatMap((entry) => (entry.type === 'exact' && entry.key !== '' ? [entry.key] : []));
  const made: Compiled = {
    items: list.map(itemOf),
    beginnings: new Set(
      keys.flatMap((key) => Array.from({ length: Math.min(key.length, LONGEST_STRETCH) - 1 }, (_, at) => key.slice(0, at + 1))),
    ),
    longest: Math.max(0, ...keys.map((key) => key.length)),
    byClause: list.some(({ type }) => type === 'regex'),
  };
  compiled.set(list, made);
  return made;
}

function itemOf(entry: Replacement): Item {
  if (entry.type === 'exact') {
    const { key, value, all } = entry;
    return {
      once: !all,
      replace(text) {
        if (key === '' || !text.includes(key)) return undefined;
        return all ? text.replaceAll(key, () => value) : text.replace(key, () => value);
      },
    };
  }
  const { pattern, value, ignoreCase, wholeWord, multiLine } = entry;
  const flags = (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (multiLine ? RE2JS.MULTILINE : 0);
  const regex = compilePattern(wholeWord ? `\\b(?:${pattern})\\b` : pattern, flags);
  return {
    once: false,
    replace(text) {
      const matcher = regex?.matcher(text);
      let said = '';
      let from = 0;
      while (matcher?.find()) {
        said += text.slice(from, matcher.start()) + filled(value, matcher);
        from = matcher.end();
      }
      return from === 0 && said === '' ? undefined : said + text.slice(from);
    },
  };
}

function compilePattern(pattern: string, flags: number): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern, flags);
  } catch {
    return undefined;
  }
}

interface Groups {
  group(at?: number): string | null;
  groupCount(): number;
}

/** `$1`, `$&` and `$$` as in JavaScript's own replacing. */
function filled(value: string, found: Groups): string {
  return value.replace(/\$(?:(\d{1,2})|([&$]))/g, (sign, digits: string | undefined, special: string | undefined) => {
    if (special === '$') return '$';
    if (special === '&') return found.group() ?? '';
    const at = Number(digits);
    return at >= 1 && at <= found.groupCount() ? (found.group(at) ?? '') : sign;
  });
}
