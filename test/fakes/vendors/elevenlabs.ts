/** ElevenLabs on loopback: the multi-context websocket. Middle of the sentence: after the first chunk of sound. */

import { play, type Speaks, soundOf } from './script.ts';
import { type FakeVendor, type Socket, startVendor } from './server.ts';

export function startFakeElevenLabs(script: Speaks = {}): Promise<FakeVendor> {
  return startVendor({
    socket(socket, vendor) {
      if (/^\/v1\/text-to-speech\/[^/]+\/multi-stream-input$/.test(socket.asked.url.pathname)) speak(socket, vendor, script);
      else socket.close(1008, 'unknown path');
    },
  });
}

function speak(socket: Socket, vendor: FakeVendor, script: Speaks): void {
  const [encoding = '', rate = ''] = (socket.asked.url.searchParams.get('output_format') ?? '').split('_');
  const bytesPerMs = (Number(rate) * (encoding === 'pcm' ? 2 : 1)) / 1_000;
  const msPerChar = script.msPerChar ?? 60;
  const contexts = new Map<string, { text: string; spoken: Promise<void> | undefined }>();
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message) || !message.context_id) return;
    const contextId = String(message.context_id);
    const context = contexts.get(contextId) ?? { text: '', spoken: undefined };
    contexts.set(contextId, context);
    if (typeof message.text === 'string') context.text = context.text.trimStart() + message.text;
    if (message.flush) {
      const text = context.text.trimEnd();
      context.text = '';
      context.spoken = (context.spoken ?? Promise.resolve()).then(() => sound(contextId, text));
    }
    if (!message.close_context) return;
    contexts.delete(contextId);
    // What is flushed already goes on to its end.
    void context.spoken?.then(() => socket.send({ isFinal: true, contextId }));
  });

  const sound = (contextId: string, text: string) =>
    new Promise<void>((spoken) => {
      const chunks = soundOf(text, bytesPerMs, script);
      const perChunk = Math.ceil(text.length / Math.max(1, chunks.length));
      const steps = chunks.map(({ bytes, pauseMs }, index): [number, () => void] => [
        pauseMs,
        () => {
          // The space behind the last word is told, too; it has no sound of its own.
          const chars = [...text.slice(index * perChunk, (index + 1) * perChunk), ...(index === chunks.length - 1 ? [' '] : [])];
          const alignment = { chars, charStartTimesMs: chars.map((_, at) => at * msPerChar), charDurationsMs: chars.map(() => msPerChar) };
          socket.send({ audio: Buffer.from(bytes).toString('base64'), alignment, normalizedAlignment: alignment, contextId });
          if (vendor.fault === 'close') socket.close(1011, 'gone');
        },
      ]);
      play([...steps, [0, spoken]], () => !socket.open);
    });
}
