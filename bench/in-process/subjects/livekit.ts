/**
 * LiveKit Agents for Node without a LiveKit server: its AgentSession with our audio input and output and the scripted providers.
 * `bench/setup.sh` installs it beside the repository's packages; nothing of the product imports it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { REPLIES, SCRIPT, TOKENS } from '../../lib/speech.ts';
import type { BenchCall, Session, Subject } from '../scenario.ts';
import { scriptedModel, scriptedVoice } from '../scripted.ts';

export type LiveKitSettings = 'default' | 'vad' | 'tuned' | 'spec';

const RATE = 24_000;

// The framework is not a dependency, so its types are not here; the shapes that we use are small and written down as they are used.
type Loose = Record<string, unknown>;
type Constructor = new (...args: unknown[]) => Loose & { [key: string]: never };

const peers = createRequire(join(import.meta.dirname, '../../.peers/x.js'));
const load = async (name: string) => (await import(pathToFileURL(peers.resolve(name)).href)) as Loose;

export async function livekit(settings: LiveKitSettings): Promise<Subject> {
  const agents = (await load('@livekit/agents')) as Loose;
  const { AudioFrame } = (await load('@livekit/rtc-node')) as {
    AudioFrame: new (pcm: Int16Array, rate: number, channels: number, samples: number) => Loose;
  };
  (agents.initializeLogger as (options: Loose) => void)({ pretty: false, level: 'fatal' });
  const voice = agents.voice as Record<string, Constructor>;
  const stt = agents.stt as Record<string, Constructor> & { SpeechEventType: Record<string, number> };
  const tts = agents.tts as Record<string, Constructor>;
  const llm = agents.llm as Record<string, Constructor>;
  const inference = agents.inference as Record<string, Constructor>;
  const kit = makePlugins({ voice, stt, tts, llm }, AudioFrame);
  return {
    rate: 16_000,
    async create(call) {
      const ears = new kit.Ears();
      const session = new (voice.AgentSession as Constructor)({
        stt: ears,
        llm: new kit.Brain(call),
        tts: new kit.Voice(),
        ...options(settings, inference),
      }) as unknown as {
        input: Loose;
        output: Loose;
        start(options: Loose): Promise<void>;
      };
      const input = new kit.Input();
      session.input.audio = input;
      session.output.audio = new kit.Output(call);
      await session.start({ agent: new (voice.Agent as Constructor)({ instructions: 'You are a receptionist.' }), record: false });
      return {
        push: (frame) => (input as unknown as { push(f: Int16Array): void }).push(frame),
        stt: (kind, text) => (ears as unknown as Session).stt(kind, text),
      };
    },
    async close() {},
  };
}

/** `tuned` is the most favourable set for the framework: the recogniser decides the turn, no endpoint wait, barge-in after 50 ms, the
 * model begins before the turn is confirmed. */
function options(settings: LiveKitSettings, inference: Record<string, Constructor>): Loose {
  switch (settings) {
    case 'default':
      return {};
    case 'vad':
      return { turnHandling: { turnDetection: 'vad' } };
    case 'spec':
      return {
        aecWarmupDuration: null,
        turnHandling: { preemptiveGeneration: { enabled: true, preemptiveTts: true }, endpointing: { minDelay: 300 } },
      };
    case 'tuned':
      return {
        vad: new (inference.VAD as Constructor)({ minSilenceDuration: 60 }),
        aecWarmupDuration: null,
        ttsTextTransforms: null,
        turnHandling: {
          turnDetection: 'stt',
          endpointing: { minDelay: 0, maxDelay: 0 },
          interruption: { mode: 'vad', minDuration: 50, minWords: 0, resumeFalseInterruption: false, falseInterruptionTimeout: undefined },
          preemptiveGeneration: { enabled: true },
        },
      };
  }
}

/** How long its sentence tokenizer, which stands before voices that take whole sentences, keeps the first words of a reply; ms. */
export async function livekitFirstText(): Promise<number[]> {
  const { tokenize } = (await load('@livekit/agents')) as unknown as {
    tokenize: {
      basic: { SentenceTokenizer: new () => { stream(): AsyncIterable<unknown> & { pushText(text: string): void; endInput(): void } } };
    };
  };
  const waits: number[] = [];
  for (const reply of REPLIES) {
    const stream = new tokenize.basic.SentenceTokenizer().stream();
    const start = performance.now();
    const first = (async () => {
      for await (const _ of stream) return performance.now() - start;
      return Number.NaN;
    })();
    for (const [index, token] of reply.entries()) {
      await wait(Math.max(0, start + index * SCRIPT.perToken - performance.now()));
      stream.pushText(token);
    }
    stream.endInput();
    waits.push(await first);
  }
  return waits;
}

