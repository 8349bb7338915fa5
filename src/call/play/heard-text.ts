/**
 * Turns "how many milliseconds of a reply were heard" into its words. Exact where the voice says when each word is spoken,
 * else by share of characters; always cut at the end of a word. Never guesses what was not written.
 */
export interface HeardWords {
  /** Appends text. `spokenMs` is given when everything before it has been heard: the audio of this piece begins there. */
  say(piece: string, spokenMs: number | undefined): void;
  /** What has been said but not voiced in `audioMs` of audio is taken back: its voice is gone. */
  lose(audioMs: number): void;
  /** A word of the text with its place in the reply's audio. */
  word(text: string, endAtMs: number): void;
  /** The text up to `ms`. `audioMs` is how much audio there is so far; `whole`: there will be no more. */
  upTo(ms: number, audioMs: number, whole: boolean): string;
}

/** About fifteen characters a second: ordinary English speech, used until the length of the audio is known. */
const MS_PER_CHARACTER = 65;
/** A voice that pauses has probably said all its text when this share of the estimate was heard. */
const PROBABLY_ALL = 0.75;
/** How far ahead in the text a spoken word is looked for: voices write numbers and abbreviations out. */
const SEARCH_CHARACTERS = 80;

export function heardWords(): HeardWords {
  let text = '';
  const words: { text: string; endAtMs: number }[] = [];
  /** The last place where text and audio are known to meet. */
  let anchor = { characters: 0, ms: 0 };

  const byWords = (ms: number): string => {
    const lower = text.toLowerCase();
    let end = 0;
    const spoken: string[] = [];
    for (const word of words) {
      if (word.endAtMs > ms) break;
      spoken.push(word.text);
      const found = lower.slice(0, end + SEARCH_CHARACTERS).indexOf(bare(word.text), end);
      if (found >= 0) end = found + bare(word.text).length;
    }
    if (text === '' || (end === 0 && spoken.length > 0)) return spoken.join(' ');
    return text.slice(0, end) + (/^[.,!?;:'")\]]+/.exec(text.slice(end))?.[0] ?? '');
  };

  const byShare = (ms: number, audioMs: number, whole: boolean): string => {
    const characters = text.length - anchor.characters;
    const known = audioMs - anchor.ms;
    const expected = whole ? known : Math.max(known, characters * MS_PER_CHARACTER);
    if (ms <= anchor.ms) return text.slice(0, anchor.characters);
    const share = (ms - anchor.ms) / expected;
    if (share >= 1 || (ms >= audioMs && share >= PROBABLY_ALL)) return text;
    const end = anchor.characters + Math.floor(share * characters);
    // A word that was begun was not heard.
    return /\s/.test(text.charAt(end)) ? text.slice(0, end) : text.slice(0, end).replace(/\S+$/, '');
  };

  const upTo: HeardWords['upTo'] = (ms, audioMs, whole) => {
    if (ms <= 0) return '';
    if (whole && ms >= audioMs) return (text === '' ? words.map((word) => word.text).join(' ') : text).trim();
    return (words.length > 0 ? byWords(ms) : byShare(ms, audioMs, whole)).trim();
  };

  return {
    upTo,
    lose(audioMs) {
      const voiced = upTo(audioMs, audioMs, false);
      text = voiced === '' ? '' : `${voiced} `;
      anchor = { characters: text.length, ms: audioMs };
    },
    say(piece, spokenMs) {
      if (spokenMs !== undefined) anchor = { characters: text.length, ms: spokenMs };
      text += piece;
    },
    word(spoken, endAtMs) {
      words.push({ text: spoken, endAtMs });
    },
  };
}

/** A word as it is compared: lower case, without the punctuation around it. */
function bare(word: string): string {
  return word
    .toLowerCase()
    .trim()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}
