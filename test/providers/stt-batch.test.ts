/** Ears over uploads: what is uploaded, in which pieces, what of an answer is read, and what a lost upload costs. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AudioFormat, bytesOf, MULAW_8K } from '../../src/audio/format.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { batchEars } from '../../src/providers/stt/batch.ts';
import { type Asked, type FakeVendor, startVendor } from '../fakes/vendors/server.ts';
import { context, type EarsEvent, earsRecorder, KEY, PCM_16, type TestContext } from './kit.ts';

let vendor: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await vendor?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: unknown;
}

/** Ears at a server that gives these answers one after another, the last again and again. */
async function listen(
  answers: readonly (Answer | 'breaks')[] = [{ body: { text: 'hi' } }],
  talking?: () => boolean,
  format: AudioFormat = MULAW_8K,
) {
  let count = 0;
  const server = await startVendor({
    request(_asked, response) {
      const answer = answers[Math.min(count, answers.length - 1)];
      count += 1;
      if (answer === 'breaks' || !answer) return void response.destroy();
      const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json' }).end(body);
    },
  });
  vendor = server;
  const run = context();
  ctx = run;
  const recorder = earsRecorder();
  const ears = batchEars({
    vendor: { name: 'hark', kind: 'stt', env: 'HARK' },
    access: { apiKey: KEY, baseUrl: server.url },
    hearing: { format, ...(talking && { talking }) },
    fields: {},
    listener: recorder.listener,
    ctx: run,
  });
  const frame = new Uint8Array(bytesOf(format, 20));
  /** Frames of one loudness: mu-law counts down from silence. */
  const write = (ms: number, loud = true) => {
    frame.fill(format.encoding === 'mulaw' ? (loud ? 0x20 : 0xff) : loud ? 0x11 : 0);
    for (let at = 0; at < ms; at += 20) ears.write(frame);
  };
  const finals = (all: readonly EarsEvent[]) => all.filter((event) => event.type === 'final');
  const heard = async (number: number) => finals(await recorder.events.until((all) => finals(all).length >= number));
  return { ears, write, server, heard, ...recorder };
}

/** Milliseconds of sound in an upload. */
const soundMs = ({ body }: Asked, rate = 8_000) => body.readUInt32LE(body.indexOf('data', body.indexOf('RIFF')) + 4) / (rate * 2) / 0.001;

describe('what is uploaded', () => {
  it.each([MULAW_8K, PCM_16])('is all of an utterance of 75 s, in pieces that are cut where it is quiet', async (format) => {
    const { ears, write, server, heard } = await listen(undefined, undefined, format);
    write(27_000);
    write(200, false);
    write(47_800);
    ears.flush();
    const finals = await heard(3);
    const spans = finals.map((final) => (final.type === 'final' ? [final.from, final.to] : []));
    expect(spans.flat()[0]).toBe(0);
    expect(spans.flat().at(-1)).toBe(75_000);
    expect(spans[1]?.[0]).toBe(spans[0]?.[1]);
    expect(spans[2]?.[0]).toBe(spans[1]?.[1]);
    const [first = 0] = [spans[0]?.[1]];
    expect(first).toBeGreaterThanOrEqual(27_000);
    expect(first).toBeLessThanOrEqual(27_200);
    const total = server.asked.reduce((sum, asked) => sum + soundMs(asked, format.rate), 0);
    expect(Math.round(total)).toBe(75_000);
    for (const asked of server.asked) expect(soundMs(asked, format.rate)).toBeLessThanOrEqual(30_100);
  });

  it('is the voice and a second before it, however long the silence was', async () => {
    let voice = false;
    const { ears, write, server, heard } = await listen(undefined, () => voice);
    write(100_000, false);
    voice = true;
    write(2_000);
    voice = false;
    ears.flush();
    expect(await heard(1)).toMatchObject([{ from: 99_020, to: 102_000 }]);
    write(90_000, false);
    voice = true;
    write(1_000);
    voice = false;
    ears.flush();
    expect(await heard(2)).toHaveLength(2);
    expect(server.asked).toHaveLength(2);
  });

  it('is the rest of an utterance when the call ends in it', async () => {
    let voice = false;
    const { ears, write, server, heard } = await listen(undefined, () => voice);
    write(5_000, false);
    voice = true;
    write(1_000);
    await ears.finish?.();
    expect(await heard(1)).toHaveLength(1);
    expect(server.asked).toHaveLength(1);
  });

  it('is nothing of a call that ends in silence', async () => {
    const { ears, write, server } = await listen(undefined, () => false);
    write(5_000, false);
    await ears.finish?.();
    expect(server.asked).toEqual([]);
  });
});

describe('an answer', () => {
  it.each<[string, Answer, object]>([
    ['with a text', { body: { text: ' hi ' } }, { text: 'hi' }],
    ['with more than a text', { body: { text: 'hi', language: null, words: 'x', segments: 7, error: null } }, { text: 'hi' }],
    [
      'in segments',
      { body: { segments: [{ text: ' hi' }, 7, { text: null }, { text: 'there ' }] } },
      { text: expect.stringMatching(/^hi +there$/) },
    ],
    ['of plain text', { type: 'text/plain; charset=utf-8', body: 'hi\n' }, { text: 'hi' }],
    ['without words', { body: { text: '' } }, { text: '', rejected: true }],
    ['with text: null', { body: { text: null } }, { text: '', rejected: true }],
  ])('%s is read', async (_, answer, expected) => {
    const { ears, write, heard } = await listen([answer]);
    write(500);
    ears.flush();
    expect(await heard(1)).toMatchObject([expected]);
  });
});

describe('an upload', () => {
  it.each<[string, Answer | 'breaks']>([
    ['that breaks', 'breaks'],
    ['that is refused for now', { status: 503, body: '' }],
    ['whose answer is cut off', { body: '{"text":"h' }],
    ['whose answer is a page', { type: 'text/html', body: '<html>' }],
    ['whose answer is none', { body: {} }],
  ])('%s is tried once more', async (_, first) => {
    const { ears, write, heard, server } = await listen([first, { body: { text: 'hi' } }]);
    write(500);
    ears.flush();
    expect(await heard(1)).toMatchObject([{ text: 'hi', from: 0, to: 500 }]);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]?.body.length).toBe(server.asked[1]?.body.length);
  });

  it.each<[string, Answer | 'breaks', ErrorCode, number]>([
    ['breaks again', 'breaks', 'provider_network', 2],
    ['is refused for good', { status: 401, body: '' }, 'provider_auth', 1],
    ['is too much', { status: 429, body: '' }, 'provider_rate', 1],
    ['is a wrong one', { status: 400, body: '' }, 'provider_invalid', 1],
    ['is answered with an error', { body: { error: { message: 'insufficient credits' } } }, 'provider_quota', 1],
  ])('that %s is the end', async (_, answer, code, times) => {
    const { ears, write, until, server } = await listen([answer]);
    write(500);
    ears.flush();
    expect((await until('failed')).error.code).toBe(code);
    expect(server.asked).toHaveLength(times);
  });
});
