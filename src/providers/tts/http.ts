/**
 * A call's voice over HTTP: one streaming request at a time, so that sound comes in the order of its text; text that comes during a
 * request is joined into the next. Connections are kept and the first is open before the first word. It holds nothing back: what is said
 * is asked for as soon as the request before has ended. It knows no vendor: each says how a piece of text is asked for.
 */
import { type AudioFormat, bytesPerSample } from '../../audio/format.ts';
import { channel } from '../../kernel/channel.ts';
import type { HttpReply, HttpRequest } from '../../kernel/egress.ts';
import { AywaError, isAywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { refusal, type Vendor, vendorFault } from '../faults.ts';
import type { Speech, SpeechListener, Voice } from './contract.ts';

type Asked = Omit<HttpRequest, 'reach'>;

export interface HttpVoice {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  /** What the vendor's answer holds, without a container. */
  readonly format: AudioFormat;
  /** A piece of text as a request whose answer is its sound. */
  readonly request: (text: string) => Asked;
  /** Costs nothing at the vendor; leaves an open connection for the first reply. */
  readonly warmUp?: Asked;
  /** Characters that one request may have. */
  readonly mostChars: number;
  readonly ctx: ProviderContext;
}

/** Opens the voice. Never throws; faults reach the speech that meets them. */
export function httpVoice(voice: HttpVoice): Voice {
  const { warmUp, vendor, ctx } = voice;
  if (warmUp) ctx.scope.spawn(`${vendor.name} voice warm-up`, () => open(voice, warmUp));
  return { format: voice.format, prefers: 'clauses', speak: (listener) => speak(voice, listener) };
}

async function open({ access, ctx }: HttpVoice, warmUp: Asked): Promise<void> {
  try {
    const answer = await ctx.egress.http({ ...warmUp, reach: access.reach }, ctx.scope);
    await ctx.scope.wait(answer.text());
  } catch {
    // The first speech meets the same fault, and tells it.
  }
}

function speak(voice: HttpVoice, listener: SpeechListener): Speech {
  const { vendor, access, ctx } = voice;
  const scope = ctx.scope.child('speech');
  const arrivals = channel<true>(scope);
  let pending = '';

  scope.spawn(`${vendor.name} voice`, async () => {
    try {
      for await (const _ of arrivals) {
        while (pending.trim()) {
          const length = pieceOf(pending, voice.mostChars);
          const text = pending.slice(0, length).trim();
          pending = pending.slice(length);
          await sound(voice, text, listener, scope);
        }
      }
      if (!scope.closed) listener.done();
    } catch (fault) {
      if (!scope.closed) listener.failed(vendorFault(vendor, access, fault));
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

/** Where a text that is too long is cut: behind a sentence, a clause, a word. */
const BREAKS = [/[\s\S]*(?:[.!?](?=\s)|[。！？])/, /[\s\S]*(?:[,;:](?=\s)|[，、；：])/, /[\s\S]*\s/] as const;

/** How much of the text goes into one request: all of it, or up to the last sentence, clause or word that fits. */
function pieceOf(text: string, most: number): number {
  if (text.length <= most) return text.length;
  const fits = text.slice(0, most);
  for (const end of BREAKS) {
    const found = end.exec(fits)?.[0].length;
    if (found) return found;
  }
  return most;
}

async function sound(voice: HttpVoice, text: string, listener: SpeechListener, scope: Scope): Promise<void> {
  const asked = voice.request(text);
  const answer = await answerTo(voice, asked, scope);
  if (answer.status !== 200) throw refusal(answer.status, asked.url, await scope.wait(answer.text()), answer.headers['retry-after']);
  if (!/^(audio\/|application\/octet-stream)/.test(answer.headers['content-type'] ?? 'audio/')) {
    answer.discard();
    throw new AywaError('provider_garbage', { detail: 'the answer is not audio.' });
  }
  const sample = bytesPerSample(voice.format);
  // Chunks end anywhere: half a sample waits for its other half.
  let half = Buffer.alloc(0);
  for await (const chunk of answer.body) {
    if (scope.closed) return;
    const bytes = half.length > 0 ? Buffer.concat([half, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % sample);
    half = Buffer.from(bytes.subarray(whole));
    if (whole > 0) listener.audio(bytes.subarray(0, whole));
  }
}

/** A kept connection may have been closed by the other side while it was idle, which is found out by using it: that is tried once more. */
async function answerTo({ access, ctx }: HttpVoice, asked: Asked, scope: Scope): Promise<HttpReply> {
  const request = { ...asked, reach: access.reach };
  try {
    return await ctx.egress.http(request, scope);
  } catch (fault) {
    if (!isAywaError(fault) || fault.kind !== 'network' || scope.closed) throw fault;
    return ctx.egress.http(request, scope);
  }
}
