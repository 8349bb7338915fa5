/**
 * One media stream as Twilio drives it: the caller's sound goes out in 20 ms frames on an absolute schedule, the agent's is queued and
 * played in real time; a mark comes back when everything before it was played, or at once when the queue is cleared.
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import type { OutboundSocket } from '../kernel/egress.ts';

export interface FakeLeg {
  readonly callSid: string;
  /** What the answer document passed along: `call_id`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Milliseconds of the stream so far. */
  readonly now: number;
  /** How long the agent has been audible without a rest, and how long it has been silent; one of the two is 0. */
  readonly agentTalksMs: number;
  readonly agentSilentMs: number;
  /** The caller speaks: 8 kHz mu-law, after what is still to be said. */
  speak(audio: Uint8Array): void;
  readonly speaking: boolean;
  press(digit: string): void;
  hangUp(by: 'caller' | 'agent'): void;
  /** The stream ends while the call goes on: its network breaks without a word, or the call is sent to another document. */
  leave(how: 'network' | 'elsewhere'): void;
  /** Resolves at the first 20 ms frame at which the condition holds; rejects when the call ends first. */
  when(condition: (leg: FakeLeg) => boolean): Promise<void>;
  /** Each frame that the caller hears, 160 bytes of mu-law, silence included; `at` is the leg's time in ms. */
  onHeard(take: (frame: Uint8Array, at: number) => void): void;
  /** Every message of the runtime, for tests of its wire. */
  readonly received: { readonly media: number; readonly marks: number; readonly clears: number };
  readonly ended: Promise<StreamEnd>;
}

/** Who or what ended a stream. */
export type StreamEnd = 'caller' | 'agent' | 'network' | 'elsewhere';

