/** Character alignment, as some voices give it piece by piece, folded into whole words. */

export interface WordAssembler {
  /**
   * Takes a piece: `starts` and `lengths` are milliseconds from `base`, one per entry of `chars` (an entry may hold several
   * characters). A missing length counts as 0. The word at the end of a piece waits for the next one.
   */
  push(chars: readonly string[], starts: readonly number[], lengths: readonly number[], base: number): void;
  /** Gives the word that waits. */
  end(): void;
}

/** Calls `word` with each run of characters between spaces and where it lies, in milliseconds. */
export function wordAssembler(word: (text: string, at: number, endAt: number) => void): WordAssembler {
  let text = '';
  let at = 0;
  let endAt = 0;
  const give = () => {
    if (text) word(text, at, endAt);
    text = '';
  };
  return {
    push(chars, starts, lengths, base) {
      chars.forEach((entry, index) => {
        if (!entry.trim()) {
          give();
          return;
        }
        const start = base + (starts[index] ?? 0);
        if (!text) at = start;
        text += entry;
        endAt = start + (lengths[index] ?? 0);
      });
    },
    end: give,
  };
}
