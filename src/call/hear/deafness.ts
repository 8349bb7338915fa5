/**
 * Is the recogniser deaf? Speech without any word is a reason to ask, never an answer: fresh ears are given the same audio, and only words
 * of theirs speak against the present ones. When nobody has words for it, it was noise or not to be understood. Counts media time; pure.
 */
export interface DeafnessActs {
  /** Fresh ears for what was said from this media time on. */
  audition(fromMs: number): void;
  dismiss(): void;
  /** How long a final of the ears that listen may take; ms. */
  patienceMs(): number;
  /** There was speech, and nobody has words for it. */
  notUnderstood(fromMs: number, toMs: number): void;
}

export interface Deafness {
  /** Words came, whoever's they are. */
  heard(atMs: number): void;
  /** One window was judged; `runMs` is how long the present talk has lasted. */
  window(atMs: number, talking: boolean, voiceMs: number, runMs: number): void;
}

/** So much speech without a word, and so much silence after it beyond what a final may take, is a reason to ask; ms. */
const SPEECH_MS = 700;
const SILENCE_MS = 700;
/** In speech that does not pause, partial words come long before this; ms. */
const LONG_SPEECH_MS = 8_000;
/** What fresh ears get beyond the time that their finals may take: a connection, and the speech at once; ms. */
const AUDITION_MS = 300;
/** A line that is noisy is not auditioned for again and again; ms. */
const REST_MS = 10_000;
const LONG_REST_MS = 30_000;
const FORGOTTEN_MS = 5_000;

export function deafness({ audition, dismiss, patienceMs, notUnderstood }: DeafnessActs): Deafness {
  /** Speech without words: where it began, where its present talk did, how much of it is over. */
  let fromMs = 0;
  let talkMs = 0;
  let speechMs = 0;
  let wasTalking = false;
  let stoppedMs = 0;
  let restsUntilMs = 0;
  /** Speech without a pause is asked about again when it has lasted for so long from here on. */
  let longFromMs = 0;
  let asked: { from: number; untilMs: number; paused: boolean } | undefined;

  const ask = (from: number, atMs: number, paused: boolean) => {
    speechMs = 0;
    if (atMs < restsUntilMs) return;
    audition(from);
    asked = { from, untilMs: atMs + patienceMs() + AUDITION_MS, paused };
  };
  return {
    heard(atMs) {
      talkMs = atMs;
      longFromMs = atMs;
      speechMs = 0;
      restsUntilMs = 0;
      if (asked) dismiss();
      asked = undefined;
    },
    window(atMs, talking, voiceMs, runMs) {
      if (talking && !wasTalking) {
        // Coughs that lie far apart are no speech together.
        if (atMs - stoppedMs > FORGOTTEN_MS) speechMs = 0;
        talkMs = Math.max(talkMs, atMs - runMs);
        longFromMs = Math.max(longFromMs, talkMs);
      }
      if (speechMs === 0) fromMs = talkMs;
      if (!talking && wasTalking) {
        stoppedMs = atMs;
        speechMs += Math.max(0, voiceMs - talkMs);
      }
      wasTalking = talking;
      if (asked) {
        if (atMs < asked.untilMs) return;
        dismiss();
        // A voice that still goes on without a word may be a television: when it pauses, it is asked again.
        if (asked.paused) {
          restsUntilMs = atMs + REST_MS;
          if (!talking) notUnderstood(asked.from, voiceMs);
        } else longFromMs = atMs + LONG_REST_MS;
        asked = undefined;
        return;
      }
      if (!talking && speechMs >= SPEECH_MS && atMs - voiceMs >= patienceMs() + SILENCE_MS) ask(fromMs, atMs, true);
      else if (talking && atMs - longFromMs >= LONG_SPEECH_MS) {
        ask(talkMs, atMs, false);
        longFromMs = atMs;
      }
    },
  };
}
