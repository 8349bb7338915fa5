/** One caller in Twilio's dialect: real frames in real time over a true socket, marks echoed when played, clear obeyed. */
import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { quietFrames, recordedSpeech, SCRIPT } from '../lib/speech.ts';
import { mono } from '../lib/stats.ts';

export const TOKEN = 'bench-auth-token-0123456789abcdef';
export const ACCOUNT = `AC${'b'.repeat(32)}`;

const payloads = (frames: readonly Int16Array[]) => frames.map((frame) => Buffer.from(Uint8Array.from(frame, mulaw)).toString('base64'));

export interface CallerNotes {
  /** Last speech frame sent -> first media received, ms. */
  gap: number[];
  /** First frame of the barge-in sent -> clear received, ms. */
  barge: number[];
  /** [lane, time of the first media of a turn]. */
  media: [string, number][];
  /** `start` sent -> first media of a greeting, ms. */
  greeting: number[];
  /** Webhook -> answer of a refused call, ms. */
  refused: number[];
  /** Sockets that the far end closed although the caller had not hung up. */
  dropped: number;
  unanswered: number;
  missedBarge: number;
  afterClear: number;
  turns: number;
}

export const emptyNotes = (): CallerNotes => ({
  gap: [],
  barge: [],
  media: [],
  greeting: [],
  refused: [],
  dropped: 0,
  unanswered: 0,
  missedBarge: 0,
  afterClear: 0,
  turns: 0,
});

/** Signs as Twilio does: URL, then the form's keys and values in order. */
export function sign(url: string, form: Readonly<Record<string, string>> = {}): string {
  const text =
    url +
    Object.keys(form)
      .sort()
      .map((key) => key + form[key])
      .join('');
  return createHmac('sha1', TOKEN).update(text).digest('base64');
}

export class Caller {
  /** The number of its assistant, by which the vendors tell the calls apart. */
  readonly lane: string;
  measuring = false;
  readonly #serial: string;
  readonly #page: () => CallerNotes;
  #socket: WebSocket | undefined;
  #stream: string;
  #phase: 'idle' | 'speech' | 'wait' = 'idle';
  #position = 0;
  #sequence = 0;
  #speechEnd = 0;
  #mediaAt = 0;
  #bargeAt = 0;
  #clearedAt = 0;
  #connectedAt = 0;
  #leaving = false;
  /** When the audio that the far end queued so far will have been played. */
  #playedAt = 0;
  #marks: { name: string; at: number }[] = [];
  /** When it says its first sentence. */
  startAt = 0;

  /** `serial` is one number for each call of a run. */
  constructor(lane: string, serial: number, page: () => CallerNotes) {
    this.lane = lane;
    this.#page = page;
    this.#serial = String(serial).padStart(32, '0');
    this.#stream = `MZ${this.#serial}`;
  }

