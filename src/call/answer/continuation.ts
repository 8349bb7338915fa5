/**
 * An answer that one model broke off and another one goes on with: what the second one is asked, and how its text joins what is there.
 * It may go on as asked, begin anew, or repeat the last words: what was written already is not said twice. Pure.
 */
import type { PromptRequest } from '../../providers/llm/contract.ts';

export interface Continuation {
  readonly request: PromptRequest;
  /** What of this text is new; held back while it may be a repetition. */
  push(text: string): string;
  /** What was held back, at the end of the text. */
  flush(): string;
}

/** Scripts that put no spaces between words, and their punctuation. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\u3000-\\u303f\\uff00-\\uffef';
const ENDS_UNSPACED = new RegExp(`[${UNSPACED}]$`, 'u');
/** A word that may not be over. */
const FRAGMENT = new RegExp(`(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}'’-])+$`, 'u');
/** How far back the second model may begin to repeat; beyond it only a whole new beginning is noticed. Characters. */
const REPEATED_MOST = 200;
/** The words that the note names, so that no model looks for the place. */
const PLACE_WORDS = 6;

/** `request` is the one that was broken off after `written`; `undefined` when nothing was. */
export function continuation(request: PromptRequest, written: string): Continuation | undefined {
  const whole = written.trim();
  if (whole === '') return undefined;
  const fragment = FRAGMENT.exec(written)?.[0] ?? '';
  const prefix = written.slice(0, written.length - fragment.length).trim();
  const repeats = repeatable(written, whole, fragment);
  let head: string | undefined = '';

  /** What is new in the beginning, once that is certain. */
  const decide = (text: string, final: boolean): string | undefined => {
    const begun = text.trimStart();
    const known = begun.toLowerCase();
    if (!final && (begun === '' || repeats.some((repeat) => repeat.length > known.length && repeat.startsWith(known)))) return undefined;
    const repeat = repeats.find((entry) => known.startsWith(entry));
    if (repeat !== undefined) return behind(written, begun.slice(repeat.length));
    if (begun === '') return '';
    const apart = /\s$/.test(written) || /^[\s\p{P}]/u.test(text) || ENDS_UNSPACED.test(whole);
    return apart ? behind(written, text) : ` ${begun}`;
  };
  const settle = (final: boolean): string => {
    const decided = head === undefined ? undefined : decide(head, final);
    if (decided === undefined) return '';
    head = undefined;
    return decided;
  };
  return {
    request: prefix === '' ? request : { ...request, messages: [...request.messages, ...resumption(prefix)] },
    push(text) {
      if (head === undefined) return text;
      head += text;
      return settle(false);
    },
    flush: () => settle(true),
  };
}

function resumption(prefix: string): PromptRequest['messages'] {
  const place = prefix.split(/\s+/).slice(-PLACE_WORDS).join(' ').slice(-REPEATED_MOST);
  const note = `Your answer broke off after "${place}". Go on with it from there, in the middle of the sentence, and repeat nothing.`;
  return [
    { role: 'assistant', content: prefix },
    { role: 'system', content: note },
  ];
}

/** What may be repeated, longest first: everything, the last words from two on, or the word that was not over. Lower case. */
function repeatable(written: string, whole: string, fragment: string): string[] {
  const lower = whole.toLowerCase();
  const from = Math.max(0, lower.length - REPEATED_MOST);
  const starts = [...lower.slice(from).matchAll(/(?<=\s)\S/g)].map((found) => from + found.index);
  const ends = starts.slice(0, -1).map((at) => lower.slice(at));
  const last = fragment !== '' && written.endsWith(fragment) ? [fragment.toLowerCase()] : [];
  return [lower, ...ends, ...last];
}

/** No second space between the two. */
function behind(written: string, text: string): string {
  return /\s$/.test(written) ? text.trimStart() : text;
}
