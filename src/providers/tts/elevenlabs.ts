/**
 * ElevenLabs' voice: the multi-context websocket, one context per speech, with character alignment folded into words.
 * Wire: elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input.
 */
import { z } from 'zod';
import { type AudioFormat, msOf, nearestFormat } from '../../audio/format.ts';
import { AywaError } from '../../kernel/errors.ts';
import { address } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { reported } from '../faults.ts';
import type { TextToSpeech, VoiceOptions } from './contract.ts';
import { streamingVoice, type VoiceCodec } from './streaming.ts';
import { type WordAssembler, wordAssembler } from './words.ts';

const settings = z.object({
  voiceId: z.string().min(1).default('21m00Tcm4TlvDq8ikWAM'),
  model: z.string().min(1).default('eleven_flash_v2_5'),
  stability: z.number().min(0).max(1).optional(),
  similarityBoost: z.number().min(0).max(1).optional(),
  style: z.number().min(0).max(1).optional(),
  useSpeakerBoost: z.boolean().optional(),
  speed: z.number().min(0.7).max(1.2).optional(),
  enableSsmlParsing: z.boolean().optional(),
  /** The vendor cuts the text into pieces by itself, for the earliest first sound. */
  autoMode: z.boolean().default(true),
  language: z.string().optional(),
});
type Settings = z.infer<typeof settings>;

export const elevenlabsVoice: TextToSpeech<Settings> = {
  kind: 'tts',
  name: '11labs',
  aliases: ['elevenlabs', 'eleven-labs'],
  env: 'ELEVENLABS',
  origin: 'https://api.elevenlabs.io',
  needsKey: true,
  settings,
  open(options, chosen, access, ctx) {
    const format = nearestFormat(options.format, RATES);
    const codec = () => contexts(format, options, chosen, access);
    // In auto mode the vendor expects whole sentences or clauses rather than single tokens.
    const prefers = chosen.autoMode ? 'clauses' : 'tokens';
    return streamingVoice({ vendor: elevenlabsVoice, access, format, prefers, contexts: CONTEXTS, codec, keepAlive: KEEP_ALIVE, ctx });
  },
};

/** An empty text keeps the connection open; a lone space would begin a context. */
const KEEP_ALIVE = { message: '{"text":""}', everyMs: 10_000 };

/** What every account may ask for. */
const RATES = { mulaw: [8_000], alaw: [8_000], pcm16: [8_000, 16_000, 22_050, 24_000] } as const;
/** The vendor closes a connection with more open contexts than these. */
const CONTEXTS = 5;

const OUTPUT = { mulaw: 'ulaw', alaw: 'alaw', pcm16: 'pcm' } as const;

/** Fields go by several names in the vendor's own pages. An alignment that cannot be read costs the word times and not the sound. */
const Alignment = z.object({
  chars: z.array(z.string()),
  charStartTimesMs: z.array(z.number()),
  charDurationsMs: z.array(z.number()).optional(),
  charsDurationsMs: z.array(z.number()).optional(),
});
const Message = z.object({
  audio: z.string().nullish(),
  alignment: Alignment.nullish().catch(undefined),
  isFinal: z.boolean().nullish(),
  is_final: z.boolean().nullish(),
  contextId: z.string().nullish(),
  context_id: z.string().nullish(),
  error: z.string().nullish(),
  message: z.string().nullish(),
});

function contexts(format: AudioFormat, options: VoiceOptions, chosen: Settings, access: ProviderAccess): VoiceCodec {
  const query = {
    model_id: chosen.model,
    output_format: `${OUTPUT[format.encoding]}_${format.rate}`,
    // Only the multilingual flash and turbo models take a language.
    language_code: /_v2_5$/.test(chosen.model) ? (chosen.language ?? options.language).split('-')[0] : undefined,
    auto_mode: chosen.autoMode,
    sync_alignment: true,
    enable_ssml_parsing: chosen.enableSsmlParsing,
    // Seconds; the vendor's most.
    inactivity_timeout: 180,
  };
  const voice_settings = {
    stability: chosen.stability,
    similarity_boost: chosen.similarityBoost,
    style: chosen.style,
    use_speaker_boost: chosen.useSpeakerBoost,
    speed: chosen.speed,
  };
  /** Per context: its words, and the milliseconds delivered, since alignment counts from the beginning of each piece. */
  const open = new Map<string, { delivered: number; words: WordAssembler | undefined }>();
  const message = (context_id: string, fields: Record<string, unknown>) => JSON.stringify({ context_id, ...fields });
  return {
    request: {
      url: address(access.baseUrl, `/v1/text-to-speech/${encodeURIComponent(chosen.voiceId)}/multi-stream-input`, query),
      headers: { 'xi-api-key': access.apiKey },
    },
    say(text, context) {
      // The vendor takes text as a stream of words, each with the space behind it.
      const piece = message(context, { text: text.endsWith(' ') ? text : `${text} ` });
      if (open.has(context)) return [piece];
      open.set(context, { delivered: 0, words: undefined });
      return [message(context, { text: ' ', voice_settings }), piece];
    },
    // Empty text says nothing by itself; a context that it would begin has nothing to let go.
    flush: (context) => (open.has(context) ? [message(context, { text: '', flush: true })] : []),
    end: (context) => [message(context, { text: '', flush: true }), message(context, { close_context: true })],
    cancel(context) {
      open.delete(context);
      return [message(context, { close_context: true })];
    },
    decode(raw, sink) {
      const said = Message.parse(JSON.parse(String(raw)));
      const named = said.contextId ?? said.context_id;
      if (said.error || said.message) {
        const words = `${said.error ?? ''} ${said.message ?? ''}`.trim();
        // Contexts that the vendor has not let go yet: a new connection has none.
        if (said.error === 'max_active_conversations') throw new AywaError('provider_network', { detail: words });
        if (!named) throw reported(words);
        open.delete(named);
        // A context that waited too long for text, with nothing left to speak: what comes later gets another one.
        if (said.error === 'input_timeout_exceeded') return sink.done(named);
        return sink.failed(reported(words), named);
      }
      // Servers that speak one context at a time leave its name out.
      const context = named ?? [...open.keys()].at(-1) ?? '';
      const speech = open.get(context);
      if (!speech) return;
      speech.words ??= wordAssembler((word, at, endAt) => sink.word(word, at, endAt, context));
      if (said.alignment) {
        const { chars, charStartTimesMs, charDurationsMs, charsDurationsMs } = said.alignment;
        speech.words.push(chars, charStartTimesMs, charDurationsMs ?? charsDurationsMs ?? [], speech.delivered);
      }
      if (said.audio) {
        const bytes = Buffer.from(said.audio, 'base64');
        speech.delivered += msOf(format, bytes.length);
        sink.audio(bytes, context);
      }
      if (said.isFinal || said.is_final) {
        speech.words.end();
        open.delete(context);
        sink.done(context);
      }
    },
  };
}
