/** What vendors grant a connection, and what they do by themselves: flushes, contexts, contexts that close, connections that go in a pause. */
import { afterEach, describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { providerSet } from '../../src/providers/index.ts';
import type { Voice } from '../../src/providers/tts/contract.ts';
import { context, KEY, MULAW, type TestContext, type VoiceEvent, voiceRecorder } from './kit.ts';

let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  expect(ctx?.leaks ?? []).toEqual([]);
});

interface Connection {
  readonly sent: Record<string, unknown>[];
  open: boolean;
  give(message: object | Uint8Array): void;
  drop(code?: number, reason?: string): void;
}

/** Vendors that are never reached. */
const silent: Egress = {
  opened: { http: 0, sockets: 0 },
  http: (_request, scope) => scope.wait(new Promise(() => {})),
  socket: (_request, scope) => scope.wait(new Promise(() => {})),
};

/** A voice whose connections are played by the test, on a clock of its own. */
function opened(name: string, settings: object = {}) {
  const clock = new VirtualClock();
  const connections: Connection[] = [];
  const egress: Egress = {
    opened: { http: 0, sockets: 0 },
    http: () => Promise.reject(new Error('no HTTP here')),
    async socket() {
      let take: (message: string | Buffer) => void = () => {};
      let closed: (code: number, reason: string) => void = () => {};
      const connection: Connection = {
        sent: [],
        open: true,
        give: (message) => take(message instanceof Uint8Array ? Buffer.from(message) : JSON.stringify(message)),
        drop(code = 1006, reason = '') {
          connection.open = false;
          closed(code, reason);
        },
      };
      connections.push(connection);
      return {
        buffered: 0,
        open: true,
        send: (message) => connection.sent.push(JSON.parse(String(message)) as Record<string, unknown>),
        close: () => {
          connection.open = false;
        },
        onMessage: (listener) => {
          take = listener;
        },
        onClose: (listener) => {
          closed = listener;
        },
      };
    },
  };
  const run = context(clock, egress);
  ctx = run;
  const vendor = providerSet.tts(name);
  if (!vendor) throw new Error(`no voice named ${name}`);
  const voice = vendor.open({ format: MULAW, language: 'en' }, vendor.settings.parse(settings), { apiKey: KEY, baseUrl: 'http://v' }, run);
  return { voice, clock, connections, last: () => connections.at(-1) as Connection };
}

function speak(voice: Voice, ...texts: string[]) {
  const { listener, events } = voiceRecorder();
  const speech = voice.speak(listener);
  for (const text of texts) speech.say(text);
  return { speech, events: events.items };
}

const kinds = (events: readonly VoiceEvent[]) => events.map(({ type }) => type);
const SOUND = Uint8Array.of(1, 2, 3, 4);

describe('formats', () => {
  const [ulaw, alaw] = [MULAW, { encoding: 'alaw', rate: 8_000 } as const];
  const pcm = (rate: number) => ({ encoding: 'pcm16', rate }) as const;
  const all = [ulaw, alaw, pcm(8_000), pcm(11_025), pcm(16_000), pcm(22_050), pcm(24_000), pcm(44_100), pcm(48_000)];
  it.each([
    ['11labs', [ulaw, alaw, pcm(8_000), pcm(16_000), pcm(16_000), pcm(22_050), pcm(24_000), pcm(24_000), pcm(24_000)]],
    ['cartesia', [ulaw, alaw, pcm(8_000), pcm(16_000), pcm(16_000), pcm(22_050), pcm(24_000), pcm(44_100), pcm(48_000)]],
    ['deepgram', [ulaw, alaw, pcm(8_000), pcm(16_000), pcm(16_000), pcm(24_000), pcm(24_000), pcm(48_000), pcm(48_000)]],
    ['openai', all.map(() => pcm(24_000))],
    ['lab', all],
  ])("of %s: the line's own where the vendor has it, else the nearest that loses nothing", (name, made) => {
    const run = context(new VirtualClock(), silent);
    ctx = run;
    const vendor = providerSet.tts(name);
    const access = { apiKey: KEY, baseUrl: 'http://v' };
    expect(all.map((format) => vendor?.open({ format, language: 'en' }, vendor.settings.parse({}), access, run).format)).toEqual(made);
  });
});

