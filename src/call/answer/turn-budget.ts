/**
 * The caller's patience in one turn: one clock for all that may be silent before the first sound. Whoever waits (each model, then each
 * voice) takes its share of what the others have left. It counts from the end of the decision: a draft keeps nobody waiting.
 */
import type { Clock } from '../../kernel/clock.ts';

/** A caller takes about 3 s of silence for a broken line. What is left of them after the models speaks the fallback sentence. */
const WORD_MS = 2_300;
/** What is left of them after the voices begins the recorded apology. */
const SOUND_MS = 2_900;
/** Nothing answers in less: it is given even when the patience is over, since there may be nothing else to say. */
const LEAST_MS = 250;
/** With another model to turn to, a slower one is not waited for: nine of ten answers start sooner. */
const HURRIED_WORD_MS = 1_300;
/** Kept for each model that comes behind. */
const GOOD_WORD_MS = 600;
/** With others to turn to, a slower voice is not waited for: four times what a good one needs. */
const HURRIED_SOUND_MS = 1_200;
/** Behind the last voice there is only the recorded apology. */
const LAST_SOUND_MS = 1_600;
/** What a good voice needs, even after a slow model, as long as it is there. */
const GOOD_SOUND_MS = 400;

export interface TurnBudget {
  /** From now on the caller waits. */
  begin(): void;
  /** The caller was given something else to wait for (words, a tool, time that the model was granted): it counts anew. */
  renew(): void;
  /** What one of so many models that are left may take to its first word; ms. */
  wordMs(candidates: number): number;
  /** What is left until the last model must have spoken; ms. */
  readonly leftMs: number;
  /** What one of so many that could still make a sound may take; ms. */
  soundMs(candidates: number): number;
}

/** `begun`: somebody waits already. */
export function turnBudget(clock: Clock, begun = false): TurnBudget {
  let since = begun ? clock.now() : undefined;
  const left = (whole: number) => (since === undefined ? whole : Math.max(0, since + whole - clock.now()));
  return {
    begin() {
      since = clock.now();
    },
    renew() {
      if (since !== undefined) since = clock.now();
    },
    wordMs(candidates) {
      const all = left(WORD_MS);
      const share = Math.max(all / candidates, all - GOOD_WORD_MS * (candidates - 1));
      return Math.max(LEAST_MS, candidates > 1 ? Math.min(HURRIED_WORD_MS, share) : share);
    },
    get leftMs() {
      return left(WORD_MS);
    },
    soundMs(candidates) {
      const all = left(SOUND_MS);
      const share = Math.max(all / candidates, Math.min(all, GOOD_SOUND_MS));
      return Math.max(LEAST_MS, Math.min(candidates > 1 ? HURRIED_SOUND_MS : LAST_SOUND_MS, share));
    },
  };
}
