/**
 * A call's recording: a stereo 16-bit WAV file at the line's rate, the caller left, the agent right, on one clock: the caller's
 * media time. The last two seconds stay in memory, so that agent audio which was sent but never heard can be taken back.
 * Never delays the call: the disk is written by one owned task, and a disk that fails ends the recording alone. Closing the scope
 * finishes the file, too.
 */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { decoder } from '../../audio/convert.ts';
import { FADE_MS } from '../../audio/fade.ts';
import type { AudioFormat } from '../../audio/format.ts';
import { type WavShape, wavHeader } from '../../audio/wav.ts';
import { channel } from '../../kernel/channel.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';

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

export function startRecording({ file, format, scope, onFailure }: RecordingOptions): Recording {
  const shape: WavShape = { encoding: 'pcm16', rate: format.rate, channels: 2 };
  const caller = decoder(format, format.rate);
  const agent = decoder(format, format.rate);
  const timeline = stereoTimeline(format.rate);
  const at = (ms: number) => Math.round((ms * format.rate) / 1_000);
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

  /** Hands over what can no longer change. */
  const handOver = () => {
    const settled = Math.max(timeline.clock - at(KEEP_MS), timeline.end - at(AHEAD_MS));
    if (failed || settled - timeline.start < at(WRITE_EVERY_MS)) return;
    queue.push(timeline.take(settled));
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
        };
        for await (const bytes of queue) await append(bytes);
        await append(timeline.take(timeline.end));
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
      const length = caller.decode(bytes);
      timeline.writeLeft(caller.samples, length);
      handOver();
    },
    agent(bytes, atMs) {
      if (failed || queue.closed) return;
      const length = agent.decode(bytes);
      timeline.writeRight(at(atMs), agent.samples, length);
      handOver();
    },
    erase(fromMs) {
      if (!failed) timeline.eraseRight(at(fromMs), at(FADE_MS));
    },
    async stop() {
      queue.close();
      await scope.wait(finished.promise);
      if (failed && written === 0) throw new AywaError('unavailable', { detail: 'The recording could not be written.' });
      const frames = written / 4;
      return { file, bytes: 44 + written, durationMs: Math.round((frames * 1_000) / format.rate) };
    },
  };
}

/** Positions are sample frames since the start of the recording. */
interface StereoTimeline {
  /** The oldest frame in memory, the end of the caller's audio, the end of all audio. */
  readonly start: number;
  readonly clock: number;
  readonly end: number;
  writeLeft(samples: Int16Array, length: number): void;
  writeRight(position: number, samples: Int16Array, length: number): void;
  /** Silences the right side from `position` on, with a ramp before it. */
  eraseRight(position: number, fade: number): void;
  /** A copy of everything before `position`, which is then forgotten. */
  take(position: number): Uint8Array;
}

function stereoTimeline(rate: number): StereoTimeline {
  let frames = new Int16Array(2 * rate * 4);
  let start = 0;
  let clock = 0;
  let end = 0;

  const reserve = (position: number) => {
    const needed = 2 * (position - start);
    if (needed > frames.length) {
      const wider = new Int16Array(needed * 2);
      wider.set(frames);
      frames = wider;
    }
    end = Math.max(end, position);
  };

  return {
    get start() {
      return start;
    },
    get clock() {
      return clock;
    },
    get end() {
      return end;
    },
    writeLeft(samples, length) {
      clock = Math.max(clock, start);
      reserve(clock + length);
      const base = 2 * (clock - start);
      for (let i = 0; i < length; i++) frames[base + 2 * i] = samples[i] ?? 0;
      clock += length;
    },
    writeRight(position, samples, length) {
      const first = Math.max(position, start);
      reserve(first + length);
      const base = 2 * (first - start) + 1;
      for (let i = 0; i < length; i++) frames[base + 2 * i] = samples[i] ?? 0;
    },
    eraseRight(position, fade) {
      const from = Math.max(0, position - start);
      const ramp = Math.max(0, from - fade);
      for (let i = ramp; i < from; i++) frames[2 * i + 1] = ((frames[2 * i + 1] ?? 0) * (from - i)) / (from - ramp + 1);
      for (let i = from; i < end - start; i++) frames[2 * i + 1] = 0;
    },
    take(position) {
      const last = Math.max(start, Math.min(position, end));
      const taken = frames.slice(0, 2 * (last - start));
      frames.copyWithin(0, taken.length, 2 * (end - start));
      frames.fill(0, 2 * (end - last), 2 * (end - start));
      start = last;
      return new Uint8Array(taken.buffer);
    },
  };
}
