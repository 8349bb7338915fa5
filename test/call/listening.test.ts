/** Listening: voice, ears and the words they tell, over the stage of made-up recognisers. */

import { describe, expect, it } from 'vitest';
import type { Perceived } from '../../src/call/hear/listening.ts';
import { VOICE_GONE_MS, voiceGate, WINDOW_MS } from '../../src/call/hear/voice-gate.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import type { EarsListener } from '../../src/providers/stt/contract.ts';
import { type Connection, begin as openStage, type StageOptions } from './listening-stage.ts';

/** Ears that have no last words to say, unless a test gives them some. */
const begin = (providers?: string[], extra: StageOptions = {}) => openStage(providers, { finish: null, ...extra });

const FINAL = { type: 'final', text: 'hello', from: 100, to: 900 } as const;

describe('voice', () => {
  it('is confirmed by two windows and gone after eight', () => {
    const { talks, silence, types, listening } = begin();
    silence(320);
    talks(40);
    expect(types()).toEqual([]);
    talks(40);
    expect(types()).toEqual(['started']);
    const from = listening.mediaMs;
    talks(400);
    silence(240);
    expect(types()).toEqual(['started']);
    silence(60);
    expect(types()).toEqual(['started', 'stopped']);
    expect(listening.mediaMs - from).toBe(700);
  });

  it('must last as long as an interruption while the agent speaks', () => {
    const { listening, talks, silence, types } = begin();
    listening.agentSpeaking(true);
    talks(160);
    silence(320);
    expect(types()).toEqual([]);
    talks(200);
    expect(types()).toEqual(['started']);
  });

  it('is found at every rate of line', () => {
    for (const rate of [16000, 24000, 48000] as const) {
      const { listening, types } = begin(['one'], { format: { encoding: 'pcm16', rate } });
      for (let i = 0; i < 10; i++) listening.write(new Uint8Array(new Int16Array(rate / 50).fill(5_000).buffer));
      expect(types()).toEqual(['started']);
    }
  });

  it('does not flutter between the thresholds', () => {
    const gate = voiceGate();
    const changes = [0.6, 0.4, 0.6, 0.4, 0.4, 0.3, 0.4, 0.6, ...Array(20).fill(0.4), ...Array(8).fill(0.1), 0.1].map((p) =>
      gate.window(p, 0),
    );
    expect(changes.filter(Boolean)).toEqual(['started', 'stopped']);
    expect(gate.talking).toBe(false);
    expect(VOICE_GONE_MS).toBe(8 * WINDOW_MS);
  });
});

describe('audio for the recogniser', () => {
  it('goes out frame by frame while a turn may be ending, in larger pieces otherwise, and nothing is lost', () => {
    const { connections, listening, talks, silence } = begin();
    const [one] = connections;
    silence(800);
    expect(new Set(one?.pieces)).toEqual(new Set([80]));
    talks(600);
    const before = one?.pieces.length ?? 0;
    expect(one?.pieces.slice(-5)).toEqual(Array(5).fill(60));
    silence(400);
    // The first quiet window lets go of what was gathered; from then on every frame goes at once.
    const [first = 0, ...others] = one?.pieces.slice(before) ?? [];
    expect(first).toBeLessThanOrEqual(60);
    expect(new Set(others)).toEqual(new Set([20]));
    expect(one?.ms).toBe(1_800);
    expect(one?.flushes).toBe(1);
    silence(2_000);
    expect(one?.pieces.at(-1)).toBe(80);
    listening.close();
    expect(one?.ms).toBe(3_800);
  });

  it('is gathered while the agent speaks, and has all gone out when the caller is believed to talk', () => {
    const { connections, listening, talks, silence } = begin();
    talks(600);
    silence(300);
    listening.agentSpeaking(true);
    silence(800);
    expect(connections[0]?.pieces.at(-1)).toBe(80);
    talks(240);
    expect(connections[0]?.ms).toBe(listening.mediaMs);
  });
});

