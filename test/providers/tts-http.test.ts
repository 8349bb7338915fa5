/** The voices over HTTP: what one request holds, and what a kept connection that has gone costs. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type AudioFormat, MULAW_8K } from '../../src/audio/format.ts';
import type { ProviderKind } from '../../src/providers/contract.ts';
import { httpVoice } from '../../src/providers/tts/http.ts';
import { context, KEY, type TestContext, voiceRecorder } from './kit.ts';

const PCM_8K: AudioFormat = { encoding: 'pcm16', rate: 8000 };
const vendor = { name: 'acme', kind: 'tts' as ProviderKind, env: 'ACME' };

let ctx: TestContext | undefined;
let server: Server | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  server?.closeAllConnections();
  server?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

/** A voice whose vendor answers each text with its characters, in writes of `chunk` bytes; `cut`: hangs up on that many requests first. */
async function opened(options: { format?: AudioFormat; mostChars?: number; chunk?: number; cut?: number; type?: string } = {}) {
  const { format = MULAW_8K, mostChars = 40, chunk = 1_000, type = 'audio/basic' } = options;
  let cut = options.cut ?? 0;
  const texts: string[] = [];
  const listening = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (part: Buffer) => body.push(part));
    request.on('end', () => {
      if (cut-- > 0) return void request.socket.destroy();
      const text = Buffer.concat(body).toString();
      texts.push(text);
      response.writeHead(200, { 'content-type': type });
      const sound = Buffer.from(text);
      for (let at = 0; at < sound.length; at += chunk) response.write(sound.subarray(at, at + chunk));
      response.end();
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const run = context();
  ctx = run;
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const request = (text: string) => ({ url, method: 'POST' as const, body: text });
  return { texts, voice: httpVoice({ vendor, access: { apiKey: KEY, baseUrl: url }, format, mostChars, request, ctx: run }) };
}

describe('a voice over HTTP', () => {
  it.each<[string, string, string[]]>([
    ['a short text', 'Hello, Ada.', ['Hello, Ada.']],
    ['sentences', 'This is the first one of them. And this is the second.', ['This is the first one of them.', 'And this is the second.']],
    [
      'clauses',
      'One long sentence without an end, which goes on and on and',
      ['One long sentence without an end,', 'which goes on and on and'],
    ],
    ['words', 'one two three four five six seven eight nine ten', ['one two three four five six seven eight', 'nine ten']],
    ['full-width stops', `${'漢'.repeat(30)}。${'字'.repeat(20)}`, [`${'漢'.repeat(30)}。`, '字'.repeat(20)]],
    ['no break at all', 'x'.repeat(100), ['x'.repeat(40), 'x'.repeat(40), 'x'.repeat(20)]],
    ['an amount', `It costs 12.50 and ${'more '.repeat(6)}`, ['It costs 12.50 and more more more more', 'more more']],
    ['spaces', '    ', []],
  ])('asks for %s in requests that are not too long, cut where a speaker would pause', async (_name, text, expected) => {
    const { voice, texts } = await opened();
    const { listener, until } = voiceRecorder();
    const speech = voice.speak(listener);
    speech.say(text);
    speech.end();
    await until('done');
    expect(texts).toEqual(expected);
  });

  it.each([
    [MULAW_8K, 3],
    [PCM_8K, 1],
    [PCM_8K, 3],
    [PCM_8K, 7],
  ])('gives whole samples of %j in the order of the text, whatever the chunks of %i bytes', async (format, chunk) => {
    const { voice } = await opened({ format, chunk });
    const { listener, until, events, audio } = voiceRecorder();
    const speech = voice.speak(listener);
    speech.say('abcdefgh');
    speech.say('ijklmnop');
    speech.end();
    await until('done');
    expect(audio().toString()).toBe('abcdefghijklmnop');
    for (const event of events.items)
      if (event.type === 'audio') expect(event.bytes.length % (format.encoding === 'pcm16' ? 2 : 1)).toBe(0);
  });

  it.each([
    [1, 'done'],
    [2, 'failed'],
  ] as const)('of a connection that breaks %i times before the answer: %s', async (cut, last) => {
    const { voice } = await opened({ cut });
    const { listener, until, fault } = voiceRecorder();
    const speech = voice.speak(listener);
    speech.say('Hello.');
    speech.end();
    await until(last);
    expect(fault()?.code).toBe(last === 'failed' ? 'provider_network' : undefined);
  });

  it('asks for nothing more after it was cancelled', async () => {
    const { voice, texts } = await opened();
    const { listener, until, events } = voiceRecorder();
    const speech = voice.speak(listener);
    speech.say('One.');
    await until('audio');
    speech.cancel();
    const count = events.items.length;
    speech.say('Two.');
    speech.end();
    const next = voiceRecorder();
    const other = voice.speak(next.listener);
    other.say('Three.');
    other.end();
    await next.until('done');
    expect(texts).toEqual(['One.', 'Three.']);
    expect(events.items).toHaveLength(count);
  });

  it('refuses what is not sound', async () => {
    const { voice } = await opened({ type: 'text/html' });
    const { listener, until, fault } = voiceRecorder();
    const speech = voice.speak(listener);
    speech.say('Hello.');
    await until('failed');
    expect(fault()?.code).toBe('provider_garbage');
  });
});
