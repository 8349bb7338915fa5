/**
 * What stands at the beginning of a line and is made for eyes: headings, bullets, numbers of a list, quotes, rulers, fences, tables.
 * Pure: looks at the text from a place on and says what it is, or that more of the line is needed. Waits never longer than a ruler may be.
 */

export type LineMark =
  /** Take so many characters and look again. `say` is heard in their place. */
  | { readonly kind: 'mark'; readonly take: number; readonly say: string }
  | { readonly kind: 'fence'; readonly take: number; readonly fence: string; readonly label: string }
  | { readonly kind: 'table'; readonly take: number }
  | { readonly kind: 'more' }
  /** The words of the line begin here. */
  | { readonly kind: 'words' };

const MORE: LineMark = { kind: 'more' };
const WORDS: LineMark = { kind: 'words' };

/** A line that begins with none of these holds words. */
const SPECIAL = /[-*_=|:+~`#>•●▪◦‣–—\d]/;
/** A ruler of a table with many columns; characters. */
const LONGEST_RULER = 300;
/** `javascript title="..."` behind a fence; characters. */
const LONGEST_LABEL = 60;

const RULER = /[-*_=|:+ \t]{1,300}/y;
const FENCE = /`{3,}|~{3,}/y;
const HEADING = /#{1,6}/y;
const ORDERED = /(\d{1,2})[.)](?=[ \t])/y;
const ORDERED_SO_FAR = /\d{1,2}[.)]?$/y;

/** `final`: nothing comes behind the text. The place is the first character of a line that is no white space. */
export function lineMark(text: string, at: number, final: boolean): LineMark {
  const first = text.charAt(at);
  if (!SPECIAL.test(first)) return WORDS;
  const next = text.charAt(at + 1);
  const open = (end: number) => end >= text.length && !final;

  const ruler = runAt(RULER, text, at);
  if (ruler > 0) {
    const end = at + ruler;
    // Rulers and the marks of an empty item: the whole line.
    if (text[end] === '\n' || text[end] === '\r' || (final && end >= text.length)) return { kind: 'mark', take: ruler, say: '' };
    if (open(end) && ruler < LONGEST_RULER) return MORE;
  }
  switch (first) {
    case '`':
    case '~':
      return fenceAt(text, at, final);
    case '#': {
      const run = runAt(HEADING, text, at);
      if (open(at + run)) return MORE;
      const behind = text.charAt(at + run);
      // `#5` and `#topic` are words, `##Prices` is a heading whose space was forgotten.
      return run > 1 || /\s/.test(behind) || behind === '' ? { kind: 'mark', take: run, say: '' } : WORDS;
    }
    case '>':
      return { kind: 'mark', take: 1, say: '' };
    case '|':
      return { kind: 'table', take: 1 };
    case '•':
    case '●':
    case '▪':
    case '◦':
    case '‣':
      return { kind: 'mark', take: 1, say: '' };
    case '-':
    case '*':
    case '+':
    case '–':
    case '—':
      if (open(at + 1)) return MORE;
      return next === ' ' || next === '\t' ? { kind: 'mark', take: 1, say: '' } : WORDS;
    default: {
      ORDERED.lastIndex = at;
      const found = ORDERED.exec(text);
      // The number of an item is heard, and is no sentence of its own.
      if (found) return { kind: 'mark', take: found[0].length, say: `${found[1]}, ` };
      ORDERED_SO_FAR.lastIndex = at;
      return !final && ORDERED_SO_FAR.test(text) ? MORE : WORDS;
    }
  }
}

function fenceAt(text: string, at: number, final: boolean): LineMark {
  const run = runAt(FENCE, text, at);
  const marks = text.charAt(at).repeat(run);
  if (run === 0) return at + 3 > text.length && !final && /^(`{1,2}|~{1,2})$/.test(text.slice(at)) ? MORE : WORDS;
  const end = text.indexOf('\n', at + run);
  const label = text.slice(at + run, end < 0 ? text.length : end);
  // Back quotes behind it on the same line: code inside a sentence.
  if (label.includes('`') || label.length > LONGEST_LABEL) return WORDS;
  if (end < 0 && !final) return MORE;
  return { kind: 'fence', take: end < 0 ? text.length - at : end + 1 - at, fence: marks, label: label.trim() };
}

function runAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