describe("Deepgram's flushes", () => {
  const flushesOf = ({ sent }: Connection) => sent.filter(({ type }) => type === 'Flush').length;

  it.each([
    ['a word', ['Hm']],
    ['a clause without an end', ['Let me see if I can ']],
    ['a sentence and more', ['Sure. ', 'One moment']],
  ])('let %s go before a pause', async (_name, texts) => {
    const { voice, last } = opened('deepgram');
    await settle();
    const { speech } = speak(voice, ...texts);
    const before = last().sent.at(-1);
    speech.flush?.();
    expect(last().sent.at(-1)).toEqual({ type: 'Flush' });
    // A second one has nothing to let go, nor has one behind a sentence that went at once.
    const count = flushesOf(last());
    speech.flush?.();
    expect(flushesOf(last())).toBe(count);
    expect(before).not.toBeUndefined();
  });

  it('let the first clause after the pause go at once, too', async () => {
    const { voice, last } = opened('deepgram');
    await settle();
    const { speech } = speak(voice, 'One moment');
    speech.flush?.();
    speech.say('Here it is.');
    expect(flushesOf(last())).toBe(2);
  });

  it.each([
    ['whole sentences', (text: string) => [text]],
    ['words', (text: string) => text.split(/(?<= )/)],
  ])('stay within 20 in 60 s for 60 quick replies with pauses, said in %s, and every reply ends', async (_name, pieces) => {
    const { voice, clock, connections } = opened('deepgram');
    await settle();
    /** When each connection was asked to flush. */
    const times: number[][] = [];
    for (let i = 0; i < 60; i++) {
      const { speech, events } = speak(voice, ...pieces(`Reply number ${i}, and wait`));
      speech.flush?.();
      for (const piece of pieces('. Here it is. And more')) speech.say(piece);
      const interrupted = i % 3 === 1;
      if (interrupted) speech.cancel();
      else speech.end();
      await settle();
      connections.forEach((connection, index) => {
        const known = times[index] ?? [];
        times[index] = known;
        for (let k = known.length; k < flushesOf(connection); k++) known.push(clock.now());
      });
      const serving = connections.findLast(({ sent }) => sent.length > 0);
      serving?.give(interrupted ? { type: 'Cleared', sequence_id: 0 } : SOUND);
      for (let k = 0; k < 4 && !interrupted && !kinds(events).includes('done'); k++) serving?.give({ type: 'Flushed', sequence_id: k });
      if (!interrupted) expect(kinds(events).at(-1), `reply ${i}`).toBe('done');
      await clock.advance(500);
    }
    for (const at of times)
      for (const from of at) expect(at.filter((time) => time >= from && time < from + 60_000).length).toBeLessThanOrEqual(20);
    expect(connections.length).toBeGreaterThan(5);
    expect(connections.length).toBeLessThan(20);
    expect(connections.filter(({ open }) => open)).toHaveLength(1);
  });
});

