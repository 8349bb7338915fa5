/**
 * What the caller said, in the turn table's state: kept until a reply that was asked with it is heard, and replaced when the final of
 * interim words comes late. Pure; it never decides who speaks.
 */
import { countWords, tailOf, wordsOf } from './endpointing.ts';
import type { Policy, TurnState, Words } from './turn-state.ts';

/** Interim words that were answered are remembered for so many turns: no final comes later. */
const ANSWERED_MOST = 4;
/** Longer texts are not compared word by word. */
const COMPARED_MOST = 250_000;
/** So few words into a greeting that has hardly begun, or before it, are a hello, not a question. */
const HELLO_WORDS = 2;

/** Words that wait for an answer; a final stands where its interim words stood. */
export function keep(state: TurnState, words: Words, at: number): TurnState {
  const kept = { ...worded(state, at), partial: '', prompts: 0, utterance: utteranceWith(state, words) };
  const { open, waiting } = state;
  const here = interimIn(waiting, words);
  if (here >= 0) return { ...kept, waiting: waiting.with(here, words) };
  const asked = askedInterim(state, words);
  if (asked && open) return { ...kept, open: { ...open, asked: open.asked.map((other) => (other === asked ? words : other)) } };
  return { ...kept, waiting: [...waiting, words] };
}

/** Words were said: an opinion on earlier ones is void, and the voice is somebody's. */
export function worded(state: TurnState, at: number): TurnState {
  return { ...state, spokeAt: at, probability: null, askedMs: null, wordlessSince: state.talking ? at : state.wordlessSince };
}

/** The voice is there, again or still; what is said from its beginning on is one utterance. */
export function voiced(state: TurnState, at: number): TurnState {
  return state.talking ? state : { ...state, talking: true, wordlessSince: at, utterance: '', probability: null };
}

/** The interim words in the open reply's question that these are the final of. */
export function askedInterim({ open }: TurnState, words: Words): Words | undefined {
  return open && !open.audible ? open.asked[interimIn(open.asked, words)] : undefined;
}

const interimIn = (list: readonly Words[], { replaces }: Words) =>
  replaces === undefined ? -1 : list.findIndex(({ interim, from }) => interim && from === replaces);

/** A final whose interim words were answered already: only what it says beyond them is new. `null` when that is nothing. */
export function unanswered(state: TurnState, words: Words): readonly [TurnState, Words | null] {
  const index = interimIn(state.answered, words);
  const known = state.answered[index];
  if (!known) return [state, words];
  const rest = beyond(words.text, known.text);
  const { replaces: _, interim: __, ...fresh } = words;
  // A longer interim text is what later ones are compared with.
  const answered = words.interim ? state.answered.with(index, { ...words, from: known.from }) : state.answered;
  return [{ ...state, answered }, rest === null ? null : { ...fresh, text: rest, from: known.to }];
}

/** The words of the open reply were answered by its first sound. */
export function answeredWith({ answered }: TurnState, asked: readonly Words[]): readonly Words[] {
  return asked.some(({ interim }) => interim) ? [...answered, ...asked.filter(({ interim }) => interim)].slice(-ANSWERED_MOST) : answered;
}

export function unheard({ open, waiting }: TurnState): readonly Words[] {
  return open && !open.audible ? [...open.asked, ...waiting] : waiting;
}

export const answerable = ({ waiting }: TurnState): boolean => waiting.some(({ soft }) => !soft);

/** Everything that was said since the voice began, with what the recogniser makes of the rest so far. */
export const runningWith = ({ utterance }: TurnState, partial: string): string => `${utterance} ${partial}`.trim();

/** The same with these words, which may stand for interim ones. */
export function utteranceWith(state: TurnState, { typed, rejected, replaces, text }: Words): string {
  if (typed || rejected) return state.utterance;
  const known = replaces === undefined ? undefined : unheard(state).find(({ interim, from }) => interim && from === replaces);
  const before = known && state.utterance.endsWith(known.text) ? state.utterance.slice(0, -known.text.length) : state.utterance;
  return `${before.trim()} ${text}`.trim();
}

/** A backchannel, or a sound that the recogniser could make nothing of: no turn of its own while the agent has the floor. */
export function isMurmur(state: TurnState, words: Words, policy: Policy): boolean {
  return !words.typed && (words.rejected || policy.acknowledges(utteranceWith(state, words)));
}

export const isHello = (text: string): boolean => countWords(text) <= HELLO_WORDS;

export const sameWords = (a: string, b: string): boolean => wordsOf(a).join(' ') === wordsOf(b).join(' ');

/** What a final says beyond its interim words; `null` when it says the same, more or less. */
function beyond(final: string, interim: string): string | null {
  const words = wordsOf(final);
  const before = wordsOf(interim);
  const same = alignedWith(words, before);
  return same < words.length ? tailOf(final, same) || null : null;
}

/** How many words at the beginning of `words` say what `before` says: the beginning that takes the fewest changes, the longest of those. None when no word of it is there. */
function alignedWith(words: readonly string[], before: readonly string[]): number {
  if (words.length * before.length > COMPARED_MOST) return Math.min(words.length, before.length);
  /** Changes from all of `before` read so far to each beginning of `words`. */
  let changes = Array.from({ length: words.length + 1 }, (_, count) => count);
  for (const [index, word] of before.entries()) {
    const next = [index + 1];
    for (let count = 1; count <= words.length; count++) {
      const swapped = (changes[count - 1] ?? 0) + (words[count - 1] === word ? 0 : 1);
      next.push(Math.min(swapped, (changes[count] ?? 0) + 1, (next[count - 1] ?? 0) + 1));
    }
    changes = next;
  }
  const fewest = Math.min(...changes);
  return fewest >= before.length && words.length > before.length ? 0 : changes.lastIndexOf(fewest);
}
