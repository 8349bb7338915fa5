/** Voices: each vendor's documented wire through its codec, then the same demands on every vendor over a true connection. */
import { afterEach, describe, expect, it } from 'vitest';
import { msOf } from '../../src/audio/format.ts';
import { realClock, settle } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { providerSet } from '../../src/providers/index.ts';
import type { Speech, Voice } from '../../src/providers/tts/contract.ts';
import { wordAssembler } from '../../src/providers/tts/words.ts';
import { startFakeCartesia } from '../fakes/vendors/cartesia.ts';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeElevenLabs } from '../fakes/vendors/elevenlabs.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { Speaks } from '../fakes/vendors/script.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import { context, KEY, MULAW, PCM_16, type TestContext, type VoiceEvent, voiceRecorder } from './kit.ts';
import { type Driven, type Line, replay } from './replay.ts';

function tts(name: string) {
  const found = providerSet.tts(name);
  if (!found) throw new Error(`no voice named ${name}`);
  return found;
}

describe.each(['elevenlabs', 'cartesia', 'deepgram', 'openai'])('the wire of tts-%s', (name) => {
  it('becomes sound and words', async () => {
    await replay(`tts-${name}.jsonl`, (ctx): Driven => {
      const vendor = tts(name);
      const given: unknown[] = [];
      let voice: Voice | undefined;
      let speech: Speech | undefined;
      const listener = {
        audio: (bytes: Uint8Array) => given.push({ type: 'audio', base64: Buffer.from(bytes).toString('base64') }),
        word: (text: string, at: number, endAt: number) => given.push({ type: 'word', text, at, endAt }),
        done: () => {
          given.push({ type: 'done' });
          speech = undefined;
        },
        failed: (error: Error) => given.push({ type: 'failed', message: error.message }),
      };
      return {
        given,
        call(line: Line) {
          const access = { apiKey: KEY, baseUrl: 'http://vendor' };
          if (line.open) voice = vendor.open({ format: MULAW, language: 'en-US' }, vendor.settings.parse(line.open), access, ctx);
          if (typeof line.say === 'string') {
            speech ??= voice?.speak(listener);
            speech?.say(line.say);
          }
          if (line.flush) speech?.flush?.();
          if (line.end) speech?.end();
          if (line.cancel) {
            speech?.cancel();
            speech = undefined;
          }
        },
      };
    });
  });
});

interface Row {
  readonly name: string;
  readonly env: string;
  readonly path: string;
  /** Gives word times. */
  readonly words: boolean;
  readonly start: (script: Speaks) => Promise<FakeVendor>;
}

const VENDORS: Row[] = [
  { name: '11labs', env: 'ELEVENLABS', path: '', words: true, start: startFakeElevenLabs },
  { name: 'cartesia', env: 'CARTESIA', path: '', words: true, start: startFakeCartesia },
  { name: 'deepgram', env: 'DEEPGRAM', path: '', words: false, start: startFakeDeepgram },
  { name: 'openai', env: 'OPENAI', path: '/v1', words: false, start: startFakeOpenAi },
];

let fake: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await fake?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

async function opened(row: Row, script: Speaks = {}, format = MULAW) {
  const vendor = tts(row.name);
  const server = await row.start(script);
  fake = server;
  const run = context();
  ctx = run;
  const open = () =>
    vendor.open({ format, language: 'en' }, vendor.settings.parse({}), { apiKey: KEY, baseUrl: `${server.url}${row.path}` }, run);
  return { fake: server, ctx: run, open };
}

function say(voice: Voice, ...texts: string[]) {
  const recorder = voiceRecorder();
  const speech = voice.speak(recorder.listener);
  for (const text of texts) speech.say(text);
  return { ...recorder, speech };
}

const types = (items: readonly VoiceEvent[]) => [...new Set(items.map((event) => event.type))].sort();

