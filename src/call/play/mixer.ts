/**
 * Other sounds beside the agent's voice: background, hold music, a whisper, somebody else's audio. Stands between the playout and the
 * line and is a line itself: while nothing is added, everything passes through untouched. Voice is never held back; what is added lies
 * under it, and alone it flows in real time. What counts as heard and what is recorded stays the voice's own.
 */
import { decoder, encoder } from '../../audio/convert.ts';
import { bytesOf, msOf } from '../../audio/format.ts';
import { mixInto } from '../../audio/mix.ts';
import type { Line } from '../../carriers/carrier.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';

export interface MixSource {
  /** Writes up to `length` samples at the line's rate to the start of `into`; fewer than asked for: it is over. */
  read(into: Int16Array, length: number): number;
}

export interface Mixer {
  readonly line: Line;
  /** `gain` 1 is as it is. The function takes it out again. */
  add(source: MixSource, gain: number): () => void;
  close(): void;
}

/** What lies ahead of the ear of added sound alone: enough for the network's jitter, and the voice waits no longer behind it. */
const AHEAD_MS = 100;
const PIECE_MS = 60;

export function createMixer(inner: Line, clock: Clock): Mixer {
  const { format } = inner;
  const sources = new Map<MixSource, number>();
  const voice = decoder(format);
  const packed = encoder(format);
  let mixed = new Int16Array(0);
  let read = new Int16Array(0);
  let timer: Timer | undefined;
  /** When the far end will have played everything that was sent; clock time. */
  let emptyAt = clock.now();

  /** Adds what the sources have to the first `count` samples of `mixed`; a source that is over is gone. */
  const addSources = (count: number) => {
    for (const [source, gain] of sources) {
      const got = source.read(read, count);
      mixInto(mixed, read, gain, got);
      if (got < count) sources.delete(source);
    }
  };
  const reserve = (count: number) => {
    if (mixed.length >= count) return;
    mixed = new Int16Array(count * 2);
    read = new Int16Array(count * 2);
  };
  const pass = (count: number) => {
    addSources(count);
    const bytes = packed.encode(mixed, count);
    emptyAt = Math.max(emptyAt, clock.now()) + msOf(format, bytes.length);
    inner.send(bytes);
  };
  const sleep = () => {
    timer?.cancel();
    timer = undefined;
  };
  const flow = () => {
    sleep();
    if (sources.size === 0 || !inner.can.audio) return;
    const count = bytesOf({ encoding: 'mulaw', rate: format.rate }, PIECE_MS);
    while (sources.size > 0 && emptyAt - clock.now() < AHEAD_MS) {
      reserve(count);
      mixed.fill(0, 0, count);
      pass(count);
    }
    if (sources.size > 0) timer = clock.timer(Math.max(1, Math.ceil(emptyAt - clock.now() - AHEAD_MS)), flow);
  };

  return {
    line: {
      id: inner.id,
      carrier: inner.carrier,
      format,
      can: inner.can,
      facts: inner.facts,
      listen: (listener) => inner.listen(listener),
      mark: (name) => inner.mark(name),
      tell: (message) => inner.tell(message),
      hangUp: (cause) => inner.hangUp(cause),
      press: (keys) => inner.press(keys),
      hold: (on) => inner.hold(on),
      transfer: (destination) => inner.transfer(destination),
      bridge: (leg) => inner.bridge(leg),
      send(audio) {
        if (sources.size === 0) {
          emptyAt = Math.max(emptyAt, clock.now()) + msOf(format, audio.length);
          return inner.send(audio);
        }
        const count = voice.decode(audio);
        reserve(count);
        mixed.set(voice.samples.subarray(0, count));
        pass(count);
      },
      clear() {
        inner.clear();
        emptyAt = clock.now();
        flow();
      },
    },
    add(source, gain) {
      sources.set(source, gain);
      flow();
      return () => {
        sources.delete(source);
        if (sources.size === 0) sleep();
      };
    },
    close() {
      sources.clear();
      sleep();
    },
  };
}

/** A sound that begins again when it is over. Silent when there is none. */
export function looped(samples: Int16Array): MixSource {
  let at = 0;
  return {
    read(into, length) {
      if (samples.length === 0) return 0;
      for (let i = 0; i < length; i++) {
        into[i] = samples[at] ?? 0;
        at = at + 1 === samples.length ? 0 : at + 1;
      }
      return length;
    },
  };
}
