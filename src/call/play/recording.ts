/**
 * A call's recording: a stereo WAV file in the line's own encoding and rate, the caller left, the agent right, on one clock: the caller's
 * media time. The last seconds stay in memory, so that agent audio which was sent but never heard can be taken back.
 * Never delays the call: the disk is written by one owned task, and a disk that fails ends the recording alone. Closing the scope
 * finishes the file, too.
 */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { decoder } from '../../audio/convert.ts';
import { FADE_MS } from '../../audio/fade.ts';
import type { AudioFormat } from '../../audio/format.ts';
import { wavFrameBytes, wavHeader } from '../../audio/wav.ts';
import { channel } from '../../kernel/channel.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import { type Cells, stereoTimeline } from './stereo-timeline.ts';

export interface StoredRecording {
  readonly file: string;
  /** Size of the file, header included; what reached the disk. */
  readonly bytes: number;
  readonly durationMs: number;
}

export interface Recording {
  /** The next audio from the caller, in the line's format. Moves the clock. */
  caller(bytes: Uint8Array): void;
  /** Audio of the agent, heard by the caller at `atMs` of media time. */
  agent(bytes: Uint8Array, atMs: number): void;
  /** Nothing of the agent was heard from `fromMs` on. */
  erase(fromMs: number): void;
  /** Writes the rest and gives the finished file, which is shorter than the call when the disk failed. Throws when there is none. */
  stop(): Promise<StoredRecording>;
}

export interface RecordingOptions {
  readonly file: string;
  readonly format: AudioFormat;
  readonly scope: Scope;
  /** Told once; what comes afterwards is not recorded. */
  onFailure(detail: string): void;
}

/** Kept in memory behind the clock: a line's lead and a second more. */
const KEEP_MS = 2_000;
const WRITE_EVERY_MS = 1_000;
/** A line that delivers no caller audio must not grow the heap: the agent's own audio then moves the clock. */
const AHEAD_MS = 10_000;
/** So much audio waiting for the disk means that it does not keep up; in pieces of a second. */
const MOST_WAITING = 30;

/** Buffers that the disk has taken, for the next second of any recording of this process. */
const spare: Uint8Array[] = [];
const MOST_SPARE = 16;

export function startRecording({ file, format, scope, onFailure }: RecordingOptions): Recording {
  const shape = { encoding: format.encoding, rate: format.rate, channels: 2 };
  const frameBytes = wavFrameBytes(shape);
  const cells = cellsOf(format);
  const at = (ms: number) => Math.round((ms * format.rate) / 1_000);
  const timeline = stereoTimeline(format, at(KEEP_MS + WRITE_EVERY_MS));
  const queue = channel<Uint8Array>(scope);
  const finished = Promise.withResolvers<void>();
  let failed = false;
  let written = 0;

  const fail = (detail: string) => {
    if (failed) return;
    failed = true;
    queue.close();
    onFailure(detail);
  };
  const take = (position: number): Uint8Array => {
    const bytes = Math.max(0, position - timeline.start) * frameBytes;
    const reused = spare.pop();
    const room = reused && reused.length >= bytes ? reused : new Uint8Array(bytes);
    return timeline.take(position, room);
  };
  const giveBack = ({ buffer }: Uint8Array) => {
    if (spare.length < MOST_SPARE && buffer instanceof ArrayBuffer) spare.push(new Uint8Array(buffer));
  };

  /** Hands over what can no longer change. */
  const handOver = () => {
    const settled = Math.max(timeline.clock - at(KEEP_MS), timeline.end - at(AHEAD_MS));
    if (failed || settled - timeline.start < at(WRITE_EVERY_MS)) return;
    queue.push(take(settled));
    if (queue.size > MOST_WAITING) fail('The disk does not keep up with the recording.');
  };

  // The disk is awaited directly, not through the scope: what was recorded is written after the scope has closed, too, and the
  // scope's own deadline bounds it.
  scope.spawn('recording', async () => {
    try {
      await mkdir(dirname(file), { recursive: true });
      const handle = await open(file, 'w');
      try {
        await handle.write(wavHeader(shape));
        const append = async (bytes: Uint8Array) => {
          await handle.appendFile(bytes);
          written += bytes.length;
          giveBack(bytes);
        };
        for await (const bytes of queue) await append(bytes);
        await append(take(timeline.end));
        const header = wavHeader(shape, written);
        await handle.write(header, 0, header.length, 0);
      } finally {
        await handle.close();
      }
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    } finally {
      finished.resolve();
    }
  });

  return {
    caller(bytes) {
      if (failed || queue.closed) return;
      const length = cells.read(bytes);
      timeline.writeLeft(cells.values, length);
      handOver();
    },
    agent(bytes, atMs) {
      if (failed || queue.closed) return;
      const length = cells.read(bytes);
      timeline.writeRight(at(atMs), cells.values, length);
      handOver();
    },
    erase(fromMs) {
      if (!failed) timeline.eraseRight(at(fromMs), at(FADE_MS));
    },
    async stop() {
      queue.close();
      await scope.wait(finished.promise);
      if (failed && written === 0) throw new AywaError('unavailable', { detail: 'The recording could not be written.' });
      const frames = written / frameBytes;
      return { file, bytes: 44 + written, durationMs: Math.round((frames * 1_000) / format.rate) };
    },
  };
}

/** The samples in bytes of the line's format: G.711 as it is, a byte a sample; the others as 16-bit numbers. */
function cellsOf(format: AudioFormat): { read(bytes: Uint8Array): number; readonly values: Cells } {
  if (format.encoding === 'pcm16') {
    const source = decoder(format);
    return {
      read: source.decode,
      get values() {
        return source.samples;
      },
    };
  }
  let values: Uint8Array = new Uint8Array(0);
  return {
    read(bytes) {
      values = bytes;
      return bytes.length;
    },
    get values() {
      return values;
    },
  };
}
