/**
 * Ears over `POST /audio/transcriptions`, for OpenAI-compatible servers without a realtime session: what was said since the last
 * pause is uploaded as a WAV file when `flush` says that the caller stopped, long speech in pieces before that. One upload at a time, in
 * order; there are no partials, and silence is never uploaded.
 */
import { converter } from '../../audio/convert.ts';
import { type AudioFormat, bytesOf, msOf } from '../../audio/format.ts';
import { tape } from '../../audio/tape.ts';
import { wavHeader } from '../../audio/wav.ts';
import { channel } from '../../kernel/channel.ts';
import { randomToken } from '../../kernel/ids.ts';
import { isCancelled } from '../../kernel/scope.ts';
import { address } from '../address.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { failureIn, refusal, type Vendor, vendorFault } from '../faults.ts';
import { createTally, isFields, listOf, type Tally, textOf } from '../fields.ts';
import type { Ears, EarsListener, HearingOptions } from './contract.ts';

export interface BatchEars {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly hearing: Pick<HearingOptions, 'format' | 'talking'>;
  /** Form fields beside the file: model, language, prompt. */
  readonly fields: Readonly<Record<string, string>>;
  readonly listener: EarsListener;
  readonly ctx: ProviderContext;
}

/** Longest piece that is uploaded: servers work in windows of this size. Longer speech is cut where it is quietest in the last seconds. */
const PIECE_MS = 30_000;
const CUT_WITHIN_MS = 5_000;
const CUT_MS = 100;
/** The voice detector confirms late, and audio comes in pieces: so much before it belongs to the utterance. */
const LEAD_MS = 1_000;
/** Shorter pieces hold no word, and the API refuses them. */
const LEAST_MS = 100;
const ANSWER_MS = 10_000;
/** Before an upload that the network lost is tried once more. */
const AGAIN_MS = 200;

interface Utterance {
  readonly audio: Buffer;
  readonly from: number;
  readonly to: number;
}

export function batchEars({ vendor, access, hearing, fields, listener, ctx }: BatchEars): Ears {
  const { format, talking = () => true } = hearing;
  const { scope } = ctx;
  // Not every server reads G.711 inside WAV; linear samples are read by all.
  const linear: AudioFormat = { encoding: 'pcm16', rate: format.rate };
  const expand = converter(format, linear);
  const most = bytesOf(linear, PIECE_MS);
  const lead = bytesOf(linear, LEAD_MS);
  const kept = tape(bytesOf(linear, 2_000), most + lead);
  const waiting = channel<Utterance>(scope, 8);
  const finished = Promise.withResolvers<void>();
  const tally = createTally();
  /** Where the utterance begins that is not uploaded yet. */
  let begins: number | undefined;

  const upload = async ({ audio }: Utterance): Promise<string> => {
    const url = address(access.baseUrl, '/audio/transcriptions');
    const { body, type } = form(fields, Buffer.concat([wavHeader({ ...linear, channels: 1 }, audio.length), audio]));
    const headers = { authorization: `Bearer ${access.apiKey}`, 'content-type': type };
    const answer = await ctx.egress.http({ url, method: 'POST', headers, body, timeoutMs: ANSWER_MS, reach: access.reach }, scope);
    const said = await scope.wait(answer.text());
    if (answer.status !== 200) throw refusal(answer.status, url, said, answer.headers['retry-after']);
    return transcriptIn(said, answer.headers['content-type'], tally).trim();
  };
  const transcribe = async (utterance: Utterance) => {
    const text = await upload(utterance).catch(async (fault: unknown) => {
      if (vendorFault(vendor, access, fault).kind !== 'network') throw fault;
      await scope.clock.sleep(AGAIN_MS, scope);
      return upload(utterance);
    });
    const { from, to } = utterance;
    listener.recognised({ type: 'final', text, from, to, ...(text ? {} : { rejected: true }) });
  };
  const take = (upTo: number) => {
    const from = Math.max(begins ?? 0, kept.start);
    begins = undefined;
    if (upTo - from >= bytesOf(linear, LEAST_MS))
      waiting.push({ audio: Buffer.from(kept.read(from, upTo)), from: msOf(linear, from), to: msOf(linear, upTo) });
    kept.release(upTo);
  };

  scope.spawn(`${vendor.name} ears`, async () => {
    try {
      for await (const utterance of waiting) await transcribe(utterance);
      finished.resolve();
    } catch (fault) {
      if (!isCancelled(fault)) listener.failed(vendorFault(vendor, access, fault));
    }
  });

  return {
    write(audio) {
      kept.append(expand.convert(audio));
      if (talking()) begins ??= Math.max(kept.start, kept.end - lead);
      if (begins === undefined || kept.end - begins < most) return;
      const cut = kept.end - bytesOf(linear, CUT_WITHIN_MS);
      const upTo = cut + quietest(kept.read(cut, kept.end), bytesOf(linear, CUT_MS));
      take(upTo);
      begins = upTo;
    },
    flush() {
      if (kept.end - Math.max(begins ?? 0, kept.start) >= bytesOf(linear, LEAST_MS)) take(kept.end);
    },
    finish() {
      if (begins !== undefined) this.flush();
      waiting.close();
      return finished.promise;
    },
  };
}

/** Position of the quietest stretch of so many bytes: its middle. Linear samples of 16 bits. */
function quietest(bytes: Uint8Array, stretch: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at + stretch <= bytes.length; at += stretch) {
    let sum = 0;
    for (let i = at; i < at + stretch; i += 2) sum += Math.abs(view.getInt16(i, true));
    if (sum >= least) continue;
    least = sum;
    best = at;
  }
  return best + ((stretch >> 2) << 1);
}

/** The text of an answer: `{text}`, the segments of a verbose one, or plain text. Throws an error that came with a 200, and what is no answer. */
function transcriptIn(said: string, type: string | undefined, tally: Tally): string {
  let value: unknown;
  try {
    value = JSON.parse(said);
  } catch (fault) {
    if (type?.startsWith('text/plain')) return said;
    throw fault;
  }
  if (!isFields(value)) throw new SyntaxError('no JSON object');
  const failure = failureIn(value);
  if (failure) throw failure;
  if (value.text === undefined && value.segments === undefined) throw new SyntaxError('no transcript');
  return (
    textOf(value.text, 'text', tally) ||
    listOf(value.segments, 'segments', tally)
      .map((segment) => textOf(segment.text, 'segments', tally).trim())
      .join(' ')
  );
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
