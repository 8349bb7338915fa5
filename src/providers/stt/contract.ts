/**
 * Ears: audio in, words out. `listen` opens one recognition for a call and keeps it open; audio is pushed, words come back by
 * callback. Reconnecting, replaying and keeping alive are the helper's work (`streaming.ts`); a vendor is a codec.
 */
import type { AudioFormat } from '../../audio/format.ts';
import type { AywaError } from '../../kernel/errors.ts';
import type { ProviderAccess, ProviderContext, ProviderSpec } from '../contract.ts';

/** Words as they become known. Times are media time: milliseconds of audio since the recognition's first byte. */
export type Recognised =
  /** Text that may still change; it replaces the previous partial. */
  | { type: 'partial'; text: string; from: number; to: number; confidence?: number }
  /** Text that will not change. `rejected` means: there was speech, but nothing that could be understood (`text` is empty). */
  | { type: 'final'; text: string; from: number; to: number; confidence?: number; language?: string; rejected?: boolean }
  /** The recogniser's own opinion that the turn is over, 0 to 1. */
  | { type: 'turnEnd'; probability: number }
  /** The recogniser's own voice activity, where it has one. */
  | { type: 'speech'; talking: boolean };

/**
 * What `write` has given to a recognition, as far as the call still keeps it. Positions are bytes since the recognition's first one;
 * `end` counts from inside `write` on.
 */
export interface HeardAudio {
  readonly start: number;
  readonly end: number;
  /** The bytes from `from` to `to` (not included), clipped to what is kept; valid until the next `write`. */
  read(from: number, to: number): Uint8Array;
}

export interface HearingOptions {
  /** What the line delivers. */
  readonly format: AudioFormat;
  /** For a connection that takes the place of a lost one: the ears keep no audio of their own for it. */
  readonly history: HeardAudio;
  /** Is the caller's voice there, as the call's own voice detector judges? Absent: it is taken to be there always. */
  readonly talking?: () => boolean;
  readonly language: string;
  /** Sentences and words that the agent expects, from its script, tools and `keyterm`s; a grammar for `lab`, hints elsewhere. */
  readonly expected: readonly string[];
}

/** One open recognition. `write` is synchronous and never throws; the bytes are valid only during the call. */
export interface Ears {
  write(audio: Uint8Array): void;
  /** The caller seems to have stopped: hurry up with the final. Recognisers that need no hint ignore it. */
  flush(): void;
  /**
   * No audio follows: asks for all words that are left. Resolves when the recogniser has said the last of them, which may be never.
   * Where it is absent, `flush` asks, and nobody says which final is the last.
   */
  finish?(): Promise<void>;
}

export interface EarsListener {
  recognised(words: Recognised): void;
  /** The recognition is lost for good (after its own reconnects): the caller of `listen` decides on a fallback. */
  failed(error: AywaError): void;
  /** A connection was lost and is being replaced: the new one hears again what was not final. */
  reconnecting?(error: AywaError): void;
}

export interface SpeechToText<Settings = Record<string, unknown>> extends ProviderSpec<Settings> {
  readonly kind: 'stt';
  /** How long after the end of the voice its finals may take, where that is not a second or so; ms. */
  readonly finalWithinMs?: number | ((settings: Readonly<Record<string, unknown>>) => number);
  /** Opens the recognition; it lives until `ctx.scope` closes. Never throws: faults go to `listener.failed`. */
  listen(options: HearingOptions, settings: Settings, access: ProviderAccess, listener: EarsListener, ctx: ProviderContext): Ears;
}
