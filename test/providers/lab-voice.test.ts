/** The lab's voice: real speech in the line's format, clause by clause, and nothing after a cancel. */
import { afterAll, describe, expect, it } from 'vitest';
import { type AudioFormat, bytesOf, MULAW_8K, msOf, PCM_16K } from '../../src/audio/format.ts';
import { realClock as clock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { VOICES } from '../../src/providers/tts/flite.ts';
import { labVoice, spoken } from '../../src/providers/tts/lab.ts';

const scope = rootScope('test');
afterAll(() => scope.close('done'));

function open(format: AudioFormat, voiceId: string) {
  const ctx = { scope, clock, egress: createEgress('any'), log: silentLog };
  return labVoice.open({ format, language: 'en' }, labVoice.settings.parse({ voiceId }), { apiKey: '', baseUrl: '' }, ctx);
}

function speak(format: AudioFormat, voiceId: string, clauses: readonly string[]): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const speech = open(format, voiceId).speak({
      audio: (bytes) => void pieces.push(Buffer.from(bytes)),
      done: () => resolve(pieces),
      failed: reject,
    });
    for (const clause of clauses) speech.say(clause);
    speech.end();
  });
}

describe('each voice', () => {
  it.each(VOICES)('%s speaks in the format of the line, in short pieces', async (voice) => {
    for (const format of [MULAW_8K, PCM_16K, { encoding: 'pcm16', rate: 24000 }] as const) {
      const pieces = await speak(format, voice, ['Your bicycle is ready,', ' and it looks like new.']);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(bytesOf(format, 100));
      const ms = msOf(format, Buffer.concat(pieces).length);
      expect(ms).toBeGreaterThan(1_500);
      expect(ms).toBeLessThan(4_500);
    }
  });
});

it('speaks clauses in order, and the same clause the same way', async () => {
  const clauses = ['One moment, please.', 'Here it is.'];
  const whole = Buffer.concat(await speak(MULAW_8K, 'slt', clauses));
  const parts = await Promise.all(clauses.map((clause) => spoken('slt', clause, MULAW_8K)));
  expect(whole.equals(Buffer.concat(parts))).toBe(true);
});

it('is silent about what has no words, and done at once', async () => {
  expect(await speak(MULAW_8K, 'slt', ['...', ' ', '!'])).toEqual([]);
});

it('takes a voice that it does not know for its first', () => {
  expect(labVoice.settings.parse({ voiceId: 'Elliot' }).voiceId).toBe('slt');
  expect(labVoice.settings.parse({}).voiceId).toBe('slt');
});

it('delivers nothing after a cancel', async () => {
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const speech = open(MULAW_8K, 'slt').speak({ audio: tell('audio'), done: tell('done'), failed: tell('failed') });
  const text = 'This will never be heard.';
  speech.say(text);
  speech.end();
  speech.cancel();
  // The sound itself was made all the same; it had its chance to be delivered.
  await spoken('slt', text, MULAW_8K);
  await speak(MULAW_8K, 'slt', [text]);
  expect(told).toEqual([]);
});

it('cancels in the middle of a clause', async () => {
  await new Promise<void>((resolve) => {
    let pieces = 0;
    const speech = open(MULAW_8K, 'rms').speak({
      audio() {
        pieces += 1;
        expect(pieces).toBe(1);
        speech.cancel();
        resolve();
      },
      done: () => expect.unreachable(),
      failed: () => expect.unreachable(),
    });
    speech.say('A sentence of more than one piece.');
    speech.end();
  });
});