function makePlugins(
  kit: {
    voice: Record<string, Constructor>;
    stt: Record<string, Constructor> & { SpeechEventType: Record<string, number> };
    tts: Record<string, Constructor>;
    llm: Record<string, Constructor>;
  },
  AudioFrame: new (pcm: Int16Array, rate: number, channels: number, samples: number) => Loose,
) {
  const types = kit.stt.SpeechEventType;
  // Each base class is the framework's own; `Base` only tells the compiler that its members are unknown here.
  const base = (value: Constructor | undefined) => value as unknown as new (...args: unknown[]) => { [key: string]: unknown };

  class Input extends base(kit.voice.AudioInput) {
    controller: ReadableStreamDefaultController<Loose> | undefined;
    constructor() {
      super();
      const stream = this.multiStream as { addInputStream(s: ReadableStream<Loose>): void };
      stream.addInputStream(
        new ReadableStream({
          start: (controller) => {
            this.controller = controller;
          },
        }),
      );
    }
    push(frame: Int16Array): void {
      this.controller?.enqueue(new AudioFrame(frame, 16_000, 1, frame.length));
    }
  }

  /** Plays in real time as a phone leg would, and reports when the audio was heard or cleared. */
  class Output extends base(kit.voice.AudioOutput) {
    readonly call: BenchCall;
    pushed = 0;
    startedAt = 0;
    timer: NodeJS.Timeout | undefined;
    constructor(call: BenchCall) {
      super(RATE, undefined, { pause: false });
      this.call = call;
    }
    async captureFrame(frame: { samplesPerChannel: number; sampleRate: number }): Promise<void> {
      await (Object.getPrototypeOf(Output.prototype).captureFrame as (f: unknown) => Promise<void>).call(this, frame);
      if (!this.pushed) {
        this.startedAt = performance.now();
        (this.onPlaybackStarted as (at: number) => void)(Date.now());
      }
      this.pushed += (frame.samplesPerChannel / frame.sampleRate) * 1_000;
      this.call.mediaOut();
    }
    flush(): void {
      (Object.getPrototypeOf(Output.prototype).flush as () => void).call(this);
      if (this.pushed) this.timer = setTimeout(() => this.finish(false), Math.max(0, this.startedAt + this.pushed - performance.now()));
    }
    clearBuffer(): void {
      this.call.cleared();
      this.finish(true);
    }
    finish(interrupted: boolean): void {
      clearTimeout(this.timer);
      if (!this.pushed) return;
      const played = interrupted ? Math.min(this.pushed, performance.now() - this.startedAt) : this.pushed;
      this.pushed = 0;
      if (!interrupted) this.call.agentDone = true;
      (this.onPlaybackFinished as (result: Loose) => void)({ playbackPosition: played / 1_000, interrupted });
    }
  }

  class EarsStream extends base(kit.stt.SpeechStream) {
    label = 'scripted';
    async run(): Promise<void> {
      for await (const _ of this.input as AsyncIterable<unknown>);
    }
    say(type: number | undefined, text: string): void {
      const queue = this.queue as { closed: boolean; put(event: Loose): void };
      if (!queue.closed) queue.put({ type, alternatives: [{ language: 'en', text, startTime: 0, endTime: 0, confidence: 0.95 }] });
    }
  }
  class Ears extends base(kit.stt.STT) {
    label = 'scripted';
    current: EarsStream | undefined;
    constructor() {
      super({ streaming: true, interimResults: true });
    }
    stream(): EarsStream {
      this.current = new EarsStream(this, undefined);
      return this.current;
    }
    stt(kind: 'start' | 'interim' | 'preflight' | 'final', text: string): void {
      if (kind === 'start') this.current?.say(types.START_OF_SPEECH, '');
      else if (kind === 'interim') this.current?.say(types.INTERIM_TRANSCRIPT, text);
      else if (kind === 'preflight') this.current?.say(types.PREFLIGHT_TRANSCRIPT, text);
      else {
        this.current?.say(types.FINAL_TRANSCRIPT, text);
        this.current?.say(types.END_OF_SPEECH, text);
      }
    }
  }

  class BrainStream extends base(kit.llm.LLMStream) {
    readonly call: BenchCall;
    constructor(call: BenchCall, ...rest: unknown[]) {
      super(...rest);
      this.call = call;
    }
    async run(): Promise<void> {
      await new Promise<void>((resolve) => {
        const queue = this.queue as { put(chunk: Loose): void };
        (this.call as BenchCall).modelAsked();
        const stop = scriptedModel(TOKENS, (token) => queue.put({ id: 'x', delta: { role: 'assistant', content: token } }), resolve);
        (this.abortController as AbortController).signal.addEventListener('abort', () => {
          stop();
          resolve();
        });
      });
    }
  }
  class Brain extends base(kit.llm.LLM) {
    readonly call: BenchCall;
    constructor(call: BenchCall) {
      super();
      this.call = call;
    }
    label(): string {
      return 'scripted';
    }
    chat({ chatCtx, toolCtx, connOptions }: Loose): BrainStream {
      return new BrainStream(this.call, this, {
        chatCtx,
        toolCtx,
        connOptions: connOptions ?? { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 },
      });
    }
  }

  class VoiceStream extends base(kit.tts.SynthesizeStream) {
    label = 'scripted';
    async run(): Promise<void> {
      await new Promise<void>((resolve) => {
        const queue = this.queue as { closed: boolean; put(item: unknown): void };
        const speech = scriptedVoice(
          RATE,
          (pcm) =>
            !queue.closed && queue.put({ requestId: 'r', segmentId: 's', frame: new AudioFrame(pcm, RATE, 1, pcm.length), final: false }),
          () => {
            if (!queue.closed) queue.put((kit.tts.SynthesizeStream as unknown as Loose).END_OF_STREAM);
            resolve();
          },
        );
        (this.abortSignal as AbortSignal).addEventListener('abort', () => {
          speech.cancel();
          resolve();
        });
        void (async () => {
          for await (const piece of this.input as AsyncIterable<unknown>) if (typeof piece === 'string') speech.say(piece);
          speech.end();
        })();
      });
    }
  }
  class Voice extends base(kit.tts.TTS) {
    label = 'scripted';
    constructor() {
      super(RATE, 1, { streaming: true });
    }
    stream(options?: { connOptions?: unknown }): VoiceStream {
      return new VoiceStream(this, options?.connOptions);
    }
  }
  return { Input, Output, Ears, Brain, Voice };
}
