/**
 * The world around a call, scripted on the virtual clock: ears, a model and a voice that implement the real ports, and a telephone line
 * that buffers, plays in real time, echoes marks and forgets on clear, as a carrier does.
 */

import { z } from 'zod';
import { bytesOf, FRAME_MS, MULAW_8K, msOf } from '../../src/audio/format.ts';
import type { Line, LineListener, LineSignal } from '../../src/carriers/carrier.ts';
import { noVerbs } from '../../src/carriers/connector.ts';
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import { AywaError, type ErrorCode } from '../../src/kernel/errors.ts';
import type { ProviderSet } from '../../src/providers/contract.ts';
import type { LanguageModel, Message, PromptRequest, Said, ToolSpec } from '../../src/providers/llm/contract.ts';
import type { EarsListener, Recognised, SpeechToText } from '../../src/providers/stt/contract.ts';
import type { TextToSpeech } from '../../src/providers/tts/contract.ts';
import type { OpenVoiceActivity } from '../../src/providers/vad/contract.ts';

const DESCRIPTION = { env: 'FAKE', origin: 'http://127.0.0.1', needsKey: false, settings: z.record(z.string(), z.unknown()) } as const;
const usage = { promptTokens: 100, completionTokens: 20, cachedPromptTokens: 80 };

// ---- the line

const LOUD = 0x00;
const SILENT = 0xff;

export interface FakeLine extends Line {
  /** Milliseconds of the agent's audio that really came out of the far end. */
  readonly playedMs: number;
  /** Bytes that arrived after a clear and before the next reply began: a leak, were there any. */
  readonly clears: number;
  readonly hungUp: string | undefined;
  readonly told: readonly Readonly<Record<string, unknown>>[];
  talk(ms: number): void;
  signal(signal: LineSignal): void;
  /** The caller's audio stops coming. */
  stop(): void;
}

export interface LineOptions {
  readonly mark?: boolean;
  readonly clear?: boolean;
  readonly audio?: boolean;
  readonly leadMs?: number;
  /** One way to the far end; ms. */
  readonly latencyMs?: number;
  /** The caller can be sent elsewhere; to `busy` the carrier refuses. */
  readonly transfer?: boolean;
  /** A leg that breaks may be followed by another one. */
  readonly returns?: boolean;
  readonly id?: string;
}

/** A leg that sends a frame every 20 ms and plays what it is sent. */
export function fakeLine(clock: Clock, options: LineOptions = {}): FakeLine {
  const {
    mark = true,
    clear = true,
    audio = true,
    leadMs = 400,
    latencyMs = 0,
    transfer = false,
    returns = false,
    id = 'call-1.1',
  } = options;
  let listener: LineListener | undefined;
  let loudUntil = 0;
  let queue: ({ until: number } | { mark: string })[] = [];
  let endsAt = 0;
  let played = 0;
  let clears = 0;
  let hungUp: string | undefined;
  let player: Timer | undefined;
  let ticker: Timer | undefined;
  const told: Readonly<Record<string, unknown>>[] = [];
  const frame = new Uint8Array(bytesOf(MULAW_8K, FRAME_MS));

  const later = (act: () => void) => void (latencyMs > 0 ? clock.timer(latencyMs, () => hungUp ?? act()) : act());
  // Never inside `mark` or `clear`: there is a network between them and the echo.
  const echo = (name: string) => void clock.timer(latencyMs, () => hungUp ?? listener?.signal({ type: 'mark', name }));
  /** Plays what is due, then waits for the next end of a piece. */
  const play = () => {
    player?.cancel();
    for (let next = queue[0]; next; next = queue[0]) {
      if ('until' in next && next.until > clock.now()) {
        player = clock.timer(next.until - clock.now(), play);
        return;
      }
      queue.shift();
      if ('mark' in next) echo(next.mark);
    }
  };
  const tick = () => {
    ticker = clock.timer(FRAME_MS, tick);
    frame.fill(clock.now() < loudUntil ? LOUD : SILENT);
    listener?.audio(frame);
  };
  const stop = () => {
    ticker?.cancel();
    player?.cancel();
  };
  const transferTo = async (destination: string) => {
    if (destination === 'busy') throw new AywaError('carrier_refused', { detail: 'The line is busy.' });
    later(() => {
      stop();
      listener?.signal({ type: 'ended', by: 'transfer', detail: destination });
    });
  };
  return {
    ...noVerbs('fake'),
    id,
    ...(transfer && { transfer: transferTo }),
    carrier: audio ? 'fake' : 'text',
    format: MULAW_8K,
    can: { clear, mark, audio, dtmf: true, press: false, hold: false, transfer, bridge: false, returns, leadMs },
    facts: { streamId: 'stream-1' },
    told,
    get playedMs() {
      return played;
    },
    get clears() {
      return clears;
    },
    get hungUp() {
      return hungUp;
    },
    listen(taker) {
      listener = taker;
      if (audio) ticker = clock.timer(FRAME_MS, tick);
    },
    send: (bytes) => {
      const ms = msOf(MULAW_8K, bytes.length);
      later(() => {
        endsAt = Math.max(endsAt, clock.now()) + ms;
        played += ms;
        queue.push({ until: endsAt });
        play();
      });
    },
    mark: (name) =>
      later(() => {
        queue.push({ mark: name });
        play();
      }),
    clear: () =>
      later(() => {
        clears += 1;
        played -= Math.max(0, endsAt - clock.now());
        endsAt = clock.now();
        // As carriers do: the marks of what was thrown away come back at once.
        const dropped = queue;
        queue = [];
        for (const entry of dropped) if ('mark' in entry) echo(entry.mark);
      }),
    tell: (message) => void told.push(message),
    async hangUp(cause) {
      hungUp ??= cause;
      stop();
    },
    talk(ms) {
      loudUntil = clock.now() + ms;
    },
    signal(signal) {
      if (signal.type === 'ended') stop();
      listener?.signal(signal);
    },
    stop,
  };
}

