/**
 * OpenAI's ears and those of compatible servers: a realtime transcription session over a websocket, or (`mode: 'batch'`) one upload
 * per utterance for servers that only have `/audio/transcriptions`. Wire: platform.openai.com/docs/guides/realtime-transcription.
 */
import { z } from 'zod';
import { converter } from '../../audio/convert.ts';
import { type AudioFormat, msOf } from '../../audio/format.ts';
import { address } from '../address.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { failureIn, reported } from '../faults.ts';
import { type Fields, isFields, numberOf, type Tally, textOf } from '../fields.ts';
import { batchEars } from './batch.ts';
import type { HearingOptions, Recognised, SpeechToText } from './contract.ts';
import { messagesIn } from './messages.ts';
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
      return batchEars({ vendor: openaiEars, access, hearing: options, fields, listener, ctx });
    }
    const codec = (_: ProviderContext, tally: Tally) => realtime(options.format, { model: chosen.model, ...hints }, access, tally);
    return streamingEars({ vendor: openaiEars, access, hearing: options, codec, listener, ctx });
  },
};

/** The API takes ISO 639-1 codes: `en`, not `en-US`; `multi` leaves the choice to the model. */
function languageOf(chosen: Settings, options: HearingOptions): { language?: string } {
  const code = (chosen.language ?? options.language).split('-')[0]?.toLowerCase() ?? '';
  return /^[a-z]{2}$/.test(code) ? { language: code } : {};
}

const promptOf = (options: HearingOptions) => options.expected.slice(0, 40).join(', ').slice(0, 800);

/** Said of a commit that comes after the server's own, or behind silence: no fault. */
const NOTHING_TO_COMMIT = 'input_audio_buffer_commit_empty';
/** A session lasts half an hour or an hour, a call may last longer: the next one begins with what this one has not made final. */
const SESSION_OVER = 'session_expired';

function realtime(format: AudioFormat, transcription: Record<string, string>, access: ProviderAccess, tally: Tally): EarsCodec {
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
  let appended = 0;
  const read = itemReader(() => appended, tally);

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
      for (const said of messagesIn(message, tally)) read(said, recognised);
    },
  };
}

interface Item {
  text: string;
  from: number;
  to: number;
}

/** Pieces of speech are items: what is said of one comes by its id. `appendedMs`: all audio so far, for servers that do not tell where speech lies. */
function itemReader(appendedMs: () => number, tally: Tally): (said: Fields, recognised: (words: Recognised) => void) => void {
  const items = new Map<string, Item>();
  /** The end of the last settled item, and its id: what is said of it twice is said once. */
  let latest = 0;
  let settled = '';

  const item = (id: string): Item => {
    const known = items.get(id) ?? { text: '', from: latest, to: appendedMs() };
    items.set(id, known);
    return known;
  };
  /** The item that a message is about; where it does not say, the one that is open. */
  const idOf = (said: Fields) => textOf(said.item_id, 'item_id', tally) || ([...items.keys()].at(-1) ?? '');
  const settle = (id: string, transcript: string, recognised: (words: Recognised) => void) => {
    if (id !== '' && id === settled && !items.has(id)) return;
    const { from, to } = item(id);
    const text = transcript.trim();
    items.delete(id);
    settled = id;
    latest = Math.max(latest, to);
    recognised({ type: 'final', text, from, to: Math.max(from, to), ...(text ? {} : { rejected: true }) });
  };

  return (said, recognised) => {
    const type = textOf(said.type, 'type', tally);
    switch (type) {
      case 'input_audio_buffer.speech_started': {
        const known = item(idOf(said));
        known.from = numberOf(said.audio_start_ms, 'audio_start_ms', tally) ?? known.from;
        known.to = known.from;
        return recognised({ type: 'speech', talking: true });
      }
      case 'input_audio_buffer.speech_stopped': {
        item(idOf(said)).to = numberOf(said.audio_end_ms, 'audio_end_ms', tally) ?? appendedMs();
        return recognised({ type: 'speech', talking: false });
      }
      case 'conversation.item.input_audio_transcription.delta': {
        const id = idOf(said);
        if (id !== '' && id === settled && !items.has(id)) return;
        const known = item(id);
        known.text += textOf(said.delta, 'delta', tally);
        const text = known.text.trim();
        if (text) recognised({ type: 'partial', text, from: known.from, to: Math.max(known.from, known.to) });
        return;
      }
      case 'conversation.item.input_audio_transcription.completed': {
        const id = idOf(said);
        // Without a transcript, the deltas are what was heard.
        const whole = typeof said.transcript === 'string' ? said.transcript : (items.get(id)?.text ?? '');
        if (whole !== said.transcript) tally.note('transcript');
        return settle(id, whole, recognised);
      }
      case 'conversation.item.input_audio_transcription.failed': {
        // One piece may be unintelligible; an account without credit understands nothing more.
        const failure = failureIn(said);
        if (failure && ['auth', 'quota'].includes(failure.kind)) throw failure;
        return settle(idOf(said), '', recognised);
      }
      default:
        return refuse(said);
    }
  };
}

/** Throws what the server reports as an error, whatever its shape. */
function refuse(said: Fields): void {
  if (said.type !== 'error') {
    const failure = failureIn(said);
    if (failure) throw failure;
    return;
  }
  const error = isFields(said.error) ? said.error : said;
  const label = [error.code, error.type === 'error' ? '' : error.type].find((each) => typeof each === 'string' && each !== '');
  if (label === NOTHING_TO_COMMIT) return;
  const words = [error.message, said.error, said.message].find((each) => typeof each === 'string' && each !== '');
  const sentence = `${label ?? ''} ${words ?? 'an error without a message'}`.trim();
  throw reported(sentence, label === SESSION_OVER ? 'provider_network' : 'provider_invalid');
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
