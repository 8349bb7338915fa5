/**
 * Words that the recogniser has told but not made final. Most become final by themselves; those that do not are told as they are, and a
 * final that comes late takes their place. Knows no clock: its owner says when they have been waited for long enough.
 */
import type { Recognised } from '../../providers/stt/contract.ts';

type Partial = Extract<Recognised, { type: 'partial' }>;
type Final = Extract<Recognised, { type: 'final' }>;

/** A final for the record: `interim` where the recogniser never made it final, `replaces` the `from` of interim words that it takes the place of. */
export type SettledWords = Final & { readonly interim?: boolean; readonly replaces?: number };

interface Span {
  readonly from: number;
  readonly to: number;
}

export interface InterimWords {
  /** Words that wait to be made final: where they are. */
  readonly pending: Span | undefined;
  /** What is to be told of these words; `undefined` for nothing. */
  take(words: Partial | Final): Partial | SettledWords | undefined;
  /** The words that wait, as they are. */
  settle(): SettledWords | undefined;
}

const overlap = (a: Span, b: Span) => a.from === b.from || (a.from < b.to && a.to > b.from);
const plain = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim();

export function interimWords(): InterimWords {
  let pending: Partial | undefined;
  /** The interim words that were told last: what overlaps them is about the same speech. */
  let told: SettledWords | undefined;
  /** The last words that were made final. */
  let settled: Final | undefined;

  const replacing = (span: Span) => (told && overlap(told, span) ? { replaces: told.from } : {});
  return {
    get pending() {
      return pending;
    },
    take(words) {
      if (words.type === 'partial') {
        // News about words that were told already are none, unless they say more.
        // Nor are those that come behind the final of the same speech.
        if (settled && words.from < settled.to && words.to <= settled.to) return undefined;
        if (told && overlap(told, words) && plain(told.text).startsWith(plain(words.text))) return undefined;
        pending = words;
        return words;
      }
      if (words.text.trim() === '') {
        // A final without words takes nothing back: what was told before it stands, unless it was not understood.
        if (!words.rejected || pending || (told && overlap(told, words))) return undefined;
        return words;
      }
      if (pending && pending.from < words.to) pending = undefined;
      settled = words;
      const final = { ...words, ...replacing(words) };
      told = undefined;
      return final;
    },
    settle() {
      if (!pending) return undefined;
      const { text, from, to, confidence } = pending;
      const interim: SettledWords = {
        type: 'final',
        text,
        from,
        to,
        ...(confidence !== undefined && { confidence }),
        interim: true,
        ...replacing(pending),
      };
      told = interim;
      pending = undefined;
      return interim;
    },
  };
}
