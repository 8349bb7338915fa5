/** WAV files as we write them and as others leave them behind. */
import { describe, expect, it } from 'vitest';
import { readWavLayout, type WavShape, wavChannel, wavHeader } from '../../src/audio/wav.ts';

const STEREO: WavShape = { encoding: 'pcm16', rate: 8000, channels: 2 };

function file(shape: WavShape, data: Uint8Array, size: number | undefined = data.length): Uint8Array {
  return Uint8Array.from([...wavHeader(shape, size), ...data]);
}

describe('WAV', () => {
  it.each([
    STEREO,
    { encoding: 'mulaw', rate: 8000, channels: 1 },
    { encoding: 'alaw', rate: 8000, channels: 2 },
    { encoding: 'pcm16', rate: 48000, channels: 1 },
  ] as const)('reads what it writes: $encoding, $rate Hz, $channels channels', (shape) => {
    expect(readWavLayout(file(shape, new Uint8Array(8)))).toEqual({ ...shape, dataAt: 44, dataBytes: 8 });
  });

  it('takes the channels apart', () => {
    const data = new Uint8Array(Int16Array.of(1, -1, 2, -2, 3, -3).buffer);
    expect([...wavChannel(file(STEREO, data), 0)]).toEqual([1, 2, 3]);
    expect([...wavChannel(file(STEREO, data), 1)]).toEqual([-1, -2, -3]);
  });

  it.each([
    ['a size that was never filled in', 0xffff_ffff],
    ['a size of zero', 0],
    ['a size beyond the end of the file', 5_000],
  ])('reads a file with %s to its end, whole frames only', (_, size) => {
    expect(readWavLayout(file(STEREO, new Uint8Array(11), size)).dataBytes).toBe(8);
  });

  it('needs only the head of a long file', () => {
    expect(readWavLayout(wavHeader(STEREO), 1_000_044).dataBytes).toBe(1_000_000);
  });

  it('steps over chunks in between, odd ones too', () => {
    const header = [...wavHeader(STEREO, 4)];
    const chunk = [...new TextEncoder().encode('LIST'), 3, 0, 0, 0, 1, 2, 3, 0];
    const bytes = Uint8Array.from([...header.slice(0, 36), ...chunk, ...header.slice(36), 1, 0, 2, 0]);
    expect(readWavLayout(bytes)).toMatchObject({ dataAt: 56, dataBytes: 4 });
  });

  it('says why it cannot read the rest', () => {
    const float = wavHeader(STEREO);
    float[20] = 3;
    expect(() => readWavLayout(new Uint8Array(0))).toThrow('does not begin with a WAV header');
    expect(() => readWavLayout(new TextEncoder().encode('ID3 this is no WAV file'))).toThrow('does not begin with a WAV header');
    expect(() => readWavLayout(float)).toThrow('format 3');
    expect(() => readWavLayout(wavHeader(STEREO).subarray(0, 30))).toThrow('holds no audio');
  });

  it('survives every prefix and every changed byte of a header', () => {
    const good = file(STEREO, new Uint8Array(16));
    const read = (bytes: Uint8Array) => {
      try {
        const layout = readWavLayout(bytes);
        expect(layout.dataAt + layout.dataBytes).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request' });
      }
    };
    for (let length = 0; length <= good.length; length++) read(good.subarray(0, length));
    for (let at = 0; at < 44; at++) for (const value of [0, 1, 0x7f, 0xff]) read(good.with(at, value));
  });
});
