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
  const contexts = new Map<string, { text: string; flushed: boolean }>();
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message) || !message.context_id) return;
    const contextId = String(message.context_id);
    const context = contexts.get(contextId) ?? { text: '', flushed: false };
    contexts.set(contextId, context);
    if (typeof message.text === 'string') context.text = context.text.trimStart() + message.text;
    // A context that is flushed already goes on to its end.
    if (message.close_context && !context.flushed) contexts.delete(contextId);
    if (!message.flush) return;
    context.flushed = true;
    const text = context.text.trimEnd();
    const msPerChar = script.msPerChar ?? 60;
    const chunks = soundOf(text, bytesPerMs, script);
    const perChunk = Math.ceil(text.length / Math.max(1, chunks.length));
    const steps = chunks.map(({ bytes, pauseMs }, index): [number, () => void] => [
      pauseMs,
      () => {
        const chars = [...text.slice(index * perChunk, (index + 1) * perChunk)];
        const alignment = { chars, charStartTimesMs: chars.map((_, at) => at * msPerChar), charDurationsMs: chars.map(() => msPerChar) };
        socket.send({ audio: Buffer.from(bytes).toString('base64'), alignment, normalizedAlignment: alignment, contextId });
        if (vendor.fault === 'close') socket.close(1011, 'gone');
      },
    ]);
    play([...steps, [0, () => socket.send({ isFinal: true, contextId })]], () => !socket.open);
  });
}
