/**
 * Patterns that users write are RE2, which is linear in the text. Making one ready is not: `a{1000}` is a thousand steps, and a hundred of
 * them in one pattern stop a process for half a second. So each is weighed before it is compiled.
 */
import { RE2JS } from 're2js';

/** Compiling so much takes about 5 ms. */
const MOST_WEIGHT = 1_000;
/** A class of characters in steps, about. */
const CLASS = 10;

/** What is wrong with a pattern, read on from its path; `undefined`: it can be used. */
export function patternFault(pattern: string): string | undefined {
  if (weightOf(pattern) > MOST_WEIGHT) return 'repeats too much: all repetitions together may stand for 1000 characters at most';
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch {
    return 'is not a pattern of RE2 (no look-around, no back references)';
  }
}

const ITEM = /\\[pP](?:\{[^}]*\}|.)|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[\s\S]/g;

/** The steps that a pattern unfolds to. Reads what it can of a wrong one, which does not compile anyway. */
function weightOf(pattern: string): number {
  const groups = [0];
  let last = 0;
  for (const [item, least, most] of pattern.matchAll(ITEM)) {
    const inside = groups.length - 1;
    if (item === '(') {
      groups.push(0);
      continue;
    }
    if (least !== undefined) {
      const times = Math.max(Number(least), Number(most ?? 0), 1);
      groups[inside] = (groups[inside] ?? 0) + last * (times - 1);
      last *= times;
      continue;
    }
    if (item === ')' && inside > 0) last = groups.pop() ?? 0;
    else last = item.startsWith('[') || /^\\p./i.test(item) ? CLASS : 1;
    groups[groups.length - 1] = (groups.at(-1) ?? 0) + last;
  }
  return groups.reduce((sum, weight) => sum + weight, 0);
}
