/** What the provider tests share: a context over the real egress door, and recorders that wait for what they need. */
import { type AudioFormat, bytesOf } from '../../src/audio/format.ts';
import { tape } from '../../src/audio/tape.ts';
import { type Clock, realClock } from '../../src/kernel/clock.ts';
import { createEgress, type Egress } from '../../src/kernel/egress.ts';
import type { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { ProviderContext } from '../../src/providers/contract.ts';
import type { Ears, EarsListener, HeardAudio, Recognised } from '../../src/providers/stt/contract.ts';
import type { SpeechListener } from '../../src/providers/tts/contract.ts';

export const MULAW: AudioFormat = { encoding: 'mulaw', rate: 8000 };
export const PCM_16: AudioFormat = { encoding: 'pcm16', rate: 16000 };
export const KEY = 'key-0123456789abcdef';

export interface TestContext extends ProviderContext {
  /** Work of the provider that threw something else than a cancellation: nothing ever should. */
  readonly leaks: unknown[];
}

export function context(clock: Clock = realClock, egress: Egress = createEgress('any')): TestContext {
  const leaks: unknown[] = [];
  const scope: Scope = rootScope('test', { clock, onFailure: (error) => leaks.push(error), onStuck: (_path, names) => leaks.push(names) });
  return { scope, egress, log: silentLog, leaks };
}

/** Ears whose audio is kept as a call keeps it: the last ten seconds. */
export function earsOnTape(format: AudioFormat, open: (history: HeardAudio) => Ears): Ears {
  const history = tape(bytesOf(format, 1_000), bytesOf(format, 10_000));
  const ears = open(history);
  return {
    ...ears,
    write(audio) {
      history.append(audio);
      ears.write(audio);
    },
  };
}

/** A list that can be waited on. */
function record<T>() {
  const items: T[] = [];
  const watchers = new Set<() => void>();
  return {
    items,
    push(item: T) {
      items.push(item);
      for (const look of watchers) look();
    },
    until(happened: (items: readonly T[]) => boolean): Promise<readonly T[]> {
      return new Promise((resolve) => {
        const look = () => {
          if (!happened(items)) return;
          watchers.delete(look);
          resolve(items);
        };
        watchers.add(look);
        look();
      });
    },
  };
}

export type EarsEvent = Recognised | { type: 'failed'; error: AywaError } | { type: 'reconnecting'; error: AywaError };

export function earsRecorder() {
  const events = record<EarsEvent>();
  const listener: EarsListener = {
    recognised: (words) => events.push(words),
    failed: (error) => events.push({ type: 'failed', error }),
    reconnecting: (error) => events.push({ type: 'reconnecting', error }),
  };
  const until = async <T extends EarsEvent['type']>(type: T): Promise<Extract<EarsEvent, { type: T }>> => {
    const found = (await events.until((all) => all.some((event) => event.type === type))).filter((event) => event.type === type).at(-1);
    return found as Extract<EarsEvent, { type: T }>;
  };
  return { listener, events, until };
}

export type VoiceEvent =
  | { type: 'audio'; bytes: Uint8Array }
  | { type: 'word'; text: string; at: number; endAt: number }
  | { type: 'done' }
  | { type: 'failed'; error: AywaError };

export function voiceRecorder() {
  const events = record<VoiceEvent>();
  const listener: SpeechListener = {
    audio: (bytes) => events.push({ type: 'audio', bytes: Uint8Array.from(bytes) }),
    word: (text, at, endAt) => events.push({ type: 'word', text, at, endAt }),
    done: () => events.push({ type: 'done' }),
    failed: (error) => events.push({ type: 'failed', error }),
  };
  const until = (type: VoiceEvent['type']) => events.until((all) => all.some((event) => event.type === type));
  return {
    listener,
    events,
    until,
    audio: () => Buffer.concat(events.items.flatMap((event) => (event.type === 'audio' ? [event.bytes] : []))),
    words: () => events.items.flatMap((event) => (event.type === 'word' ? [event.text] : [])),
    fault: () => events.items.flatMap((event) => (event.type === 'failed' ? [event.error] : []))[0],
  };
}
