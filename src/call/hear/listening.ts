/**
 * What the caller says: one stream of audio in; voice activity and recognised words out. Keeps the recogniser supplied, replays
 * the last seconds to the next one when it fails, and notices when it is deaf. Never decides whose turn it is.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import { decoder } from '../../audio/convert.ts';
import { type AudioFormat, bytesOf, msOf } from '../../audio/format.ts';
import { tape } from '../../audio/tape.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Recognised } from '../../providers/stt/contract.ts';
import type { OpenVoiceActivity } from '../../providers/vad/contract.ts';
import { recogniserChain } from './recogniser-chain.ts';
import { voiceGate, WINDOW_MS } from './voice-gate.ts';

/** Told synchronously. Times are media time: milliseconds of audio since the call's first byte. */
export type Perceived =
  /** Voice was confirmed: two windows of it, or `interruptVoiceMs` while the agent speaks. */
  | { type: 'started' }
  /** The voice has been gone for `VOICE_GONE_MS`. */
  | { type: 'stopped' }
  | Extract<Recognised, { type: 'partial' | 'final' | 'turnEnd' }>
  /** `final`: there is no recogniser left. */
  | { type: 'failed'; provider: string; error: AywaError; final: boolean }
  | { type: 'switched'; from: string; to: string }
  /** So much of the caller's speech reached no recogniser. */
  | { type: 'dropped'; ms: number }
  | { type: 'usage'; provider: string; model: string; seconds: number };

export interface Listening {
  /** The caller's audio in the line's format, as it arrives. Synchronous, never throws; the bytes may be reused afterwards. */
  write(audio: Uint8Array): void;
  /** While the agent speaks, voice takes longer to be believed, and audio goes to the recogniser in larger pieces. */
  agentSpeaking(on: boolean): void;
  readonly mediaMs: number;
  /** Resolves when no words are in flight any more, then `close`. */
  finish(): Promise<void>;
  /** Ends the recognition and tells what was used. */
  close(): void;
}

export interface ListeningOptions {
  readonly format: AudioFormat;
  readonly agent: () => AgentPlan;
  readonly providers: ProviderSet;
  readonly vad: OpenVoiceActivity;
  perceived(h: Perceived): void;
  readonly ctx: ProviderContext;
}

/** What the next recogniser may still be given. */
const REPLAY_MS = 10_000;
/** The voice detector confirms late; so much before it belongs to the utterance. */
const ONSET_MS = 500;
/** Words may come this long after the voice has gone: audio goes out without delay until then. */
const TURN_END_MS = 1_500;
/** Audio that nobody waits for is sent in pieces of this size: a quarter of the messages, and no later word. */
const PIECE_MS = 80;
/** In the middle of speech a partial may wait this long; the first quiet window sends everything. */
const WORD_PIECE_MS = 60;
/** So much speech without a word, and so much silence after it, means that the recogniser is deaf. */
const DEAF_SPEECH_MS = 700;
const DEAF_WAIT_MS = 1_700;
/** A new recogniser gets what was said at once, and soon has words for it: a caller takes about 3 s of silence for a broken line. */
const RETRY_MS = 500;

export function openListening(options: ListeningOptions): Listening {
  const { format, perceived, ctx } = options;
  const recent = tape(bytesOf(format, 1_000));
  const samples = decoder(format, 8_000);
  const gate = voiceGate();
  let closed = false;
  let agentTalks = false;
  /** Everything before this byte has gone to the recogniser. */
  let sent = 0;
  /** Media time that the voice detector has judged, and the end of the last talk in it. */
  let judgedMs = 0;
  let voiceMs = Number.NEGATIVE_INFINITY;
  /** Start of the speech whose final words have not come yet. */
  let openSpeechMs: number | undefined;
  /** Talk without words: where the present one began, how much there was since the last words, how often it led to nothing. */
  let wordlessFromMs = 0;
  let wordlessMs = 0;
  let deaf = 0;
  /** Speech that is being tried again. */
  let retried: { from: number; to: number; untilMs: number } | undefined;

  const mediaMs = () => msOf(format, recent.end);

  /** Gives the recogniser everything that it has not had. */
  const forward = () => {
    const most = bytesOf(format, PIECE_MS);
    while (sent < recent.end && recogniser.open) {
      const from = sent;
      sent = Math.min(recent.end, from + most);
      recogniser.write(recent.read(from, sent));
    }
  };

  const recogniser = recogniserChain(options, {
    words(words) {
      if (words.type === 'final') {
        const covered = voiceMs - words.to < ONSET_MS;
        openSpeechMs = covered ? undefined : Math.max(openSpeechMs ?? 0, words.to);
      }
      if (words.type !== 'turnEnd') {
        wordlessFromMs = judgedMs;
        wordlessMs = 0;
        deaf = 0;
        retried = undefined;
      }
      perceived(words);
    },
    rewind() {
      const speechMs = openSpeechMs ?? mediaMs();
      const lostMs = msOf(format, recent.start) - speechMs;
      if (lostMs >= 1) perceived({ type: 'dropped', ms: Math.round(lostMs) });
      sent = Math.max(recent.start, bytesOf(format, Math.max(0, speechMs - ONSET_MS)));
      return msOf(format, sent);
    },
    ready: forward,
  });

  const tryAgain = (from: number, next: boolean) => {
    retried = { from, to: voiceMs, untilMs: judgedMs + RETRY_MS };
    recogniser.replace(new AywaError('timeout', { detail: 'The caller spoke, but no words came.' }), next);
  };

  /** One window of the voice detector. */
  const judge = (probability: number) => {
    judgedMs += WINDOW_MS;
    const change = gate.window(probability, agentTalks ? options.agent().turns.interruptVoiceMs : 0);
    if (gate.talking) voiceMs = judgedMs - gate.quietMs;
    if (change === 'started') {
      wordlessFromMs = judgedMs - gate.runMs;
      openSpeechMs ??= wordlessFromMs;
    }
    if (change === 'stopped') {
      wordlessMs += Math.max(0, voiceMs - wordlessFromMs);
      forward();
      recogniser.flush();
    }
    if (change) perceived({ type: change });
    if (!gate.talking && wordlessMs >= DEAF_SPEECH_MS && judgedMs - voiceMs >= DEAF_WAIT_MS) {
      wordlessMs = 0;
      deaf += 1;
      tryAgain(wordlessFromMs, deaf > 1);
    }
    if (gate.talking) retried = undefined;
    if (!retried || judgedMs < retried.untilMs) return;
    const { from, to } = retried;
    if (!recogniser.last) return tryAgain(from, true);
    retried = undefined;
    perceived({ type: 'final', text: '', from, to, rejected: true });
  };
  const voice = options.vad(judge);
  ctx.scope.defer(() => voice.close());
  const close = () => {
    if (closed) return;
    closed = true;
    forward();
    voice.close();
    recogniser.close();
  };

  return {
    get mediaMs() {
      return mediaMs();
    },
    agentSpeaking(on) {
      agentTalks = on;
    },
    write(audio) {
      if (closed) return;
      recent.append(audio);
      recent.release(recent.end - bytesOf(format, REPLAY_MS));
      const length = samples.decode(audio);
      voice.write(samples.samples, length);
      const midWord = gate.runMs > 0 && gate.quietMs === 0;
      const turnMayEnd = !midWord && (gate.runMs > 0 || (!agentTalks && judgedMs - voiceMs < TURN_END_MS));
      if (turnMayEnd || recent.end - sent >= bytesOf(format, midWord ? WORD_PIECE_MS : PIECE_MS)) forward();
    },
    async finish() {
      close();
    },
    close,
  };
}
