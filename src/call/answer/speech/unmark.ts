/**
 * A model's text without what is made for eyes: marks of headings, lists, emphasis, code, links and tables, pictures, tags. Streams:
 * what is decided comes out at once, and what is undecided (an open bracket, half a ruler) is held only up to a bound. The result does not
 * depend on how the text was cut into deltas. It knows marks, not words: numbers and addresses are the wording's.
 */
import type { Formatter } from '../../../agent/plan.ts';
import { angleBracket, type Bracket, entity, sourceBracket, squareBracket, squareEnd } from './brackets.ts';
import { ALPHANUMERIC, JOINER, SEND_NOW, SILENT, stopAfter } from './characters.ts';
import { lineMark } from './line-marks.ts';
import { heardSign } from './signs.ts';
import { address, addressAt, codeBlock } from './swallowed.ts';
import type { SymbolWords } from './symbols.ts';

export interface TextStream {
  push(text: string): string;
  /** What was held, at the end of the text; afterwards it begins anew. */
  flush(): string;
}

/** Ordinary words go through in one step; the marks that choose a picture's look are no part of them. */
const WORD = /(?:(?![\uFE00-\uFE0F\u20E3\u{E0100}-\u{E01EF}])[\p{L}\p{M}\p{N}'’])+/uy;
/** A stage direction between asterisks that is waited for; characters. */
const LONGEST_DIRECTION = 200;

type Mode = 'text' | 'fence' | 'comment' | 'target' | 'line' | 'address';

export function unmark(formatters: readonly Formatter[], words: SymbolWords): TextStream {
  const on = Object.fromEntries(formatters.map((name) => [name, true])) as Partial<Record<Formatter, boolean>>;
  let rest = '';
  let at = 0;
  let out = '';
  let mode: Mode = 'text';
  /** The next character begins a line, and nothing of the line was heard yet. */
  let lineStart = true;
  let lineHead = true;
  let inTable = false;
  /** White space and cell borders of a table wait for the next cell's words. */
  let between = '';
  /** The character of the model's text before this place, and the last one that went out. */
  let previous = '\n';
  let last = '';
  /** The last one that is no white space. */
  let solid = '';
  /** Something silent stood here since the last character. */
  let gap = false;
  let depth = 0;
  const link = address(words);
  const code = codeBlock();
  /** Inside a block that holds words: its end is no beginning. */
  let reading = false;
  let heard = false;

  const emit = (text: string) => {
    if (text === '') return;
    if (between !== '') {
      if (last !== '' && !/\s/.test(last)) out += between === ',' && !/[,;:.!?]/.test(last) ? ', ' : ' ';
      between = '';
    }
    out += text;
    last = text.charAt(text.length - 1);
    if (!/\s/.test(last)) solid = last;
    lineHead = false;
    gap = false;
    heard = true;
  };
  const space = () => {
    if (inTable) between ||= ' ';
    else if (!/\s/.test(last)) {
      // Also in front of the first word, which may stand behind others.
      out += ' ';
      last = ' ';
    }
  };
  /** The line is over: what has no end of its own gets one. */
  const newLine = () => {
    between = '';
    if (last !== '' && last !== '\n') {
      if (on.newline && (ALPHANUMERIC.test(last) || /[)\]%"”’'»°€$£]/.test(last))) out += stopAfter(last);
      out += '\n';
      last = '\n';
    }
    lineStart = true;
    lineHead = true;
    inTable = false;
  };
  const take = (count: number) => {
    previous = rest.charAt(at + count - 1);
    at += count;
  };
  const obey = (found: Bracket): boolean => {
    switch (found.kind) {
      case 'more':
        return false;
      case 'plain':
        emit(rest.charAt(at));
        take(1);
        return true;
      case 'skip':
        mode = found.until;
        depth = 1;
        break;
      case 'break':
        newLine();
        break;
      case 'cell':
        if (last !== '' && !/\s/.test(last)) between = ',';
        break;
      case 'send':
        out += SEND_NOW;
        break;
      default:
        if (found.say === ' ') space();
        else emit(found.say);
        gap = true;
    }
    take(found.take);
    return true;
  };
  /** How often the character at this place is repeated, and what stands behind; `undefined` while that is not known. */
  const run = (final: boolean): { length: number; next: string } | undefined => {
    const c = rest.charAt(at);
    let end = at + 1;
    while (end < rest.length && rest[end] === c) end++;
    return end >= rest.length && !final && end - at < LONGEST_DIRECTION ? undefined : { length: end - at, next: rest.charAt(end) };
  };

  const beginLine = (final: boolean): boolean => {
    const c = rest.charAt(at);
    if (c === '\n' || c === '\r' || c === ' ' || c === '\t') {
      if (last === '') space();
      take(1);
      return true;
    }
    const found = on.markdown ? lineMark(rest, at, final) : undefined;
    switch (found?.kind) {
      case 'more':
        return false;
      case 'mark':
        take(found.take);
        if (found.say !== '') emit(found.say);
        return true;
      case 'fence':
        if (reading) reading = false;
        else if (code.open(found.fence, found.label)) mode = 'fence';
        else reading = true;
        take(found.take);
        return true;
      case 'table':
        inTable = true;
        lineStart = false;
        take(found.take);
        return true;
      default:
        lineStart = false;
        return true;
    }
  };

  const asterisks = (final: boolean): boolean => {
    const found = run(final);
    if (!found) return false;
    const { length, next } = found;
    if (!on.markdown && !on.stripAsterisk && !on.asterisk) {
      emit(rest.slice(at, at + length));
      take(length);
      return true;
    }
    // `3 * 4` and `3*4` are sums.
    if (length === 1 && /[\d)]/.test(solid)) {
      const behind = next === ' ' ? rest.charAt(at + 2) : next;
      if (behind === '' && !final) return false;
      if (/[\d(]/.test(behind) && (next === ' ') === (previous === ' ')) {
        space();
        emit('×');
        space();
        take(1);
        return true;
      }
    }
    if (on.asterisk && next !== '' && !/\s/.test(next)) {
      const marks = '*'.repeat(length);
      const close = rest.slice(at + length, at + LONGEST_DIRECTION).indexOf(marks);
      if (close < 0 && rest.length - at < LONGEST_DIRECTION && !final) return false;
      if (close >= 0 && !rest.slice(at + length, at + length + close).includes('\n')) {
        take(close + 2 * length);
        gap = true;
        return true;
      }
    }
    take(length);
    return true;
  };

  const signs = (c: string, final: boolean): boolean => {
    const found = run(final);
    if (!found) return false;
    const { length, next } = found;
    if (c === '|' && inTable && on.markdown) between = lineHead ? between : ',';
    else {
      const heard = heardSign({ sign: c, length, previous, next }, on, words);
      if (heard === 'space') space();
      else if (heard === 'border') emit(',');
      else if (heard === 'pause') {
        space();
        emit('—');
        space();
      } else emit(heard.say);
    }
    take(length);
    return true;
  };

  const colon = (final: boolean): boolean => {
    const next = rest.charAt(at + 1);
    if (next === '' && !final) return false;
    const ends = next === '' || /\s/.test(next) || /[*_]/.test(next);
    if (!(on.colon && ends)) emit(':');
    else if (/[\p{L}\p{M}\p{N})\]"”’'%]/u.test(last)) emit(stopAfter(last) || ':');
    take(1);
    return true;
  };

  /** In front of a sign it takes the sign's meaning; at the end of a line it is a break. */
  const backslash = (final: boolean): boolean => {
    const next = rest.charAt(at + 1);
    if (next === '' && !final) return false;
    const escapes = on.markdown === true && /[!-/:-@[-`{-~\n]/.test(next);
    if (!escapes) emit('\\');
    else if (next === '\n') newLine();
    else if (!/[*_`~|]/.test(next)) emit(next);
    take(escapes ? 2 : 1);
    return true;
  };

  const text = (final: boolean): boolean => {
    if (lineStart) return beginLine(final);
    const code = rest.codePointAt(at) ?? 0;
    const c = code > 0xffff ? String.fromCodePoint(code) : rest.charAt(at);
    if (!ALPHANUMERIC.test(previous) && /[hwm]/i.test(c)) {
      const found = addressAt(rest, at, final);
      if (found === undefined) return false;
      if (found) {
        mode = 'address';
        return true;
      }
    }
    WORD.lastIndex = at;
    const word = WORD.exec(rest)?.[0];
    if (word) {
      emit(word);
      take(word.length);
      return true;
    }
    switch (c) {
      case '\n':
        newLine();
        break;
      case '\r':
        break;
      case '*':
        return asterisks(final);
      case '_':
      case '~':
      case '`':
      case '#':
      case '|':
      case '=':
      case '-':
      case '—':
        return signs(c, final);
      case '–':
        if (rest.length - at < 2 && !final) return false;
        if (on.dash && /\s/.test(previous) && /\s/.test(rest.charAt(at + 1))) emit('—');
        else emit(c);
        break;
      case ':':
        return colon(final);
      case '[':
        return obey(on.markdown ? squareBracket(rest, at, lineHead, final) : { kind: 'plain' });
      case ']':
        return obey(on.markdown ? squareEnd(rest, at, final) : { kind: 'plain' });
      case '【':
        return obey(sourceBracket(rest, at, final));
      case '<':
        return obey(angleBracket(rest, at, final));
      case '&':
        return obey(entity(rest, at, on.quote === true, final));
      case '!':
        if (on.markdown && !ALPHANUMERIC.test(previous)) {
          if (rest.length - at < 2 && !final) return false;
          if (rest.charAt(at + 1) === '[') break;
        }
        emit('!');
        break;
      case '\\':
        return backslash(final);
      case '"':
      case '“':
      case '”':
      case '„':
      case '«':
      case '»':
        // Behind a digit it means inches.
        if (!on.quote || (c === '"' && /\d/.test(previous))) emit(c);
        break;
      case '‼':
      case '⁉':
        emit(c === '‼' ? '!' : '?');
        break;
      default:
        if (/\s/.test(c)) space();
        else if (code >= 0xd800 && code <= 0xdbff && at + 1 >= rest.length && !final) return false;
        else if (SILENT.test(c) || (c === JOINER && gap)) gap = true;
        // A comma behind a picture belonged to the word before it.
        else if (!(gap && last === ' ' && /[,;]/.test(c))) emit(c);
    }
    take(c.length);
    return true;
  };

  const steps: Record<Mode, (final: boolean) => boolean> = {
    text,
    line() {
      const end = rest.indexOf('\n', at);
      mode = end < 0 ? 'line' : 'text';
      take((end < 0 ? rest.length : end) - at || 0);
      return end >= 0;
    },
    comment(final) {
      const end = rest.indexOf('-->', at);
      if (end < 0) {
        // The last two characters may begin the end.
        at = Math.max(at, final ? rest.length : rest.length - 2);
        return false;
      }
      mode = 'text';
      take(end + 3 - at);
      return true;
    },
    target() {
      const c = rest.charAt(at);
      if (c === '(') depth++;
      if (c === ')') depth--;
      if (depth === 0 || c === '\n') mode = 'text';
      if (c !== '\n') take(1);
      return true;
    },
    address() {
      const c = rest.charAt(at);
      if (!SILENT.test(c) && link.take(c)) take(1);
      else {
        emit(link.end());
        mode = 'text';
        // The end of `<https://example.com>`.
        if (c === '>') take(1);
      }
      return true;
    },
    fence() {
      const { taken, over } = code.take(rest, at);
      if (over) mode = 'text';
      take(taken);
      return true;
    },
  };

  const read = (final: boolean): string => {
    while (at < rest.length && steps[mode](final));
    rest = rest.slice(at);
    at = 0;
    const done = out;
    out = '';
    return done;
  };

  return {
    push(more) {
      rest += more;
      return read(false);
    },
    flush() {
      let done = read(true);
      if (mode === 'address') emit(link.end());
      const left = code.rest();
      if (!heard) emit(left);
      done += out;
      rest = '';
      out = '';
      mode = 'text';
      previous = '\n';
      last = '';
      lineStart = true;
      lineHead = true;
      inTable = false;
      between = '';
      reading = false;
      return done;
    },
  };
}
