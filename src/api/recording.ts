/**
 * Recordings over HTTP: the stereo file as it lies on disk, and the mono mix of it made while it is sent. Both answer range requests,
 * so that a player can seek; neither is ever held in memory whole.
 */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallFacts } from '../journal/call-facts.ts';
import { AywaError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CallRow } from '../store/calls.ts';

/** Where the samples of a 16-bit PCM wav file lie. */
interface Wav {
  readonly rate: number;
  readonly channels: number;
  readonly dataAt: number;
  readonly dataBytes: number;
  readonly fileBytes: number;
}

const HEADER_BYTES = 44;

/** Answers 200 or 206 with `file` (a stereo wav); `mix` averages its two channels into one. */
export async function sendRecording(request: FastifyRequest, reply: FastifyReply, file: string, mix: boolean, scope: Scope): Promise<void> {
  const wav = await scope.wait(readWav(file));
  const mono = mix && wav.channels === 2;
  const size = mono ? HEADER_BYTES + wav.dataBytes / 2 : wav.fileBytes;
  const range = rangeOf(request.headers.range, size);

  reply.header('accept-ranges', 'bytes').header('cache-control', 'private, no-store').type('audio/wav');
  if (range === 'unsatisfiable') {
    reply.code(416).header('content-range', `bytes */${size}`).send('');
    return;
  }
  const { from, to } = range ?? { from: 0, to: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${from}-${to}/${size}`);
  reply.header('content-length', String(to - from + 1));
  reply.send(mono ? monoStream(file, wav, from, to) : createReadStream(file, { start: from, end: to }));
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

/** Bytes `from` to `to` (both included) of the mono file that does not exist on disk. */
function monoStream(file: string, wav: Wav, from: number, to: number): Transform {
  const header = monoHeader(wav).subarray(Math.min(from, HEADER_BYTES), Math.min(to + 1, HEADER_BYTES));
  // Mono byte n of the data belongs to the sample whose stereo frame starts at 4 * floor(n / 2).
  const first = Math.max(0, from - HEADER_BYTES);
  const last = to - HEADER_BYTES;
  let rest: Buffer = Buffer.alloc(0);
  let skip = first % 2;
  let left = Math.max(0, last - first + 1);

  const mixer = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const stereo = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const frames = stereo.length >> 2;
      const mono = Buffer.allocUnsafe(frames * 2);
      for (let i = 0; i < frames; i += 1) mono.writeInt16LE((stereo.readInt16LE(i * 4) + stereo.readInt16LE(i * 4 + 2)) >> 1, i * 2);
      rest = stereo.subarray(frames * 4);
      const piece = mono.subarray(skip, skip + left);
      skip = Math.max(0, skip - mono.length);
      left -= piece.length;
      done(null, piece);
    },
  });
  if (header.length > 0) mixer.push(header);
  if (left === 0) mixer.end();
  else {
    const start = wav.dataAt + (first >> 1) * 4;
    const source = createReadStream(file, { start, end: wav.dataAt + ((last >> 1) + 1) * 4 - 1 });
    source.on('error', (error) => mixer.destroy(error));
    mixer.on('close', () => source.destroy());
    source.pipe(mixer);
  }
  return mixer;
}

function monoHeader({ rate, dataBytes }: Wav): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataBytes / 2, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes / 2, 40);
  return header;
}

/** Reads the chunks before the samples. A missing or foreign file is `artifact_missing`. */
async function readWav(file: string): Promise<Wav> {
  const handle = await open(file, 'r').catch((cause) => {
    throw new AywaError('artifact_missing', { cause });
  });
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, 4_096));
    await handle.read(head, 0, head.length, 0);
    let rate = 0;
    let channels = 0;
    for (let at = 12; at + 8 <= head.length; at += 8 + head.readUInt32LE(at + 4)) {
      const name = head.toString('latin1', at, at + 4);
      if (name === 'fmt ' && at + 24 <= head.length) {
        channels = head.readUInt16LE(at + 10);
        rate = head.readUInt32LE(at + 12);
      }
      if (name === 'data' && rate > 0) {
        // A file that was cut off names no length, or a wrong one: the file itself tells.
        const whole = Math.min(head.readUInt32LE(at + 4) || size, size - at - 8);
        return { rate, channels, dataAt: at + 8, dataBytes: whole - (whole % (2 * channels)), fileBytes: size };
      }
    }
    throw new AywaError('artifact_missing', { detail: 'The file is not a finished recording.' });
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
