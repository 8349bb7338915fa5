/**
 * OpenAI's voice: one streaming POST per piece of text. The API makes linear samples at 24 kHz, no telephone format and no word times.
 * Wire: platform.openai.com/docs/api-reference/audio/createSpeech.
 */
import { z } from 'zod';
import type { AudioFormat } from '../../audio/format.ts';
import { address } from '../address.ts';
import type { TextToSpeech } from './contract.ts';
import { httpVoice } from './http.ts';

const settings = z.object({
  voiceId: z.string().min(1).default('alloy'),
  model: z.string().min(1).default('gpt-4o-mini-tts'),
  speed: z.number().min(0.25).max(4).optional(),
  instructions: z.string().optional(),
});
type Settings = z.infer<typeof settings>;

const PCM_24K: AudioFormat = { encoding: 'pcm16', rate: 24_000 };

export const openaiVoice: TextToSpeech<Settings> = {
  kind: 'tts',
  name: 'openai',
  env: 'OPENAI',
  origin: 'https://api.openai.com/v1',
  needsKey: true,
  settings,
  open(_options, chosen, access, ctx) {
    const { voiceId, model, speed, instructions } = chosen;
    const headers = { authorization: `Bearer ${access.apiKey}` };
    return httpVoice({
      vendor: openaiVoice,
      access,
      format: PCM_24K,
      warmUp: { url: address(access.baseUrl, '/models'), headers },
      mostChars: 4_096,
      request: (input) => ({
        url: address(access.baseUrl, '/audio/speech'),
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ model, voice: voiceId, input, response_format: 'pcm', speed, instructions }),
      }),
      ctx,
    });
  },
};
