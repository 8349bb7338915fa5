/**
 * WAV files: the header that we write and the headers that we find. Reads what a crash, a stream or a careless program left
 * behind: a size that was never filled in, an odd byte at the end, chunks in between. Never touches the disk.
 */
import { AywaError } from '../kernel/errors.ts';
import { decoder } from './convert.ts';

export interface WavShape {
  readonly encoding: 'pcm16' | 'mulaw' | 'alaw';
  readonly rate: number;
  readonly channels: number;
}

/** Where the audio lies in a file, in bytes from its start; whole sample frames only. */
export interface WavLayout extends WavShape {
  readonly dataAt: number;
  readonly dataBytes: number;
}

/** Codes of the registered formats (RFC 2361). */
const CODES = { pcm16: 1, alaw: 6, mulaw: 7 } as const;

/** The size field of a file that is still growing, as streaming programs write it. */
const UNKNOWN = 0xffff_ffff;

/** Frame size in bytes: one sample of every channel. */
export function wavFrameBytes(shape: WavShape): number {
  return shape.channels * (shape.encoding === 'pcm16' ? 2 : 1);
}

/** A 44-byte header; `dataBytes` is left out while the file grows. */
export function wavHeader(shape: WavShape, dataBytes: number = UNKNOWN): Uint8Array {
  const header = new Uint8Array(44);
  const view = new DataView(header.buffer);
  const frame = wavFrameBytes(shape);
  const tag = (at: number, text: string) => {
    for (let i = 0; i < 4; i++) header[at + i] = text.charCodeAt(i);
  };
  tag(0, 'RIFF');
  view.setUint32(4, Math.min(UNKNOWN, dataBytes + 36), true);
  tag(8, 'WAVE');
  tag(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, CODES[shape.encoding], true);
  view.setUint16(22, shape.channels, true);
  view.setUint32(24, shape.rate, true);
  view.setUint32(28, shape.rate * frame, true);
  view.setUint16(32, frame, true);
  view.setUint16(34, shape.encoding === 'pcm16' ? 16 : 8, true);
  tag(36, 'data');
  view.setUint32(40, Math.min(UNKNOWN, dataBytes), true);
  return header;
}

/**
 * Reads the header from the first bytes of a file of `fileBytes` bytes. A data size that is 0, unknown or beyond the end means
 * "to the end of the file". Throws `invalid_request` when it is no WAV file or one with another kind of audio.
 */
export function readWavLayout(head: Uint8Array, fileBytes: number = head.length): WavLayout {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const tag = (at: number) => String.fromCharCode(...head.subarray(at, at + 4));
  if (head.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw refused('It does not begin with a WAV header.');
  let shape: WavShape | undefined;
  for (let at = 12; at + 8 <= head.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(at) === 'fmt ' && body + 16 <= head.length) shape = readShape(view, body);
    if (tag(at) === 'data') {
      if (!shape) throw refused('Its audio comes before its format.');
      const rest = Math.max(0, fileBytes - body);
      const bytes = size === 0 || size > rest ? rest : size;
      const frame = wavFrameBytes(shape);
      return { ...shape, dataAt: body, dataBytes: bytes - (bytes % frame) };
    }
    at = body + size + (size & 1);
  }
  throw refused('It holds no audio.');
}

/** Linear samples of one channel. Copies, so that the file may be let go. */
export function wavChannel(file: Uint8Array, channel: number): Int16Array {
  const layout = readWavLayout(file);
  const source = decoder({ encoding: layout.encoding, rate: layout.rate });
  const count = source.decode(file.subarray(layout.dataAt, layout.dataAt + layout.dataBytes)) / layout.channels;
  return Int16Array.from({ length: count }, (_, frame) => source.samples[frame * layout.channels + channel] ?? 0);
}

function readShape(view: DataView, at: number): WavShape {
  const code = view.getUint16(at, true);
  const bits = view.getUint16(at + 14, true);
  const channels = view.getUint16(at + 2, true);
  // 0xFFFE (extensible) carries plain PCM in practice; its 16 bits tell.
  const encoding = code === 7 ? 'mulaw' : code === 6 ? 'alaw' : (code === 1 || code === 0xfffe) && bits === 16 ? 'pcm16' : undefined;
  if (!encoding || channels < 1) throw refused(`Its audio (format ${code}, ${bits} bits, ${channels} channels) is not readable here.`);
  return { encoding, rate: view.getUint32(at + 4, true), channels };
}

function refused(why: string): AywaError {
  return new AywaError('invalid_request', { detail: `The file cannot be read as WAV. ${why}` });
}
