/**
 * The codec of Twilio's media stream. mu-law passes through untouched, a media message costs no string and no object in either
 * direction, and nothing that Twilio or a stranger sends can make it throw. It never decides what happens to a call.
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { z } from 'zod';
import { MULAW_8K, sameFormat } from '../audio/format.ts';
import { AywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf } from '../kernel/faults.ts';
import { base64Length, decodeBase64, encodeBase64 } from './base64.ts';
import type { CarrierAccount, Line, LineContext, LineEnd, LineExpectation, LineListener, LineVerbs, MediaSocket } from './carrier.ts';
import { noVerbs } from './connector.ts';
import { closedBy, type Delivery, delivery, jsonObject } from './delivery.ts';

/** What the stream leaves to Twilio's REST interface. */
export interface StreamControl {
  hangUp(callSid: string, ctx: LineContext): Promise<void>;
  /** Sends the call to a number or a SIP address; it leaves the stream. */
  transfer(callSid: string, destination: string, ctx: LineContext): Promise<void>;
  /** Sends the call to the conference that these two legs share; it leaves the stream. */
  bridge(callSid: string, otherLegId: string, ctx: LineContext): Promise<void>;
}

export const CallSid = z.string().regex(/^CA[0-9a-f]{32}$/);
export const AccountSid = z.string().regex(/^AC[0-9a-f]{32}$/);
const Start = z.object({
  streamSid: z.string().regex(/^MZ[0-9a-f]{32}$/),
  accountSid: AccountSid,
  callSid: CallSid,
  customParameters: z.record(z.string(), z.string()).default({}),
  mediaFormat: z.object({ encoding: z.literal('audio/x-mulaw'), sampleRate: z.literal(8000), channels: z.literal(1) }),
});
type Start = z.infer<typeof Start>;
const Payload = z.object({ payload: z.string() });
const Digit = z.object({ digit: z.string().regex(/^[0-9A-D*#]$/) });
const Mark = z.object({ name: z.string().max(200) });

/** 64 KiB is the largest message that a host lets in; three quarters of it are the largest payload. */
const LARGEST_PAYLOAD = 48 * 1024;
/** One for all calls of a process: decoded audio is used up before the next message is read. */
const decoded = new Uint8Array(LARGEST_PAYLOAD);

/** Text of ours up to where a value begins, for a message that is found or written without JSON. */
interface Shape {
  readonly head: Buffer;
  readonly key: Buffer;
}
const MEDIA: Shape = { head: Buffer.from('{"event":"media",'), key: Buffer.from('"payload":"') };
const MARK: Shape = { head: Buffer.from('{"event":"mark",'), key: Buffer.from('"name":"') };
const TAIL = Buffer.from('"}}');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function connectStream(control: StreamControl, socket: MediaSocket, expectation: LineExpectation, ctx: LineContext): Promise<Line> {
  const { promise, resolve, reject } = Promise.withResolvers<Line>();
  const refuse = (detail: string) => {
    reject(new AywaError('media_malformed', { detail }));
    socket.close(1008, 'refused');
  };
  const arrived = delivery((detail) => socket.close(1008, detail));
  const leaving = departure(arrived);
  let stream: Stream | undefined;

  const media = (bytes: number) => {
    if (bytes < 0) arrived.malformed('The payload is not whole base64.');
    else if (bytes > 0) arrived.audio(decoded.subarray(0, bytes));
  };
  const begin = (wire: Record<string, unknown>) => {
    if (stream) return arrived.malformed('A second start.');
    const read = Start.safeParse(wire.start);
    const fault = read.success ? unexpected(read.data, expectation, ctx.account) : faultText(read.error);
    if (fault || !read.success) return refuse(`start: ${fault}`);
    stream = streamOf(read.data.streamSid);
    resolve(line(read.data, socket, arrived.listen, leaving, control, ctx));
  };
  /** The usual spelling of what arrives many times a second. `false`: it takes the way through JSON. */
  const fast = (message: Buffer): boolean => {
    if (!stream) return false;
    if (find(message, MEDIA, stream)) {
      const bytes = decodeBase64(message, span.from, span.to, decoded);
      if (bytes > 0) arrived.audio(decoded.subarray(0, bytes));
      return bytes >= 0;
    }
    if (!find(message, MARK, stream) || span.to - span.from > 200) return false;
    for (let i = span.from; i < span.to; i += 1) {
      const byte = message[i] ?? 0;
      if (byte === BACKSLASH || byte < 0x20 || byte > 0x7e) return false;
    }
    arrived.signal({ type: 'mark', name: message.toString('latin1', span.from, span.to) });
    return true;
  };

  socket.onMessage((message, binary) => {
    if (binary) return arrived.malformed('A binary message.');
    if (fast(message)) return;
    const wire = jsonObject(message);
    if (!wire) return arrived.malformed('Not a JSON object.');
    if (wire.event === 'connected') return;
    if (wire.event === 'start') return begin(wire);
    if (!stream) return arrived.malformed('A message before start.');
    if (wire.streamSid !== stream.sid) return arrived.malformed('A message of another stream.');
    switch (wire.event) {
      case 'media': {
        const read = Payload.safeParse(wire.media);
        if (!read.success) return arrived.malformed(`media: ${faultText(read.error)}`);
        const text = Buffer.from(read.data.payload, 'latin1');
        return media(decodeBase64(text, 0, text.length, decoded));
      }
      case 'dtmf': {
        const read = Digit.safeParse(wire.dtmf);
        return read.success
          ? arrived.signal({ type: 'dtmf', digit: read.data.digit })
          : arrived.malformed(`dtmf: ${faultText(read.error)}`);
      }
      case 'mark': {
        const read = Mark.safeParse(wire.mark);
        return read.success ? arrived.signal({ type: 'mark', name: read.data.name }) : arrived.malformed(`mark: ${faultText(read.error)}`);
      }
      case 'stop':
        return leaving.ended('caller', 'Twilio stopped the stream.');
      default:
        return arrived.malformed('An unknown event.');
    }
  });
  socket.onClose((code, reason) => {
    leaving.ended(closedBy(code, 'carrier'), reason || `closed with ${code}`);
    reject(new AywaError('media_malformed', { detail: `The stream was closed (${code}) before its start.` }));
  });
  return ctx.scope.wait(promise);
}

interface Departure {
  /** We sent the call elsewhere. */
  readonly gone: boolean;
  /** Sends the call elsewhere: the stream's end is ours from the moment that Twilio agrees. */
  go(redirect: Promise<void>): Promise<void>;
  ended(by: LineEnd, detail: string): void;
}

/** Twilio stops the stream before it answers our own redirect: what a stop means is known when the answer is there. */
function departure(arrived: Delivery): Departure {
  let gone = false;
  let asking: Promise<boolean> | undefined;
  const elsewhere = () => arrived.ended('transfer', 'The call was sent elsewhere.');
  return {
    get gone() {
      return gone;
    },
    async go(redirect) {
      const agreed = redirect.then(
        () => true,
        () => false,
      );
      asking = agreed;
      try {
        await redirect;
        gone = true;
      } finally {
        if (asking === agreed) asking = undefined;
      }
    },
    ended(by, detail) {
      if (gone) elsewhere();
      else if (asking) void asking.then((agreed) => (agreed ? elsewhere() : arrived.ended(by, detail)));
      else arrived.ended(by, detail);
    },
  };
}

function line(
  start: Start,
  socket: MediaSocket,
  listen: (listener: LineListener) => void,
  leaving: Departure,
  control: StreamControl,
  ctx: LineContext,
): Line {
  const sid = `"streamSid":"${start.streamSid}"`;
  const mediaHead = Buffer.from(`{"event":"media",${sid},"media":{"payload":"`);
  const clear = `{"event":"clear",${sid}}`;
  const callSid = start.callSid;
  let outgoing: Uint8Array = new Uint8Array(0);
  /** One function for all messages: it closes over what is sent, so that a message makes none. */
  const writeMedia = (target: Buffer, at: number) => {
    target.set(mediaHead, at);
    target.set(TAIL, encodeBase64(outgoing, target, at + mediaHead.length));
  };
  let hangingUp: Promise<void> | undefined;
  const hangUp = async () => {
    try {
      // A call that was sent elsewhere is not ours to end.
      if (ctx.account && !leaving.gone) await control.hangUp(callSid, ctx);
    } finally {
      socket.close(1000, 'ended');
    }
  };
  const rest = ctx.account !== undefined;
  const verbs: Partial<LineVerbs> = {
    transfer: (destination) => leaving.go(control.transfer(callSid, destination, ctx)),
    bridge: (otherLegId) => leaving.go(control.bridge(callSid, otherLegId, ctx)),
  };
  return {
    ...noVerbs('twilio'),
    ...(rest && verbs),
    id: ctx.id,
    carrier: 'twilio',
    format: MULAW_8K,
    can: {
      clear: true,
      mark: true,
      dtmf: true,
      // Keys are a verb of a document, and so is hold music: both would leave the stream, and with it the caller.
      press: false,
      hold: false,
      transfer: rest,
      bridge: rest,
      returns: ctx.continueUrl !== undefined,
      audio: true,
      leadMs: 400,
    },
    facts: { ...start.customParameters, streamId: start.streamSid, providerCallId: callSid, accountId: start.accountSid },
    listen,
    send(bytes) {
      outgoing = bytes;
      socket.write(mediaHead.length + base64Length(bytes.length) + TAIL.length, false, writeMedia);
    },
    mark: (name) => socket.send(`{"event":"mark",${sid},"mark":{"name":${JSON.stringify(name)}}}`),
    clear: () => socket.send(clear),
    tell() {},
    hangUp: () => (hangingUp ??= hangUp()),
  };
}

function unexpected(start: Start, expectation: LineExpectation, account: CarrierAccount | undefined): string | undefined {
  if (!sameFormat(expectation.format, MULAW_8K)) return 'the call expects another format than mu-law at 8000 Hz.';
  if (account && start.accountSid !== account.id) return 'accountSid is another account.';
  if (expectation.providerCallId && start.callSid !== expectation.providerCallId) return 'callSid is another call.';
  return undefined;
}

/** How messages of this stream name it: after the value, as Twilio has it, or before it. */
interface Stream {
  readonly sid: string;
  readonly inside: Buffer;
  readonly sidBefore: Buffer;
  readonly sidAfter: Buffer;
}

function streamOf(sid: string): Stream {
  const inside = Buffer.from(`"streamSid":"${sid}"`);
  return { sid, inside, sidBefore: Buffer.from('}}'), sidAfter: Buffer.from(`},"streamSid":"${sid}"}`) };
}

/** Where the value lies that was found last; one for all, because it is used up at once. */
const span = { from: 0, to: 0 };

/** Finds the value in a message that has exactly the usual shape; anything else takes the way through JSON. */
function find(message: Buffer, { head, key }: Shape, { inside, sidBefore, sidAfter }: Stream): boolean {
  if (message.length < head.length || head.compare(message, 0, head.length) !== 0) return false;
  const at = message.indexOf(key, head.length);
  if (at < 0) return false;
  const from = at + key.length;
  const to = message.indexOf(QUOTE, from);
  if (to < 0) return false;
  span.from = from;
  span.to = to;
  if (sidAfter.compare(message, to + 1) === 0) return true;
  const sidAt = message.indexOf(inside);
  return sidBefore.compare(message, to + 1) === 0 && sidAt > 0 && sidAt < at;
}

/** A stranger's message may have any number of faults. */
const faultText = (error: z.ZodError) => faultLine(faultsOf(error)).slice(0, 300);
