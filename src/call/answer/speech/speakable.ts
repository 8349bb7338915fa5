/**
 * From a model's text to pieces that a voice speaks: marks for eyes taken away, the user's replacements made, written signs said as words,
 * then cut. The voice, the caller's memory and the record get the same words. Never waits longer than its parts' bounds.
 */
import type { SpeechPlan } from '../../../agent/plan.ts';
import { type Clauses, clauses } from '../clauses.ts';
import { AUDIBLE, SEND_NOW, TAG_SPACE } from './characters.ts';
import { replacements } from './replacements.ts';
import { symbolWords } from './symbols.ts';
import { type TextStream, unmark } from './unmark.ts';
import { wording } from './wording.ts';

export function speakable(plan: SpeechPlan, language: string, prefers: 'tokens' | 'clauses'): Clauses {
  const cutter = clauses(prefers, plan);
  /** Without a letter or a digit a voice has nothing to say, and some refuse it. */
  const audible = (pieces: string[]) => pieces.filter((piece) => AUDIBLE.test(piece)).map(withSpaces);
  if (!plan.format) return { push: cutter.push, flush: () => audible(cutter.flush()) };
  const text = spokenStream(plan, language);
  const cut = (said: string): string[] => {
    if (!said.includes(SEND_NOW)) return said === '' ? [] : cutter.push(said);
    return said
      .split(SEND_NOW)
      .flatMap((part, at, { length }) => [...cutter.push(part), ...(at < length - 1 ? audible(cutter.flush()) : [])]);
  };
  return {
    push: (more) => cut(text.push(more)).map(withSpaces),
    flush: () => [...cut(text.flush()).map(withSpaces), ...audible(cutter.flush())],
  };
}

/** A whole text as it is spoken, in one piece. */
export function spoken(plan: SpeechPlan, language: string, text: string): string {
  if (!plan.format) return text;
  const stream = spokenStream(plan, language);
  return withSpaces((stream.push(text) + stream.flush()).replaceAll(SEND_NOW, ''));
}

const withSpaces = (piece: string) => (piece.includes(TAG_SPACE) ? piece.replaceAll(TAG_SPACE, ' ') : piece);

/** What asks to be sent at once passes through all parts in its place. */
function spokenStream(plan: SpeechPlan, language: string): TextStream {
  const [first, ...others] = [unmark(plan.formatters, symbolWords(language)), replacements(plan), wording(plan, language)].filter(
    (stream) => stream !== undefined,
  );
  const through = (text: string, final: boolean): string =>
    others.reduce((so, stream) => {
      if (!so.includes(SEND_NOW)) return stream.push(so) + (final ? stream.flush() : '');
      return so
        .split(SEND_NOW)
        .map((part, at, { length }) => stream.push(part) + (final || at < length - 1 ? stream.flush() : ''))
        .join(SEND_NOW);
    }, text);
  return {
    push: (text) => through(first?.push(text) ?? '', false),
    flush: () => through(first?.flush() ?? '', true),
  };
}