/** A detector that hears loud frames. */
export const fakeVad: OpenVoiceActivity = (window) => {
  let filled = 0;
  let loud = 0;
  return {
    write(samples, length) {
      for (let i = 0; i < length; i++) {
        if (Math.abs(samples[i] ?? 0) > 1_000) loud += 1;
        filled += 1;
        if (filled < 256) continue;
        window(loud > 128 ? 0.95 : 0.02);
        filled = 0;
        loud = 0;
      }
    },
    close() {},
  };
};

// ---- ears

export interface FakeEars {
  readonly provider: SpeechToText;
  hear(words: Recognised): void;
  fail(code: ErrorCode): void;
}

export function fakeEars(name: string): FakeEars {
  let listener: EarsListener | undefined;
  return {
    hear: (words) => listener?.recognised(words),
    fail: (code) => listener?.failed(new AywaError(code)),
    provider: {
      ...DESCRIPTION,
      kind: 'stt',
      name,
      listen(_options, _settings, _access, taker, ctx) {
        listener = taker;
        ctx.scope.defer(() => {
          if (listener === taker) listener = undefined;
        });
        return { write() {}, flush() {} };
      },
    },
  };
}

// ---- the model

type Answer = { say?: string; tools?: { id?: string; name: string; arguments?: Record<string, unknown> }[] } & {
  /** ms until the first word, and between words. */
  firstToken?: number;
  perWord?: number;
  fails?: ErrorCode;
  hangs?: boolean;
  /** Stops without an end after this many words. */
  stallsAfter?: number;
  /** Works for so long after so many words, with a sign of life every second. */
  works?: { readonly after: number; readonly forMs: number };
};

export interface FakeModel {
  readonly provider: LanguageModel;
  readonly requests: readonly Message[][];
  /** The tools that it was offered, request by request. */
  readonly offered: readonly (readonly ToolSpec[])[];
  /** What to answer when the last message contains `when` (a caller's words or a tool's result); the newest rule first, the rest of the list on repetition. */
  answers(when: string, ...answers: [string | Answer, ...(string | Answer)[]]): void;
}

