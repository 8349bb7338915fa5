/** Kinds of characters that decide how text is cut and cleaned. Only patterns, no state; none of them can backtrack. */

/** Letters of scripts that write no space between words. Korean writes spaces. */
const UNSPACED_LETTERS =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\u30FC\\u3005\\u3006';
export const UNSPACED = new RegExp(`[${UNSPACED_LETTERS}]`, 'u');
/** Three Latin letters take about as long to say as one of these. */
export const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/** End a sentence, or a clause, without a space behind them. */
export const FULL_STOPS = '。！？｡؟۔।॥։።။៕…';
export const FULL_COMMAS = '，、；：،؛';
/** Belong to the piece before them. */
export const CLOSERS = '"\'”’»)\\]」』）》】';

/** Whole runs that need no word around them: unspaced letters and full-width marks. */
export const UNSPACED_RUN = new RegExp(`[${UNSPACED_LETTERS}\\p{M}${FULL_COMMAS}${FULL_STOPS}「」『』（）《》【】〈〉・　]+`, 'uy');
/** A word of a script that writes spaces. */
export const SPACED_WORD = new RegExp(`[^\\s${UNSPACED_LETTERS}${FULL_COMMAS}${FULL_STOPS}「」『』（）《》【】〈〉・]+`, 'uy');

/** A piece with none of these makes no sound. */
export const AUDIBLE = /[\p{L}\p{N}]/u;
export const ALPHANUMERIC = /[\p{L}\p{N}\p{M}]/u;

/**
 * Pictures and characters that cannot be seen. Joiners (U+200C, U+200D) are letters' business in many scripts and are not among
 * them; the degree sign, currency and mathematics are words to a voice.
 */
export const SILENT =
  /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Cc}\p{Co}\p{Cs}\u00AD\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\u2190-\u21FF\u2300-\u23FF\u2500-\u27BF\u2B00-\u2BFF\uFEFF\uFFF9-\uFFFD]|[\u20D0-\u20FF]|[\uFE00-\uFE0F]|[\u{E0000}-\u{E01EF}]/u;
export const JOINER = '\u200D';

/** Two marks of this product's own inside text on its way to the voice; a model's own private characters are silent before. */
export const TAG_SPACE = '\uE000';
export const SEND_NOW = '\uE001';

/** What ends a line that has no end of its own. Thai and its neighbours end sentences with a space. */
export function stopAfter(letter: string): string {
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(letter)) return '。';
  if (UNSPACED.test(letter)) return '';
  if (/[\p{Script=Devanagari}\p{Script=Bengali}]/u.test(letter)) return '।';
  return '.';
}
