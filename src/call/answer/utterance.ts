/**
 * The mouth of one reply: text becomes pieces, pieces become sound, and both go to the track in the order in which they are heard. What is
 * made before there is a track is held in memory. A voice that breaks off is followed by another one, else by the recorded apology; it
 * never ends in silence, and counts no text as said whose sound never came.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import { msOf } from '../../audio/format.ts';
import type { Speech } from '../../providers/tts/contract.ts';
import { APOLOGY_TEXT, apology } from './apology.ts';
import { clauses } from './clauses.ts';
import { speakable, spoken } from './speech/speakable.ts';
import type { TurnBudget } from './turn-budget.ts';
import type { Voices } from './voice-chain.ts';

/** The way to the caller's ear: what a reply makes of its track. After the reply was cut everything does nothing. */
export interface ReplyTrack {
  /** Audio in the line's format, any length; copied. */
  write(bytes: Uint8Array): void;
  /** Text whose audio follows. */
  text(piece: string): void;
  /** Text whose audio has not come will have none: its voice is gone. Gives that text. `pace` of the voice, where it is known: ms per character. */
  lose(pace?: number): string;
  /** A spoken word: milliseconds from the first byte of this track. */
  word(text: string, atMs: number, endAtMs: number): void;
  /** No more audio will come. */
  end(): void;
}

export interface Utterance {
  /** Everything that it was given to say, as the voice got it. */
  readonly said: string;
  /** The same as it was written, with its marks and signs. */
  readonly written: string;
  /** All sound that was made; ms. */
  readonly soundMs: number;
  /** Text as it is written; spoken piece by piece. */
  write(text: string): void;
  /** What is written so far is spoken, to its last word. */
  flush(): void;
  /** A sentence of its own, apart from what was said before it. */
  sayWhole(text: string): void;
  /** Nothing more follows for a while: no voice holds anything back. */
  pause(): void;
  /** No more text follows. `false` when there is nothing to be heard: then nobody will tell of an end. */
  end(): boolean;
  adopt(track: ReplyTrack): void;
  cancel(): void;
}

export interface UtteranceParts {
  readonly agent: AgentPlan;
  /** `null` on a text line: the words themselves are sent. */
  readonly voices: Voices | null;
  readonly budget: TurnBudget;
  /** The first sound is made; it is not heard before there is a track. */
  begun(): void;
  /** Every voice has failed it. */
  failed(): void;
}

export function createUtterance({ agent, voices, budget, begun, failed }: UtteranceParts): Utterance {
  const { speech: format, language } = agent;
  // What is read is not spoken: a text line keeps its marks.
  const cutter = voices ? speakable(format, language, voices.prefers) : clauses('tokens');
  let held: ((track: ReplyTrack) => void)[] = [];
  let track: ReplyTrack | undefined;
  let speech: Speech | undefined;
  let over = false;
  let said = '';
  let written = '';
  let soundMs = 0;
  /** Where the present voice began in it. */
  let voiceFromMs = 0;
  /** The present voice has made a sound. */
  let sounding = false;
  /** Text of the present voice before its first sound: it counts as said from that on, and not at all if there is none. */
  let unvoiced: string[] = [];
  /** Pieces that count as said before there is a track. */
  let counted = '';
  /** Every voice has failed it: the apology is its last sound. */
  let voiceless = false;

  const text = (piece: string) => {
    if (track) return track.text(piece);
    counted += piece;
    held.push((to) => to.text(piece));
  };
  const sound = (bytes: Uint8Array) => {
    if (soundMs === 0) begun();
    sounding = true;
    if (unvoiced.length > 0) for (const piece of unvoiced.splice(0)) text(piece);
    if (voices) soundMs += msOf(voices.format, bytes.length);
    if (track) return track.write(bytes);
    const copy = bytes.slice();
    held.push((to) => to.write(copy));
  };
  const out = (act: (to: ReplyTrack) => void) => {
    if (track) act(track);
    else held.push(act);
  };

  /** The text without sound. As long as nobody has heard anything, that is all of it: another voice begins anew. */
  const lose = (pace: number | undefined): string => {
    const rest = track ? track.lose(pace) : counted;
    if (!track) {
      held = [];
      counted = '';
      soundMs = 0;
    }
    return rest;
  };
  const openSpeech = () =>
    voices?.speak(
      {
        audio: (bytes) => over || sound(bytes),
        word: (spoken, at, endAt) => {
          const fromMs = voiceFromMs;
          if (!over) out((to) => to.word(spoken, at + fromMs, endAt + fromMs));
        },
        lost(pace) {
          const rest = lose(pace);
          voiceFromMs = soundMs;
          sounding = false;
          unvoiced = rest === '' ? [] : [rest];
          return rest;
        },
        done: () => over || out((to) => to.end()),
        failed(pace) {
          if (over) return;
          const rest = sounding ? lose(pace) : unvoiced.join('');
          voiceless = true;
          // When all of it was spoken, only the voice's own end is missing.
          if (voices && rest.trim() !== '') {
            failed();
            unvoiced = [APOLOGY_TEXT];
            sound(apology(voices.format));
          }
          out((to) => to.end());
        },
      },
      budget,
    );

  const speak = (piece: string) => {
    said += piece;
    if (voiceless || over) return;
    if (voices && !sounding) unvoiced.push(piece);
    else text(piece);
    if (!voices) return;
    speech ??= openSpeech();
    speech?.say(piece);
  };
  const flush = () => {
    for (const piece of cutter.flush()) speak(piece);
  };
  return {
    get said() {
      return said;
    },
    get written() {
      return written;
    },
    get soundMs() {
      return soundMs;
    },
    write(more) {
      written += more;
      for (const piece of cutter.push(more)) speak(piece);
    },
    flush,
    sayWhole(text) {
      flush();
      written += ` ${text}`;
      const sentence = voices ? spoken(format, language, text) : text;
      speak(said !== '' && !/\s$/.test(said) ? ` ${sentence}` : sentence);
    },
    pause() {
      flush();
      speech?.flush?.();
    },
    end() {
      if (speech && !voiceless) speech.end();
      else if (said !== '') out((to) => to.end());
      return said !== '';
    },
    adopt(onto) {
      track = onto;
      for (const act of held.splice(0)) act(onto);
    },
    cancel() {
      over = true;
      speech?.cancel();
      held.length = 0;
    },
  };
}
