/**
 * Text as a model writes it, cut into pieces that a voice can speak: whole words as they come for voices that buffer themselves, else
 * the first clause as early as it can be spoken and whole sentences after it. Never splits a word, never drops or adds a character; a piece
 * that makes no sound waits for the words behind it. Words of scripts without spaces are told apart by their dictionary.
 */
import type { SpeechPlan } from '../../agent/plan.ts';
import { AUDIBLE, CLOSERS, FULL_COMMAS, FULL_STOPS, UNSPACED, WIDE } from './speech/characters.ts';

export interface Clauses {
  /** Pieces that are ready after this text. */
  push(text: string): string[];
  /** What is left, at the end of the text. */
  flush(): string[];
}

/** What the user says about pieces; where it is `null` the voice's own way is the best. */
export type CutPlan = Pick<SpeechPlan, 'minCharacters' | 'boundaries'>;
const AS_EARLY_AS_POSSIBLE: CutPlan = { minCharacters: null, boundaries: null };

/** A first piece shorter than this sounds chopped; characters, a wide one counts for three. */
const FIRST_LEAST = 12;
/** Without punctuation the first piece goes after this many words, a later one after twice and more; words. */
const FIRST_WORDS = 6;
const LATER_WORDS = 30;
/** Words that share a message once the voice is ahead; words. */
const MOST_SHARED = 5;
/** No text is held beyond this, words or not; characters. */
const MOST_HELD = 400;

/** `calling.We`: an end whose space was forgotten. Two letters behind it, so that names like `Node.JS` stay whole. */
const RUN_ON = `(?<=\\p{Ll}{2})[.!?](?=\\p{Lu}[\\p{Ll}\\s])`;
const SENTENCE = new RegExp(`[.!?][${CLOSERS}]*\\s+|[${FULL_STOPS}]+[${CLOSERS}]*\\s*|\\n\\s*|${RUN_ON}`, 'gu');
const CLAUSE = new RegExp(`[,;:.!?—][${CLOSERS}]*\\s+|[${FULL_STOPS}${FULL_COMMAS}]+[${CLOSERS}]*\\s*|\\n\\s*|${RUN_ON}`, 'gu');
const SENTENCE_OVER = new RegExp(`[.!?${FULL_STOPS}\\n][${CLOSERS}]*\\s*$`, 'u');
/** A punctuation mark behind a letter: the word is over, whatever comes. */
const WORD_OVER = new RegExp(`[\\p{L}\\p{M}][${CLOSERS}]{0,4}[,;:.!?${FULL_STOPS}${FULL_COMMAS}]+[${CLOSERS}]{0,4}$`, 'u');
/** `Dr. Smith`, `No. 5`: the dot of a short form is not an end. */
const SHORT_FORM = /\b(?:mr|mrs|ms|dr|prof|st|no|vs|approx|e\.g|i\.e)\.\s+$/i;

