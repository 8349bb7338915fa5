/** Recordings on a real disk: where each side lies, what is taken back, and what is left when something breaks. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type AudioFormat, bytesOf, MULAW_8K } from '../../src/audio/format.ts';
import { MULAW } from '../../src/audio/g711.ts';
import { readWavLayout, wavChannel } from '../../src/audio/wav.ts';
import { startRecording } from '../../src/call/play/recording.ts';
import { rootScope } from '../../src/kernel/scope.ts';

const folder = mkdtempSync(join(tmpdir(), 'recording-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PCM_8K: AudioFormat = { encoding: 'pcm16', rate: 8000 };
let files = 0;

function begin(format: AudioFormat = PCM_8K, file = join(folder, 'deeper', `${++files}.wav`)) {
  const scope = rootScope('call');
  const failures: string[] = [];
  const recording = startRecording({ file, format, scope, onFailure: (detail) => failures.push(detail) });
  return { scope, file, failures, recording };
}

/** `ms` of a constant level. */
const level = (value: number, ms: number) => new Uint8Array(new Int16Array((8000 * ms) / 1_000).fill(value).buffer);
const frames = (count: number, value: number, recording: { caller(bytes: Uint8Array): void }) => {
  for (let i = 0; i < count; i++) recording.caller(level(value, 20));
};
/** The level in the middle of each 20 ms. */
const levels = (samples: Int16Array) => Array.from({ length: Math.floor(samples.length / 160) }, (_, i) => samples[i * 160 + 80]);

