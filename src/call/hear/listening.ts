/**
 * What the caller says: one stream of audio in; voice activity and recognised words out. Keeps the recogniser supplied, notices when it is
 * deaf, and lets no word get lost because a recogniser never made it final. Never decides whose turn it is.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import { decoder } from '../../audio/convert.ts';
import { type AudioFormat, bytesOf, msOf } from '../../audio/format.ts';
import { tape } from '../../audio/tape.ts';
import type { AywaError } from '../../kernel/errors.ts';
import type { ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Recognised } from '../../providers/stt/contract.ts';
import type { OpenVoiceActivity } from '../../providers/vad/contract.ts';
import { deafness } from './deafness.ts';
import { type FinalWords, interimWords } from './interim.ts';
import { PIECE_MS, recogniserChain } from './recogniser-chain.ts';
import { voiceGate, WINDOW_MS } from './voice-gate.ts';

/** Told synchronously. Times are media time: milliseconds of audio since the call's first byte. */
export type Perceived =
  /** Voice was confirmed: two windows of it, or the agent's `interruptVoiceMs` while it speaks. */
  | { type: 'started' }
  /** The voice has been gone for `VOICE_GONE_MS`. */
  | { type: 'stopped' }
  | FinalWords
  | Extract<Recognised, { type: 'partial' | 'turnEnd' }>
  /** `final`: there is no recogniser left. */
  | { type: 'failed'; provider: string; error: AywaError; final: boolean }
  | { type: 'switched'; from: string; to: string }
  /** So much of the caller's speech reached no recogniser. */
  | { type: 'dropped'; ms: number }
  | { type: 'usage'; provider: string; model: string; seconds: number };

/** Somebody else who listens: samples at 8 kHz, valid during the call. */
export type Tap = (samples: Int16Array, length: number) => void;

export interface Listening {
  /** The caller's audio in the line's format, as it arrives. Synchronous, never throws; the bytes may be reused afterwards. */
  write(audio: Uint8Array): void;
  /** While the agent speaks, voice takes longer to be believed, and audio goes to the recogniser in larger pieces. */
  agentSpeaking(on: boolean): void;
  /** Another agent listens: other ears where its choice is another one. */
  agentChanged(): void;
  /** Gives the caller's audio to somebody else, too, until the returned function is called. */
  tap(take: Tap): () => void;
  readonly mediaMs: number;
  /** Waits briefly for words that are in flight, tells those that were never made final as they are, then closes. */
  finish(): Promise<void>;
  /** Ends the recognition and tells what was used. */
  close(): void;
}

export interface ListeningOptions {
  readonly format: AudioFormat;
  readonly agent: () => AgentPlan;
  readonly providers: ProviderSet;
  readonly vad: OpenVoiceActivity;
  perceived(told: Perceived): void;
  readonly ctx: ProviderContext;
}

/** What the next recogniser may still be given. */
const REPLAY_MS = 10_000;
/** The voice detector confirms late; so much before it belongs to the utterance. */
const ONSET_MS = 500;
/** Words may come this long after the voice has gone: audio goes out without delay until then. */
const TURN_END_MS = 1_500;
/** In the middle of speech a partial may wait this long; the first quiet window sends everything. */
const WORD_PIECE_MS = 60;
/** Interim words are told as they are when the voice has been gone for this long and they stand still; ms. */
const INTERIM_MS = 1_000;
const STANDS_MS = 500;
/** The ears that told interim words broke: others hear the same speech again, and get their longest pause and a final's time for it; ms. */
const AGAIN_MS = 2_500;
/** The same of words without a voice, of somebody who speaks softly: recognisers tell news of their interim words every second; ms. */
const UNVOICED_MS = 1_300;
/** In noise the voice never goes; words that have stood still for so long are taken all the same; ms. */
const NOISY_MS = 3_000;
/** The caller is gone: finals that are on their way get this long, however slow the recogniser; ms. */
const LAST_WORDS_MS = 700;
/** Speech that ended longer ago owes no final any more; ms. */
const OWED_MS = 2_000;

