/**
 * Written words as they are said: addresses, signs, capitals, and in English numbers with what belongs to them. Streams word by word:
 * a word goes out when it is over, a number when the word behind it shows that it is not part of it. Holds a few words at most, and
 * leaves alone what it is not sure of.
 */
import type { SpeechPlan } from '../../../agent/plan.ts';
import { SPACED_WORD, TAG_SPACE, UNSPACED_RUN } from './characters.ts';
import { ENGLISH_BEHIND, ENGLISH_MONTH, ENGLISH_RULES } from './english-rules.ts';
import { primary, sayHost, symbolWords } from './symbols.ts';
import type { TextStream } from './unmark.ts';

/** A number with all that may belong to it; longer ones go as they are. Characters. */
const LONGEST_GROUP = 120;
/** Longer words are no words. Characters. */
const LONGEST_WORD = 200;

const PLAIN = /^[\p{L}\p{M}'’]+[.,;!?…]*$/u;
/** Behind these a word is over, whatever comes. */
const SURE_END = /^[^\s]*?\p{L}[,;!?]+/u;
const EMAIL = /([\p{L}\p{N}._%+-]+)@([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)/uy;
/** Names that end like words (`.it`, `.at`, `.me`) are addresses only behind `www.` or a scheme. */
const HOST =
  /((?:[a-z0-9][a-z0-9-]*\.)+(?:com|org|net|io|ai|co|edu|gov|info|biz|app|dev|eu|de|uk|fr|nl|es|ch|jp|cn|br|au|ca))(?:\/\S*[\p{L}\p{N}/])?(?![\p{L}\p{N}@])/iuy;
const CAPITALS = /[A-Z]{2,6}s?(?![\p{L}\p{N}])/uy;
const RUN = /[\p{L}\p{N}\p{M}]+(?:[.,:/'’_-][\p{L}\p{N}\p{M}]+)*/uy;
/** Said as words, though a voice might spell them. */
const SAID_AS_WORDS = new Set(['NASA', 'NATO', 'UNESCO', 'UNICEF', 'OPEC', 'FIFA', 'UEFA', 'IKEA', 'LASER', 'RADAR', 'SCUBA', 'NET']);
/** Capitals that are short words, halves of the day, or sounds. */
const NO_LETTERS = new Set('AM PM MR MRS MS DR ST RD LN BLVD PKWY HWY SHH HMM PSST BRR GRR TH ND'.split(' '));

export function wording(plan: SpeechPlan, language: string): TextStream {
  const on = new Set(plan.formatters);
  const words = symbolWords(language);
  const english = primary(language) === 'en';
  const rules = english ? ENGLISH_RULES.filter((rule) => on.has(rule.formatter)) : [];
  const context = { digitsAbove: plan.digitsAbove, monthFirst: !/^en[-_](?!us|ca|ph)/i.test(language) };
  let rest = '';
  /** A number that may go on. */
  let group = '';
  /** The letters before it were Latin: numbers inside another script are left to the voice. */
  let latin = true;

  const mayBegin = (word: string) =>
    rules.length > 0 && latin && (/\d/.test(word) || /^[($€£¥₹+-]+$/.test(word) || ENGLISH_MONTH.test(word));
  /** Punctuation ends a number, but not `May 10, ` nor `Jan. `. */
  const complete = () => /[.,;:!?]\s*$/.test(group.replace(/\p{Lu}\p{L}{2,8}(?:\. | \d{1,2}, )$/u, ''));
  const goesOn = (word: string) => /\d/.test(word) || /^[%×–+=-]$|^[€£$¥₹][.,;!?]*$/.test(word) || ENGLISH_BEHIND.test(word);

  const close = (): string => {
    const said = group === '' ? '' : say(group);
    group = '';
    return said;
  };
  /** One word with the space behind it. */
  const word = (text: string, space: string): string => {
    if (group !== '') {
      if (group.length < LONGEST_GROUP && goesOn(text)) {
        group += text + space;
        return complete() ? close() : '';
      }
      return close() + word(text, space);
    }
    if (mayBegin(text)) {
      group = text + space;
      return complete() ? close() : '';
    }
    if (/\p{L}/u.test(text)) latin = /\p{Script=Latin}/u.test(text);
    if (PLAIN.test(text) && !/[A-Z]{2}/.test(text)) return text + space;
    return say(text + space);
  };

  const sticky = (pattern: RegExp, text: string, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const byRule = (text: string, at: number): { length: number; said: string } | undefined => {
    if (!latin) return undefined;
    for (const { pattern, say } of rules) {
      const found = sticky(pattern, text, at);
      const said = found && say(found, context);
      if (found && said !== undefined && said !== null) return { length: found[0].length, said };
    }
    return undefined;
  };
  const email = (found: RegExpExecArray): string =>
    (found[1] ?? '')
      .replace(/[._+-]/g, (sign) => ` ${{ '.': words.dot, _: words.underscore, '+': words.plus, '-': words.dash }[sign] ?? sign} `)
      .concat(` ${words.at} `, sayHost(found[2] ?? '', words));

  /** A short text, left to right: at each place the first rule that fits. */
  const say = (text: string): string => {
    // A tag for the voice is no text.
    if (text.includes(TAG_SPACE) || /^<[^<>\s]+>/.test(text)) return text;
    let said = '';
    for (let at = 0; at < text.length; ) {
      const c = text.charAt(at);
      const mail = on.has('email') && words.dot !== '.' ? sticky(EMAIL, text, at) : null;
      const host = mail ? null : sticky(HOST, text, at);
      const capitals = on.has('acronym') ? sticky(CAPITALS, text, at) : null;
      const ruled = mail || host ? undefined : byRule(text, at);
      let length = 1;
      if (mail) {
        said += email(mail);
        length = mail[0].length;
      } else if (host) {
        said += sayHost(host[1] ?? '', words);
        length = host[0].length;
      } else if (ruled) {
        said += ruled.said;
        length = ruled.length;
      } else if (capitals) {
        said += letters(capitals[0]);
        length = capitals[0].length;
      } else if (c === '&' && /\s|^$/.test(text.charAt(at - 1)) && /\s|^$/.test(text.charAt(at + 1))) said += words.and;
      else if (c === '×') said += words.times;
      else {
        const run = sticky(RUN, text, at)?.[0];
        said += run ? run.replace(/(?<=\p{L})_(?=\p{L})/gu, ' ').replace(/(?<=\p{Ll}\p{Ll}[.])(?=\p{Lu}(?:\p{Ll}|$))/gu, ' ') : c;
        length = run?.length ?? 1;
        // `calling!We`: a sentence that began without a space.
        if (
          !run &&
          /[!?]/.test(c) &&
          /\p{Ll}\p{Ll}$/u.test(text.slice(Math.max(0, at - 2), at)) &&
          /^\p{Lu}\p{Ll}/u.test(text.slice(at + 1))
        )
          said += ' ';
      }
      at += length;
    }
    return said;
  };

  const read = (final: boolean): string => {
    let said = '';
    let at = 0;
    while (at < rest.length) {
      const space = rest.charAt(at);
      if (/\s/.test(space)) {
        if (group !== '' && !/\s$/.test(group)) group += space;
        else said += space;
        if (space === '\n') said += close();
        at++;
        continue;
      }
      const unspaced = sticky(UNSPACED_RUN, rest, at)?.[0];
      if (unspaced) {
        said += close() + unspaced;
        latin = false;
        at += unspaced.length;
        continue;
      }
      const found = sticky(SPACED_WORD, rest, at)?.[0] ?? space;
      const end = at + found.length;
      const sure = SURE_END.exec(found)?.[0];
      if (sure && !found.startsWith('<')) {
        const behind = rest.charAt(at + sure.length);
        const spaced = /\s/.test(behind) ? behind : '';
        said += word(sure, spaced);
        at += sure.length + spaced.length;
      } else if (end < rest.length || final || found.length >= LONGEST_WORD) {
        const behind = rest.charAt(end);
        const spaced = /\s/.test(behind) ? behind : '';
        if (found.length >= LONGEST_WORD) said += close() + found + spaced;
        else said += word(found, spaced);
        at = end + spaced.length;
        if (spaced === '\n') said += close();
      } else break;
    }
    rest = rest.slice(at);
    return final ? said + close() : said;
  };

  return {
    push(text) {
      rest += text;
      return read(false);
    },
    flush: () => read(true),
  };
}

/** Capitals that cannot be said as a word are spelled. */
function letters(found: string): string {
  const plural = found.endsWith('s') ? 's' : '';
  const capitals = plural ? found.slice(0, -1) : found;
  if (SAID_AS_WORDS.has(capitals)) return capitals.toLowerCase() + plural;
  if (/[AEIOU]/.test(capitals) || NO_LETTERS.has(capitals)) return found;
  return capitals.split('').join(' ') + plural;
}