describe('the audio that a recogniser may hear again', () => {
  const stampsIn = ({ options: { history } }: Connection, from = history.start, to = history.end) => {
    const bytes = history.read(from, to);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length / 320 }, (_, frame) => view.getInt16(frame * 320, true));
  };

  it('is what it was given, never more, also for one that came later', () => {
    const { connections, audio, talks } = begin(['one', 'two']);
    talks(1_000);
    for (let frame = 1; frame <= 50; frame++) audio(200 + frame, 20);
    const [one] = connections as [Connection];
    // The last piece is still gathered: it was not given yet.
    expect(one.options.history.end).toBe(one.ms * 16);
    expect(one.ms).toBeLessThan(2_000);
    expect(stampsIn(one).at(-1)).toBe(200 + (one.ms - 1_000) / 20);
    one.listener.failed(new AywaError('timeout'));
    const [, two] = connections as [Connection, Connection];
    expect([two.options.history.start, two.options.history.end]).toEqual([0, two.ms * 16]);
    expect(stampsIn(two).at(-1)).toBe(250);
    expect(stampsIn(two, two.options.history.end - 640, two.options.history.end + 6_400)).toEqual([249, 250]);
    audio(300, 20);
    expect(two.options.history.end).toBe(two.ms * 16);
  });

  it('is that of the last ten seconds', () => {
    const { connections, silence } = begin(['one']);
    silence(14_000);
    const [one] = connections as [Connection];
    expect(one.options.history.end - one.options.history.start).toBeLessThanOrEqual(10_000 * 16);
    expect(one.options.history.start).toBe(4_000 * 16);
    expect(one.options.history.read(0, 320)).toHaveLength(0);
  });
});

it('tells the recogniser whether the caller talks', () => {
  const { connections, silence, talks } = begin();
  const [one] = connections;
  silence(400);
  expect(one?.options.talking?.()).toBe(false);
  talks(400);
  expect(one?.options.talking?.()).toBe(true);
  silence(400);
  expect(one?.options.talking?.()).toBe(false);
});

describe('words', () => {
  it('are passed on as they come; the recogniser has no say about voice', () => {
    const { connections, heard } = begin();
    const listener = connections[0]?.listener;
    listener?.recognised({ type: 'partial', text: 'hel', from: 100, to: 500 });
    listener?.recognised({ type: 'speech', talking: true });
    listener?.recognised(FINAL);
    listener?.recognised({ type: 'turnEnd', probability: 0.9 });
    expect(heard).toEqual([{ type: 'partial', text: 'hel', from: 100, to: 500 }, FINAL, { type: 'turnEnd', probability: 0.9 }]);
  });
});

describe('a recogniser that fails', () => {
  it('is replaced by the next, which gets the speech that has no words yet, in media time', () => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    silence(2_000);
    talks(1_000);
    connections[0]?.listener.failed(new AywaError('timeout'));
    expect(heard).toEqual([
      { type: 'started' },
      { type: 'failed', provider: 'one', error: expect.any(AywaError), final: false },
      { type: 'switched', from: 'one', to: 'two' },
    ]);
    const two = connections[1];
    // From half a second before the voice: silence of 500 ms, then all of the talk.
    expect(two?.ms).toBeGreaterThanOrEqual(1_480);
    expect(two?.ms).toBeLessThanOrEqual(1_520);
    expect(Math.max(...(two?.pieces ?? []))).toBe(80);
    expect(connections[0]?.closed()).toBe(true);
    two?.listener.recognised({ type: 'final', text: 'hi', from: 600, to: 1_400 });
    const words = heard.at(-1);
    expect(words?.type === 'final' && Math.abs(words.from - 2_100)).toBeLessThan(40);
    connections[0]?.listener.recognised(FINAL);
    connections[0]?.listener.failed(new AywaError('timeout'));
    expect(heard.at(-1)).toBe(words);
  });

  it('is not given words again that were recognised already', () => {
    const { connections, listening, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    silence(600);
    connections[0]?.listener.recognised({ type: 'final', text: 'hi', from: 0, to: 1_000 });
    silence(3_000);
    connections[0]?.listener.failed(new AywaError('timeout'));
    expect(connections[1]?.ms).toBe(500);
    silence(80);
    expect(connections[1]?.ms).toBe(580);
    expect(listening.mediaMs).toBe(4_680);
  });

  it('costs no more than ten seconds of speech, and says what is lost', () => {
    const { connections, heard, talks } = begin(['one', 'two']);
    talks(14_000);
    connections[0]?.listener.failed(new AywaError('timeout'));
    expect(connections.at(-1)?.ms).toBe(10_000);
    expect(heard.at(-1)).toEqual({ type: 'dropped', ms: 4_000 });
  });

  it('is final when no other is left; the call goes on hearing voice', () => {
    const { connections, types, talks } = begin(['one']);
    connections[0]?.listener.failed(new AywaError('timeout'));
    talks(200);
    expect(types()).toEqual(['failed', 'started']);
  });

  it('may fail before it is open, or not exist at all', () => {
    const { connections, heard, types, talks } = begin(['unknown', 'one', 'two'], { broken: 'one' });
    expect(types()).toEqual(['failed', 'switched', 'failed', 'switched']);
    expect(heard[0]).toMatchObject({ provider: 'unknown', final: false });
    talks(240);
    expect(connections.map((connection) => [connection.provider, connection.ms])).toEqual([
      ['one', 0],
      ['two', 240],
    ]);
  });
});

