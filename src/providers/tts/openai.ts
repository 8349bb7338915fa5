/**
 * OpenAI's voice: one streaming POST per piece of text, played in order; text that comes during a request is joined into the next.
 * The API makes linear samples at 24 kHz and no word times. Wire: platform.openai.com/docs/api-reference/audio/createSpeech.
 */
import { z } from 'zod';
import type { AudioFormat } from '../../audio/format.ts';
import { channel } from '../../kernel/channel.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import { address } from '../address.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { refusal, vendorFault } from '../faults.ts';
import type { Speech, SpeechListener, TextToSpeech } from './contract.ts';

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
    ctx.scope.spawn('openai voice warm-up', () => warmUp(access, ctx));
    return { format: PCM_24K, prefers: 'clauses', speak: (listener) => speak(chosen, access, listener, ctx) };
  },
};

const headersOf = (access: ProviderAccess) => ({ authorization: `Bearer ${access.apiKey}` });

/** Leaves an open connection in the pool, so that the first reply waits for no handshake. Costs nothing at the vendor. */
async function warmUp(access: ProviderAccess, ctx: ProviderContext): Promise<void> {
  try {
    const request = { url: address(access.baseUrl, '/models'), headers: headersOf(access), reach: access.reach };
    const answer = await ctx.egress.http(request, ctx.scope);
    await ctx.scope.wait(answer.text());
  } catch {
    // The first speech meets the same fault, and tells it.
  }
}

function speak(chosen: Settings, access: ProviderAccess, listener: SpeechListener, ctx: ProviderContext): Speech {
  const scope = ctx.scope.child('speech');
  const arrivals = channel<true>(scope);
  let pending = '';

  scope.spawn('openai voice', async () => {
    try {
      for await (const _ of arrivals) {
        const text = pending.trim();
        pending = '';
        if (text) await voice(text, chosen, access, listener, ctx, scope);
      }
      if (!scope.closed) listener.done();
    } catch (fault) {
      if (!scope.closed) listener.failed(vendorFault(openaiVoice, access, fault));
    }
    void scope.close('spoken');
  });

  return {
    say(text) {
      pending += text;
      arrivals.push(true);
    },
    end: () => arrivals.close(),
    cancel: () => void scope.close('cancelled'),
  };
}

async function voice(
  input: string,
  chosen: Settings,
  access: ProviderAccess,
  listener: SpeechListener,
  ctx: ProviderContext,
  scope: Scope,
): Promise<void> {
  const { voiceId, model, speed, instructions } = chosen;
  const url = address(access.baseUrl, '/audio/speech');
  const body = JSON.stringify({ model, voice: voiceId, input, response_format: 'pcm', speed, instructions });
  const headers = { ...headersOf(access), 'content-type': 'application/json' };
  const answer = await ctx.egress.http({ url, method: 'POST', headers, body, reach: access.reach }, scope);
  if (answer.status !== 200) throw refusal(answer.status, url, await scope.wait(answer.text()), answer.headers['retry-after']);
  if (!/^(audio\/|application\/octet-stream)/.test(answer.headers['content-type'] ?? 'audio/')) {
    throw new AywaError('provider_garbage', { detail: 'the answer is not audio.' });
  }
  // Chunks end anywhere: half a sample waits for its other half.
  let half = Buffer.alloc(0);
  for await (const chunk of answer.body) {
    if (scope.closed) return;
    const bytes = half.length > 0 ? Buffer.concat([half, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const whole = bytes.length - (bytes.length % 2);
    half = Buffer.from(bytes.subarray(whole));
    if (whole > 0) listener.audio(bytes.subarray(0, whole));
  }
}
