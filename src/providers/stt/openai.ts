/**
 * OpenAI's ears and those of compatible servers: a realtime transcription session over a websocket, or (`mode: 'batch'`) one upload
 * per utterance for servers that only have `/audio/transcriptions`. Wire: platform.openai.com/docs/guides/realtime-transcription.
 */
import { z } from 'zod';
import { converter } from '../../audio/convert.ts';
import { type AudioFormat, msOf } from '../../audio/format.ts';
import { address } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { reported } from '../faults.ts';
import { batchEars } from './batch.ts';
import type { HearingOptions, Recognised, SpeechToText } from './contract.ts';
import { type EarsCodec, streamingEars } from './streaming.ts';

const settings = z.object({
  model: z.string().min(1).default('gpt-4o-mini-transcribe'),
  language: z.string().optional(),
  mode: z.enum(['realtime', 'batch']).default('realtime'),
  prompt: z.string().optional(),
});
type Settings = z.infer<typeof settings>;

export const openaiEars: SpeechToText<Settings> = {
  kind: 'stt',
  name: 'openai',
  env: 'OPENAI',
  origin: 'https://api.openai.com/v1',
  needsKey: true,
  settings,
  // A whole utterance is uploaded at its end; self-hosted servers take seconds for it.
  finalWithinMs: ({ mode }) => (mode === 'batch' ? 6_000 : 2_000),
  listen(options, chosen, access, listener, ctx) {
    const hints = { ...languageOf(chosen, options), prompt: chosen.prompt ?? promptOf(options) };
    if (chosen.mode === 'batch') {
      const fields = { model: chosen.model, ...hints };
      return batchEars({ vendor: openaiEars, access, format: options.format, fields, listener, ctx });
    }
    const codec = () => realtime(options.format, { model: chosen.model, ...hints }, access);
    return streamingEars({ vendor: openaiEars, access, hearing: options, codec, listener, ctx });
  },
};

/** The API takes ISO 639-1 codes: `en`, not `en-US`; `multi` leaves the choice to the model. */
function languageOf(chosen: Settings, options: HearingOptions): { language?: string } {
  const code = (chosen.language ?? options.language).split('-')[0]?.toLowerCase() ?? '';
  return /^[a-z]{2}$/.test(code) ? { language: code } : {};
}

const promptOf = (options: HearingOptions) => options.expected.slice(0, 40).join(', ').slice(0, 800);

const Tagged = z.looseObject({ type: z.string() });
const Started = z.object({ item_id: z.string(), audio_start_ms: z.number() });
const Stopped = z.object({ item_id: z.string(), audio_end_ms: z.number() });
const Delta = z.object({ item_id: z.string(), delta: z.string().default('') });
const Completed = z.object({ item_id: z.string(), transcript: z.string() });
const Failure = z.object({ error: z.object({ message: z.string(), code: z.string().nullish(), type: z.string().nullish() }) });

function realtime(format: AudioFormat, transcription: Record<string, string>, access: ProviderAccess): EarsCodec {
  const { wire, encode } = wireOf(format);
  const session = {
    type: 'transcription',
    audio: {
      input: {
        format: wire,
        transcription,
        // Pieces end on the server's own ear for pauses, or earlier when `flush` commits what there is.
        turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 300 },
      },
    },
  };
  const items = new Map<string, { text: string; from: number; to: number }>();
  /** Milliseconds: the end of the last piece, and all audio so far, for servers that do not tell where speech lies. */
  let latest = 0;
  let appended = 0;
  const item = (id: string) => {
    const known = items.get(id) ?? { text: '', from: latest, to: appended };
    items.set(id, known);
    return known;
  };
  const settle = (id: string, text: string, recognised: (words: Recognised) => void) => {
    const { from, to } = item(id);
    items.delete(id);
    latest = Math.max(latest, to);
    recognised({ type: 'final', text, from, to: Math.max(from, to), ...(text ? {} : { rejected: true }) });
  };

  return {
    request: {
      url: address(access.baseUrl, '/realtime', { intent: 'transcription' }),
      headers: { authorization: `Bearer ${access.apiKey}` },
    },
    opening: [JSON.stringify({ type: 'session.update', session })],
    audio(bytes) {
      appended += msOf(format, bytes.length);
      return `{"type":"input_audio_buffer.append","audio":"${encode(bytes)}"}`;
    },
    flush: '{"type":"input_audio_buffer.commit"}',
    decode(message, recognised) {
      const said = Tagged.parse(JSON.parse(String(message)));
      switch (said.type) {
        case 'input_audio_buffer.speech_started': {
          const { item_id, audio_start_ms } = Started.parse(said);
          Object.assign(item(item_id), { from: audio_start_ms, to: audio_start_ms });
          return recognised({ type: 'speech', talking: true });
        }
        case 'input_audio_buffer.speech_stopped': {
          const { item_id, audio_end_ms } = Stopped.parse(said);
          item(item_id).to = audio_end_ms;
          return recognised({ type: 'speech', talking: false });
        }
        case 'conversation.item.input_audio_transcription.delta': {
          const { item_id, delta } = Delta.parse(said);
          const known = item(item_id);
          known.text += delta;
          if (!known.text.trim()) return;
          return recognised({ type: 'partial', text: known.text.trim(), from: known.from, to: Math.max(known.from, known.to) });
        }
        case 'conversation.item.input_audio_transcription.completed': {
          const { item_id, transcript } = Completed.parse(said);
          return settle(item_id, transcript.trim(), recognised);
        }
        case 'conversation.item.input_audio_transcription.failed':
          return settle(Delta.parse(said).item_id, '', recognised);
        case 'error': {
          const { error } = Failure.parse(said);
          // A commit that comes after the server's own is no fault.
          if (error.code === 'input_audio_buffer_commit_empty') return;
          throw reported(`${error.code ?? error.type ?? ''} ${error.message}`.trim());
        }
      }
    },
  };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const PCM_24K: AudioFormat = { encoding: 'pcm16', rate: 24_000 };

/** The session takes G.711 as it is, and linear samples at 24 kHz only. */
function wireOf(format: AudioFormat): { wire: { type: string; rate?: number }; encode: (bytes: Uint8Array) => string } {
  if (format.encoding === 'mulaw') return { wire: { type: 'audio/pcmu' }, encode: base64 };
  if (format.encoding === 'alaw') return { wire: { type: 'audio/pcma' }, encode: base64 };
  const rising = converter(format, PCM_24K);
  return { wire: { type: 'audio/pcm', rate: PCM_24K.rate }, encode: (bytes) => base64(rising.convert(bytes)) };
}
