/** Cartesia on loopback: the websocket with contexts. Middle of the sentence: after the first chunk of sound. */

import { play, type Speaks, soundOf } from './script.ts';
import { type FakeVendor, type Socket, startVendor } from './server.ts';

export function startFakeCartesia(script: Speaks = {}): Promise<FakeVendor> {
  return startVendor({
    socket(socket, vendor) {
      if (socket.asked.url.pathname === '/tts/websocket') speak(socket, vendor, script);
      else socket.close(1008, 'unknown path');
    },
  });
}

function speak(socket: Socket, vendor: FakeVendor, script: Speaks): void {
  const contexts = new Map<string, { waiting: string; chars: number; spoken: Promise<void> }>();
  const msPerChar = script.msPerChar ?? 60;
  const seconds = (chars: number) => (chars * msPerChar) / 1_000;
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message)) return;
    const context_id = String(message.context_id);
    if (message.cancel) return void contexts.delete(context_id);
    const context = contexts.get(context_id) ?? { waiting: '', chars: 0, spoken: Promise.resolve() };
    contexts.set(context_id, context);
    context.waiting += String(message.transcript);
    if (message.continue && !message.flush) return;
    const text = context.waiting.trim();
    const from = context.chars;
    context.waiting = '';
    context.chars += text.length;
    const { encoding, sample_rate } = message.output_format as { encoding: string; sample_rate: number };
    const bytesPerMs = (sample_rate * (encoding === 'pcm_s16le' ? 2 : 1)) / 1_000;
    context.spoken = context.spoken.then(() => sound(context_id, text, from, bytesPerMs, message.continue ? 'flush_done' : 'done'));
  });

  const sound = (context_id: string, text: string, from: number, bytesPerMs: number, last: 'flush_done' | 'done') =>
    new Promise<void>((spoken) => {
      const reply = (type: string, fields: object) => socket.send({ type, status_code: 206, done: type === 'done', context_id, ...fields });
      const steps = soundOf(text, bytesPerMs, script).map(({ bytes, pauseMs }): [number, () => void] => [
        pauseMs,
        () => {
          reply('chunk', { data: Buffer.from(bytes).toString('base64'), step_time: 1 });
          if (vendor.fault === 'close') socket.close(1011, 'gone');
        },
      ]);
      const words = [...text.matchAll(/\S+/g)];
      const timestamps = () =>
        reply('timestamps', {
          word_timestamps: {
            words: words.map((word) => word[0]),
            start: words.map((word) => seconds(from + word.index)),
            end: words.map((word) => seconds(from + word.index + word[0].length)),
          },
        });
      const end = () => {
        reply(last, {});
        spoken();
      };
      play([[0, timestamps], ...steps, [0, end]], () => !contexts.has(context_id) || !socket.open);
    });
}
