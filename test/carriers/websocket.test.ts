/** The lines of our own clients: audio and JSON on one socket, and the same without audio. */
import { describe, expect, it } from 'vitest';
import { type AudioFormat, MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import { connectText } from '../../src/carriers/text.ts';
import { connectWebsocket } from '../../src/carriers/websocket.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { fakeSocket, heardOn, lineContext } from './fake-socket.ts';

function connecting(format: AudioFormat = PCM_16K) {
  const socket = fakeSocket();
  const clock = new VirtualClock();
  const context = lineContext({ scope: rootScope('leg', { clock }) });
  return { socket, clock, context, opening: connectWebsocket(socket, { format }, context) };
}

describe('a client with audio', () => {
  it('is plain when its first message is audio: paced closely, no marks, no clearing', async () => {
    const { socket, clock, opening } = connecting();
    socket.says(Buffer.from([1, 2, 3, 4]), true);
    const line = await opening;
    expect(line.can).toEqual({ clear: false, mark: false, dtmf: false, press: false, transfer: false, audio: true, leadMs: 60 });
    const heard = heardOn(line);
    socket.says(Buffer.from([5, 6]), true);
    expect(heard.audio).toEqual(['01020304', '0506']);
    line.send(Uint8Array.of(7, 8));
    line.mark('1:1');
    line.clear();
    line.tell({ type: 'status-update', status: 'in-progress' });
    expect(socket.sent).toEqual([Buffer.from([7, 8]), '{"type":"status-update","status":"in-progress"}']);
    expect(clock.waiting).toBe(0);
  });

  it('is plain when it says nothing', async () => {
    const { clock, opening } = connecting();
    await clock.advance(300);
    expect((await opening).can.leadMs).toBe(60);
  });

  it('may offer marks and clearing in its hello', async () => {
    const { socket, opening } = connecting(MULAW_8K);
    socket.says({ type: 'hello', marks: true, clear: true });
    const line = await opening;
    expect(line.can).toMatchObject({ clear: true, mark: true, leadMs: 400 });
    const heard = heardOn(line);
    line.mark('2:1');
    line.clear();
    expect(socket.sent).toEqual(['{"type":"mark","name":"2:1"}', '{"type":"clear"}']);
    socket.says({ type: 'mark', name: '2:1' });
    expect(heard.signals).toEqual([{ type: 'mark', name: '2:1' }]);
  });

  it('types and commands beside its audio', async () => {
    const { socket, opening } = connecting();
    socket.says({ type: 'say', content: 'Hello' });
    const heard = heardOn(await opening);
    socket.says({ type: 'text', text: ' Where is my order? ' });
    expect(heard.signals).toEqual([
      { type: 'control', message: { type: 'say', content: 'Hello' } },
      { type: 'text', text: 'Where is my order?' },
    ]);
  });

  it.each([
    ['odd bytes of 16-bit audio', Buffer.from([1, 2, 3])],
    ['no JSON', '{"type":'],
    ['a list', '[]'],
    ['no type', '{"text":"x"}'],
    ['a type that is no string', '{"type":{}}'],
    ['a text that is none', '{"type":"text","text":7}'],
    ['an endless text', JSON.stringify({ type: 'text', text: 'x'.repeat(5_001) })],
    ['a mark without a name', '{"type":"mark"}'],
  ])('counts %s and goes on', async (_name, message) => {
    const { socket, opening } = connecting();
    socket.says(Buffer.alloc(2), true);
    const heard = heardOn(await opening);
    socket.says(message);
    expect(heard.signals).toEqual([{ type: 'malformed', code: 'media_malformed', detail: expect.any(String) }]);
    socket.says(Buffer.from([9, 9]), true);
    expect(heard.audio).toEqual(['0000', '0909']);
  });

  it('says who ended it', async () => {
    for (const [code, by] of [
      [1000, 'caller'],
      [1001, 'caller'],
      [1005, 'caller'],
      [1006, 'network'],
      [1009, 'network'],
    ] as const) {
      const { socket, opening } = connecting();
      socket.hangsUp(code);
      expect(heardOn(await opening).signals).toEqual([{ type: 'ended', by, detail: `closed with ${code}` }]);
    }
  });

  it('is closed with 1000 at the end', async () => {
    const { socket, opening } = connecting();
    socket.says(Buffer.alloc(2), true);
    await (await opening).hangUp('over');
    expect(socket.closed).toEqual({ code: 1000, reason: 'ended' });
  });
});

describe('a conversation in writing', () => {
  it('carries JSON and nothing else', async () => {
    const socket = fakeSocket();
    const line = await connectText(socket, { format: PCM_16K }, lineContext());
    expect(line.can).toMatchObject({ audio: false, clear: false, mark: false });
    const heard = heardOn(line);
    socket.says({ type: 'text', text: 'Hi' });
    socket.says({ type: 'end-call' });
    socket.says(Buffer.from([1, 2]), true);
    line.send(Uint8Array.of(1));
    line.tell({ type: 'agent-text', text: 'Hello' });
    expect(heard.signals).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'control', message: { type: 'end-call' } },
      { type: 'malformed', code: 'media_malformed', detail: 'Not a JSON object.' },
    ]);
    expect(socket.sent).toEqual(['{"type":"agent-text","text":"Hello"}']);
  });
});
