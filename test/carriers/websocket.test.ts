/** The lines of our own clients: audio and JSON on one socket, and the same without audio. */
import { describe, expect, it } from 'vitest';
import { type AudioFormat, MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import { textLine } from '../../src/carriers/text.ts';
import { websocketLine } from '../../src/carriers/websocket.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { fakeSocket, heardOn, lineContext, onWire } from './fake-socket.ts';

function connecting(format: AudioFormat = PCM_16K) {
  const socket = fakeSocket();
  const clock = new VirtualClock();
  const context = lineContext({ scope: rootScope('leg', { clock }) });
  return { socket, clock, context, opening: websocketLine.connect(onWire(socket), { format }, context) };
}

describe('a client with audio', () => {
  it('is plain when its first message is audio: paced by the line, which knows what has left', async () => {
    const { socket, clock, opening } = connecting();
    socket.says(Buffer.from([1, 2, 3, 4]), true);
    const line = await opening;
    expect(line.can).toMatchObject({ clear: true, mark: true, dtmf: false, transfer: false, audio: true, leadMs: 400 });
    const heard = heardOn(line);
    socket.says(Buffer.from([5, 6]), true);
    expect(heard.audio).toEqual(['01020304', '0506']);
    line.send(Uint8Array.of(7, 8));
    line.mark('1:1');
    line.tell({ type: 'status-update', status: 'in-progress' });
    expect(socket.sent).toEqual([Buffer.from([7, 8]), '{"type":"status-update","status":"in-progress"}']);
    expect(heard.signals).toEqual([]);
    await clock.advance(20);
    expect(heard.signals).toEqual([{ type: 'mark', name: '1:1' }]);
    expect(clock.waiting).toBe(0);
  });

  it('is plain when it says nothing', async () => {
    const { clock, opening } = connecting();
    await clock.advance(300);
    expect((await opening).can).toMatchObject({ clear: true, mark: true });
  });

  it('that is plain gets a long answer in real time, and what has not left can be taken back', async () => {
    const { socket, clock, opening } = connecting(MULAW_8K);
    socket.says(Buffer.alloc(160), true);
    const line = await opening;
    const heard = heardOn(line);
    const left = () => Buffer.concat(socket.sent as Buffer[]).length / 8;
    line.send(new Uint8Array(16_000));
    line.mark('end');
    expect(left()).toBe(60);
    await clock.advance(500);
    expect(left()).toBeGreaterThan(500);
    expect(left()).toBeLessThanOrEqual(580);
    line.clear();
    const cleared = left();
    await clock.advance(3_000);
    expect(left()).toBe(cleared);
    expect(heard.signals).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('that offers marks alone plays in real time and echoes them itself', async () => {
    const { socket, clock, opening } = connecting(MULAW_8K);
    socket.says({ type: 'hello', marks: true });
    const line = await opening;
    expect(line.can).toMatchObject({ clear: true, mark: true });
    const heard = heardOn(line);
    line.send(new Uint8Array(1_600));
    line.mark('1:1');
    await clock.advance(100);
    expect(heard.signals).toEqual([]);
    await clock.advance(100);
    expect(socket.sent.at(-1)).toBe('{"type":"mark","name":"1:1"}');
    socket.says({ type: 'mark', name: '1:1' });
    expect(heard.signals).toEqual([{ type: 'mark', name: '1:1' }]);
  });

  it('that was sent no marks moves nothing by naming some', async () => {
    const { socket, opening } = connecting();
    socket.says(Buffer.alloc(2), true);
    const heard = heardOn(await opening);
    socket.says({ type: 'mark', name: '1:1' });
    expect(heard.signals).toEqual([]);
  });

  it('whose socket closes takes its waiting audio with it', async () => {
    const { socket, clock, opening } = connecting(MULAW_8K);
    socket.says(Buffer.alloc(2), true);
    const line = await opening;
    line.send(new Uint8Array(16_000));
    socket.hangsUp(1000);
    line.send(new Uint8Array(160));
    expect(clock.waiting).toBe(0);
  });

  const pieces: [string, number[]][] = [
    ['one byte at a time', Array(40).fill(1)],
    ['641 bytes at a time', Array(9).fill(641)],
    ['odd and even', [3, 2, 2, 1, 5, 0, 7, 4, 1, 1]],
    ['an odd end', [10, 11]],
    ['a half, then much', [1, 3_999]],
  ];
  it.each(pieces)('may cut its samples anywhere: %s', async (_, lengths) => {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const sound = Buffer.from(Array.from({ length: total }, (_unused, i) => (i * 37) & 0xff));
    const { socket, opening } = connecting();
    socket.says({ type: 'hello' });
    const line = await opening;
    const heard = heardOn(line);
    let at = 0;
    for (const length of lengths) {
      socket.says(sound.subarray(at, at + length), true);
      at += length;
    }
    expect(heard.audio.join('')).toBe(sound.subarray(0, total - (total % 2)).toString('hex'));
    expect(heard.audio.every((hex) => hex.length % 4 === 0)).toBe(true);
    expect(heard.signals).toEqual([]);
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
    const line = await textLine.connect(onWire(socket), { format: PCM_16K }, lineContext());
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