describe('a recording', () => {
  it('holds the caller left and the agent right, where the caller heard it', async () => {
    const { recording, file, scope } = begin();
    frames(50, 1_000, recording);
    recording.agent(level(2_000, 60), 1_200);
    frames(50, 1_001, recording);
    const stored = await recording.stop();
    expect(stored).toEqual({ file, bytes: statSync(file).size, durationMs: 2_000 });
    const wav = readFileSync(file);
    expect(readWavLayout(wav)).toEqual({ encoding: 'pcm16', rate: 8000, channels: 2, dataAt: 44, dataBytes: 64_000 });
    expect(wav.readUInt32LE(40)).toBe(64_000);
    expect(levels(wavChannel(wav, 0))).toEqual([...Array(50).fill(1_000), ...Array(50).fill(1_001)]);
    expect(levels(wavChannel(wav, 1))).toEqual([...Array(60).fill(0), ...Array(3).fill(2_000), ...Array(37).fill(0)]);
    await scope.close('over');
  });

  it('keeps G.711 as it is, a byte a sample, and takes it back without a click', async () => {
    const { recording, file, scope } = begin(MULAW_8K);
    for (let i = 0; i < 50; i++) {
      recording.caller(new Uint8Array(160).fill(0x80));
      recording.agent(new Uint8Array(160).fill(0x8f), i * 20);
    }
    recording.erase(500);
    const stored = await recording.stop();
    const wav = readFileSync(file);
    expect(readWavLayout(wav)).toEqual({ encoding: 'mulaw', rate: 8000, channels: 2, dataAt: 44, dataBytes: 16_000 });
    expect(stored).toMatchObject({ bytes: 16_044, durationMs: 1_000 });
    const [left, right] = [0, 1].map((channel) => wav.subarray(44).filter((_, i) => i % 2 === channel));
    expect(new Set(left)).toEqual(new Set([0x80]));
    expect(new Set(right?.subarray(0, 3_936))).toEqual(new Set([0x8f]));
    expect(new Set(right?.subarray(4_000))).toEqual(new Set([0xff]));
    const fall = [...(right?.subarray(3_936, 4_000) ?? [])].map((code) => MULAW.toLinear[code] ?? 0);
    expect(fall).toEqual([...fall].sort((a, b) => b - a));
    await scope.close('over');
  });

  it('takes back what was sent but not heard, without a click', async () => {
    const { recording, file, scope } = begin();
    for (let i = 0; i < 200; i++) {
      recording.caller(level(0, 20));
      recording.agent(level(10_000, 20), i * 20 + 400);
    }
    recording.erase(3_700);
    frames(100, 0, recording);
    await recording.stop();
    const agent = wavChannel(readFileSync(file), 1);
    expect(levels(agent).slice(20, 184)).toEqual(Array(164).fill(10_000));
    expect(levels(agent).slice(185)).toEqual(Array(115).fill(0));
    const splice = agent.subarray(3_600 * 8, 3_800 * 8);
    for (let i = 1; i < splice.length; i++) expect(Math.abs((splice[i] ?? 0) - (splice[i - 1] ?? 0))).toBeLessThan(400);
    await scope.close('over');
  });

  it('is written while the call goes on, and readable if the process dies in the middle', async () => {
    const { recording, file, scope } = begin();
    // Eight seconds: six of them no longer change and go to the disk.
    frames(400, 77, recording);
    const seconds = async () => {
      while (!(statSync(file, { throwIfNoEntry: false })?.size ?? 0)) await new Promise((resolve) => setImmediate(resolve));
      while (statSync(file).size < 44 + 6 * 32_000) await new Promise((resolve) => setImmediate(resolve));
      return readFileSync(file);
    };
    const torn = await seconds();
    writeFileSync(`${file}.torn`, torn.subarray(0, torn.length - 3));
    const left = levels(wavChannel(readFileSync(`${file}.torn`), 0));
    expect(left.length).toBe(299);
    expect(new Set(left)).toEqual(new Set([77]));
    await recording.stop();
    expect(wavChannel(readFileSync(file), 0).length).toBe(64_000);
    await scope.close('over');
  });

  it('is finished by the end of its scope, too', async () => {
    const { recording, file, scope } = begin();
    frames(25, 5, recording);
    await scope.close('caller hung up');
    expect(wavChannel(readFileSync(file), 0).length).toBe(4_000);
    expect(readFileSync(file).readUInt32LE(40)).toBe(16_000);
  });

  it('keeps its memory when the line delivers no caller audio', async () => {
    const { recording, file, scope } = begin();
    for (let at = 0; at < 30_000; at += 100) recording.agent(level(9, 100), at);
    frames(50, 3, recording);
    await recording.stop();
    const wav = readFileSync(file);
    expect(wavChannel(wav, 1).length).toBe(240_000);
    expect(new Set(wavChannel(wav, 1))).toEqual(new Set([9]));
    await scope.close('over');
  });
});

describe('a disk that fails', () => {
  it('ends the recording alone, and is told once', async () => {
    const file = join(folder, 'not-a-folder');
    writeFileSync(file, '');
    const { recording, failures, scope } = begin(PCM_8K, join(file, 'x.wav'));
    frames(10, 1, recording);
    await expect(recording.stop()).rejects.toMatchObject({ code: 'unavailable' });
    expect(failures.length).toBe(1);
    expect(failures[0]).toContain('not-a-folder');
    frames(500, 1, recording);
    recording.agent(level(1, bytesOf(PCM_8K, 1)), 0);
    recording.erase(0);
    expect(failures.length).toBe(1);
    expect(scope.closed).toBe(false);
    await scope.close('over');
  });

  it('may be too slow: what waits for it stays bounded', async () => {
    const { recording, failures, scope } = begin();
    // Nothing is awaited here, so nothing can be written meanwhile.
    frames(5_000, 1, recording);
    expect(failures).toEqual(['The disk does not keep up with the recording.']);
    await scope.close('over');
  });

  it('may be full', async () => {
    const { recording, failures, scope } = begin(PCM_8K, '/dev/full');
    frames(500, 1, recording);
    await expect(recording.stop()).rejects.toMatchObject({ code: 'unavailable' });
    expect(failures).toEqual([expect.stringContaining('ENOSPC')]);
    await scope.close('over');
  });
});
