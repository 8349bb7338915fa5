/** Ears: each vendor's documented wire through its codec, then the same demands on every vendor over a true socket. */
import { afterEach, describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import type { ProviderAccess, ProviderContext } from '../../src/providers/contract.ts';
import { providerSet } from '../../src/providers/index.ts';
import type { Ears, EarsListener, HearingOptions, SpeechToText } from '../../src/providers/stt/contract.ts';
import { startFakeDeepgram } from '../fakes/vendors/deepgram.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { Hears } from '../fakes/vendors/script.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import { context, type EarsEvent, earsOnTape, earsRecorder, KEY, MULAW, PCM_16, type TestContext } from './kit.ts';
import { type Driven, type Line, replay } from './replay.ts';

const OPTIONS: Omit<HearingOptions, 'history'> = { format: MULAW, language: 'en', expected: ['Aywa', 'I would like to book a table'] };

function ears(name: string) {
  const found = providerSet.stt(name);
  if (!found) throw new Error(`no ears named ${name}`);
  return found;
}

function open(
  vendor: SpeechToText,
  settings: unknown,
  access: ProviderAccess,
  listener: EarsListener,
  ctx: ProviderContext,
  format = MULAW,
): Ears {
  const chosen = vendor.settings.parse(settings);
  return earsOnTape(format, (history) => vendor.listen({ ...OPTIONS, format, history }, chosen, access, listener, ctx));
}

describe.each(['deepgram', 'deepgram-flux', 'openai', 'openai-batch'])('the wire of stt-%s', (file) => {
  it('becomes words', async () => {
    await replay(`stt-${file}.jsonl`, (ctx): Driven => {
      const vendor = ears(file.split('-')[0] ?? '');
      const { listener, events } = earsRecorder();
      let opened: Ears | undefined;
      return {
        given: events.items,
        call(line: Line) {
          if (line.listen) opened = open(vendor, line.listen, { apiKey: KEY, baseUrl: 'http://vendor' }, listener, ctx);
          if (typeof line.silenceMs === 'number') opened?.write(new Uint8Array(line.silenceMs * 8).fill(0xff));
          if (line.flush) opened?.flush();
        },
      };
    });
  });
});

interface Row {
  readonly name: string;
  readonly env: string;
  readonly path: string;
  readonly settings: object;
  readonly start: (script: Hears) => Promise<FakeVendor>;
}

const VENDORS: Row[] = [
  { name: 'deepgram', env: 'DEEPGRAM', path: '', settings: {}, start: startFakeDeepgram },
  { name: 'openai', env: 'OPENAI', path: '/v1', settings: {}, start: startFakeOpenAi },
];

let fake: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await fake?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

async function listen(row: Row, script: Hears, clock?: VirtualClock, format = MULAW) {
  const vendor = ears(row.name);
  const server = await row.start(script);
  fake = server;
  const run = context(clock);
  ctx = run;
  const recorder = earsRecorder();
  const start = () => {
    const access = { apiKey: KEY, baseUrl: `${server.url}${row.path}` };
    return open(vendor, row.settings, access, recorder.listener, run, format);
  };
  return { fake: server, ctx: run, start, ...recorder };
}

/** Writes `ms` of silence as 20 ms frames, each in the same buffer, as a line does. */
function speak(open: { write(bytes: Uint8Array): void }, ms: number, bytesPerMs = 8): void {
  const frame = new Uint8Array(20 * bytesPerMs).fill(0xff);
  for (let at = 0; at < ms; at += 20) open.write(frame);
}

const finals = (items: readonly EarsEvent[]) => items.filter((event) => event.type === 'final');

/** Lets the real sockets work and the virtual clock run until the ears give up. */
async function untilFailed(clock: VirtualClock, events: { items: readonly EarsEvent[] }, meanwhile = () => {}): Promise<void> {
  while (!events.items.some((event) => event.type === 'failed')) {
    meanwhile();
    await settle();
    if (clock.next !== undefined && clock.next <= 1_600) await clock.advance(clock.next);
  }
}

describe.each(VENDORS)('ears of $name', (row) => {
  it('hear what was written before the connection was open, in media time', async () => {
    const { fake, start, until, events } = await listen(row, { hears: ['where is my order', 'thank you'] });
    const open = start();
    speak(open, 1_000);
    open.flush();
    const first = await until('final');
    expect(first).toMatchObject({ text: 'where is my order', from: 0, to: 1_000 });
    expect(events.items.some((event) => event.type === 'partial' && event.text === 'where')).toBe(true);
    speak(open, 500);
    open.flush();
    await events.until((all) => finals(all).length === 2);
    expect(finals(events.items)[1]).toMatchObject({ text: 'thank you', from: 1_000, to: 1_500 });
    expect(fake.stats.sockets).toBe(1);
  });

  it('take linear audio too', async () => {
    const { start, until, fake } = await listen(row, { hears: ['hello'] }, undefined, PCM_16);
    const open = start();
    speak(open, 600, 32);
    await fake.until(({ stats }) => stats.audioBytes > 0);
    open.flush();
    const final = await until('final');
    expect(final.text).toBe('hello');
    expect(Math.abs(final.to - 600)).toBeLessThanOrEqual(5);
  });

  it('replay unfinished audio to a new connection and keep media time', async () => {
    const { fake, start, until, events } = await listen(row, { hears: ['one', 'two'] });
    const open = start();
    speak(open, 1_000);
    await fake.until(({ stats }) => stats.audioBytes >= 960 * 8);
    open.flush();
    await until('final');
    speak(open, 300);
    fake.drop();
    const { error } = await until('reconnecting');
    expect(error.code).toBe('provider_network');
    speak(open, 200);
    await fake.until(({ stats }) => stats.sockets === 2 && stats.open === 1);
    open.flush();
    await events.until((all) => finals(all).length === 2);
    expect(finals(events.items)[1]).toMatchObject({ text: 'two', from: 1_000, to: 1_500 });
  });

  it('go on after the vendor closed in the middle of a sentence', async () => {
    const { fake, start, until } = await listen(row, { hears: ['hello there', 'hello there'] });
    fake.fault = 'close';
    const open = start();
    speak(open, 400);
    await fake.until(({ stats }) => stats.audioBytes > 0);
    open.flush();
    await until('reconnecting');
    fake.fault = undefined;
    expect((await until('final')).text).toBe('hello there');
  });

  it.each<[number, ErrorCode]>([
    [401, 'provider_auth'],
    [402, 'provider_quota'],
    [403, 'provider_auth'],
    [429, 'provider_rate'],
  ])('give up at once when refused with %i, naming what to do', async (status, code) => {
    const { fake, start, until, events } = await listen(row, {});
    fake.fault = { status };
    const open = start();
    const { error } = await until('failed');
    expect(error.code).toBe(code);
    expect(error.message).toContain(row.name);
    expect(error.message).toContain(`${row.env}_API_KEY`);
    expect(error.message).not.toContain(KEY);
    speak(open, 100);
    open.flush();
    expect(events.items).toHaveLength(1);
  });

  it('give up after three new connections in a minute', async () => {
    const clock = new VirtualClock();
    const { fake, start, events } = await listen(row, {}, clock);
    fake.fault = { status: 503 };
    start();
    await untilFailed(clock, events);
    expect(events.items.map((event) => event.type)).toEqual(['reconnecting', 'reconnecting', 'reconnecting', 'failed']);
    expect(events.items[3]).toMatchObject({ error: { code: 'provider_network' } });
    expect(clock.now()).toBe(2_100);
  });

  it('name the variable when the address is no address', async () => {
    const { listener, until } = earsRecorder();
    ctx = context();
    speak(open(ears(row.name), row.settings, { apiKey: KEY, baseUrl: 'nonsense' }, listener, ctx), 100);
    const { error } = await until('failed');
    expect(error.code).toBe('egress_denied');
    expect(error.message).toContain(`${row.env}_BASE_URL`);
  });

  it('report a server that says nothing but garbage as such', async () => {
    const clock = new VirtualClock();
    const { fake, start, events } = await listen(row, {}, clock);
    fake.fault = 'garbage';
    const open = start();
    await untilFailed(clock, events, () => speak(open, 20));
    expect(events.items.at(-1)).toMatchObject({ error: { code: 'provider_garbage', message: expect.stringContaining(row.name) } });
  });

  it('close their connection with the scope, also when the vendor hangs', async () => {
    const { fake, ctx, start, events } = await listen(row, {});
    fake.fault = 'hang';
    const open = start();
    speak(open, 200);
    await fake.until(({ stats }) => stats.open === 1);
    await ctx.scope.close('call over');
    await fake.until(({ stats }) => stats.open === 0);
    speak(open, 200);
    open.flush();
    expect(events.items).toEqual([]);
  });
});

describe('ears in particular', () => {
  const deepgram = VENDORS[0] as Row;

  it('of Deepgram keep a quiet connection alive', async () => {
    const clock = new VirtualClock();
    const { fake, start } = await listen(deepgram, {}, clock);
    start();
    while (fake.asked[0]?.messages.length !== 2) {
      await settle();
      await clock.advance(100);
    }
    expect(fake.asked[0]?.messages).toEqual([{ type: 'KeepAlive' }, { type: 'KeepAlive' }]);
    expect(fake.stats.sockets).toBe(1);
  });

  it('of Deepgram say the last words before the end, and that there are no more', async () => {
    const { fake, start, events } = await listen(deepgram, { hears: ['call me back'], finalAfterMs: 20 });
    const open = start();
    speak(open, 500);
    await open.finish?.();
    expect(finals(events.items)).toMatchObject([{ text: 'call me back' }]);
    expect(events.items.some((event) => event.type === 'reconnecting' || event.type === 'failed')).toBe(false);
    expect(fake.asked[0]?.messages).toEqual([{ type: 'Finalize' }, { type: 'CloseStream' }]);
  });

  it('of Deepgram in turns give words, voice activity and an opinion about the end', async () => {
    const { start, events } = await listen({ ...deepgram, settings: { model: 'flux-general-en' } }, { hears: ['is it ready'] });
    speak(start(), 1_000);
    await events.until((all) => all.filter((event) => event.type === 'turnEnd').length === 2);
    expect(events.items).toEqual([
      { type: 'speech', talking: true },
      { type: 'partial', text: 'is', from: 0, to: 1_000 },
      { type: 'partial', text: 'is it ready', from: 0, to: 1_000 },
      { type: 'turnEnd', probability: 0.5 },
      { type: 'final', text: 'is it ready', from: 0, to: 1_000 },
      { type: 'speech', talking: false },
      { type: 'turnEnd', probability: 1 },
    ]);
  });

  it('of Deepgram replay at most ten seconds', async () => {
    const { fake, start, until } = await listen(deepgram, { hears: ['late'] });
    const open = start();
    // Thirty seconds in one go, before the socket can open.
    speak(open, 30_000);
    await fake.until(({ stats }) => stats.audioBytes >= 80_000);
    open.flush();
    expect(await until('final')).toMatchObject({ from: 20_000, to: 30_000 });
    expect(fake.stats.audioBytes).toBe(80_000);
  });

  it('of Deepgram call an unsure final not understood', async () => {
    const { listener, until } = earsRecorder();
    fake = await startFakeDeepgram({ onFinalize: (session) => session.final('mumble', 0, 500, 0.2) });
    ctx = context();
    const unsure = open(ears('deepgram'), {}, { apiKey: KEY, baseUrl: fake.url }, listener, ctx);
    speak(unsure, 500);
    await fake.until(({ stats }) => stats.audioBytes > 0);
    unsure.flush();
    expect(await until('final')).toMatchObject({ text: '', rejected: true });
  });

  it('over uploads send one WAV file per utterance', async () => {
    const row: Row = { name: 'openai', env: 'OPENAI', path: '/v1', settings: { mode: 'batch' }, start: startFakeOpenAi };
    const { fake, start, events } = await listen(row, { hears: ['first', 'second'] });
    const open = start();
    speak(open, 400);
    open.flush();
    speak(open, 600);
    open.flush();
    open.flush();
    await events.until((all) => finals(all).length === 2);
    expect(finals(events.items)).toMatchObject([
      { text: 'first', from: 0, to: 400 },
      { text: 'second', from: 400, to: 1_000 },
    ]);
    expect(fake.asked).toHaveLength(2);
    expect(fake.asked[0]?.body.includes('RIFF')).toBe(true);
  });

  it('over uploads name the key when they are refused', async () => {
    const row: Row = { name: 'openai', env: 'OPENAI', path: '/v1', settings: { mode: 'batch' }, start: startFakeOpenAi };
    const { fake, start, until } = await listen(row, {});
    fake.fault = { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}`, code: 'invalid_api_key' } } };
    const open = start();
    speak(open, 400);
    open.flush();
    const { error } = await until('failed');
    expect(error.message).toContain('OPENAI_API_KEY');
    expect(error.message).not.toContain(KEY);
  });
});
