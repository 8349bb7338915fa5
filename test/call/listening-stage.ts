/**
 * Listening over made-up recognisers and a voice detector that reads the audio's level: every sample of 100 and more is voice. Time is
 * what is written; the clock stands still unless a test moves it.
 */
import { z } from 'zod';
import { type AudioFormat, msOf } from '../../src/audio/format.ts';
import { type ListeningOptions, openListening, type Perceived } from '../../src/call/hear/listening.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import type { ProviderChoice } from '../../src/providers/contract.ts';
import type { EarsListener, HearingOptions, SpeechToText } from '../../src/providers/stt/contract.ts';
import type { OpenVoiceActivity } from '../../src/providers/vad/contract.ts';
import { planWith } from '../scenarios/scenario.ts';

const PCM_8K: AudioFormat = { encoding: 'pcm16', rate: 8000 };

export interface Connection {
  readonly provider: string;
  readonly options: HearingOptions;
  readonly listener: EarsListener;
  readonly closed: () => boolean;
  readonly pieces: number[];
  /** First sample of every piece: the frame number that was written into it. */
  readonly stamps: number[];
  flushes: number;
  /** How much audio it had at each flush. */
  readonly flushedAt: number[];
  finished: boolean;
  /** The vendor has said its last words. */
  readonly over: PromiseWithResolvers<void>;
  ms: number;
}

export interface StageOptions extends Partial<ListeningOptions> {
  readonly broken?: string;
  /** What the ears declare; by name. */
  readonly finalWithinMs?: Readonly<Record<string, number>>;
  /** Called at every flush, the replayed ones too. */
  readonly onFlush?: (connection: Connection) => void;
  /** How the vendor says its last words; null: it has none to say. By itself it has when a test resolves `over`. */
  readonly finish?: (() => Promise<void>) | null;
}

export function begin(providers: string[] = ['one'], extra: StageOptions = {}) {
  const connections: Connection[] = [];
  const heard: Perceived[] = [];
  const clock = new VirtualClock();
  const scope = rootScope('call', { clock });
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
          ...(extra.finalWithinMs?.[name] !== undefined && { finalWithinMs: () => extra.finalWithinMs?.[name] ?? 0 }),
          listen(options, _settings, _access, listener, ctx) {
            const connection: Connection = {
              provider: name,
              options,
              listener,
              closed: () => ctx.scope.closed,
              pieces: [],
              stamps: [],
              flushes: 0,
              flushedAt: [],
              finished: false,
              over: Promise.withResolvers<void>(),
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
                connection.flushedAt.push(connection.ms);
                extra.onFlush?.(connection);
              },
              ...(extra.finish !== null && {
                finish: () => {
                  connection.finished = true;
                  return extra.finish?.() ?? connection.over.promise;
                },
              }),
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
  let { agent } = planWith({ stt: [first, ...rest], turns: { interruptVoiceMs: 200 } });
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
    clock,
    changeAgent(change: Partial<typeof agent>) {
      agent = { ...agent, ...change };
      listening.agentChanged();
    },
    connections,
    heard,
    scope,
    types,
    talks: (ms: number) => audio(5_000, ms),
    silence: (ms: number) => audio(0, ms),
    audio,
    slots: () => slots,
    /** What was told as the caller's words. */
    finals: () => heard.filter((h) => h.type === 'final'),
    providers: () => connections.map((connection) => connection.provider),
    /** Words of the latest recogniser, at the call's media time. */
    partial(text: string, from: number, to: number, of = connections.at(-1)) {
      of?.listener.recognised({ type: 'partial', text, from, to });
    },
    final(text: string, from: number, to: number, of = connections.at(-1)) {
      of?.listener.recognised({ type: 'final', text, from, to, ...(text ? {} : { rejected: true }) });
    },
  };
}