describe('a recogniser without words', () => {
  const hears = (connection: Connection | undefined, from: number, to: number) =>
    connection?.listener.recognised({ type: 'final', text: 'where is my order', from, to });

  it('is put to the test: fresh ears get the speech and the request for a final, and the present ones keep listening', () => {
    const { connections, types, silence, talks } = begin(['one', 'two']);
    silence(1_000);
    talks(1_000);
    silence(2_400);
    expect(connections.map((connection) => connection.provider)).toEqual(['one', 'one', 'two']);
    for (const fresh of connections.slice(1)) {
      expect(fresh.ms).toBeGreaterThanOrEqual(3_300);
      expect(fresh.flushes).toBe(1);
    }
    expect(connections[0]?.closed()).toBe(false);
    expect(types()).toEqual(['started', 'stopped']);
  });

  it('keeps its place when it was only slow', () => {
    const { connections, types, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    silence(2_400);
    expect(connections).toHaveLength(3);
    hears(connections[0], 0, 1_000);
    expect(types().slice(-1)).toEqual(['final']);
    expect(connections.map((connection) => connection.closed())).toEqual([false, true, true]);
    silence(10_000);
    expect(types()).toEqual(['started', 'stopped', 'final']);
  });

  it('is waited for as long as it says that its finals take', () => {
    const { connections, types, silence, talks } = begin(['one', 'two'], { finalWithinMs: { one: 6_000, two: 6_000 } });
    talks(1_000);
    silence(6_500);
    expect(connections).toHaveLength(1);
    hears(connections[0], 0, 1_000);
    silence(3_000);
    expect(connections).toHaveLength(1);
    expect(types()).toEqual(['started', 'stopped', 'final']);
  });

  it('is replaced by a new connection to the same vendor when that one hears words', () => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    silence(2_400);
    hears(connections[1], 0, 1_000);
    expect(heard.slice(2)).toMatchObject([
      { type: 'failed', provider: 'one', final: false },
      { type: 'final', text: 'where is my order' },
    ]);
    expect(connections.map((connection) => connection.closed())).toEqual([true, false, true]);
  });

  it('is replaced by the next vendor when only that one hears words', () => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    silence(2_400);
    hears(connections[2], 0, 1_000);
    expect(heard.slice(2)).toMatchObject([
      { type: 'failed', provider: 'one', final: false },
      { type: 'switched', from: 'one', to: 'two' },
      { type: 'final', text: 'where is my order' },
    ]);
    talks(200);
    expect(connections[2]?.ms).toBeGreaterThanOrEqual(3_500);
  });

  it('is not blamed for noise that nobody has words for, however often it comes', () => {
    const { connections, types, silence, talks, heard } = begin(['one', 'two']);
    for (let i = 0; i < 12; i++) {
      talks(1_000);
      silence(4_000);
    }
    silence(4_000);
    expect(types()).not.toContain('failed');
    expect(types()).not.toContain('switched');
    expect(connections[0]?.closed()).toBe(false);
    // Not each noise is a reason to ask again; who is talking when the answer is due is not told that he was not understood.
    const auditions = (connections.length - 1) / 2;
    expect(auditions).toBeLessThanOrEqual(5);
    const finals = heard.filter((told) => told.type === 'final').length;
    expect(finals).toBeGreaterThan(0);
    expect(finals).toBeLessThanOrEqual(auditions);
  });

  it('lets nobody wait who has talked for long: the pause is asked about, whatever was asked during the speech', () => {
    for (const ms of [7_000, 9_000, 15_000, 25_000, 60_000]) {
      const { heard, silence, talks } = begin(['one', 'two']);
      talks(ms);
      silence(5_000);
      expect(heard.filter((told) => told.type === 'final')).toMatchObject([{ rejected: true }]);
    }
  });

  it('lets nobody wait: what nobody has words for was not understood', () => {
    const { heard, silence, talks } = begin(['one']);
    talks(1_000);
    silence(4_500);
    expect(heard.at(-1)).toMatchObject({ type: 'final', text: '', rejected: true });
    silence(10_000);
    expect(heard.filter((told) => told.type === 'final')).toHaveLength(1);
  });

  it('is asked about in the middle of speech that does not end, too', () => {
    const { connections, types, talks } = begin(['one', 'two']);
    talks(8_500);
    expect(connections).toHaveLength(3);
    connections[2]?.listener.recognised({ type: 'partial', text: 'so i said', from: 0, to: 2_000 });
    expect(types()).toEqual(['started', 'failed', 'switched', 'partial']);
  });

  it('is none when any words come, even a rejection, nor after a cough', () => {
    const { connections, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    connections[0]?.listener.recognised({ type: 'partial', text: 'he', from: 0, to: 500 });
    silence(3_000);
    talks(1_000);
    silence(500);
    connections[0]?.listener.recognised({ type: 'final', text: '', from: 4_000, to: 5_000, rejected: true });
    silence(3_000);
    talks(400);
    silence(3_000);
    expect(connections.length).toBe(1);
  });
});

