/** What recognisers really send: each field may be missing, empty or of another type, and says nothing about its neighbours. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { providerSet } from '../../src/providers/index.ts';
import { type FakeVendor, type Socket, startVendor } from '../fakes/vendors/server.ts';
import { context, type EarsEvent, earsOnTape, earsRecorder, KEY, MULAW, type TestContext } from './kit.ts';

let vendor: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await vendor?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

interface Ear {
  readonly provider: 'deepgram' | 'openai';
  readonly settings: object;
  /** A message that every codec understands, and what it becomes. */
  readonly last: object;
}

const NOVA: Ear = {
  provider: 'deepgram',
  settings: {},
  last: { type: 'Results', start: 90, duration: 1, is_final: true, channel: { alternatives: [{ transcript: 'the end' }] } },
};
const FLUX: Ear = {
  provider: 'deepgram',
  settings: { model: 'flux-general-en' },
  last: { type: 'TurnInfo', event: 'Update', audio_window_start: 90, audio_window_end: 91, transcript: 'the end' },
};
const REALTIME: Ear = {
  provider: 'openai',
  settings: {},
  last: { type: 'conversation.item.input_audio_transcription.completed', item_id: 'last', transcript: 'the end' },
};

/** One second of audio is heard, then the server says `messages`; objects as JSON, texts as they are. What came out, and how often the server was asked. */
async function told({ provider, settings, last }: Ear, messages: readonly (object | string)[]): Promise<readonly EarsEvent[]> {
  vendor = await startVendor({
    socket(socket: Socket) {
      let said = false;
      socket.onMessage((message) => {
        if (said || (!Buffer.isBuffer(message) && message.audio === undefined)) return;
        said = true;
        for (const each of [...messages, last]) socket.send(each);
      });
    },
  });
  ctx = context();
  const { listener, events } = earsRecorder();
  const stt = providerSet.stt(provider);
  if (!stt) throw new Error(provider);
  const run = ctx;
  const access = { apiKey: KEY, baseUrl: vendor.url };
  const ears = earsOnTape(MULAW, (history) =>
    stt.listen({ format: MULAW, history, language: 'en', expected: [] }, stt.settings.parse(settings), access, listener, run),
  );
  for (let at = 0; at < 240; at += 20) ears.write(new Uint8Array(160).fill(0xff));
  const isLast = (event: EarsEvent) => 'text' in event && event.text === 'the end';
  const all = await events.until((items) => items.some((event) => isLast(event) || event.type === 'failed'));
  expect(vendor.stats.sockets).toBe(1);
  return all.filter((event) => !isLast(event));
}

const results = (alternatives: unknown, more: object = {}) => ({
  type: 'Results',
  start: 1,
  duration: 2,
  is_final: true,
  channel: { alternatives },
  ...more,
});
const hi = { transcript: 'hi', confidence: 0.9, words: [{ start: 1.2, end: 1.8 }] };
const final = { type: 'final', text: 'hi', from: 1_200, to: 1_800, confidence: 0.9 };
const partial = { ...final, type: 'partial' };
const nothing = { type: 'final', text: '', from: 1_000, to: 3_000 };

