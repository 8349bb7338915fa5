/**
 * Deepgram's ears: `v1/listen` (nova and older: words as they come) and `v2/listen` (flux: turns). The codec only; the life of the
 * connection is `streaming.ts`. Wire: developers.deepgram.com/reference/speech-to-text, listen-streaming and listen-flux.
 */
import { z } from 'zod';
import { address, type Query } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { reported } from '../faults.ts';
import type { HearingOptions, Recognised, SpeechToText } from './contract.ts';
import { type EarsCodec, streamingEars } from './streaming.ts';

const settings = z.object({
  model: z.string().min(1).default('nova-3'),
  language: z.string().optional(),
  /** Those that a multilingual flux model may expect. */
  languages: z.array(z.string()).optional(),
  smartFormat: z.boolean().default(true),
  numerals: z.boolean().optional(),
  profanityFilter: z.boolean().optional(),
  redaction: z.array(z.string()).optional(),
  mipOptOut: z.boolean().optional(),
  /** Finals below it count as not understood. */
  confidenceThreshold: z.number().min(0).max(1).default(0.4),
  /** Silence after which a piece is final; ms. */
  endpointing: z.number().int().min(1).max(5_000).default(10),
  keywords: z.array(z.string()).default([]),
  keyterm: z.array(z.string()).default([]),
  eotThreshold: z.number().min(0.5).max(1).default(0.7),
  eagerEotThreshold: z.number().min(0.3).max(0.9).optional(),
  eotTimeoutMs: z.number().int().min(500).max(60_000).default(5_000),
});
type Settings = z.infer<typeof settings>;

export const deepgramEars: SpeechToText<Settings> = {
  kind: 'stt',
  name: 'deepgram',
  env: 'DEEPGRAM',
  origin: 'https://api.deepgram.com',
  needsKey: true,
  // Measured by others at 250 to 330 ms; what is later than this is not coming.
  finalWithinMs: 1_000,
  settings,
  listen(options, chosen, access, listener, ctx) {
    const base = { vendor: deepgramEars, access, hearing: options, listener, ctx };
    if (chosen.model.startsWith('flux')) return streamingEars({ ...base, codec: () => turns(options, chosen, access) });
    return streamingEars({ ...base, codec: () => words(options, chosen, access), keepAlive: KEEP_ALIVE });
  },
};

/** The vendor closes after ten seconds without audio; the message is known to `v1` only. */
const KEEP_ALIVE = { message: '{"type":"KeepAlive"}', everyMs: 4_000 };
const headers = (access: ProviderAccess) => ({ authorization: `Token ${access.apiKey}` });
const ENCODING = { mulaw: 'mulaw', alaw: 'alaw', pcm16: 'linear16' } as const;
/** Deepgram counts in seconds. */
const ms = (seconds: number) => Math.round(seconds * 1_000);
/** Key terms are words and names, not sentences; the vendor takes 500 tokens of them. */
const keyterms = (chosen: Settings, options: HearingOptions) => [
  ...chosen.keyterm,
  ...options.expected.filter((text) => text.split(' ').length <= 3).slice(0, 50),
];

const Word = z.object({ start: z.number(), end: z.number() });
/** Messages of other types are left alone: the vendor adds some from time to time. */
const Tagged = z.looseObject({ type: z.string() });
const Failure = z.object({ description: z.string().default('an error without a description') });

const Results = z.object({
  start: z.number(),
  duration: z.number(),
  is_final: z.boolean(),
  channel: z.object({
    alternatives: z.array(
      z.object({
        transcript: z.string(),
        confidence: z.number().optional(),
        languages: z.array(z.string()).optional(),
        words: z.array(Word).default([]),
      }),
    ),
  }),
});