  /** Places the call: webhook, `ringMs` of ringing, media socket. `false` when it was refused. */
  async call(base: string, assistant: string, ringMs = 0): Promise<boolean> {
    const callSid = `CA${this.#serial}`;
    const form = {
      AccountSid: ACCOUNT,
      CallSid: callSid,
      From: '+14155550100',
      To: '+14155550199',
      CallStatus: 'ringing',
      Direction: 'inbound',
    };
    const path = `/telephony/twilio/inbound/${assistant}`;
    const rang = mono();
    const answer = await fetch(base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': sign(base + path, form) },
      body: new URLSearchParams(form).toString(),
    });
    const document = await answer.text();
    const url = /url="([^"]+)"/.exec(document)?.[1];
    if (!url) {
      if (!document.includes('<Reject')) throw new Error(`no stream in the answer: ${answer.status} ${document}`);
      this.#page().refused.push(mono() - rang);
      return false;
    }
    if (ringMs > 0) await wait(ringMs);
    const socket = new WebSocket(url.replace(/^wss?:\/\/[^/]+/, base.replace('http', 'ws')), {
      headers: { 'x-twilio-signature': sign(url) },
      perMessageDeflate: false,
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.on('message', (data: Buffer) => this.#receive(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!this.#leaving) this.#page().dropped += 1;
    });
    this.#socket = socket;
    this.#connectedAt = mono();
    socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}');
    socket.send(
      JSON.stringify({
        event: 'start',
        sequenceNumber: '1',
        streamSid: this.#stream,
        start: {
          streamSid: this.#stream,
          accountSid: ACCOUNT,
          callSid,
          tracks: ['inbound'],
          customParameters: {},
          mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        },
      }),
    );
    return true;
  }

  /** Every 20 ms. */
  step(): void {
    const now = mono();
    while (this.#marks[0] && this.#marks[0].at <= now) this.#echo(this.#marks.shift()?.name ?? '');
    if (this.#phase === 'speech') {
      this.#send(SPEECH[this.#position++ % SPEECH.length] ?? '');
      if (this.#position * 20 >= SCRIPT.speechMs) this.#endSpeech();
      return;
    }
    this.#send(QUIET[this.#sequence & 15] ?? '');
    if (this.#phase === 'idle') {
      if (now >= this.startAt) this.#speak();
    } else if (this.#mediaAt && now - this.#mediaAt > SCRIPT.bargeAfter) this.#speak();
    else if (!this.#mediaAt && now - this.#speechEnd > 6_000) {
      if (this.measuring) this.#page().unanswered += 1;
      this.#speak();
    }
  }

  hangUp(): void {
    this.#leaving = true;
    this.#socket?.close();
  }

  #speak(): void {
    this.#phase = 'speech';
    this.#position = 0;
    this.#clearedAt = 0;
    this.#bargeAt = this.#mediaAt && this.#playedAt > mono() ? mono() : 0;
    if (this.#mediaAt && this.measuring) this.#page().media.push([this.lane, this.#mediaAt]);
  }

  #endSpeech(): void {
    if (this.#bargeAt && this.measuring) this.#page().missedBarge += 1;
    this.#phase = 'wait';
    this.#bargeAt = 0;
    this.#mediaAt = 0;
    this.#speechEnd = mono();
    if (this.measuring) this.#page().turns += 1;
  }

  #receive(data: Buffer): void {
    const now = mono();
    const message = data.toString('latin1');
    if (message.includes('"event":"media"')) {
      const bytes = ((/"payload":"([^"]*)"/.exec(message)?.[1]?.length ?? 0) * 3) / 4;
      this.#playedAt = Math.max(this.#playedAt, now) + bytes / 8;
      if (this.#phase === 'idle' && this.#connectedAt) {
        this.#page().greeting.push(now - this.#connectedAt);
        this.#connectedAt = 0;
      } else if (this.#phase === 'wait' && !this.#mediaAt) {
        this.#mediaAt = now;
        if (this.measuring) this.#page().gap.push(now - this.#speechEnd);
      } else if (this.#phase === 'speech' && this.#clearedAt && this.measuring) this.#page().afterClear += 1;
    } else if (message.includes('"event":"mark"')) {
      this.#marks.push({ name: (JSON.parse(message) as { mark: { name: string } }).mark.name, at: this.#playedAt });
    } else if (message.includes('"event":"clear"')) {
      if (this.#bargeAt && this.measuring) this.#page().barge.push(now - this.#bargeAt);
      this.#bargeAt = 0;
      this.#clearedAt = now;
      this.#playedAt = now;
      for (const { name } of this.#marks.splice(0)) this.#echo(name);
    }
  }

  #echo(name: string): void {
    this.#socket?.send(
      `{"event":"mark","sequenceNumber":"${++this.#sequence}","streamSid":"${this.#stream}","mark":{"name":${JSON.stringify(name)}}}`,
    );
  }

  #send(payload: string): void {
    this.#sequence += 1;
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(
        `{"event":"media","sequenceNumber":"${this.#sequence}","media":{"track":"inbound","chunk":"${this.#sequence}","timestamp":"${this.#sequence * 20}","payload":"${payload}"},"streamSid":"${this.#stream}"}`,
      );
    }
  }
}

/** G.711 mu-law of one sample, by arithmetic (ITU-T G.711 §3.2). */
function mulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32_635) + 0x84;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude >> 7));
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

const SPEECH = payloads(recordedSpeech());
const QUIET = payloads(quietFrames());
