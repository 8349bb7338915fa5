/** Listening over made-up recognisers and a voice detector that reads the audio's level: every sample of 100 and more is voice. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AudioFormat, msOf } from '../../src/audio/format.ts';
import { type ListeningOptions, openListening, type Perceived } from '../../src/call/hear/listening.ts';
import { VOICE_GONE_MS, voiceGate, WINDOW_MS } from '../../src/call/hear/voice-gate.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import type { ProviderChoice } from '../../src/providers/contract.ts';
import type { EarsListener, SpeechToText } from '../../src/providers/stt/contract.ts';
import type { OpenVoiceActivity } from '../../src/providers/vad/contract.ts';
import { planWith } from '../scenarios/scenario.ts';

const PCM_8K: AudioFormat = { encoding: 'pcm16', rate: 8000 };

interface Connection {
  readonly provider: string;
  readonly listener: EarsListener;
  readonly closed: () => boolean;
  readonly pieces: number[];
  /** First sample of every piece: the frame number that was written into it. */
  readonly stamps: number[];
  flushes: number;
  ms: number;
}

function begin(providers: string[] = ['one'], extra: Partial<ListeningOptions> & { broken?: string } = {}) {
  const connections: Connection[] = [];
  const heard: Perceived[] = [];
  const scope = rootScope('call', { clock: new VirtualClock() });
  let slots = 0;
  const stt = (name: string): SpeechToText | undefined =>
    name === 'unknown'
      ? undefined
      : {
          kind: 'stt',
          name,
          env: 'X',
          origin: '',
          needsKey: false,
          settings: z.record(z.string(), z.unknown()),
          listen(options, _settings, _access, listener, ctx) {
            const connection: Connection = {
              provider: name,
              listener,
              closed: () => ctx.scope.closed,
              pieces: [],
              stamps: [],
              flushes: 0,
              ms: 0,
            };
            connections.push(connection);
            if (name === extra.broken) listener.failed(new AywaError('unauthorized'));
            return {
              write(audio) {
                const ms = msOf(options.format, audio.length);
                connection.pieces.push(ms);
                connection.ms += ms;
                connection.stamps.push(new DataView(audio.buffer, audio.byteOffset).getInt16(0, true));
              },
              flush: () => {
                connection.flushes += 1;
              },
            };
          },
        };
  const vad: OpenVoiceActivity = (window) => {
    slots += 1;
    let filled = 0;
    let loud = 0;
    return {
      write(samples, length) {
        for (let i = 0; i < length; i++) {
          if (Math.abs(samples[i] ?? 0) >= 100) loud += 1;
          filled += 1;
          if (filled < 256) continue;
          const probability = loud / filled;
          filled = 0;
          loud = 0;
          window(probability);
        }
      },
      close() {
        slots -= 1;
      },
    };
  };
  const chain = providers.map(
    (provider): ProviderChoice => ({ provider, settings: { model: `${provider}-model` }, access: { apiKey: '', baseUrl: '' } }),
  );
  const [first, ...rest] = chain;
  if (!first) throw new Error('a chain has at least one provider');
  const { agent } = planWith({ stt: [first, ...rest], turns: { interruptVoiceMs: 200 } });
  const listening = openListening({
    format: PCM_8K,
    agent: () => agent,
    providers: { stt, llm: () => undefined, tts: () => undefined },
    vad,
    perceived: (told) => heard.push(told),
    ctx: { scope, egress: {} as Egress, log: silentLog },
    ...extra,
  });
  const audio = (value: number, ms: number) => {
    for (let at = 0; at < ms; at += 20) listening.write(new Uint8Array(new Int16Array(160).fill(value).buffer));
  };
  const types = () => heard.map((h) => h.type);
  return {
    listening,
    connections,
    heard,
    scope,
    types,
    talks: (ms: number) => audio(5_000, ms),
    silence: (ms: number) => audio(0, ms),
    audio,
    slots: () => slots,
  };
}

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
    expect(connections[1]?.ms).toBe(10_000);
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

describe('a deaf recogniser', () => {
  it('is connected again once, with the speech that it missed, then replaced by the next', () => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    silence(1_000);
    talks(1_000);
    silence(2_100);
    expect(connections.map((connection) => connection.provider)).toEqual(['one', 'one']);
    expect(heard.at(-1)).toMatchObject({ type: 'failed', provider: 'one', final: false });
    expect(connections[1]?.ms).toBeGreaterThanOrEqual(3_400);
    talks(1_000);
    silence(2_100);
    expect(connections.map((connection) => connection.provider)).toEqual(['one', 'one', 'two']);
    expect(heard.at(-1)).toEqual({ type: 'switched', from: 'one', to: 'two' });
  });

  it('is replaced at once when the second try finds no words either', () => {
    const { connections, heard, silence, talks } = begin(['one', 'two']);
    talks(1_000);
    silence(2_800);
    expect(connections.map((connection) => connection.provider)).toEqual(['one', 'one', 'two']);
    silence(600);
    expect(heard.at(-1)).toMatchObject({ type: 'final', text: '', rejected: true });
  });

  it('lets nobody wait: what the last one has no words for was not understood', () => {
    const { heard, silence, talks } = begin(['one']);
    talks(1_000);
    silence(2_800);
    expect(heard.at(-1)).toMatchObject({ type: 'final', text: '', rejected: true });
    silence(10_000);
    expect(heard.filter((h) => h.type === 'final')).toHaveLength(1);
  });

  it('is never the end: the last one is only connected again', () => {
    const { connections, heard, silence, talks } = begin(['one']);
    for (let i = 0; i < 3; i++) {
      talks(1_000);
      silence(2_500);
    }
    expect(connections.length).toBe(4);
    expect(heard.filter((h) => h.type === 'failed' && h.final)).toEqual([]);
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