export function openListening(options: ListeningOptions): Listening {
  const { format, perceived, ctx } = options;
  const { clock } = ctx.scope;
  const recent = tape(bytesOf(format, 1_000), bytesOf(format, REPLAY_MS));
  const samples = decoder(format, 8_000);
  const gate = voiceGate();
  const interim = interimWords();
  const taps = new Set<Tap>();
  let closed = false;
  let agentTalks = false;
  /** Everything before this byte has gone to the recogniser. */
  let sent = 0;
  /** Media time that the voice detector has judged, the end of the last talk in it, when words last came, and when ears last broke. */
  let judgedMs = 0;
  let voiceMs = Number.NEGATIVE_INFINITY;
  let wordsMs = Number.NEGATIVE_INFINITY;
  let brokeMs = Number.NEGATIVE_INFINITY;
  /** Start of the speech whose final words have not come yet. */
  let openSpeechMs: number | undefined;
  let noneOwed: (() => void) | undefined;

  const mediaMs = () => msOf(format, recent.end);
  const forward = () => {
    sent = recent.end;
    recogniser.forward();
  };

  const recogniser = recogniserChain(recent, options, {
    words(words) {
      if (words.type === 'turnEnd') {
        // Only the end of the utterance is said: its words are those that were heard so far.
        if (words.probability >= 0.9 && !gate.talking) settle();
        return perceived(words);
      }
      ears.heard(judgedMs);
      if (words.type === 'final' && words.text.trim() === '' && !words.rejected) {
        // Nothing more was heard: what was told before stands, and is waited for no longer than without this.
        if (!interim.open) noneOwed?.();
        return;
      }
      wordsMs = judgedMs;
      if (words.type === 'final' && words.text.trim() !== '') {
        const covered = voiceMs - words.to < ONSET_MS;
        openSpeechMs = covered ? undefined : Math.max(openSpeechMs ?? 0, words.to);
      }
      if (words.type === 'partial') {
        if (interim.partial(words)) perceived(words);
        return;
      }
      // Not understood, says the recogniser; what it understood before stands.
      if (!words.rejected || !interim.open) perceived(interim.final(words));
      if (!interim.open && (openSpeechMs === undefined || words.rejected)) noneOwed?.();
    },
    rewind() {
      const speechMs = openSpeechMs ?? mediaMs();
      const lostMs = msOf(format, recent.start) - speechMs;
      if (lostMs >= 1) perceived({ type: 'dropped', ms: Math.round(lostMs) });
      sent = recent.end;
      return speechMs - ONSET_MS;
    },
    quiet: () => openSpeechMs !== undefined && !gate.talking,
    talking: () => gate.talking,
    broke() {
      brokeMs = judgedMs;
    },
  });
  const settle = () => {
    if (!interim.open) return;
    openSpeechMs = undefined;
    for (const words of interim.take()) perceived(words);
  };
  const ears = deafness({
    audition: (fromMs) => recogniser.audition(fromMs - ONSET_MS),
    dismiss: recogniser.dismiss,
    patienceMs: () => recogniser.finalWithinMs,
    notUnderstood: (from, to) => perceived({ type: 'final', text: '', from, to, rejected: true }),
  });

  /** When the interim words have waited for long enough; media time. */
  const takenFrom = () => {
    if (gate.talking) return wordsMs + NOISY_MS;
    // Where no voice was heard to these words, only they can tell that it has gone.
    return voiceMs < interim.from
      ? wordsMs + UNVOICED_MS
      : Math.max(voiceMs + Math.max(INTERIM_MS, recogniser.finalWithinMs), wordsMs + STANDS_MS);
  };

  /** One window of the voice detector. */
  const judge = (probability: number) => {
    judgedMs += WINDOW_MS;
    const change = gate.window(probability, agentTalks ? options.agent().turns.interruptVoiceMs : 0);
    if (gate.talking) voiceMs = judgedMs - gate.quietMs;
    if (change === 'started') openSpeechMs ??= judgedMs - gate.runMs;
    if (change === 'stopped') {
      forward();
      recogniser.flush();
    }
    if (change) perceived({ type: change });
    ears.window(judgedMs, gate.talking, voiceMs, gate.runMs);
    if (interim.open && judgedMs >= Math.max(takenFrom(), brokeMs + AGAIN_MS)) settle();
  };
  const voice = options.vad(judge);
  ctx.scope.defer(() => {
    voice.close();
    noneOwed?.();
  });

  const close = () => {
    if (closed) return;
    closed = true;
    forward();
    voice.close();
    recogniser.close();
    noneOwed?.();
  };
  return {
    get mediaMs() {
      return mediaMs();
    },
    agentSpeaking(on) {
      agentTalks = on;
    },
    agentChanged() {
      if (!closed) recogniser.agentChanged();
    },
    tap(take) {
      taps.add(take);
      return () => void taps.delete(take);
    },
    write(audio) {
      if (closed) return;
      recent.append(audio);
      const length = samples.decode(audio);
      if (taps.size > 0) for (const take of taps) take(samples.samples, length);
      voice.write(samples.samples, length);
      const midWord = gate.runMs > 0 && gate.quietMs === 0;
      const turnMayEnd = !midWord && (gate.runMs > 0 || (!agentTalks && judgedMs - voiceMs < TURN_END_MS));
      if (turnMayEnd || recent.end - sent >= bytesOf(format, midWord ? WORD_PIECE_MS : PIECE_MS)) forward();
    },
    async finish() {
      if (closed) return;
      forward();
      const owed = openSpeechMs !== undefined && (gate.talking || judgedMs - voiceMs < OWED_MS);
      const last = recogniser.finish();
      if (owed || interim.open) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = clock.timer(LAST_WORDS_MS, resolve);
        noneOwed = resolve;
        void last?.then(resolve);
        await promise;
        timer.cancel();
      }
      if (!closed) settle();
      close();
    },
    close,
  };
}
