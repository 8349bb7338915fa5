/** The lab hears what the lab speaks: real voices over telephone audio, a real recogniser, exact texts, and no guessing. */
import { afterAll, describe, expect, it } from 'vitest';
import { type AudioFormat, bytesOf, MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import { realClock as clock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { CALLER, shopAssistant } from '../../src/lab/demo-shop.ts';
import { expectedOf, labBrain } from '../../src/providers/llm/lab.ts';
import { plainWords } from '../../src/providers/spoken.ts';
import type { Ears, Recognised } from '../../src/providers/stt/contract.ts';
import { labEars } from '../../src/providers/stt/lab.ts';
import type { VoiceName } from '../../src/providers/tts/flite.ts';
import { spoken } from '../../src/providers/tts/lab.ts';
import { earsOnTape } from './kit.ts';

const scope = rootScope('test');
afterAll(() => scope.close('done'));
const ctx = { scope, clock, egress: createEgress('any'), log: silentLog };
const access = { apiKey: '', baseUrl: '' };

const demo = shopAssistant('http://127.0.0.1/') as { model: Record<string, unknown> };
const expected = expectedOf(labBrain.settings.parse(demo.model) as Parameters<typeof expectedOf>[0]);

type Final = Extract<Recognised, { type: 'final' }>;

/** Plays a sentence into fresh ears, then silence until they have said what it was. `flush`: as when the call notices the end. */
async function hear(sentence: string, voice: VoiceName, format: AudioFormat = MULAW_8K, flush = true): Promise<Final> {
  const audio = await spoken(voice, sentence, format);
  const listening = scope.child('listening');
  const final = new Promise<Final>((resolve, reject) => {
    const recognised = (words: Recognised) => void (words.type === 'final' && resolve(words));
    const listener = { recognised, failed: reject };
    const ears: Ears = earsOnTape(format, (history) =>
      labEars.listen({ format, language: 'en', expected, history }, {}, access, listener, { ...ctx, scope: listening }),
    );
    const frame = bytesOf(format, 20);
    const quiet = new Uint8Array(frame).fill(format.encoding === 'mulaw' ? 0xff : 0);
    const silence = (frames: number) => {
      for (let i = 0; i < frames; i++) ears.write(quiet);
    };
    silence(10);
    for (let at = 0; at + frame <= audio.length; at += frame) ears.write(audio.subarray(at, at + frame));
    silence(5);
    if (flush) ears.flush();
    silence(40);
  });
  try {
    return await final;
  } finally {
    await listening.close('heard');
  }
}

const known = CALLER.map(({ says }) => says).filter((says) => !says.includes('umbrellas'));
const foreign = [
  'Do you sell purple umbrellas for elephants?',
  'The weather in Paris is lovely this time of year.',
  'I think the president should resign.',
  'Seventeen ducks crossed the frozen lake.',
  'Can you book a table for two?',
  'My name is John.',
];

describe('over a telephone line', () => {
  it.each(known)('hears exactly: %s', async (sentence) => {
    for (const voice of ['rms', 'slt'] as const) expect(await hear(sentence, voice)).toMatchObject({ text: plainWords(sentence) });
  });

  it.each(foreign)('does not guess: %s', async (sentence) => {
    for (const voice of ['rms', 'slt'] as const) expect(await hear(sentence, voice)).toMatchObject({ text: '', rejected: true });
  });

  it.each([
    ['yes please', 'yes please'],
    ['no thank you', 'no thank you'],
    ['nine zero two one', 'nine zero two one'],
    ['tomorrow', 'tomorrow'],
  ])('hears without being asked: %s', async (sentence, text) => {
    expect((await hear(sentence, 'rms')).text).toBe(text);
  });

  it('finds the end by itself when nobody tells it', async () => {
    const { text, from, to } = await hear('How much is it?', 'rms', MULAW_8K, false);
    expect(text).toBe('how much is it');
    expect(from).toBeGreaterThanOrEqual(180);
    expect(to).toBeGreaterThan(from + 400);
  });
});

it('hears a browser too', async () => {
  expect((await hear('When are you open?', 'slt', PCM_16K)).text).toBe('when are you open');
});

it('hears one call beside another', async () => {
  const both = await Promise.all([hear('What was wrong with it?', 'slt'), hear('How much does it cost?', 'rms')]);
  expect(both.map(({ text }) => text)).toEqual(['what was wrong with it', 'how much does it cost']);
});

it('names the words that no caller could be understood with', async () => {
  const listening = scope.child('listening');
  const words = await new Promise((resolve) => {
    const log = { ...silentLog, warn: (_event: string, fields?: object) => resolve(fields) };
    const options = { format: MULAW_8K, language: 'en', expected: ['is my frobnicator ready', 'hello <nonsense>'] };
    const listener = { recognised() {}, failed() {} };
    earsOnTape(MULAW_8K, (history) => labEars.listen({ ...options, history }, {}, access, listener, { ...ctx, scope: listening, log }));
  });
  await listening.close('told');
  expect(words).toEqual({ words: ['frobnicator', '<nonsense>'] });
});
