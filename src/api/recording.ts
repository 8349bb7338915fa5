/**
 * Recordings over HTTP: the stereo file and the mono mix of it, as 16-bit PCM made while it is sent. Both answer range requests, so that
 * a player can seek; neither is ever held in memory whole.
 */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decoder } from '../audio/convert.ts';
import { readWavLayout, type WavLayout, wavFrameBytes, wavHeader } from '../audio/wav.ts';
import type { CallFacts } from '../journal/call-facts.ts';
import { AywaError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CallRow } from '../store/calls.ts';

/** A recording on disk, and how it is sent: as 16-bit PCM, which every player and program reads, whatever the line's encoding was. */
interface Source {
  readonly file: string;
  readonly layout: WavLayout;
  /** Channels that are sent: 2, or 1 for the mix. */
  readonly channels: number;
}

const HEADER_BYTES = 44;

/** Answers 200 or 206 with `file` (a stereo wav) as 16-bit PCM; `mix` averages its two channels into one. */
export async function sendRecording(request: FastifyRequest, reply: FastifyReply, file: string, mix: boolean, scope: Scope): Promise<void> {
  const layout = await scope.wait(layoutOf(file));
  const source: Source = { file, layout, channels: mix ? 1 : layout.channels };
  const dataBytes = (layout.dataBytes / wavFrameBytes(layout)) * 2 * source.channels;
  const size = HEADER_BYTES + dataBytes;
  const range = rangeOf(request.headers.range, size);

  reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-store').type('audio/wav');
  if (range === 'unsatisfiable') {
    reply.code(416).header('content-range', `bytes */${size}`).send('');
    return;
  }
  const { from, to } = range ?? { from: 0, to: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${from}-${to}/${size}`);
  reply.header('content-length', String(to - from + 1));
  reply.send(pcmStream(source, dataBytes, from, to));
}

/** Where a call's recording lies; nothing while there is none. Never outside of the folder, whatever the record says. */
export function recordingFile(folder: string, call: CallRow): string | undefined {
  const { recording } = call.facts as Partial<CallFacts>;
  const file = recording ? resolve(folder, recording.file) : undefined;
  return file && !relative(folder, file).startsWith('..') ? file : undefined;
}

/** Removes the file of a call that was deleted; one that is gone already is no fault. */
export async function removeRecording(folder: string, call: CallRow): Promise<void> {
  const file = recordingFile(folder, call);
  if (file) await rm(file, { force: true });
}

/** Bytes `from` to `to` (both included) of the PCM file that does not lie on disk. */
function pcmStream({ file, layout, channels }: Source, dataBytes: number, from: number, to: number): Transform {
  const header = wavHeader({ encoding: 'pcm16', rate: layout.rate, channels }, dataBytes).subarray(from, to + 1);
  const [inFrame, outFrame] = [wavFrameBytes(layout), 2 * channels];
  const first = Math.max(0, from - HEADER_BYTES);
  const last = to - HEADER_BYTES;
  const decode = decoder({ encoding: layout.encoding, rate: layout.rate });
  let rest: Uint8Array = new Uint8Array(0);
  let skip = first % outFrame;
  let left = Math.max(0, last - first + 1);

  const writer = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const frames = Math.floor(bytes.length / inFrame);
      decode.decode(bytes.subarray(0, frames * inFrame));
      rest = bytes.subarray(frames * inFrame);
      const out = new Int16Array(frames * channels);
      for (let i = 0; i < out.length; i++)
        out[i] = channels === layout.channels ? (decode.samples[i] ?? 0) : mean(decode.samples, i, layout.channels);
      const piece = Buffer.from(out.buffer).subarray(skip, skip + left);
      skip = 0;
      left -= piece.length;
      done(null, piece);
    },
  });
  if (header.length > 0) writer.push(header);
  if (left === 0) writer.end();
  else {
    const [start, end] = [Math.floor(first / outFrame), Math.floor(last / outFrame) + 1];
    const source = createReadStream(file, { start: layout.dataAt + start * inFrame, end: layout.dataAt + end * inFrame - 1 });
    source.on('error', (error) => writer.destroy(error));
    writer.on('close', () => source.destroy());
    source.pipe(writer);
  }
  return writer;
}

function mean(samples: Int16Array, frame: number, channels: number): number {
  let sum = 0;
  for (let i = 0; i < channels; i++) sum += samples[frame * channels + i] ?? 0;
  return Math.floor(sum / channels);
}

/** Reads the chunks before the samples. A missing or foreign file is `artifact_missing`. */
async function layoutOf(file: string): Promise<WavLayout> {
  const handle = await open(file, 'r').catch((cause) => {
    throw new AywaError('artifact_missing', { cause });
  });
  try {
    const { size } = await handle.stat();
    const head = new Uint8Array(Math.min(size, 4_096));
    await handle.read(head, 0, head.length, 0);
    return readWavLayout(head, size);
  } catch (cause) {
    throw new AywaError('artifact_missing', { detail: 'The file is not a finished recording.', cause });
  } finally {
    await handle.close();
  }
}

/** RFC 9110 §14.1.2, one range only; several ranges or another unit are ignored, as the RFC allows. */
export function rangeOf(header: string | undefined, size: number): { from: number; to: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const from = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = suffix || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]));
  if (from >= size || from > to) return from >= size || size === 0 ? 'unsatisfiable' : undefined;
  return { from, to };
}