describe('words that are never made final', () => {
  const partial = (connection: Connection | undefined, text: string, from = 0, to = 900) =>
    connection?.listener.recognised({ type: 'partial', text, from, to });
  const finals = (heard: readonly Perceived[]) => heard.filter((told) => told.type === 'final');

  it.each<[string, (connection: Connection | undefined) => void]>([
    ['nothing follows', () => {}],
    ['an empty final follows', (one) => one?.listener.recognised({ type: 'final', text: '', from: 0, to: 1_000 })],
    [
      'a final without anything understood follows',
      (one) => one?.listener.recognised({ type: 'final', text: '', from: 0, to: 1_000, rejected: true }),
    ],
  ])('are told about a second after the voice has gone, when %s', (_, follows) => {
    const { connections, heard, silence, talks } = begin();
    talks(500);
    partial(connections[0], 'Where is', 0, 400);
    talks(500);
    partial(connections[0], 'Where is my order');
    silence(300);
    follows(connections[0]);
    silence(600);
    expect(finals(heard)).toEqual([]);
    silence(200);
    expect(finals(heard)).toEqual([{ type: 'final', text: 'Where is my order', from: 0, to: 900, interim: true }]);
    silence(5_000);
    expect(finals(heard)).toHaveLength(1);
    expect(connections).toHaveLength(1);
  });

  it('are told at once when only the end of the utterance is said', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    partial(connections[0], 'Where is my order');
    silence(400);
    connections[0]?.listener.recognised({ type: 'turnEnd', probability: 1 });
    expect(heard.slice(-2)).toMatchObject([{ type: 'final', interim: true }, { type: 'turnEnd' }]);
  });

  it('give way to a final that comes late for the same speech, and to that only', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    partial(connections[0], 'Where is my');
    silence(1_200);
    partial(connections[0], 'where is my');
    connections[0]?.listener.recognised({ type: 'final', text: 'Where is my order?', from: 20, to: 980 });
    connections[0]?.listener.recognised({ type: 'final', text: 'And the other?', from: 1_500, to: 2_000 });
    expect(finals(heard)).toMatchObject([
      { text: 'Where is my', interim: true },
      { text: 'Where is my order?', replaces: 0 },
      { text: 'And the other?' },
    ]);
    expect(heard.filter((told) => told.type === 'partial')).toHaveLength(1);
    expect(finals(heard)[2]).not.toHaveProperty('replaces');
  });

  it('keep what was made final: only the rest is told as it is', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    connections[0]?.listener.recognised({ type: 'final', text: 'Where is', from: 0, to: 400 });
    partial(connections[0], 'my order', 420, 900);
    silence(1_300);
    expect(finals(heard)).toMatchObject([{ text: 'Where is' }, { text: 'my order', interim: true }]);
  });

  it('are none when they come behind their own final', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    connections[0]?.listener.recognised({ type: 'final', text: 'Where is my order?', from: 0, to: 980 });
    partial(connections[0], 'Where is my', 0, 700);
    silence(3_000);
    expect(finals(heard)).toHaveLength(1);
    expect(heard.some((told) => told.type === 'partial')).toBe(false);
  });

  it('are told of somebody whose voice is too soft to be heard, once no news of them comes', () => {
    const { connections, heard, silence } = begin();
    silence(1_000);
    for (const text of ['Where', 'Where is', 'Where is my']) {
      partial(connections[0], text, 200);
      silence(1_000);
    }
    expect(finals(heard)).toEqual([]);
    silence(400);
    expect(finals(heard)).toMatchObject([{ text: 'Where is my', interim: true }]);
  });

  it('are not told while the recogniser still changes them', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    for (const text of ['Where', 'Where is', 'Where is my']) {
      silence(400);
      partial(connections[0], text);
    }
    expect(finals(heard)).toEqual([]);
    silence(600);
    expect(finals(heard)).toMatchObject([{ text: 'Where is my', interim: true }]);
  });

  const network = new AywaError('provider_network');
  it.each<[string, (listener: EarsListener | undefined) => void]>([
    ['whose connection is renewed', (listener) => listener?.reconnecting?.(network)],
    ['that are followed by others', (listener) => listener?.failed(network)],
  ])('wait for those who hear them again, when they came from ears %s', (_, breaks) => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    partial(connections[0], 'Where', 0, 300);
    silence(300);
    breaks(connections[0]?.listener);
    silence(2_300);
    expect(finals(heard)).toEqual([]);
    connections.at(-1)?.listener.recognised({ type: 'final', text: 'Where is my order?', from: 0, to: 980 });
    silence(5_000);
    expect(finals(heard)).toMatchObject([{ text: 'Where is my order?' }]);
  });

  it('are told as they are when those who hear them again bring nothing', () => {
    const { connections, heard, silence, talks } = begin();
    talks(1_000);
    partial(connections[0], 'Where', 0, 300);
    silence(300);
    connections[0]?.listener.reconnecting?.(network);
    silence(2_600);
    expect(finals(heard)).toMatchObject([{ text: 'Where', interim: true }]);
  });
});

