/** Cartesia's voice: the websocket with contexts, one per speech, and word timestamps. Wire: docs.cartesia.ai/api-reference/tts/websocket. */
import { z } from 'zod';
import { type AudioFormat, nearestFormat } from '../../audio/format.ts';
import { address } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { reported } from '../faults.ts';
import type { TextToSpeech, VoiceOptions } from './contract.ts';
import { streamingVoice, type VoiceCodec } from './streaming.ts';

const settings = z.object({
  voiceId: z.string().min(1).default('a0e99841-438c-4a64-b679-ae501e7d6091'),
  model: z.string().min(1).default('sonic-3'),
  language: z.string().optional(),
  generationConfig: z.record(z.string(), z.unknown()).optional(),
});
type Settings = z.infer<typeof settings>;

export const cartesiaVoice: TextToSpeech<Settings> = {
  kind: 'tts',
  name: 'cartesia',
  env: 'CARTESIA',
  origin: 'https://api.cartesia.ai',
  needsKey: true,
  settings,
  open(options, chosen, access, ctx) {
    const format = nearestFormat(options.format, RATES);
    const codec = () => contexts({ ...options, format }, chosen, access);
    return streamingVoice({ vendor: cartesiaVoice, access, format, prefers: 'tokens', contexts: CONTEXTS, codec, ctx });
  },
};

const RATES = { mulaw: [8_000], alaw: [8_000], pcm16: [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] } as const;
/** The vendor bounds what an account speaks at once; one call needs one speech, and the next before the last is over. */
const CONTEXTS = 4;
const ENCODING = { mulaw: 'pcm_mulaw', alaw: 'pcm_alaw', pcm16: 'pcm_s16le' } as const satisfies Record<AudioFormat['encoding'], string>;
/** Cartesia counts in seconds. */
const ms = (seconds: number) => Math.round(seconds * 1_000);

const Message = z.object({
  type: z.string(),
  context_id: z.string().nullish(),
  data: z.string().optional(),
  word_timestamps: z.object({ words: z.array(z.string()), start: z.array(z.number()), end: z.array(z.number()) }).nullish(),
  error: z.string().nullish(),
  error_code: z.string().nullish(),
  title: z.string().nullish(),
  message: z.string().nullish(),
});

function contexts({ format, language }: VoiceOptions, chosen: Settings, access: ProviderAccess): VoiceCodec {
  const fixed = {
    model_id: chosen.model,
    voice: { mode: 'id', id: chosen.voiceId },
    language: (chosen.language ?? language).split('-')[0],
    output_format: { container: 'raw', encoding: ENCODING[format.encoding], sample_rate: format.rate },
    generation_config: chosen.generationConfig,
    add_timestamps: true,
    // How long the vendor may hold tokens back for the sake of prosody.
    max_buffer_delay_ms: 120,
  };
  /** Contexts with text behind their last flush. */
  const held = new Set<string>();
  const input = (context_id: string, transcript: string, more: boolean, flush?: true) => [
    JSON.stringify({ ...fixed, context_id, transcript, continue: more, flush }),
  ];

  return {
    request: {
      url: address(access.baseUrl, '/tts/websocket'),
      headers: { 'x-api-key': access.apiKey, 'cartesia-version': '2025-04-16' },
    },
    say(text, context) {
      held.add(context);
      return input(context, text, true);
    },
    flush(context) {
      held.delete(context);
      return input(context, '', true, true);
    },
    end(context) {
      held.delete(context);
      return input(context, '', false);
    },
    cancel(context) {
      held.delete(context);
      return [JSON.stringify({ context_id: context, cancel: true })];
    },
    decode(raw, sink) {
      const said = Message.parse(JSON.parse(String(raw)));
      const context = said.context_id ?? undefined;
      if (said.type === 'error') {
        const error = reported([said.error_code, said.title, said.error, said.message].filter(Boolean).join(': '));
        if (context === undefined) throw error;
        return sink.failed(error, context);
      }
      if (context === undefined) return;
      if (said.type === 'chunk' && said.data) sink.audio(Buffer.from(said.data, 'base64'), context);
      if (said.type === 'flush_done' && !held.has(context)) sink.settled(context);
      if (said.type === 'done') {
        held.delete(context);
        sink.done(context);
      }
      const words = said.word_timestamps;
      words?.words.forEach((word, i) => {
        sink.word(word, ms(words.start[i] ?? 0), ms(words.end[i] ?? 0), context);
      });
    },
  };
}