describe.each(VENDORS)('the voice of $name', (row) => {
  it.each([MULAW, PCM_16])('speaks $encoding at the length of its text', async (format) => {
    const { open } = await opened(row, {}, format);
    const voice = open();
    const { speech, until, audio, words, events } = say(voice, 'Good morning, ', 'Ada.');
    speech.end();
    await until('done');
    // 60 ms for each of the 18 characters; a piece that is spoken by itself loses the space at its edge.
    expect(Math.abs(msOf(voice.format, audio().length) - 18 * 60)).toBeLessThanOrEqual(60);
    expect(words()).toEqual(row.words ? ['Good', 'morning,', 'Ada.'] : []);
    expect(events.items.at(-1)).toEqual({ type: 'done' });
  });

  it('keeps mu-law where the vendor can, and says what it makes otherwise', async () => {
    const { open } = await opened(row);
    expect(open().format).toEqual(row.name === 'openai' ? { encoding: 'pcm16', rate: 24_000 } : MULAW);
  });

  it('speaks what was said when it is flushed, waits as long as it takes, and goes on in the same speech', async () => {
    const { open, ctx } = await opened(row);
    const voice = open();
    const { speech, until, audio, events } = say(voice, 'One ', 'moment');
    speech.flush?.();
    await events.until(() => msOf(voice.format, audio().length) >= 10 * 60);
    await settle();
    expect(types(events.items)).not.toContain('done');
    const connections = ctx.egress.opened.sockets + ctx.egress.opened.http;
    speech.flush?.();
    speech.say('Here it is.');
    speech.end();
    await until('done');
    expect(msOf(voice.format, audio().length)).toBe((10 + 11) * 60);
    expect(ctx.egress.opened.sockets + ctx.egress.opened.http).toBe(connections);
    const words = events.items.filter((event) => event.type === 'word');
    expect(words.map(({ text }) => text)).toEqual(row.words ? ['One', 'moment', 'Here', 'it', 'is.'] : []);
    expect(words.map(({ at }) => at)).toEqual(words.map(({ at }) => at).sort((a, b) => a - b));
    for (const { text, at } of words) if (text === 'Here') expect(at).toBeGreaterThanOrEqual(600);
  });

  it('may be flushed before there is a connection, without words, and after its end', async () => {
    const { open } = await opened(row);
    const { speech, until, audio, events } = say(open());
    speech.flush?.();
    speech.say('Hello.');
    speech.flush?.();
    await events.until(() => audio().length > 0);
    speech.end();
    speech.flush?.();
    await until('done');
    speech.flush?.();
    expect(types(events.items).filter((type) => type !== 'word')).toEqual(['audio', 'done']);
  });

  it('never tells a failure inside the call that meets it', async () => {
    ctx = context(realClock, createEgress('public'));
    const vendor = tts(row.name);
    const access = { apiKey: KEY, baseUrl: 'http://127.0.0.1:1' };
    const voice = vendor.open({ format: MULAW, language: 'en' }, vendor.settings.parse({}), access, ctx);
    const early = voiceRecorder();
    const first = voice.speak(early.listener);
    for (const call of [() => first.say('Hello.'), () => first.flush?.(), () => first.end()]) {
      call();
      expect(early.events.items).toEqual([]);
    }
    await early.until('failed');
    const { speech, until, events, fault } = say(voice, 'Hello.', 'Again.');
    speech.end();
    expect(events.items).toEqual([]);
    await until('failed');
    expect(fault()?.code).toBe('egress_denied');
    expect(events.items).toHaveLength(1);
  });

  it('opens no connection for a reply after the first', async () => {
    const { open, ctx } = await opened(row);
    const voice = open();
    const connections = [];
    for (const text of ['One.', 'Two.', 'Three.']) {
      const { speech, until, audio } = say(voice, text);
      speech.end();
      await until('done');
      await settle();
      expect(msOf(voice.format, audio().length)).toBe(text.length * 60);
      connections.push(ctx.egress.opened.sockets + ctx.egress.opened.http);
    }
    expect(new Set(connections).size).toBe(1);
    expect(ctx.egress.opened.sockets).toBe(row.name === 'openai' ? 0 : 1);
  });

  it('delivers nothing of a cancelled speech, and all of the next', async () => {
    const { open } = await opened(row, { pace: 0.05 });
    const voice = open();
    const wrong = say(voice, 'This is going to be cut off very soon by somebody.');
    wrong.speech.end();
    await wrong.until('audio');
    wrong.speech.cancel();
    const heard = wrong.events.items.length;
    const right = say(voice, 'Right.');
    right.speech.end();
    await right.until('done');
    expect(wrong.events.items).toHaveLength(heard);
    expect(msOf(voice.format, right.audio().length)).toBe(6 * 60);
    expect(right.words()).toEqual(row.words ? ['Right.'] : []);
    // What was cancelled stays so.
    wrong.speech.say('more');
    wrong.speech.end();
    wrong.speech.cancel();
    expect(wrong.events.items).toHaveLength(heard);
  });

  it('ends a speech without words at once', async () => {
    const { open } = await opened(row);
    const { speech, until, events } = say(open());
    speech.end();
    await until('done');
    expect(events.items).toEqual([{ type: 'done' }]);
  });

  it.each<[number, ErrorCode]>([
    [401, 'provider_auth'],
    [402, 'provider_quota'],
    [429, 'provider_rate'],
    [503, 'provider_network'],
  ])('tells the speech when refused with %i, and works again later', async (status, code) => {
    const { open, fake } = await opened(row);
    fake.fault = { status, body: { detail: { message: `no, ${KEY}` } } };
    const voice = open();
    const { speech, until, fault } = say(voice, 'Hello.');
    speech.end();
    await until('failed');
    expect(fault()?.code).toBe(code);
    expect(fault()?.message).toContain(row.name);
    expect(fault()?.message).not.toContain(KEY);
    if (code === 'provider_auth') expect(fault()?.message).toContain(`${row.env}_API_KEY`);
    fake.fault = undefined;
    const again = say(voice, 'Hello.');
    again.speech.end();
    await again.until('done');
  });

  it.each([
    [401, { detail: { status: 'quota_exceeded', message: 'This request exceeds your quota of 10000.' } }],
    [403, { error: 'Payment required: the project does not have enough credits.' }],
    [429, { error: { code: 'insufficient_quota', message: 'You exceeded your current quota.' } }],
    [400, { title: 'Credit limit reached' }],
  ])('says that the account has no credit, whatever the status: %i %j', async (status, body) => {
    const { open, fake } = await opened(row);
    fake.fault = { status, body, headers: { 'retry-after': '7' } };
    const { speech, until, fault } = say(open(), 'Hello.');
    speech.end();
    await until('failed');
    expect(fault()).toMatchObject({ code: 'provider_quota', retryAfter: 7 });
    expect(fault()?.message).toMatch(/quota|credit/i);
  });

  it('fails when the vendor closes in the middle of a sentence', async () => {
    const { open, fake } = await opened(row, { pace: 0.05 });
    fake.fault = 'close';
    const { speech, until, fault, events } = say(open(), 'This sentence will never be finished, alas.');
    speech.end();
    await until('failed');
    expect(fault()?.code).toBe('provider_network');
    expect(types(events.items).filter((type) => type !== 'word')).toEqual(['audio', 'failed']);
  });

  it('names the variable when nobody listens at the address', async () => {
    ctx = context();
    const vendor = tts(row.name);
    const access = { apiKey: KEY, baseUrl: 'http://127.0.0.1:1' };
    const { speech, until, fault } = say(vendor.open({ format: MULAW, language: 'en' }, vendor.settings.parse({}), access, ctx), 'Hello.');
    speech.end();
    await until('failed');
    expect(fault()?.code).toBe('provider_network');
    expect(fault()?.message).toContain(`${row.env}_BASE_URL`);
  });

  it('fails on garbage', async () => {
    const { open, fake } = await opened(row);
    fake.fault = 'garbage';
    const { speech, until, fault, audio } = say(open(), 'Hello.');
    speech.end();
    await until('failed');
    expect(audio().length).toBe(0);
    expect(fault()?.code).toBe('provider_garbage');
  });

  it('closes its connection with the scope, also when the vendor hangs', async () => {
    const { open, fake, ctx } = await opened(row);
    fake.fault = 'hang';
    const { speech, events } = say(open(), 'Hello.');
    speech.end();
    await fake.until(({ stats }) => stats.open > 0);
    await ctx.scope.close('call over');
    await fake.until(({ stats }) => stats.open === 0);
    expect(events.items).toEqual([]);
  });
});

