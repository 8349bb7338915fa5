/**
 * Text as a model writes it, cut into pieces that a voice can speak: whole words as they come for voices that buffer themselves, else
 * the first clause as early as it can be spoken and whole sentences after it. Never splits a word, never drops or adds a character.
 */

export interface Clauses {
  /** Pieces that are ready after this text. */
  push(text: string): string[];
  /** What is left, at the end of the text. */
  flush(): string[];
}

/** A first piece shorter than this sounds chopped; characters. */
const FIRST_LEAST = 12;
/** Without punctuation the first piece goes after this many words, a later one after twice and more; words. */
const FIRST_WORDS = 6;
const LATER_WORDS = 30;
/** Words that share a message once the voice is ahead; words. */
const MOST_SHARED = 5;

const SENTENCE = /[.!?。！？।]["'”’)]*\s+/g;
const CLAUSE = /[,;:.!?。！？।—]["'”’)]*\s+/g;
/** A punctuation mark behind a letter: the word is over, whatever comes. */
const WORD_OVER = /\p{L}["'”’)]*[,;:.!?…。！？।]+["'”’)]*$/u;
/** `Dr. Smith`, `No. 5`: the dot of a short form is not an end. */
const SHORT_FORM = /\b(?:mr|mrs|ms|dr|prof|st|no|vs|approx|e\.g|i\.e)\.\s+$/i;

export function clauses(prefers: 'tokens' | 'clauses'): Clauses {
  let rest = '';
  let first = true;
  /** How many words the next piece must have, where words go out as they come: none of the first ones waits, later ones share a message. */
  let least = 1;

  /** Up to the last word that is over, when there are enough of them or a sentence ends. */
  const wordsOver = (): number => {
    const at = WORD_OVER.test(rest) ? rest.length : rest.search(/\s\S*$/) + 1;
    const ready = rest.slice(0, at).trim();
    if (least > 1 && ready.split(/\s+/).length < least && !/[.!?。！？।]["'”’)]*$/.test(ready)) return 0;
    if (ready !== '') least = Math.min(MOST_SHARED, least + 1);
    return at;
  };
  const cutAt = (): number => {
    if (prefers === 'tokens') return wordsOver();
    for (const end of rest.matchAll(first ? CLAUSE : SENTENCE)) {
      const at = end.index + end[0].length;
      if (!SHORT_FORM.test(rest.slice(0, at)) && (!first || at >= FIRST_LEAST)) return at;
    }
    const words = [...rest.matchAll(/\S+\s+/g)];
    const enough = words[(first ? FIRST_WORDS : LATER_WORDS) - 1];
    return enough ? enough.index + enough[0].length : 0;
  };

  return {
    push(text) {
      rest += text;
      const pieces: string[] = [];
      for (let at = cutAt(); at > 0; at = cutAt()) {
        const piece = rest.slice(0, at);
        rest = rest.slice(at);
        // White space alone is not speech: it waits for the words that it belongs to.
        if (piece.trim() === '') {
          rest = piece + rest;
          break;
        }
        pieces.push(piece);
        first = false;
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
