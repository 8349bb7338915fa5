/**
 * Turns "how many milliseconds of a reply were heard" into its words. Exact where the voice says when each word is spoken,
 * else by share of characters; always cut at the end of a word. Never guesses what was not written.
 */
export interface HeardWords {
  /** Appends text. `spokenMs` is given when everything before it has been heard: the audio of this piece begins there. */
  say(piece: string, spokenMs: number | undefined): void;
  /**
   * What has been said but not voiced in `audioMs` of audio is taken back: its voice is gone. Gives what was taken. `pace` of that voice
   * in ms per character, where it is known. What is not certain counts as not voiced: a word twice is better than a word lost.
   */
  lose(audioMs: number, pace?: number): string;
  /** A word of the text with its place in the reply's audio. */
  word(text: string, endAtMs: number): void;
  /** The words since the last progress that have surely been heard by `ms`. Joined they are the beginning of what `upTo` gives later. */
  progress(ms: number, audioMs: number): string;
  /** The text up to `ms`. `audioMs` is how much audio there is so far; `whole`: there will be no more. */
  upTo(ms: number, audioMs: number, whole: boolean): string;
}

/** About fifteen characters a second: ordinary English speech, used until the length of the audio is known. */
const MS_PER_CHARACTER = 65;
/** A voice that pauses has probably said all its text when this share of the estimate was heard. */
const PROBABLY_ALL = 0.75;
/** Of what an estimate says was heard, so much is certain enough to be kept whatever comes. */
const SURE = 0.85;
/** How far ahead in the text a spoken word is looked for: voices write numbers and abbreviations out. */
const SEARCH_CHARACTERS = 80;

/** Words without a letter or a digit make no sound. */
const AUDIBLE = /[\p{L}\p{N}]/u;

export function heardWords(): HeardWords {
  /** What voices that are gone have said, each up to a moment. */
  const gone: { voice: OneVoice; fromMs: number; toMs: number }[] = [];
  let voice = oneVoice();
  let fromMs = 0;
  /** What progress has told; never taken back. */
  let told = '';

  /** What the voices before have said up to `ms`; and whether the present one was heard at all by then. */
  const before = (ms: number): { text: string; present: boolean } => {
    const cut = gone.findIndex(({ toMs }) => ms < toMs);
    const heard = gone.slice(0, cut < 0 ? gone.length : cut + 1).map((part) => {
      const lengthMs = part.toMs - part.fromMs;
      return part.voice.upTo(Math.min(ms - part.fromMs, lengthMs), lengthMs, true);
    });
    return { text: joined(heard), present: cut < 0 };
  };
  const all = (ms: number, present: () => string): string => {
    const { text, present: heard } = before(ms);
    return heard ? joined([text, present()]) : text;
  };
  return {
    upTo(ms, audioMs, whole) {
      const heard = all(ms, () => voice.upTo(ms - fromMs, audioMs - fromMs, whole));
      return heard.length < told.length ? told : heard;
    },
    progress(ms, audioMs) {
      const heard = all(ms, () => voice.sure(ms - fromMs, audioMs - fromMs));
      const delta = heard.startsWith(told) ? heard.slice(told.length) : '';
      told += delta;
      return delta;
    },
    lose(audioMs, pace) {
      const { text } = before(audioMs);
      const rest = voice.lose(audioMs - fromMs, pace, Math.max(0, told.length - (text === '' ? 0 : text.length + 1)));
      gone.push({ voice, fromMs, toMs: audioMs });
      voice = oneVoice();
      fromMs = audioMs;
      return rest;
    },
    say: (piece, spokenMs) => voice.say(piece, spokenMs === undefined ? undefined : spokenMs - fromMs),
    word: (spoken, endAtMs) => voice.word(spoken, endAtMs - fromMs),
  };
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(' ');
}

/** The same for the sound of one voice alone, from its first byte. */
interface OneVoice extends Omit<HeardWords, 'lose' | 'progress'> {
  /** What has certainly been heard by `ms`. */
  sure(ms: number, audioMs: number): string;
  /** `told`: so many characters were heard, whatever the pace says. */
  lose(audioMs: number, pace: number | undefined, told: number): string;
}

function oneVoice(): OneVoice {
  let text = '';
  let words: { text: string; endAtMs: number }[] = [];
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
    return wholeWords(text, anchor.characters + Math.floor(share * characters));
  };

  /** How many characters of it `ms` of sound hold at this pace, to the end of a word. */
  const byPace = (ms: number, pace: number): number => {
    const end = anchor.characters + Math.floor((ms - anchor.ms) / pace);
    return end >= text.length ? text.length : wholeWords(text, end).length;
  };

  const upTo: HeardWords['upTo'] = (ms, audioMs, whole) => {
    if (ms <= 0) return '';
    if (whole && ms >= audioMs) return (text === '' ? words.map((word) => word.text).join(' ') : text).trim();
    return (words.length > 0 ? byWords(ms) : byShare(ms, audioMs, whole)).trim();
  };

  return {
    upTo,
    sure: (ms, audioMs) => upTo(words.length > 0 ? ms : anchor.ms + (ms - anchor.ms) * SURE, audioMs, false),
    lose(audioMs, pace, told) {
      words = words.filter(({ endAtMs }) => endAtMs <= audioMs);
      const timed = words.length > 0 ? byWords(audioMs) : undefined;
      const known = timed !== undefined && text.startsWith(timed) ? timed.length : byPace(audioMs, pace ?? MS_PER_CHARACTER);
      const voiced = Math.max(known, told);
      const rest = text.slice(voiced);
      if (!AUDIBLE.test(rest)) return '';
      text = text.slice(0, voiced);
      return rest.trimStart();
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

/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The text up to `end`, without the word that `end` lies in: a word that was begun was not heard. */
function wholeWords(text: string, end: number): string {
  if (/\s/.test(text.charAt(end))) return text.slice(0, end);
  const [begun = ''] = /\S+$/.exec(text.slice(0, end)) ?? [];
  if (!UNSPACED.test(begun)) return text.slice(0, end - begun.length);
  const [unspaced = ''] = /\S+/.exec(text.slice(end - begun.length)) ?? [];
  return text.slice(0, end - begun.length + (segmenter.segment(unspaced).containing(begun.length)?.index ?? begun.length));
}

/** A word as it is compared: lower case, without the punctuation around it. */
function bare(word: string): string {
  return word
    .toLowerCase()
    .trim()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}
