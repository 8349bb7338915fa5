/**
 * Deepgram's voice: the Aura websocket. It knows no contexts: speeches follow one another, and after `Clear` everything up to
 * `Cleared` belongs to the speech that was cancelled. Wire: developers.deepgram.com/reference/text-to-speech/speak-streaming.
 */
import { z } from 'zod';
import type { AudioFormat } from '../../audio/format.ts';
import type { Clock } from '../../kernel/clock.ts';
import { address } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { reported } from '../faults.ts';
import type { TextToSpeech } from './contract.ts';
import { streamingVoice, type VoiceCodec } from './streaming.ts';

const settings = z.object({
  /** `asteria`, as stored assistants have it, means `aura-asteria-en`. */
  voiceId: z.string().min(1).default('aura-2-thalia-en'),
  model: z.string().optional(),
  mipOptOut: z.boolean().optional(),
});
type Settings = z.infer<typeof settings>;

export const deepgramVoice: TextToSpeech<Settings> = {
  kind: 'tts',
  name: 'deepgram',
  env: 'DEEPGRAM',
  origin: 'https://api.deepgram.com',
  needsKey: true,
  settings,
  open(options, chosen, access, ctx) {
    const codec = () => aura(options.format, chosen, access, ctx.scope.clock);
    return streamingVoice({ vendor: deepgramVoice, access, format: options.format, prefers: 'tokens', contexts: false, codec, ctx });
  },
};

const ENCODING = { mulaw: 'mulaw', alaw: 'alaw', pcm16: 'linear16' } as const satisfies Record<AudioFormat['encoding'], string>;

/** `voiceId` is the whole model name, or the speaker of the model family that `model` names. */
function modelOf({ voiceId, model = 'aura' }: Settings): string {
  return voiceId.startsWith('aura') ? voiceId : `${model}-${voiceId}-en`;
}

const Tagged = z.looseObject({ type: z.string() });
const Failure = z.object({ description: z.string().default('an error without a description'), code: z.string().default('') });

/** Enough to be spoken by itself: a sentence, a clause that is not too short, or five words. */
const FIRST_CLAUSE = /[.!?]\s*$|^[\s\S]{11,}[,;:]\s*$|^\s*(?:\S+\s+){5}/;
/** The vendor ignores flushes past 20 in 60 s on a connection; those that end a speech must never be ignored. */
const EARLY_FLUSHES = 12;
const WINDOW_MS = 60_000;

function aura(format: AudioFormat, chosen: Settings, access: ProviderAccess, clock: Clock): VoiceCodec {
  const query = { model: modelOf(chosen), encoding: ENCODING[format.encoding], sample_rate: format.rate, mip_opt_out: chosen.mipOptOut };
  let begun = '';
  /** What was said of the present speech while nothing of it was let go yet; `undefined` from then on. */
  let opening: string | undefined;
  let ended = false;
  let flushes = 0;
  let clears = 0;
  let early: number[] = [];
  const flush = () => {
    flushes += 1;
    return '{"type":"Flush"}';
  };

  return {
    request: { url: address(access.baseUrl, '/v1/speak', query), headers: { authorization: `Token ${access.apiKey}` } },
    say(text, context) {
      const speak = JSON.stringify({ type: 'Speak', text });
      if (begun !== context) {
        begun = context;
        opening = '';
        ended = false;
      }
      if (opening === undefined) return [speak];
      // The vendor holds text until it has enough of it. The first clause is let go at once.
      opening += text;
      if (!FIRST_CLAUSE.test(opening)) return [speak];
      opening = undefined;
      early = early.filter((at) => at > clock.now() - WINDOW_MS);
      if (early.length >= EARLY_FLUSHES) return [speak];
      early.push(clock.now());
      return [speak, flush()];
    },
    end() {
      ended = true;
      return [flush()];
    },
    cancel() {
      clears += 1;
      flushes = 0;
      return ['{"type":"Clear"}'];
    },
    decode(raw, sink) {
      if (typeof raw !== 'string') {
        if (clears === 0) sink.audio(raw);
        return;
      }
      const said = Tagged.parse(JSON.parse(raw));
      if (said.type === 'Cleared') clears = Math.max(0, clears - 1);
      if (said.type === 'Flushed' && clears === 0) {
        flushes = Math.max(0, flushes - 1);
        if (ended && flushes === 0) sink.done();
      }
      if (said.type === 'Error') {
        const { code, description } = Failure.parse(said);
        throw reported(`${code} ${description}`.trim());
      }
    },
  };
}
