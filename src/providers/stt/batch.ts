/**
 * Ears over `POST /audio/transcriptions`, for OpenAI-compatible servers without a realtime session: what was said since the last
 * pause is uploaded as a WAV file when `flush` says that the caller stopped. One upload at a time, in order; there are no partials.
 */
import { z } from 'zod';
import { converter } from '../../audio/convert.ts';
import { type AudioFormat, bytesOf, msOf } from '../../audio/format.ts';
import { wavHeader } from '../../audio/wav.ts';
import { channel } from '../../kernel/channel.ts';
import { randomToken } from '../../kernel/ids.ts';
import { isCancelled } from '../../kernel/scope.ts';
import { address } from '../address.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { refusal, type Vendor, vendorFault } from '../faults.ts';
import type { Ears, EarsListener } from './contract.ts';

export interface BatchEars {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly format: AudioFormat;
  /** Form fields beside the file: model, language, prompt. */
  readonly fields: Readonly<Record<string, string>>;
  readonly listener: EarsListener;
  readonly ctx: ProviderContext;
}

/** Longest utterance that is kept; older audio of a longer one is dropped. */
const UTTERANCE_MS = 30_000;
/** Shorter pieces hold no word, and the API refuses them. */
const LEAST_MS = 100;
const ANSWER_MS = 10_000;

interface Utterance {
  readonly audio: Buffer;
  readonly from: number;
  readonly to: number;
}

const Answer = z.object({ text: z.string() });

export function batchEars({ vendor, access, format, fields, listener, ctx }: BatchEars): Ears {
  // Not every server reads G.711 inside WAV; linear samples are read by all.
  const linear: AudioFormat = { encoding: 'pcm16', rate: format.rate };
  const expand = converter(format, linear);
  const most = bytesOf(linear, UTTERANCE_MS);
  const waiting = channel<Utterance>(ctx.scope, 8);
  let pieces: Buffer[] = [];
  let kept = 0;
  let written = 0;

  const transcribe = async ({ audio, from, to }: Utterance) => {
    const url = address(access.baseUrl, '/audio/transcriptions');
    const { body, type } = form(fields, Buffer.concat([wavHeader({ ...linear, channels: 1 }, audio.length), audio]));
    const headers = { authorization: `Bearer ${access.apiKey}`, 'content-type': type };
    const answer = await ctx.egress.http({ url, method: 'POST', headers, body, timeoutMs: ANSWER_MS, reach: access.reach }, ctx.scope);
    const said = await ctx.scope.wait(answer.text());
    if (answer.status !== 200) throw refusal(answer.status, url, said, answer.headers['retry-after']);
    const text = Answer.parse(JSON.parse(said)).text.trim();
    listener.recognised({ type: 'final', text, from, to, ...(text ? {} : { rejected: true }) });
  };

  ctx.scope.spawn(`${vendor.name} ears`, async () => {
    try {
      for await (const utterance of waiting) await transcribe(utterance);
    } catch (fault) {
      if (!isCancelled(fault)) listener.failed(vendorFault(vendor, access, fault));
    }
  });

  return {
    write(audio) {
      const piece = Buffer.from(expand.convert(audio));
      pieces.push(piece);
      kept += piece.length;
      written += piece.length;
      while (kept > most) kept -= pieces.shift()?.length ?? kept;
    },
    flush() {
      if (kept < bytesOf(linear, LEAST_MS)) return;
      waiting.push({ audio: Buffer.concat(pieces), from: msOf(linear, written - kept), to: msOf(linear, written) });
      pieces = [];
      kept = 0;
    },
  };
}

/** `multipart/form-data`, RFC 7578. */
function form(fields: Readonly<Record<string, string>>, file: Buffer): { body: Buffer; type: string } {
  const boundary = randomToken('aywa');
  const part = (disposition: string) => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}`;
  const text = Object.entries(fields)
    .filter(([, value]) => value)
    .map(([name, value]) => `${part(`name="${name}"`)}\r\n\r\n${value}\r\n`)
    .join('');
  const head = `${text}${part('name="file"; filename="speech.wav"')}\r\ncontent-type: audio/wav\r\n\r\n`;
  return {
    body: Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}