describe('contexts', () => {
  it.each(['11labs', 'cartesia'])('of %s: never more at once than the vendor takes; the next begins when one is over', async (name) => {
    const { voice, connections, last } = opened(name);
    await settle();
    const speeches = Array.from({ length: 8 }, (_, i) => speak(voice, `Number ${i}.`));
    const known = () => new Set(last().sent.flatMap(({ context_id }) => (context_id === undefined ? [] : [context_id])));
    const most = known().size;
    expect(most).toBeLessThanOrEqual(5);
    speeches[0]?.speech.cancel();
    expect(known().size).toBe(most + 1);
    for (const { speech } of speeches) speech.cancel();
    expect(connections).toHaveLength(1);
  });

  it('of 11labs that were interrupted are closed before the next one begins', async () => {
    const { voice, last } = opened('11labs');
    await settle();
    for (let i = 0; i < 20; i++) {
      const { speech } = speak(voice, 'A long answer. ');
      if (i % 2) speech.end();
      speech.cancel();
    }
    const open = new Set<unknown>();
    let most = 0;
    for (const { context_id, close_context } of last().sent) {
      if (close_context) open.delete(context_id);
      else open.add(context_id);
      most = Math.max(most, open.size);
    }
    expect([most, open.size]).toEqual([1, 0]);
  });

  it('that the vendor still counts cost a connection and not the reply', async () => {
    const { voice, connections } = opened('11labs');
    await settle();
    const { speech, events } = speak(voice, 'Hello.');
    speech.end();
    connections[0]?.give({ message: 'Maximum simultaneous contexts exceeded (5).', error: 'max_active_conversations', code: 1008 });
    connections[0]?.drop(1008, 'Maximum simultaneous contexts exceeded');
    await settle();
    expect(connections).toHaveLength(2);
    expect(connections[1]?.sent.map(({ text }) => text)).toContain('Hello. ');
    connections[1]?.give({ audio: Buffer.from(SOUND).toString('base64'), contextId: 'speech-1' });
    connections[1]?.give({ isFinal: true, contextId: 'speech-1' });
    expect(kinds(events)).toEqual(['audio', 'done']);
  });

  it.each([
    ['without a name, then closes', { message: 'This request exceeds your quota limit.', error: 'quota_exceeded', code: 1008 }],
    ['with the name of the context', { message: 'This request exceeds your quota limit.', error: 'quota_exceeded', contextId: 'speech-1' }],
  ])('of an account without credit: the vendor says so %s', async (_name, message) => {
    const { voice, last } = opened('11labs');
    await settle();
    const { speech, events } = speak(voice, 'Hello.');
    speech.end();
    last().give(message);
    last().drop(1008, 'This request exceeds your quota limit.');
    await settle();
    expect(kinds(events)).toEqual(['failed']);
    expect(events[0]).toMatchObject({ error: { code: 'provider_quota' } });
  });
});

describe('a long pause', () => {
  const CARTESIA = { done: false, status_code: 206, context_id: 'speech-1' };
  const said = ({ sent }: Connection) => sent.map(({ text, transcript }) => text ?? transcript).filter(Boolean);

  it.each([
    ['deepgram', [{ type: 'Flushed', sequence_id: 0 }]],
    ['cartesia', [{ ...CARTESIA, type: 'flush_done', flush_done: true }]],
    ['cartesia', [{ ...CARTESIA, type: 'done', done: true }]],
    ['11labs', [{ isFinal: true, contextId: 'speech-1' }]],
  ])('in which the connection of %s goes, after %j, costs nothing: what is said later gets a new one', async (name, messages) => {
    const { voice, connections } = opened(name);
    await settle();
    const { speech, events } = speak(voice, 'One moment.');
    speech.flush?.();
    const audio = Buffer.from(SOUND).toString('base64');
    if (name === 'deepgram') connections[0]?.give(SOUND);
    if (name === 'cartesia') connections[0]?.give({ ...CARTESIA, type: 'chunk', data: audio });
    if (name === '11labs') connections[0]?.give({ audio, contextId: 'speech-1' });
    for (const message of messages) connections[0]?.give(message);
    connections[0]?.drop();
    await settle();
    expect(kinds(events)).toEqual(['audio']);
    speech.say('Here it is.');
    await settle();
    expect(connections).toHaveLength(2);
    expect(
      said(connections[1] as Connection)
        .join('')
        .trim(),
    ).toBe('Here it is.');
  });

  it.each(['deepgram', 'cartesia'])('in which %s had not spoken all yet does: the speech fails', async (name) => {
    const { voice, connections } = opened(name);
    await settle();
    const { speech, events } = speak(voice, 'One moment.');
    speech.flush?.();
    if (name === 'deepgram') connections[0]?.give(SOUND);
    else connections[0]?.give({ ...CARTESIA, type: 'chunk', data: Buffer.from(SOUND).toString('base64') });
    speech.say('Here it is.');
    if (name === 'cartesia') connections[0]?.give({ ...CARTESIA, type: 'flush_done', flush_done: true });
    connections[0]?.drop();
    await settle();
    expect(kinds(events)).toEqual(['audio', 'failed']);
  });
});