export function clauses(prefers: 'tokens' | 'clauses', plan: CutPlan = AS_EARLY_AS_POSSIBLE): Clauses {
  const chosen = plan.minCharacters !== null || plan.boundaries !== null;
  const byWords = prefers === 'tokens' && !chosen;
  const ends = plan.boundaries ? endsAt(plan.boundaries) : undefined;
  let rest = '';
  let first = true;
  /** How many words the next piece must have, where words go out as they come: none of the first ones waits, later ones share a message. */
  let least = 1;

  /** Up to the last word that is over, when there are enough of them or a sentence ends. */
  const wordsOver = (): number => {
    const at = WORD_OVER.test(rest) ? rest.length : lastBorder(rest);
    const ready = rest.slice(0, at);
    if (!AUDIBLE.test(ready)) return 0;
    if (least > 1 && !SENTENCE_OVER.test(ready) && afterWords(ready, least, true) === 0) return 0;
    least = Math.min(MOST_SHARED, least + 1);
    return at;
  };
  const cutAt = (): number => {
    if (byWords) return wordsOver();
    const pattern = ends ?? (first || chosen ? CLAUSE : SENTENCE);
    const enough = plan.minCharacters ?? (first ? FIRST_LEAST : 1);
    pattern.lastIndex = 0;
    for (let end = pattern.exec(rest); end; end = pattern.exec(rest)) {
      const at = end.index + end[0].length;
      const piece = rest.slice(0, at);
      if (AUDIBLE.test(piece) && !SHORT_FORM.test(piece) && width(piece, enough) >= enough) return at;
    }
    const at = afterWords(rest, first && !chosen ? FIRST_WORDS : LATER_WORDS, false);
    return at > 0 && AUDIBLE.test(rest.slice(0, at)) ? at : 0;
  };
  /** A place to cut what has become too long to hold: behind a word, or anywhere but inside a character. */
  const forced = (): number => {
    if (rest.length <= MOST_HELD) return 0;
    const at = lastBorder(rest.slice(0, MOST_HELD));
    if (at > 0 && AUDIBLE.test(rest.slice(0, at))) return at;
    return /[\uD800-\uDBFF]/.test(rest.charAt(MOST_HELD - 1)) ? MOST_HELD - 1 : MOST_HELD;
  };

  return {
    push(text) {
      const pieces: string[] = [];
      // In slices, so that a very long text costs no more than many short ones.
      for (let from = 0; from < text.length; from += MOST_HELD) {
        rest += text.slice(from, from + MOST_HELD);
        for (let at = cutAt() || forced(); at > 0; at = cutAt() || forced()) {
          pieces.push(rest.slice(0, at));
          rest = rest.slice(at);
          first = false;
        }
      }
      return pieces;
    },
    flush() {
      const piece = rest;
      rest = '';
      return piece.trim() === '' ? [] : [piece];
    },
  };
}

/** The user's own marks: those of scripts without spaces end a piece at once, the others where a space follows. */
function endsAt(boundaries: readonly string[]): RegExp {
  const marks = boundaries.filter((mark) => mark !== '').map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const wide = marks.filter((mark) => FULL_STOPS.includes(mark) || FULL_COMMAS.includes(mark));
  const narrow = marks.filter((mark) => !wide.includes(mark));
  const parts = [...narrow.map((mark) => `${mark}[${CLOSERS}]*\\s+`), ...wide.map((mark) => `${mark}[${CLOSERS}]*\\s*`)];
  return new RegExp(parts.length > 0 ? parts.join('|') : '[^\\s\\S]', 'gu');
}

/** How long it takes to say, in narrow characters; counts no further than is asked. */
function width(piece: string, enough: number): number {
  if (piece.length >= enough) return piece.length;
  return piece.length + 2 * (piece.match(WIDE)?.length ?? 0);
}

let dictionary: Intl.Segmenter | undefined;
/** All scripts at once: which words a text holds follows from its letters. */
const segments = (text: string) => {
  dictionary ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  return dictionary.segment(text);
};

/** Behind the last word that is over: the last white space, or the last word of a script without spaces but one, which may go on. */
function lastBorder(text: string): number {
  let at = text.length;
  while (at > 0 && !/\s/.test(text.charAt(at - 1))) at--;
  const tail = text.slice(at);
  if (!UNSPACED.test(tail)) return at;
  let border = 0;
  for (const { index } of segments(tail)) border = index;
  return at + border;
}

/** Behind so many words, or 0. `all`: the last one is over too. */
function afterWords(text: string, count: number, all: boolean): number {
  // A word is a character at least.
  if (text.length < count) return 0;
  let words = 0;
  if (UNSPACED.test(text)) {
    for (const { index, isWordLike } of segments(text)) {
      if (!isWordLike) continue;
      // What stands between two words belongs to the first.
      if (words === count) return index;
      words++;
    }
    return all && words >= count ? text.length : 0;
  }
  for (let at = 0; at < text.length; ) {
    const begin = skip(text, at, true);
    const end = skip(text, begin, false);
    if (end > begin) words++;
    const behind = skip(text, end, true);
    if (words === count) return behind > end || all ? behind : 0;
    at = behind;
  }
  return 0;
}

/** Over white space, or over what is none. */
function skip(text: string, at: number, space: boolean): number {
  while (at < text.length && /\s/.test(text.charAt(at)) === space) at++;
  return at;
}
