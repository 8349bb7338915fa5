/** Recordings over HTTP: every byte range of the mono mix equals the same range of the whole mix. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rangeOf, sendRecording } from '../../src/api/recording.ts';
import { rootScope } from '../../src/kernel/scope.ts';

const folder = mkdtempSync(join(tmpdir(), 'aywa-recording-'));
const file = join(folder, 'call.wav');
const FRAMES = 20_000;
const scope = rootScope('test');
const app = Fastify();

/** A 16-bit stereo wav whose samples count up on the left and down on the right. */
function stereo(frames: number, dataBytes = frames * 4): Buffer {
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + dataBytes, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(32_000, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(dataBytes, 40);
  for (let i = 0; i < frames; i += 1) {
    wav.writeInt16LE((i % 30_000) - 15_000, 44 + i * 4);
    wav.writeInt16LE(i % 7, 46 + i * 4);
  }
  return wav;
}

beforeAll(async () => {
  writeFileSync(file, stereo(FRAMES));
  writeFileSync(join(folder, 'cut.wav'), stereo(FRAMES, 0));
  writeFileSync(join(folder, 'garbage.wav'), 'not a recording');
  app.get('/:mode/:name', async (request, reply) => {
    const { mode, name } = request.params as { mode: string; name: string };
    await sendRecording(request, reply, join(folder, name), mode === 'mono', scope);
    return reply;
  });
  await app.ready();
});

afterAll(async () => {
  await app.close();
  await scope.close('done');
  rmSync(folder, { recursive: true });
});

const get = async (url: string, range?: string) => app.inject({ url, headers: range ? { range } : {} });

describe('a recording', () => {
  it('is sent whole in stereo', async () => {
    const reply = await get('/stereo/call.wav');
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['accept-ranges']).toBe('bytes');
    expect(reply.rawPayload.equals(stereo(FRAMES))).toBe(true);
  });

  it('is mixed to mono with a header of its own', async () => {
    const mono = (await get('/mono/call.wav')).rawPayload;
    expect(mono.length).toBe(44 + FRAMES * 2);
    expect(mono.readUInt16LE(22)).toBe(1);
    expect(mono.readUInt32LE(40)).toBe(FRAMES * 2);
    expect(mono.readInt16LE(44 + 2 * 100)).toBe((100 - 15_000 + (100 % 7)) >> 1);
  });

  it.each([
    ['bytes=0-43'],
    ['bytes=0-44'],
    ['bytes=10-60'],
    ['bytes=44-44'],
    ['bytes=45-45'],
    ['bytes=45-1001'],
    ['bytes=1000-30000'],
    ['bytes=39999-'],
    ['bytes=-1'],
    ['bytes=-501'],
    ['bytes=0-999999999'],
  ])('answers %s like a slice of the whole, in mono and in stereo', async (range) => {
    for (const mode of ['mono', 'stereo']) {
      const whole = (await get(`/${mode}/call.wav`)).rawPayload;
      const part = await get(`/${mode}/call.wav`, range);
      expect(part.statusCode).toBe(206);
      const [, from, to] = /^bytes (\d+)-(\d+)\/\d+$/.exec(String(part.headers['content-range'])) ?? [];
      expect(part.rawPayload.equals(whole.subarray(Number(from), Number(to) + 1))).toBe(true);
      expect(Number(part.headers['content-length'])).toBe(part.rawPayload.length);
    }
  });

  it('refuses a range behind its end', async () => {
    const reply = await get('/mono/call.wav', 'bytes=999999-');
    expect(reply.statusCode).toBe(416);
    expect(reply.headers['content-range']).toBe(`bytes */${44 + FRAMES * 2}`);
  });

  it('that was cut off is as long as its file', async () => {
    expect((await get('/mono/cut.wav')).rawPayload.length).toBe(44 + FRAMES * 2);
  });

  it.each(['/mono/absent.wav', '/stereo/garbage.wav'])('%s is missing', async (url) => {
    expect((await get(url)).json()).toMatchObject({ code: 'artifact_missing' });
  });
});

describe('the Range header', () => {
  it.each([
    [undefined, undefined],
    ['items=0-1', undefined],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=-', undefined],
    ['bytes=0-0', { from: 0, to: 0 }],
    ['bytes=-200', { from: 0, to: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
  ] as const)('%s', (header, range) => {
    expect(rangeOf(header, 100)).toEqual(range);
  });
});
