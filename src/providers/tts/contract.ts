/**
 * Voices: text in as it is written, audio out as it is made. One `Speech` is one reply; a vendor's connection may outlive it
 * (`open` is called once per call, before the first words are known, so that no reply waits for a handshake).
 */
import type { AudioFormat } from '../../audio/format.ts';
import type { AywaError } from '../../kernel/errors.ts';
import type { ProviderAccess, ProviderContext, ProviderSpec } from '../contract.ts';

export interface VoiceOptions {
  /** What the line takes. A voice that cannot make it delivers its nearest format; the caller resamples. */
  readonly format: AudioFormat;
  readonly language: string;
}

/** Receives one reply's sound. Called synchronously, in order; the bytes are valid only during the call. */
export interface SpeechListener {
  audio(bytes: Uint8Array): void;
  /** Where a spoken word lies: `at` is milliseconds from the first byte of this speech. Sent before or after its audio. */
  word?(text: string, at: number, endAt: number): void;
  /** All audio was delivered; may be told inside `end`. Exactly one of `done` and `failed` comes last, unless the speech was cancelled. */
  done(): void;
  /** Never told inside `speak`, `say`, `flush` or `end`: whoever calls them may begin another speech when it comes. */
  failed(error: AywaError): void;
}

export interface Speech {
  /** Appends text: whole words with their spaces, ready to be spoken. */
  say(text: string): void;
  /**
   * No more text for a while, perhaps for long: what was said so far is to be spoken now, to its last word. Text may follow. Absent where
   * a voice never holds anything back.
   */
  flush?(): void;
  /** No more text will come. */
  end(): void;
  /** Stops at once; nothing is delivered after it returns. */
  cancel(): void;
}

/** The voice of one call. */
export interface Voice {
  /** The format of the bytes that it delivers. */
  readonly format: AudioFormat;
  /** Hand over each piece of text at once (the vendor buffers itself), or clause by clause. */
  readonly prefers: 'tokens' | 'clauses';
  speak(listener: SpeechListener): Speech;
}

export interface TextToSpeech<Settings = Record<string, unknown>> extends ProviderSpec<Settings> {
  readonly kind: 'tts';
  /** Opens the voice for a call; it lives until `ctx.scope` closes. Never throws: faults reach the speech that meets them. */
  open(options: VoiceOptions, settings: Settings, access: ProviderAccess, ctx: ProviderContext): Voice;
}