describe('the last words', () => {
  it('are waited for, and are the final when it comes in time', async () => {
    const { clock, connections, listening, heard, talks } = begin();
    talks(1_000);
    connections[0]?.listener.recognised({ type: 'partial', text: 'call me back', from: 0, to: 900 });
    const finished = listening.finish();
    expect(connections[0]?.flushes).toBe(1);
    await clock.advance(250);
    connections[0]?.listener.recognised({ type: 'final', text: 'Call me back at five.', from: 0, to: 1_000 });
    await finished;
    expect(heard.filter((told) => told.type === 'final')).toMatchObject([{ text: 'Call me back at five.' }]);
    expect(connections[0]?.closed()).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('are those that were heard when no final comes', async () => {
    const { clock, connections, listening, heard, talks } = begin();
    talks(1_000);
    connections[0]?.listener.recognised({ type: 'partial', text: 'call me back', from: 0, to: 900 });
    const finished = listening.finish();
    await clock.advance(800);
    await finished;
    expect(heard.filter((told) => told.type === 'final')).toMatchObject([{ text: 'call me back', interim: true }]);
    expect(clock.waiting).toBe(0);
  });

  it('are all that the recogniser says before it says that there are no more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, connections, listening, heard, talks } = begin(['one'], { finish: () => promise });
    talks(3_000);
    connections[0]?.listener.recognised({ type: 'partial', text: 'call me back', from: 0, to: 900 });
    const finished = listening.finish();
    await clock.advance(100);
    // A final that was on its way already, of the first half.
    connections[0]?.listener.recognised({ type: 'final', text: 'Call me back', from: 0, to: 1_000 });
    await clock.advance(100);
    connections[0]?.listener.recognised({ type: 'final', text: 'at five.', from: 1_200, to: 2_400 });
    await clock.advance(100);
    resolve();
    await finished;
    expect(clock.now()).toBe(300);
    expect(heard.filter((told) => told.type === 'final')).toMatchObject([{ text: 'Call me back' }, { text: 'at five.' }]);
    expect(clock.waiting).toBe(0);
  });

  it('are over at once when all speech has its final, or when there is nothing in it', async () => {
    for (const text of ['Call me back.', '']) {
      const { clock, connections, listening, talks } = begin(['one'], { finish: () => new Promise(() => {}) });
      talks(1_000);
      const finished = listening.finish();
      await clock.advance(100);
      connections[0]?.listener.recognised({ type: 'final', text, from: 0, to: 1_000 });
      await finished;
      expect(clock.now()).toBe(100);
    }
  });

  it('are not waited for longer because the recogniser never says so', async () => {
    const { clock, listening, talks } = begin(['one'], { finish: () => new Promise(() => {}) });
    talks(1_000);
    const finished = listening.finish();
    await clock.advance(700);
    await finished;
    expect(clock.waiting).toBe(0);
  });

  it('cost no time when there are none', async () => {
    const { clock, listening, silence, connections } = begin();
    silence(2_000);
    await listening.finish();
    expect(clock.now()).toBe(0);
    expect(connections[0]?.closed()).toBe(true);
  });
});

describe('another agent', () => {
  it('hears with its own ears from the speech that has no words yet, and keeps the same ones where they are the same', () => {
    const { connections, changeAgent, talks, heard } = begin(['one']);
    talks(1_000);
    changeAgent({});
    expect(connections).toHaveLength(1);
    changeAgent({ language: 'es' });
    expect(connections).toHaveLength(2);
    expect(connections[0]?.closed()).toBe(true);
    expect(connections[1]?.ms).toBe(1_000);
    expect(heard.map((told) => told.type)).toEqual(['started', 'usage']);
  });
});

it('lets somebody else listen, too', () => {
  const { listening, silence } = begin();
  let taken = 0;
  const stop = listening.tap((_samples, length) => {
    taken += length;
  });
  silence(100);
  stop();
  silence(100);
  expect(taken).toBe(800);
});

describe('the end', () => {
  it('tells what each recogniser was given and gives the voice slot back', async () => {
    const { listening, connections, heard, slots, scope, silence } = begin(['one', 'two']);
    silence(2_000);
    connections[0]?.listener.failed(new AywaError('timeout'));
    silence(1_000);
    listening.close();
    listening.close();
    expect(heard.slice(-2)).toEqual([
      { type: 'usage', provider: 'one', model: 'one-model', seconds: 2 },
      { type: 'usage', provider: 'two', model: 'two-model', seconds: 1.5 },
    ]);
    expect(connections[1]?.closed()).toBe(true);
    expect(slots()).toBe(0);
    const before = heard.length;
    silence(500);
    connections[1]?.listener.failed(new AywaError('timeout'));
    expect(heard.length).toBe(before);
    await scope.close('over');
  });
});
