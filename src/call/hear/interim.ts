/**
 * Words that a recogniser has not made final. Each stretch of them waits for its final; when none comes, it can be taken as it is, and a
 * final that comes after all takes its place. Works on times and texts alone: knows no clock and no recogniser.
 */
import type { Recognised } from '../../providers/stt/contract.ts';

export type PartialWords = Extract<Recognised, { type: 'partial' }>;
export type FinalWords = Extract<Recognised, { type: 'final' }> & {
  /** Never made final by the recogniser. */
  readonly interim?: true;
  /** The `from` of earlier interim words whose place these take. */
  readonly replaces?: number;
};

export interface Interim {
  /** Words wait for their final. */
  readonly open: boolean;
  /** Media time of the first and of the last word that waits; without any, never and long ago. */
  readonly from: number;
  readonly to: number;
  /** The recogniser's present view of a stretch: it replaces what it said of the same time before. `false` when it says nothing that was not told already. */
  partial(words: PartialWords): boolean;
  /** A final came: gives it as it is to be told. What it leaves uncovered of longer words goes on waiting. */
  final(words: FinalWords): FinalWords;
  /** Takes what waits as the caller's words. */
  take(): FinalWords[];
}

/** Words whose end is so close to a final's end are covered by it; recognisers place ends differently by a syllable. */
const SYLLABLE_MS = 250;
/** Words that were told are remembered so far back: more than one utterance has stretches. */
const REMEMBERED = 8;

interface Known {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Their final may still come. */
  readonly interim: boolean;
}

export function interimWords(): Interim {
  let waiting: PartialWords[] = [];
  /** Told already, in order. */
  let known: Known[] = [];

  /** The taken words that stand at the same time, if there are any: as `replaces`, and the text without what stands before them. */
  const placed = (words: FinalWords): FinalWords => {
    const hit = known.filter((earlier) => earlier.interim && overlaps(earlier, words));
    const last = hit.pop();
    if (!last) return words;
    known = known.filter((earlier) => earlier !== last);
    // Stretches that were taken one by one keep their places; only the last of them is replaced, by what is left of the final.
    const text = hit.reduce((left, { text }) => behind(left, text) || left, words.text);
    if (last.to > words.to + SYLLABLE_MS) reopen(last, words);
    return { ...words, text, replaces: last.from };
  };
  const reopen = (longer: { text: string; to: number }, words: FinalWords) => {
    const text = behind(longer.text, words.text);
    if (text) waiting.push({ type: 'partial', text, from: words.to, to: longer.to });
  };
  const remember = (words: FinalWords): FinalWords => {
    const { text, from, to, interim = false } = words;
    known.push({ text, from, to, interim });
    if (known.length > REMEMBERED) known.shift();
    return words;
  };

  return {
    get open() {
      return waiting.length > 0;
    },
    get from() {
      return waiting[0]?.from ?? Number.POSITIVE_INFINITY;
    },
    get to() {
      return waiting.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
    },
    partial(words) {
      if (!words.text.trim()) return false;
      if (known.some((earlier) => overlaps(earlier, words) && holds(earlier.text, words.text))) return false;
      waiting = [...waiting.filter((earlier) => !overlaps(earlier, words)), words];
      return true;
    },
    final(words) {
      if (!words.text.trim() && !words.rejected) return words;
      const covered = waiting.filter((earlier) => overlaps(earlier, words));
      waiting = waiting.filter((earlier) => !covered.includes(earlier));
      for (const longer of covered) if (longer.to > words.to + SYLLABLE_MS && !words.rejected) reopen(longer, words);
      return remember(placed(words));
    },
    take() {
      const words = waiting.map((partial): FinalWords => placed({ ...partial, type: 'final', interim: true }));
      waiting = [];
      return words.map(remember);
    },
  };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Do they stand at the same time? Neighbours may touch by a syllable; a span without length lies where it is. */
function overlaps(a: Span, b: Span): boolean {
  const shorter = Math.min(a.to - a.from, b.to - b.from);
  const common = Math.min(a.to, b.to) - Math.max(a.from, b.from);
  return shorter <= 0 ? common >= 0 : common > Math.min(SYLLABLE_MS, shorter / 2);
}

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
const holds = (text: string, part: string) => plain(text).includes(plain(part));

/** What follows in `text` after as many words as `said` has; characters, where words are not divided by spaces. */
function behind(text: string, said: string): string {
  const parts = /\s/.test(text.trim())
    ? { of: (t: string) => t.trim().split(/\s+/), with: ' ' }
    : { of: (t: string) => [...t.trim()], with: '' };
  return parts.of(text).slice(parts.of(said).length).join(parts.with);
}
