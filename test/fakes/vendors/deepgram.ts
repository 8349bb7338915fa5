/** Deepgram on loopback: `v1/listen`, `v2/listen` and `v1/speak`. Middle of the sentence: after a partial; after the first chunk of sound. */

import { type Hears, play, type Speaks, soundOf, utterances } from './script.ts';
import { type FakeVendor, type Socket, startVendor } from './server.ts';

export interface DeepgramScript extends Hears, Speaks {
  /** Audio as it arrives, with the session to answer on; instead of the scripted utterances. */
  readonly onAudio?: (session: ListenSession, bytes: Buffer) => void;
  /** The client asks for a final; instead of the scripted utterances. */
  readonly onFinalize?: (session: ListenSession) => void;
}

/** One recognition as the fake sees it; times are milliseconds of audio of this connection. */
interface ListenSession {
  readonly socket: Socket;
  readonly heardMs: number;
  partial(text: string, fromMs: number, toMs: number): void;
  final(text: string, fromMs: number, toMs: number, confidence?: number): void;
}

export function startFakeDeepgram(script: DeepgramScript = {}): Promise<FakeVendor> {
  const hearing = utterances(script);
  return startVendor({
    socket(socket, vendor) {
      const { pathname, searchParams } = socket.asked.url;
      const bytesPerMs = (Number(searchParams.get('sample_rate')) * (searchParams.get('encoding') === 'linear16' ? 2 : 1)) / 1_000;
      if (pathname === '/v1/speak') return speak(socket, vendor, script, bytesPerMs);
      if (pathname === '/v1/listen') listen(socket, vendor, script, bytesPerMs, hearing());
      if (pathname === '/v2/listen') turns(socket, script, bytesPerMs, hearing());
    },
  });
}

function listen(socket: Socket, vendor: FakeVendor, script: DeepgramScript, bytesPerMs: number, next: () => string | undefined): void {
  let bytes = 0;
  let settledMs = 0;
  const results = (final: boolean, text: string, fromMs: number, toMs: number, confidence: number) => {
    const spoken = text.split(' ').filter(Boolean);
    const step = (toMs - fromMs) / Math.max(1, spoken.length) / 1_000;
    const words = spoken.map((word, i) => ({ word, start: fromMs / 1_000 + i * step, end: fromMs / 1_000 + (i + 1) * step, confidence }));
    socket.send({
      type: 'Results',
      channel_index: [0, 1],
      start: fromMs / 1_000,
      duration: (toMs - fromMs) / 1_000,
      is_final: final,
      speech_final: final,
      from_finalize: final,
      channel: { alternatives: [{ transcript: text, confidence, words }] },
    });
    if (final) settledMs = toMs;
  };
  const session: ListenSession = {
    socket,
    get heardMs() {
      return bytes / bytesPerMs;
    },
    partial: (text, fromMs, toMs) => results(false, text, fromMs, toMs, 0.9),
    final: (text, fromMs, toMs, confidence = 0.98) => results(true, text, fromMs, toMs, confidence),
  };
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message)) {
      bytes += message.length;
      script.onAudio?.(session, message);
    } else if (message.type === 'CloseStream') {
      // What was asked for before is said first.
      play([[script.finalAfterMs ?? 0, () => socket.close()]], () => !socket.open);
    } else if (message.type === 'Finalize') {
      if (script.onFinalize) return script.onFinalize(session);
      const text = next();
      if (text === undefined) return;
      const [from, to] = [settledMs, session.heardMs];
      session.partial(text.split(' ')[0] ?? '', from, to);
      if (vendor.fault === 'close') return socket.close(1011, 'NET-0000');
      play([[script.finalAfterMs ?? 0, () => session.final(text, from, to)]], () => !socket.open);
    }
  });
}

function turns(socket: Socket, script: DeepgramScript, bytesPerMs: number, next: () => string | undefined): void {
  let bytes = 0;
  let turn = 0;
  const info = (event: string, transcript: string, confidence: number) =>
    socket.send({
      type: 'TurnInfo',
      event,
      turn_index: turn,
      audio_window_start: 0,
      audio_window_end: bytes / bytesPerMs / 1_000,
      transcript,
      words: [],
      end_of_turn_confidence: confidence,
    });
  socket.send({ type: 'Connected', request_id: 'fake', sequence_id: 0 });
  socket.onMessage((message) => {
    if (!Buffer.isBuffer(message)) return;
    bytes += message.length;
    // One turn for each second of audio.
    if (bytes < (turn + 1) * bytesPerMs * 1_000) return;
    const text = next();
    if (text === undefined) return;
    info('StartOfTurn', text.split(' ')[0] ?? '', 0.1);
    info('EagerEndOfTurn', text, 0.5);
    play([[script.finalAfterMs ?? 0, () => info('EndOfTurn', text, 0.9)]], () => !socket.open);
    turn += 1;
  });
}

function speak(socket: Socket, vendor: FakeVendor, script: Speaks, bytesPerMs: number): void {
  let waiting = '';
  let flushes = 0;
  let generation = 0;
  let free: Promise<void> = Promise.resolve();
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message)) return;
    if (message.type === 'Speak') waiting += String(message.text);
    if (message.type === 'Clear') {
      waiting = '';
      generation += 1;
      free = Promise.resolve();
      socket.send({ type: 'Cleared', sequence_id: flushes });
    }
    if (message.type !== 'Flush') return;
    const mine = generation;
    const text = waiting;
    waiting = '';
    const speakNow = () =>
      new Promise<void>((done) => {
        const steps = soundOf(text, bytesPerMs, script).map(({ bytes, pauseMs }): [number, () => void] => [
          pauseMs,
          () => {
            socket.send(bytes);
            if (vendor.fault === 'close') socket.close(1011, 'NET-0000');
          },
        ]);
        const flushed = () => {
          socket.send({ type: 'Flushed', sequence_id: flushes++ });
          done();
        };
        play([...steps, [0, flushed]], () => mine !== generation || !socket.open);
      });
    free = free.then(() => (mine === generation ? speakNow() : undefined));
  });
}