describe('Results', () => {
  it.each<[string, readonly (object | string)[], readonly object[]]>([
    ['as documented', [results([hi])], [final]],
    ['without words', [results([{ transcript: 'hi', confidence: 0.9 }])], [{ ...final, from: 1_000, to: 3_000 }]],
    ['with words: null', [results([{ ...hi, words: null }])], [{ ...final, from: 1_000, to: 3_000 }]],
    ['with words without times', [results([{ ...hi, words: [{ word: 'hi' }] }])], [{ ...final, from: 1_000, to: 3_000 }]],
    ['with words that are texts', [results([{ ...hi, words: ['hi'] }])], [{ ...final, from: 1_000, to: 3_000 }]],
    [
      'with numbers in quotes',
      [results([{ transcript: 'hi', confidence: '0.9', words: [{ start: '1.2', end: '1.8' }] }], { start: '1', duration: '2' })],
      [final],
    ],
    ['without any time', [results([{ ...hi, words: [] }], { start: null, duration: undefined })], [{ ...final, from: 0, to: 240 }]],
    ['with times in the wrong order', [results([{ ...hi, words: [{ start: 2, end: 1 }] }])], [{ ...final, from: 2_000, to: 2_000 }]],
    ['with one alternative that is no list', [results(hi)], [final]],
    ['with languages', [results([{ ...hi, languages: ['es', 'en'] }])], [{ ...final, language: 'es' }]],
    ['with languages: null', [results([{ ...hi, languages: null }])], [final]],
    ['with languages: []', [results([{ ...hi, languages: [] }])], [final]],
    ['with one language that is no list', [results([{ ...hi, languages: 'es' }])], [{ ...final, language: 'es' }]],
    ['with languages that are none', [results([{ ...hi, languages: [7] }])], [final]],
    ['with alternatives: []', [results([])], []],
    ['with alternatives: null', [results(null)], []],
    ['without a channel', [{ type: 'Results', is_final: true }], []],
    ['with a channel that is a list', [{ ...results([]), channel: [0, 1] }], []],
    ['with transcript: null', [results([{ transcript: null }])], []],
    ['without a confidence', [results([{ ...hi, confidence: null }])], [{ ...final, confidence: 1 }]],
    ['not sure', [results([{ ...hi, confidence: 0.1 }])], [{ ...final, text: '', confidence: 0.1, rejected: true }]],
    ['interim', [results([hi], { is_final: false })], [partial]],
    ['without is_final', [results([hi], { is_final: undefined })], [partial]],
    ['with is_final in quotes', [results([hi], { is_final: 'true' })], [final]],
    ['final by speech_final alone', [results([hi], { is_final: undefined, speech_final: true })], [final]],
    ['final by from_finalize alone', [results([hi], { is_final: false, from_finalize: true })], [final]],
    ['silent', [results([{ transcript: '' }]), results([{ transcript: ' ' }], { speech_final: true })], []],
    ['silent, though asked for', [results([{ transcript: '' }], { from_finalize: true })], []],
    ['silent after interim words', [results([hi], { is_final: false }), results([{ transcript: '' }]), results([])], [partial, nothing]],
    ['silent after final words', [results([hi], { is_final: false }), results([hi]), results([{ transcript: '' }])], [partial, final]],
    ['silent and interim', [results([{ transcript: '' }], { is_final: false })], []],
    ['between broken lines', ['{"type":"Resul', results([hi]), 'It works!', '', '[]', 'null', '17'], [final]],
    ['many in one message', [`${JSON.stringify(results([hi]))}\n{"type":\n${JSON.stringify(results([]))}`], [final]],
    ['among others', [{ type: 'Metadata' }, { type: 'New' }, { type: 7 }, {}, results([hi])], [final]],
    ['with an end of the utterance', [{ type: 'UtteranceEnd', last_word_end: 'x' }], [{ type: 'turnEnd', probability: 1 }]],
  ])('%s', async (_, messages, expected) => {
    expect(await told(NOVA, messages)).toEqual(expected);
  });
});

const turn = (event: string, more: object = {}) => ({
  type: 'TurnInfo',
  event,
  audio_window_start: 1,
  audio_window_end: 2,
  transcript: 'hi',
  end_of_turn_confidence: 0.5,
  ...more,
});
const span = { text: 'hi', from: 1_000, to: 2_000 };
const quiet = { type: 'speech', talking: false };
const over = { type: 'turnEnd', probability: 1 };

describe('TurnInfo', () => {
  it.each<[string, readonly (object | string)[], readonly object[]]>([
    ['as documented', [turn('Update'), turn('EndOfTurn')], [{ type: 'partial', ...span }, { type: 'final', ...span }, quiet, over]],
    ['without words', [turn('EndOfTurn', { words: null, languages: null })], [{ type: 'final', ...span }, quiet, over]],
    ['with languages', [turn('EndOfTurn', { languages: ['fr'] })], [{ type: 'final', ...span, language: 'fr' }, quiet, over]],
    ['with numbers in quotes', [turn('Update', { audio_window_start: '1', audio_window_end: '2' })], [{ type: 'partial', ...span }]],
    [
      'without times, which then begin behind the last turn',
      [turn('EndOfTurn', { audio_window_end: 0.1 }), turn('Update', { audio_window_start: null, audio_window_end: undefined })],
      [{ type: 'final', text: 'hi', from: 100, to: 100 }, quiet, over, { type: 'partial', text: 'hi', from: 100, to: 240 }],
    ],
    [
      'with a confidence in quotes, or none',
      [
        turn('EagerEndOfTurn', { transcript: null, end_of_turn_confidence: '0.6' }),
        turn('EagerEndOfTurn', { transcript: 7, end_of_turn_confidence: null }),
      ],
      [
        { type: 'turnEnd', probability: 0.6 },
        { type: 'turnEnd', probability: 0 },
      ],
    ],
    ['silent', [turn('Update', { transcript: '' })], []],
    ['silent at its end', [turn('EndOfTurn', { transcript: undefined })], [quiet, over]],
    ['of events to come', [turn('SomethingNew', { transcript: '' }), turn('', { transcript: '' }), { type: 'TurnInfo' }], []],
    ['between broken lines', ['{', turn('Update'), 'null'], [{ type: 'partial', ...span }]],
  ])('%s', async (_, messages, expected) => {
    expect(await told(FLUX, messages)).toEqual(expected);
  });
});