export function fakeModel(name: string, clock: Clock): FakeModel {
  const rules: { when: string; answers: Answer[] }[] = [];
  const requests: Message[][] = [];
  const offered: (readonly ToolSpec[])[] = [];
  let calls = 0;
  return {
    requests,
    offered,
    answers: (when, ...answers) =>
      void rules.unshift({ when, answers: answers.map((entry) => (typeof entry === 'string' ? { say: entry } : entry)) }),
    provider: {
      ...DESCRIPTION,
      kind: 'llm',
      name,
      async *reply(request: PromptRequest, _settings, _access, { scope }): AsyncGenerator<Said> {
        requests.push([...request.messages]);
        offered.push(request.tools);
        const last = request.messages.at(-1)?.content ?? '';
        const rule = rules.find(({ when }) => last.includes(when));
        const answer = (rule && rule.answers.length > 1 ? rule.answers.shift() : rule?.answers[0]) ?? { say: `Echo: ${last}` };
        await clock.sleep(answer.firstToken ?? 300, scope);
        if (answer.fails) throw new AywaError(answer.fails);
        if (answer.hangs) await clock.sleep(3_600_000, scope);
        const words = answer.say?.match(/\s*\S+\s*/g) ?? (answer.say ? [answer.say] : []);
        for (const [index, word] of words.entries()) {
          if (index === answer.stallsAfter) await clock.sleep(3_600_000, scope);
          for (let ms = 0; index === answer.works?.after && ms < answer.works.forMs; ms += 1_000) {
            await clock.sleep(1_000, scope);
            yield { type: 'alive' };
          }
          if (index > 0) await clock.sleep(answer.perWord ?? 20, scope);
          yield { type: 'text', text: word };
        }
        for (const tool of answer.tools ?? []) {
          calls += 1;
          yield { type: 'tool', call: { id: tool.id ?? `tool-${calls}`, name: tool.name, arguments: tool.arguments ?? {} } };
        }
        yield { type: 'done', usage, finish: answer.tools ? 'tools' : 'stop' };
      },
    },
  };
}

// ---- the voice

interface VoiceOptions {
  firstAudio?: number;
  /** Never makes a sound. */
  mute?: boolean;
  /** Stops without an end after this much audio of a reply; ms. */
  driesUpAfter?: number;
  fails?: ErrorCode;
}

/** A spoken character lasts this long; ms. */
const CHARACTER_MS = 60;

export interface FakeVoice {
  readonly provider: TextToSpeech;
  speaks(options: VoiceOptions): void;
  readonly said: readonly string[];
}

/** Makes sound five times as fast as it is heard, in pieces of 100 ms. */
export function fakeVoice(name: string, clock: Clock): FakeVoice {
  let behaviour: VoiceOptions = {};
  const said: string[] = [];
  return {
    said,
    speaks: (options) => {
      behaviour = options;
    },
    provider: {
      ...DESCRIPTION,
      kind: 'tts',
      name,
      open: (_options, _settings, _access, { scope }) => ({
        format: MULAW_8K,
        prefers: 'clauses',
        speak(listener) {
          const piece = new Uint8Array(bytesOf(MULAW_8K, 100)).fill(0x10);
          let waiting = 0;
          let made = 0;
          let ended = false;
          let started = false;
          let over = false;
          let timer: Timer | undefined;
          scope.defer(() => timer?.cancel());
          const make = () => {
            if (over || scope.closed) return;
            if (behaviour.fails) {
              over = true;
              return listener.failed(new AywaError(behaviour.fails));
            }
            if (behaviour.mute || (behaviour.driesUpAfter !== undefined && made >= behaviour.driesUpAfter)) return;
            if (waiting > 0) {
              const ms = Math.min(100, waiting);
              waiting -= ms;
              made += ms;
              listener.audio(piece.subarray(0, bytesOf(MULAW_8K, ms)));
              timer = clock.timer(20, make);
            } else if (ended) {
              over = true;
              listener.done();
            } else timer = undefined;
          };
          const wake = () => {
            if (timer || over) return;
            timer = clock.timer(started ? 20 : (behaviour.firstAudio ?? 100), () => {
              timer = undefined;
              make();
            });
            started = true;
          };
          return {
            say(text) {
              said.push(text);
              waiting += text.length * CHARACTER_MS;
              wake();
            },
            end() {
              ended = true;
              wake();
            },
            cancel() {
              over = true;
              timer?.cancel();
            },
          };
        },
      }),
    },
  };
}

export function providerSet(ears: readonly FakeEars[], models: readonly FakeModel[], voices: readonly FakeVoice[]): ProviderSet {
  const by =
    <T extends { provider: { name: string } }>(list: readonly T[]) =>
    (name: string) =>
      list.find((entry) => entry.provider.name === name)?.provider;
  return { stt: by(ears) as ProviderSet['stt'], llm: by(models) as ProviderSet['llm'], tts: by(voices) as ProviderSet['tts'] };
}
