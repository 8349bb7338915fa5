/**
 * Deepgram's ears: `v1/listen` (nova and older: words as they come) and `v2/listen` (flux: turns). The codec only; the life of the
 * connection is `streaming.ts`. Wire: developers.deepgram.com/reference/speech-to-text, listen-streaming and listen-flux.
 */
import { z } from 'zod';
import { type AudioFormat, msOf } from '../../audio/format.ts';
import { address, type Query } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { failureIn, reported } from '../faults.ts';
import { type Fields, fieldsOf, listOf, numberOf, type Tally, textOf } from '../fields.ts';
import type { HearingOptions, Recognised, SpeechToText } from './contract.ts';
import { firstTextOf, flagOf, messagesIn } from './messages.ts';
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
    if (chosen.model.startsWith('flux')) return streamingEars({ ...base, codec: (_, tally) => turns(options, chosen, access, tally) });
    return streamingEars({ ...base, codec: (_, tally) => words(options, chosen, access, tally), keepAlive: KEEP_ALIVE });
  },
};

/** The vendor closes after ten seconds without audio; the message is known to `v1` only. */
const KEEP_ALIVE = { message: '{"type":"KeepAlive"}', everyMs: 4_000 };
const headers = (access: ProviderAccess) => ({ authorization: `Token ${access.apiKey}` });
const ENCODING = { mulaw: 'mulaw', alaw: 'alaw', pcm16: 'linear16' } as const;
/** Known to both APIs: the vendor says what it still has, then closes. */
const closing = () => ['{"type":"CloseStream"}'];
/** Key terms are words and names, not sentences; the vendor takes 500 tokens of them. */
const keyterms = (chosen: Settings, options: HearingOptions) => [
  ...chosen.keyterm,
  ...options.expected.filter((text) => text.split(' ').length <= 3).slice(0, 50),
];

/** A field in seconds, as milliseconds. */
function msIn(fields: Fields | undefined, name: string, tally: Tally): number | undefined {
  const seconds = numberOf(fields?.[name], name, tally);
  return seconds === undefined ? undefined : Math.round(seconds * 1_000);
}

/** Throws what the vendor reports as its error: `Error` (v1, v2), a refusal without a type, or an error as others write it. */
function refuse(said: Fields): void {
  const { type, code, variant, err_code, description, message, err_msg, reason } = said;
  const isError = typeof type === 'string' && type.endsWith('Error');
  if (isError || err_code !== undefined || err_msg !== undefined) {
    const label = [code, err_code, variant].find((each) => typeof each === 'string' && each !== '');
    const sentence = [description, message, err_msg, reason].find((each) => typeof each === 'string' && each !== '');
    throw reported([label, sentence ?? 'an error without a description'].filter(Boolean).join(': '));
  }
  const failure = failureIn(said);
  if (failure) throw failure;
}

/** How much audio a connection was given: where the vendor does not say where words lie, they lie before that. */
function heardAudio(format: AudioFormat) {
  let bytes = 0;
  return {
    get ms() {
      return Math.round(msOf(format, bytes));
    },
    audio(piece: Uint8Array) {
      bytes += piece.length;
      return piece;
    },
  };
}
type HeardSoFar = { readonly ms: number };

function words(options: HearingOptions, chosen: Settings, access: ProviderAccess, tally: Tally): EarsCodec {
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
  const heard = heardAudio(options.format);
  const read = resultsReader(heard, chosen.confidenceThreshold, tally);
  return {
    request: { url: address(access.baseUrl, '/v1/listen', query), headers: headers(access) },
    audio: heard.audio,
    flush: '{"type":"Finalize"}',
    closing,
    decode(message, recognised) {
      for (const said of messagesIn(message, tally)) {
        refuse(said);
        if (said.type === 'UtteranceEnd') recognised({ type: 'turnEnd', probability: 1 });
        const found = said.type === 'Results' ? read(said) : undefined;
        if (found) recognised(found);
      }
    },
  };
}

/** Messages of other types are left alone: the vendor adds some from time to time. */
function resultsReader(heard: HeardSoFar, threshold: number, tally: Tally): (said: Fields) => Recognised | undefined {
  /** The end of the last final, and whether words were told since that no final has confirmed. */
  let settled = 0;
  let unconfirmed = false;
  return (said) => {
    const best = listOf(fieldsOf(said.channel, 'channel', tally)?.alternatives, 'alternatives', tally)[0];
    const text = textOf(best?.transcript, 'transcript', tally).trim();
    // Each of the later two is said of finals only.
    const final = flagOf(said.is_final) || flagOf(said.speech_final) || flagOf(said.from_finalize);
    if (!final && text === '') return undefined;

    const [start, duration] = [msIn(said, 'start', tally), msIn(said, 'duration', tally)];
    const listed = text === '' ? [] : listOf(best?.words, 'words', tally);
    const from = msIn(listed[0], 'start', tally) ?? start ?? Math.min(settled, heard.ms);
    const end = msIn(listed.at(-1), 'end', tally) ?? (start === undefined || duration === undefined ? heard.ms : start + duration);
    const span = { from, to: Math.max(from, end) };
    const confidence = numberOf(best?.confidence, 'confidence', tally) ?? 1;
    if (!final) {
      unconfirmed = true;
      return { type: 'partial', text, ...span, confidence };
    }
    settled = span.to;
    const confirms = unconfirmed;
    unconfirmed = false;
    // A final without words is news where some were told before. Else it is silence, which deaf ears tell, too: no sign of hearing.
    if (text === '') return confirms ? { type: 'final', text, ...span } : undefined;
    if (confidence < threshold) return { type: 'final', text: '', ...span, confidence, rejected: true };
    const language = firstTextOf(best?.languages);
    return { type: 'final', text, ...span, confidence, ...(language ? { language } : {}) };
  };
}

function turns(options: HearingOptions, chosen: Settings, access: ProviderAccess, tally: Tally): EarsCodec {
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
  const heard = heardAudio(options.format);
  const read = turnReader(heard, tally);
  return {
    request: { url: address(access.baseUrl, '/v2/listen', query), headers: headers(access) },
    audio: heard.audio,
    closing,
    decode(message, recognised) {
      for (const said of messagesIn(message, tally)) {
        refuse(said);
        if (said.type === 'TurnInfo') read(said, recognised);
      }
    },
  };
}

function turnReader(heard: HeardSoFar, tally: Tally): (said: Fields, recognised: (words: Recognised) => void) => void {
  /** The end of the last turn. */
  let settled = 0;
  return (said, recognised) => {
    const event = textOf(said.event, 'event', tally);
    const text = textOf(said.transcript, 'transcript', tally).trim();
    const to = msIn(said, 'audio_window_end', tally) ?? heard.ms;
    const span = { text, from: Math.min(msIn(said, 'audio_window_start', tally) ?? settled, to), to };
    if (event === 'StartOfTurn') recognised({ type: 'speech', talking: true });
    if (event !== 'EndOfTurn') {
      if (text) recognised({ type: 'partial', ...span });
      const probability = numberOf(said.end_of_turn_confidence, 'end_of_turn_confidence', tally) ?? 0;
      if (event === 'EagerEndOfTurn') recognised({ type: 'turnEnd', probability });
      if (event === 'TurnResumed') recognised({ type: 'turnEnd', probability: 0 });
      return;
    }
    settled = to;
    const language = firstTextOf(said.languages);
    if (text) recognised({ type: 'final', ...span, ...(language ? { language } : {}) });
    recognised({ type: 'speech', talking: false });
    recognised({ type: 'turnEnd', probability: 1 });
  };
}