const KIND = 'conversation.item.input_audio_transcription';
const delta = (text: unknown, item_id: unknown = 'a') => ({ type: `${KIND}.delta`, item_id, delta: text });
const completed = (transcript: unknown, item_id: unknown = 'a') => ({ type: `${KIND}.completed`, item_id, transcript });
const started = (audio_start_ms: unknown, item_id: unknown = 'a') => ({
  type: 'input_audio_buffer.speech_started',
  item_id,
  audio_start_ms,
});
const stopped = (audio_end_ms: unknown, item_id: unknown = 'a') => ({ type: 'input_audio_buffer.speech_stopped', item_id, audio_end_ms });
const talks = { type: 'speech', talking: true };
const words = (type: 'partial' | 'final', text: string, from = 0, to = 240) => ({ type, text, from, to });

describe('items', () => {
  it.each<[string, readonly (object | string)[], readonly object[]]>([
    [
      'as documented',
      [started(10), stopped(200), delta('hi'), delta(' there'), completed('Hi there.')],
      [talks, quiet, words('partial', 'hi', 10, 200), words('partial', 'hi there', 10, 200), words('final', 'Hi there.', 10, 200)],
    ],
    ['with times in quotes', [started('10'), stopped('200'), completed('hi')], [talks, quiet, words('final', 'hi', 10, 200)]],
    ['without times', [started(null), stopped(undefined), completed('hi')], [talks, quiet, words('final', 'hi')]],
    [
      'without ids',
      [started(10, null), delta('hi', null), completed('hi', null)],
      [talks, words('partial', 'hi', 10, 10), words('final', 'hi', 10, 10)],
    ],
    ['with deltas that are none', [delta(null), delta(7), delta('hi'), delta({})], [words('partial', 'hi'), words('partial', 'hi')]],
    ['completed without a transcript', [delta('hi'), completed(null)], [words('partial', 'hi'), words('final', 'hi')]],
    ['completed with nothing', [completed('')], [{ ...words('final', ''), rejected: true }]],
    ['completed twice', [completed('hi'), completed('hi'), delta('hi')], [words('final', 'hi')]],
    ['that failed', [{ type: `${KIND}.failed`, item_id: 'a', error: null }], [{ ...words('final', ''), rejected: true }]],
    ['between broken lines', ['{', delta('hi'), 'null', { type: null }, completed('hi')], [words('partial', 'hi'), words('final', 'hi')]],
    [
      'behind a late commit',
      [{ type: 'error', error: { code: 'input_audio_buffer_commit_empty' } }, completed('hi')],
      [words('final', 'hi')],
    ],
  ])('%s', async (_, messages, expected) => {
    expect(await told(REALTIME, messages)).toEqual(expected);
  });
});

describe('an error report ends the recognition', () => {
  it.each<[string, Ear, object, ErrorCode]>([
    ['Error', NOVA, { type: 'Error', description: 'Bad audio', variant: 'DATA-0000' }, 'provider_invalid'],
    ['Error without a sentence', NOVA, { type: 'Error' }, 'provider_invalid'],
    ['err_code', NOVA, { err_code: 'INVALID_AUTH', err_msg: 'Invalid API key.' }, 'provider_auth'],
    ['error as others write it', NOVA, { error: { message: 'insufficient credits' } }, 'provider_quota'],
    ['Error of flux', FLUX, { type: 'Error', sequence_id: 1, code: 'BAD', description: 'too many concurrent requests' }, 'provider_rate'],
    ['FatalError of flux', FLUX, { type: 'FatalError', description: 'no such model' }, 'provider_invalid'],
    ['error of a session', REALTIME, { type: 'error', error: { code: 'invalid_value', message: 'No such model' } }, 'provider_invalid'],
    ['error as a text', REALTIME, { type: 'error', error: 'No such model' }, 'provider_invalid'],
    ['error without anything', REALTIME, { type: 'error' }, 'provider_invalid'],
    [
      'transcription without credit',
      REALTIME,
      { type: `${KIND}.failed`, item_id: 'a', error: { code: 'insufficient_quota', message: 'You exceeded your current quota.' } },
      'provider_quota',
    ],
  ])('%s', async (_, ear, message, code) => {
    const all = await told(ear, [message]);
    expect(all).toMatchObject([{ type: 'failed', error: { code } }]);
  });
});
