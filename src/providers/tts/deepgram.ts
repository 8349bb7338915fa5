/**
 * Deepgram's voice: the Aura websocket. It knows no contexts: speeches follow one another, and after `Clear` everything up to
 * `Cleared` belongs to the speech that was cancelled. Wire: developers.deepgram.com/reference/text-to-speech/speak-streaming.
 */
import { z } from 'zod';
import { type AudioFormat, nearestFormat } from '../../audio/format.ts';
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
    const format = nearestFormat(options.format, RATES);
    const codec = () => aura(format, chosen, access, ctx.scope.clock);
    return streamingVoice({ vendor: deepgramVoice, access, format, prefers: 'tokens', codec, ctx });
  },
};

const RATES = { mulaw: [8_000, 16_000], alaw: [8_000, 16_000], pcm16: [8_000, 16_000, 24_000, 32_000, 48_000] } as const;
const ENCODING = { mulaw: 'mulaw', alaw: 'alaw', pcm16: 'linear16' } as const satisfies Record<AudioFormat['encoding'], string>;

/** `voiceId` is the whole model name, or the speaker of the model family that `model` names. */
function modelOf({ voiceId, model = 'aura' }: Settings): string {
  return voiceId.startsWith('aura') ? voiceId : `${model}-${voiceId}-en`;
}

const Tagged = z.looseObject({ type: z.string() });
const Failure = z.object({ description: z.string().default('an error without a description'), code: z.string().default('') });

/** Enough to be spoken by itself: a sentence, a clause that is not too short, five words, or as much without spaces. */
const FIRST_CLAUSE = /[.!?。！？]\s*$|^[\s\S]{11,}[,;:，、；：]\s*$|^\s*(?:\S+\s+){5}|^\s*\S{40}/;
/**
 * The vendor ignores flushes past 20 in 60 s on a connection, and a speech whose last flush is ignored never ends. Those that only bring
 * sound forward stop early; from there on each speech begins on a connection of its own, which leaves the rest to pauses and ends.
 */
const EARLY_FLUSHES = 12;
const PAUSE_FLUSHES = 18;
const WINDOW_MS = 60_000;

function aura(format: AudioFormat, chosen: Settings, access: ProviderAccess, clock: Clock): VoiceCodec {
  const query = { model: modelOf(chosen), encoding: ENCODING[format.encoding], sample_rate: format.rate, mip_opt_out: chosen.mipOptOut };
  let begun = '';
  /** What was said since the speech began or paused, while nothing of it was let go yet; `undefined` from then on. */
  let opening: string | undefined;
  /** Text lies behind the last flush. */
  let held = false;
  let ended = false;
  /** Flushes that were not confirmed yet, clears likewise, and when the flushes of the window went out. */
  let flushes = 0;
  let clears = 0;
  let sent: number[] = [];
  const fewer = (most: number) => {
    sent = sent.filter((at) => at > clock.now() - WINDOW_MS);
    return sent.length < most;
  };
  const flush = () => {
    held = false;
    flushes += 1;
    sent.push(clock.now());
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
      held = true;
      if (opening === undefined) return [speak];
      // The vendor holds text until it has enough of it. The first clause is let go at once.
      opening += text;
      if (!FIRST_CLAUSE.test(opening)) return [speak];
      opening = undefined;
      return fewer(EARLY_FLUSHES) ? [speak, flush()] : [speak];
    },
    flush() {
      opening = '';
      return held && fewer(PAUSE_FLUSHES) ? [flush()] : [];
    },
    end(context, sink) {
      ended = true;
      if (held) return [flush()];
      if (flushes === 0) sink.done(context);
      return [];
    },
    cancel() {
      clears += 1;
      flushes = 0;
      held = false;
      return ['{"type":"Clear"}'];
    },
    worn: () => !fewer(EARLY_FLUSHES),
    decode(raw, sink) {
      if (typeof raw !== 'string') {
        if (clears === 0) sink.audio(raw);
        return;
      }
      const said = Tagged.parse(JSON.parse(raw));
      if (said.type === 'Cleared') clears = Math.max(0, clears - 1);
      if (said.type === 'Flushed' && clears === 0) {
        flushes = Math.max(0, flushes - 1);
        if (flushes > 0 || held) return;
        if (ended) sink.done();
        else sink.settled();
      }
      if (said.type === 'Error') {
        const { code, description } = Failure.parse(said);
        throw reported(`${code} ${description}`.trim());
      }
    },
  };
}
