/**
 * Turns the voice detector's probabilities into "somebody talks" and "nobody talks any more", with hysteresis: a cough does not
 * start it, a pause for breath does not stop it. Pure; counts windows, knows no time.
 */
export const WINDOW_MS = 32;
/** Voice that has been gone for this long has stopped. Eight windows: shorter gaps lie between words. */
export const VOICE_GONE_MS = 8 * WINDOW_MS;

/** Above `VOICE` a window is voice, below `QUIET` it is not; between them it changes nothing. */
const VOICE = 0.5;
const QUIET = 0.35;

export interface VoiceGate {
  readonly talking: boolean;
  /** How long the present run of voice has lasted, in ms; 0 when there is none. */
  readonly runMs: number;
  /** How long no window was voice, in ms. */
  readonly quietMs: number;
  /** Takes the next window. `neededMs` of voice start it, two windows at least: one alone is often a click. */
  window(probability: number, neededMs: number): 'started' | 'stopped' | undefined;
}

export function voiceGate(): VoiceGate {
  let talking = false;
  let voiced = 0;
  let quiet = 0;
  return {
    get talking() {
      return talking;
    },
    get runMs() {
      return voiced * WINDOW_MS;
    },
    get quietMs() {
      return quiet * WINDOW_MS;
    },
    window(probability, neededMs) {
      if (probability >= VOICE) {
        voiced += 1;
        quiet = 0;
      } else if (probability < QUIET) {
        quiet += 1;
        if (!talking) voiced = 0;
      }
      if (!talking && voiced >= Math.max(2, Math.round(neededMs / WINDOW_MS))) {
        talking = true;
        return 'started';
      }
      if (talking && quiet * WINDOW_MS >= VOICE_GONE_MS) {
        talking = false;
        voiced = 0;
        return 'stopped';
      }
      return undefined;
    },
  };
}
