/** What every carrier's media leg must do, whatever its dialect: one suite, run over each of them with its own wire messages. */
import { describe, expect, it } from 'vitest';
import { MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import type { Carrier, CarrierAccount, Line, LineVerbs } from '../../src/carriers/carrier.ts';
import { fakeSocket, heardOn, lineContext, onWire } from './fake-socket.ts';

/** A message as the carrier sends it; a `Buffer` goes as a binary message. */
type WireMessage = string | Buffer;

export interface Dialect {
  readonly carrier: Carrier;
  readonly providerCallId: string;
  readonly account: CarrierAccount;
  readonly start: WireMessage;
  media(audio: Uint8Array): WireMessage;
  digit(digit: string): WireMessage;
  mark(name: string): WireMessage;
  readonly stop: WireMessage;
  /** The audio in a message that we sent. */
  audioOf(sent: string | Buffer): Buffer;
  /** The mark's name in a message that we sent. */
  markOf(sent: string | Buffer): string;
}

const FRAME = Uint8Array.from({ length: 160 }, (_, i) => (i * 11) & 0xff);
const HEX = Buffer.from(FRAME).toString('hex');

export function carrierContract(dialect: Dialect): void {
  const { carrier } = dialect;
  const expectation = { format: MULAW_8K, providerCallId: dialect.providerCallId };
  const connected = async () => {
    const socket = fakeSocket();
    const opening = carrier.line.connect(onWire(socket), expectation, lineContext());
    socket.says(dialect.start);
    const line: Line = await opening;
    return { socket, line, heard: heardOn(line) };
  };

  describe(`the media leg of ${carrier.name}`, () => {
    it('names the call and says what it can do', async () => {
      const { line } = await connected();
      expect(line.carrier).toBe(carrier.name);
      expect(line.facts.providerCallId).toBe(dialect.providerCallId);
      expect(line.can.audio).toBe(true);
      expect(line.can.leadMs).toBeLessThanOrEqual(line.can.clear ? 400 : 60);
    });

    it('carries audio, marks and digits', async () => {
      const { socket, line, heard } = await connected();
      socket.says(dialect.media(FRAME));
      line.send(FRAME);
      line.mark('3:"1"');
      expect(heard.audio).toEqual([HEX]);
      const [audio, mark] = socket.sent;
      expect(dialect.audioOf(audio ?? '').toString('hex')).toBe(HEX);
      expect(dialect.markOf(mark ?? '')).toBe('3:"1"');
      socket.says(dialect.mark('3:"1"'));
      socket.says(dialect.digit('#'));
      expect(heard.signals).toEqual([
        { type: 'mark', name: '3:"1"' },
        { type: 'dtmf', digit: '#' },
      ]);
    });

    it('loses nothing that arrives before the call listens', async () => {
      const socket = fakeSocket();
      const opening = carrier.line.connect(onWire(socket), expectation, lineContext());
      for (const message of [dialect.start, dialect.media(FRAME), dialect.digit('1'), dialect.stop]) socket.says(message);
      const heard = heardOn(await opening);
      expect(heard.audio).toEqual([HEX]);
      expect(heard.signals.map(({ type }) => type)).toEqual(['dtmf', 'ended']);
    });

    it('ends once, and says nothing after its end', async () => {
      const { socket, heard } = await connected();
      socket.says(dialect.stop);
      socket.says(dialect.media(FRAME));
      socket.says('rubbish');
      socket.hangsUp(1006);
      expect(heard.signals).toEqual([{ type: 'ended', by: 'caller', detail: expect.any(String) }]);
      expect(heard.audio).toEqual([]);
    });

    it('counts what it cannot read, and gives up after fifty', async () => {
      const { socket, heard } = await connected();
      for (const message of ['', 'rubbish', '[]', 'null', '{}', '{"type":{}}', '{"event":[]}', dialect.start]) socket.says(message);
      expect(heard.signals.map(({ type }) => type)).toEqual(Array(8).fill('malformed'));
      socket.says(dialect.media(FRAME));
      expect(heard.audio).toEqual([HEX]);
      for (let i = 0; i < 60; i += 1) socket.says('rubbish');
      expect(socket.closed?.code).toBe(1008);
      expect(heard.signals).toHaveLength(51);
    });

    it('refuses audio before its start, another call, another format, and a leg that never starts', async () => {
      const early = fakeSocket();
      const opening = carrier.line.connect(onWire(early), expectation, lineContext());
      early.says(dialect.media(FRAME));
      early.says(dialect.start);
      expect(heardOn(await opening)).toMatchObject({ audio: [], signals: [{ type: 'malformed' }] });

      const malformed = expect.objectContaining({ code: 'media_malformed' });
      for (const wrong of [
        { ...expectation, providerCallId: 'another' },
        { ...expectation, format: PCM_16K },
      ]) {
        const socket = fakeSocket();
        const refused = carrier.line.connect(onWire(socket), wrong, lineContext());
        socket.says(dialect.start);
        await expect(refused).rejects.toEqual(malformed);
        expect(socket.closed?.code).toBe(1008);
      }
      const silent = fakeSocket();
      const waiting = carrier.line.connect(onWire(silent), expectation, lineContext());
      silent.hangsUp(1006);
      await expect(waiting).rejects.toEqual(malformed);
    });

    it('closes its socket when it hangs up', async () => {
      const { socket, line } = await connected();
      await line.hangUp('over');
      expect(socket.closed?.code).toBe(1000);
    });

    it('has a name of its own, and refuses what it cannot do with a sentence', async () => {
      const { line } = await connected();
      expect(line.id).toBe('call-1.1');
      const verbs: { [V in keyof LineVerbs]: () => Promise<void> } = {
        press: () => line.press('1'),
        hold: () => line.hold(true),
        transfer: () => line.transfer('+14155550100'),
        bridge: () => line.bridge('call-2.1'),
      };
      for (const [verb, ask] of Object.entries(verbs) as [keyof LineVerbs, () => Promise<void>][]) {
        if (line.can[verb]) continue;
        await expect(ask(), verb).rejects.toMatchObject({ code: 'line_cannot', message: expect.stringContaining(carrier.name) });
      }
    });

    it('refuses media of another kind', async () => {
      const port = { send() {}, close() {}, onPacket() {}, onClose() {} };
      const opening = carrier.line.connect({ kind: 'rtp', port }, expectation, lineContext());
      await expect(opening).rejects.toMatchObject({ code: 'media_malformed', message: expect.stringContaining('rtp') });
    });

    it('believes no callback without a signature', () => {
      expect(carrier.verify({ url: 'https://voice.example.com/', headers: {}, form: {} }, dialect.account)).toBe(false);
    });
  });
}