function words(options: HearingOptions, chosen: Settings, access: ProviderAccess): EarsCodec {
  const nova3 = chosen.model.startsWith('nova-3');
  const query: Query = {
    model: chosen.model,
    encoding: ENCODING[options.format.encoding],
    sample_rate: options.format.rate,
    channels: 1,
    language: chosen.language ?? options.language,
    interim_results: true,
    endpointing: chosen.endpointing,
    // The vendor's least; it needs interim results.
    utterance_end_ms: 1_000,
    smart_format: chosen.smartFormat,
    punctuate: true,
    numerals: chosen.numerals,
    profanity_filter: chosen.profanityFilter,
    redact: chosen.redaction,
    mip_opt_out: chosen.mipOptOut,
    ...(nova3 ? { keyterm: keyterms(chosen, options) } : { keywords: chosen.keywords }),
  };
  return {
    request: { url: address(access.baseUrl, '/v1/listen', query), headers: headers(access) },
    flush: '{"type":"Finalize"}',
    decode(message, recognised) {
      const said = Tagged.parse(JSON.parse(String(message)));
      if (said.type === 'Error') throw reported(Failure.parse(said).description);
      if (said.type === 'UtteranceEnd') recognised({ type: 'turnEnd', probability: 1 });
      const found = said.type === 'Results' ? wordsIn(Results.parse(said), chosen.confidenceThreshold) : undefined;
      if (found) recognised(found);
    },
  };
}

function wordsIn(said: z.infer<typeof Results>, threshold: number): Recognised | undefined {
  const best = said.channel.alternatives[0];
  if (!best?.transcript) return undefined;
  const from = ms(best.words[0]?.start ?? said.start);
  const to = ms(best.words.at(-1)?.end ?? said.start + said.duration);
  const confidence = best.confidence ?? 1;
  if (!said.is_final) return { type: 'partial', text: best.transcript, from, to, confidence };
  if (confidence < threshold) return { type: 'final', text: '', from, to, confidence, rejected: true };
  const language = best.languages?.[0];
  return { type: 'final', text: best.transcript, from, to, confidence, ...(language ? { language } : {}) };
}

const TurnInfo = z.object({
  event: z.string(),
  audio_window_start: z.number(),
  audio_window_end: z.number(),
  transcript: z.string(),
  end_of_turn_confidence: z.number().default(0),
  languages: z.array(z.string()).optional(),
});

function turns(options: HearingOptions, chosen: Settings, access: ProviderAccess): EarsCodec {
  const query: Query = {
    model: chosen.model,
    encoding: ENCODING[options.format.encoding],
    sample_rate: options.format.rate,
    eot_threshold: chosen.eotThreshold,
    eager_eot_threshold: chosen.eagerEotThreshold,
    eot_timeout_ms: chosen.eotTimeoutMs,
    mip_opt_out: chosen.mipOptOut,
    language_hint: chosen.languages,
    keyterm: keyterms(chosen, options),
  };
  return {
    request: { url: address(access.baseUrl, '/v2/listen', query), headers: headers(access) },
    decode(message, recognised) {
      const said = Tagged.parse(JSON.parse(String(message)));
      if (said.type === 'Error') throw reported(Failure.parse(said).description);
      if (said.type === 'TurnInfo') hearTurn(TurnInfo.parse(said), recognised);
    },
  };
}

function hearTurn(said: z.infer<typeof TurnInfo>, recognised: (words: Recognised) => void): void {
  const span = { text: said.transcript, from: ms(said.audio_window_start), to: ms(said.audio_window_end) };
  const language = said.languages?.[0];
  if (said.event === 'StartOfTurn') recognised({ type: 'speech', talking: true });
  if (said.event !== 'EndOfTurn') {
    if (said.transcript) recognised({ type: 'partial', ...span });
    if (said.event === 'EagerEndOfTurn') recognised({ type: 'turnEnd', probability: said.end_of_turn_confidence });
    if (said.event === 'TurnResumed') recognised({ type: 'turnEnd', probability: 0 });
    return;
  }
  if (said.transcript) recognised({ type: 'final', ...span, ...(language ? { language } : {}) });
  recognised({ type: 'speech', talking: false });
  recognised({ type: 'turnEnd', probability: 1 });
}