describe.each(VENDORS.filter((row) => row.name !== 'openai'))('the websocket of $name', (row) => {
  it('is replaced when it was lost while nothing was spoken', async () => {
    const { open, fake } = await opened(row);
    const voice = open();
    await fake.until(({ stats }) => stats.open === 1);
    fake.drop();
    await fake.until(({ stats }) => stats.open === 0);
    const { speech, until } = say(voice, 'Hello.');
    speech.end();
    await until('done');
    expect(fake.stats.sockets).toBe(2);
  });

  it('is replaced once when it was lost before the first sound, and the text told again', async () => {
    const { open, fake } = await opened(row);
    fake.fault = 'hang';
    const { speech, until, words } = say(open(), 'Good ', 'evening.');
    speech.end();
    await fake.until(({ asked }) => asked[0] !== undefined && asked[0].messages.length > 1);
    fake.fault = undefined;
    fake.drop();
    await until('done');
    expect(words()).toEqual(row.words ? ['Good', 'evening.'] : []);
    expect(fake.stats.sockets).toBe(2);
  });

  it('fails the speech when it is lost a second time', async () => {
    const { open, fake } = await opened(row);
    fake.fault = 'hang';
    const { speech, until, fault } = say(open(), 'Good evening.');
    speech.end();
    for (const connection of [0, 1]) {
      await fake.until(({ asked }) => (asked[connection]?.messages.length ?? 0) > 1);
      fake.drop();
    }
    await until('failed');
    expect(fault()?.code).toBe('provider_network');
    expect(fake.stats.sockets).toBe(2);
  });
});

describe('character alignment', () => {
  it('joins words across pieces', () => {
    const words: [string, number, number][] = [];
    const assembler = wordAssembler((...word) => words.push(word));
    assembler.push([...'Hi Wor'], [0, 10, 20, 30, 40, 50], [10, 10, 10, 10, 10, 10], 0);
    assembler.push([...'ld '], [0, 10, 20], [10, 10, 10], 60);
    assembler.push(['x'], [0], [], 90);
    assembler.end();
    expect(words).toEqual([
      ['Hi', 0, 20],
      ['World', 30, 80],
      ['x', 90, 90],
    ]);
  });
});