export interface LegOptions {
  readonly socket: OutboundSocket;
  /** Cuts the connection without a close frame. */
  readonly cut: () => void;
  readonly clock: Clock;
  readonly accountSid: string;
  readonly callSid: string;
  readonly streamSid: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const FRAME_MS = 20;
const FRAME = 160;
const SILENCE = 0xff;
/** Rests shorter than this lie inside an utterance. */
const REST_MS = 300;

type Queued = { audio: Uint8Array; played: number } | { mark: string };

export function openLeg({ socket, cut, clock, accountSid, callSid, streamSid, parameters }: LegOptions): FakeLeg {
  const { promise: ended, resolve: end } = Promise.withResolvers<StreamEnd>();
  const started = clock.now();
  const received = { media: 0, marks: 0, clears: 0 };
  const waiting: { condition: (leg: FakeLeg) => boolean; resolve: () => void; reject: (error: Error) => void }[] = [];
  let queue: Queued[] = [];
  let speech: Uint8Array[] = [];
  let said = 0;
  let frames = 0;
  let sequence = 0;
  let over = false;
  let timer: Timer | undefined;
  let heard: (frame: Uint8Array, at: number) => void = () => {};
  let talkingSince: number | undefined;
  let lastSound = 0;

  const send = (event: string, body: Record<string, unknown>) => {
    sequence += 1;
    socket.send(JSON.stringify({ event, sequenceNumber: String(sequence), streamSid, ...body }));
  };
  const echo = (name: string) => send('mark', { mark: { name } });

  /** The next 20 ms of a queue of sounds; silence where it runs dry. */
  const nextSpoken = (): Uint8Array => {
    const frame = new Uint8Array(FRAME).fill(SILENCE);
    for (let filled = 0; filled < FRAME && speech[0]; ) {
      const part = speech[0].subarray(said, said + FRAME - filled);
      frame.set(part, filled);
      filled += part.length;
      said += part.length;
      if (said >= speech[0].length) {
        speech.shift();
        said = 0;
      }
    }
    return frame;
  };

  const playOut = () => {
    const frame = new Uint8Array(FRAME).fill(SILENCE);
    let filled = 0;
    while (queue[0] && (filled < FRAME || 'mark' in queue[0])) {
      const next = queue[0];
      if ('mark' in next) {
        echo(next.mark);
        queue.shift();
        continue;
      }
      const part = next.audio.subarray(next.played, next.played + FRAME - filled);
      frame.set(part, filled);
      filled += part.length;
      next.played += part.length;
      if (next.played >= next.audio.length) queue.shift();
    }
    const at = frames * FRAME_MS;
    if (frame.some(audible)) {
      if (at - lastSound > REST_MS) talkingSince = at;
      talkingSince ??= at;
      lastSound = at + FRAME_MS;
    } else if (at - lastSound >= REST_MS) talkingSince = undefined;
    heard(frame, at);
  };

  const tick = () => {
    if (over) return;
    const payload = Buffer.from(nextSpoken()).toString('base64');
    send('media', { media: { track: 'inbound', chunk: String(frames + 1), timestamp: String(frames * FRAME_MS), payload } });
    playOut();
    frames += 1;
    for (const entry of [...waiting]) {
      if (!entry.condition(leg)) continue;
      waiting.splice(waiting.indexOf(entry), 1);
      entry.resolve();
    }
    // From the start of the stream, so that late timers do not add up.
    timer = clock.timer(started + frames * FRAME_MS - clock.now(), tick);
  };

  const stop = (by: StreamEnd) => {
    if (over) return;
    over = true;
    timer?.cancel();
    end(by);
    for (const { reject } of waiting.splice(0)) reject(new Error(`the call ended, by the ${by}`));
  };

  socket.onMessage((message) => {
    const wire = JSON.parse(message.toString()) as { event: string; media?: { payload: string }; mark?: { name: string } };
    if (wire.event === 'media' && wire.media) {
      received.media += 1;
      queue.push({ audio: Buffer.from(wire.media.payload, 'base64'), played: 0 });
    } else if (wire.event === 'mark' && wire.mark) {
      received.marks += 1;
      if (queue.length === 0) echo(wire.mark.name);
      else queue.push({ mark: wire.mark.name });
    } else if (wire.event === 'clear') {
      received.clears += 1;
      const dropped = queue;
      queue = [];
      for (const entry of dropped) if ('mark' in entry) echo(entry.mark);
    }
  });
  socket.onClose(() => stop('agent'));

  const leg: FakeLeg = {
    callSid,
    parameters,
    received,
    ended,
    get now() {
      return frames * FRAME_MS;
    },
    get agentTalksMs() {
      return talkingSince === undefined ? 0 : frames * FRAME_MS - talkingSince;
    },
    get agentSilentMs() {
      return talkingSince === undefined ? frames * FRAME_MS - lastSound : 0;
    },
    get speaking() {
      return speech.length > 0;
    },
    speak: (audio) => void speech.push(audio),
    press: (digit) => send('dtmf', { dtmf: { track: 'inbound_track', digit } }),
    hangUp(by) {
      if (over) return;
      speech = [];
      send('stop', { stop: { accountSid, callSid } });
      stop(by);
      socket.close();
    },
    leave(how) {
      if (over) return;
      if (how === 'elsewhere') send('stop', { stop: { accountSid, callSid } });
      stop(how);
      if (how === 'elsewhere') socket.close();
      else cut();
    },
    when(condition) {
      if (over) return Promise.reject(new Error('the call is over'));
      return new Promise((resolve, reject) => waiting.push({ condition, resolve, reject }));
    },
    onHeard(take) {
      heard = take;
    },
  };
  socket.send(JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }));
  const mediaFormat = { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 };
  send('start', { start: { streamSid, accountSid, callSid, tracks: ['inbound'], customParameters: parameters, mediaFormat } });
  tick();
  return leg;
}

/** mu-law: 0xff and 0x7f are zero; the quietest codes beside them are no sound either. */
function audible(code: number): boolean {
  return (code & 0x7f) < 0x78;
}
