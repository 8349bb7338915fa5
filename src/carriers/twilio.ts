/**
 * Twilio: the media stream's codec, the REST calls, the signature of its callbacks and the documents that answer them. mu-law passes
 * through untouched; nothing that Twilio or a stranger sends can make the codec throw. It never decides what happens to a call.
 */

import { createHmac } from 'node:crypto';
import { parse as parseQuery, stringify as writeQuery } from 'node:querystring';
import { z } from 'zod';
import { MULAW_8K, sameFormat } from '../audio/format.ts';
import type { Egress } from '../kernel/egress.ts';
import { AywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf } from '../kernel/faults.ts';
import { equalInConstantTime, sha256 } from '../kernel/ids.ts';
import type { Scope } from '../kernel/scope.ts';
import { decodeBase64 } from './base64.ts';
import type {
  Carrier,
  CarrierAccount,
  CarrierCallback,
  CarrierStatus,
  Line,
  LineContext,
  LineExpectation,
  LineListener,
  MediaSocket,
} from './carrier.ts';
import { closedBy, delivery, jsonObject } from './delivery.ts';
import { type XmlNode, xmlDocument } from './xml.ts';

export const twilio: Carrier = {
  name: 'twilio',
  env: { id: 'TWILIO_ACCOUNT_SID', secret: 'TWILIO_AUTH_TOKEN', number: 'TWILIO_PHONE_NUMBER', baseUrl: 'TWILIO_BASE_URL' },
  origin: 'https://api.twilio.com',
  verify,
  inbound({ form }) {
    const read = Inbound.safeParse(form);
    if (!read.success) throw notTwilio(read.error);
    return { providerCallId: read.data.CallSid, accountId: read.data.AccountSid, from: read.data.From, to: read.data.To };
  },
  status({ form }) {
    const read = Status.safeParse(form);
    if (!read.success) throw notTwilio(read.error);
    const { CallSid, CallStatus, SequenceNumber, SipResponseCode, ErrorCode } = read.data;
    const detail = [CallStatus, SipResponseCode && `SIP ${SipResponseCode}`, ErrorCode && `error ${ErrorCode}`].filter(Boolean).join(', ');
    return { providerCallId: CallSid, state: STATES[CallStatus], sequence: SequenceNumber, detail };
  },
  answer: (mediaUrl, parameters) => document(connectStream(mediaUrl, parameters)),
  refuse: () => document({ name: 'Reject', attributes: { reason: 'busy' } }),
  async dial(request, account, egress, scope) {
    const form: [string, string][] = [
      ['To', request.to],
      ['From', request.from],
      ['Twiml', twilio.answer(request.mediaUrl, { call_id: request.callId }).body],
      ['Timeout', String(request.ringSeconds)],
      ['StatusCallback', request.statusUrl],
      ['StatusCallbackMethod', 'POST'],
      ...['initiated', 'ringing', 'answered', 'completed'].map((event): [string, string] => ['StatusCallbackEvent', event]),
    ];
    const { status, body } = await post('Calls.json', form, account, egress, scope);
    const sid = CallSid.safeParse(body.sid);
    if (status >= 300 || !sid.success) throw refused(status, body);
    return { providerCallId: sid.data };
  },
  async hangUp(providerCallId, account, egress, scope) {
    if (!CallSid.safeParse(providerCallId).success)
      throw new AywaError('invalid_request', { detail: 'That is not the id of a Twilio call.' });
    const { status, body } = await post(`Calls/${providerCallId}.json`, [['Status', 'completed']], account, egress, scope);
    const alreadyOver = status === 404 || body.code === 20404;
    if (status >= 300 && !alreadyOver) throw refused(status, body);
  },
  connect,
};

// Media stream: https://www.twilio.com/docs/voice/media-streams/websocket-messages

const CallSid = z.string().regex(/^CA[0-9a-f]{32}$/);
const AccountSid = z.string().regex(/^AC[0-9a-f]{32}$/);
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
const MEDIA = Buffer.from('{"event":"media",');
const PAYLOAD = Buffer.from('"payload":"');
const QUOTE = '"'.charCodeAt(0);

function connect(socket: MediaSocket, expectation: LineExpectation, ctx: LineContext): Promise<Line> {
  const { promise, resolve, reject } = Promise.withResolvers<Line>();
  const refuse = (detail: string) => {
    reject(new AywaError('media_malformed', { detail }));
    socket.close(1008, 'refused');
  };
  const arrived = delivery((detail) => socket.close(1008, detail));
  const audio = new Uint8Array(LARGEST_PAYLOAD);
  let stream: StreamShape | undefined;

  const media = (bytes: number) => {
    if (bytes < 0) arrived.malformed('The payload is not whole base64.');
    else if (bytes > 0) arrived.audio(audio.subarray(0, bytes));
  };
  const begin = (wire: Record<string, unknown>) => {
    if (stream) return arrived.malformed('A second start.');
    const read = Start.safeParse(wire.start);
    const fault = read.success ? unexpected(read.data, expectation, ctx.account) : faultText(read.error);
    if (fault || !read.success) return refuse(`start: ${fault}`);
    stream = streamShape(read.data.streamSid);
    resolve(line(read.data, socket, arrived.listen, ctx));
  };

  socket.onMessage((message, binary) => {
    if (binary) return arrived.malformed('A binary message.');
    const span = stream && payloadSpan(message, stream);
    if (span) return media(decodeBase64(message, span.from, span.to, audio));
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
        return media(decodeBase64(text, 0, text.length, audio));
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
        return arrived.ended('caller', 'Twilio stopped the stream.');
      default:
        return arrived.malformed('An unknown event.');
    }
  });
  socket.onClose((code, reason) => {
    arrived.ended(closedBy(code, 'carrier'), reason || `closed with ${code}`);
    reject(new AywaError('media_malformed', { detail: `The stream was closed (${code}) before its start.` }));
  });
  return ctx.scope.wait(promise);
}

function line(start: Start, socket: MediaSocket, listen: (listener: LineListener) => void, ctx: LineContext): Line {
  const head = `"streamSid":"${start.streamSid}"`;
  const mediaHead = `{"event":"media",${head},"media":{"payload":"`;
  const clear = `{"event":"clear",${head}}`;
  let hangingUp: Promise<void> | undefined;
  const hangUp = async () => {
    try {
      if (ctx.account) await twilio.hangUp(start.callSid, ctx.account, ctx.egress, ctx.scope);
    } finally {
      // Nothing follows <Connect> in the document, so that closing the stream ends the call even when the request failed.
      socket.close(1000, 'ended');
    }
  };
  return {
    carrier: 'twilio',
    format: MULAW_8K,
    can: { clear: true, mark: true, dtmf: true, press: false, transfer: true, audio: true, leadMs: 400 },
    facts: { ...start.customParameters, streamId: start.streamSid, providerCallId: start.callSid, accountId: start.accountSid },
    listen,
    send: (bytes) => socket.send(`${mediaHead}${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"}}`),
    mark: (name) => socket.send(`{"event":"mark",${head},"mark":{"name":${JSON.stringify(name)}}}`),
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

/** What a media message of this stream looks like, to recognise one without parsing it: 50 arrive each second in each call. */
interface StreamShape {
  readonly sid: string;
  readonly inside: Buffer;
  readonly tails: readonly [sidBefore: Buffer, sidAfter: Buffer];
}

function streamShape(sid: string): StreamShape {
  const inside = Buffer.from(`"streamSid":"${sid}"`);
  return { sid, inside, tails: [Buffer.from('}}'), Buffer.from(`},"streamSid":"${sid}"}`)] };
}

/** Where the base64 lies in a media message that has exactly the usual shape; anything else takes the way through JSON. */
function payloadSpan(message: Buffer, stream: StreamShape): { from: number; to: number } | undefined {
  if (message.length < MEDIA.length || MEDIA.compare(message, 0, MEDIA.length) !== 0) return undefined;
  const at = message.indexOf(PAYLOAD, MEDIA.length);
  if (at < 0) return undefined;
  const from = at + PAYLOAD.length;
  const to = message.indexOf(QUOTE, from);
  if (to < 0) return undefined;
  const [sidBefore, sidAfter] = stream.tails;
  if (sidAfter.compare(message, to + 1) === 0) return { from, to };
  const sidAt = message.indexOf(stream.inside);
  return sidBefore.compare(message, to + 1) === 0 && sidAt > 0 && sidAt < at ? { from, to } : undefined;
}

// REST: https://www.twilio.com/docs/voice/api/call-resource

type Form = readonly (readonly [string, string])[];

async function post(path: string, form: Form, account: CarrierAccount, egress: Egress, scope: Scope) {
  const reply = await egress.http(
    {
      url: `${account.baseUrl}/2010-04-01/Accounts/${encodeURIComponent(account.id)}/${path}`,
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${account.id}:${account.secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).toString(),
    },
    scope,
  );
  return { status: reply.status, body: jsonObject(Buffer.from(await reply.text())) ?? {} };
}

/** Twilio's errors are `{ code, message, more_info, status }`. */
function refused(status: number, body: Record<string, unknown>): AywaError {
  const said = typeof body.message === 'string' ? body.message.slice(0, 300) : `answered ${status} without a reason.`;
  const code = typeof body.code === 'number' ? ` ${body.code}` : '';
  const more = typeof body.more_info === 'string' ? ` (${body.more_info.slice(0, 200)})` : '';
  return new AywaError(status === 429 ? 'provider_rate' : 'carrier_refused', { detail: `Twilio${code}: ${said}${more}` });
}

// Callbacks: https://www.twilio.com/docs/voice/twiml

const Inbound = z.object({ CallSid, AccountSid, From: z.string().max(200), To: z.string().max(200) });

const STATES = {
  queued: 'queued',
  initiated: 'dialing',
  ringing: 'ringing',
  'in-progress': 'in-progress',
  completed: 'completed',
  busy: 'busy',
  'no-answer': 'no-answer',
  failed: 'failed',
  canceled: 'canceled',
} as const satisfies Record<string, CarrierStatus['state']>;

const short = z.string().max(20).optional();
const Status = z.object({
  CallSid,
  CallStatus: z.enum(Object.keys(STATES) as (keyof typeof STATES)[]),
  SequenceNumber: z.coerce.number().int().min(0).default(0),
  SipResponseCode: short,
  ErrorCode: short,
});

function notTwilio(error: z.ZodError): AywaError {
  return new AywaError('invalid_request', { detail: faultText(error), faults: faultsOf(error) });
}

/** A stranger's message may have any number of faults. */
const faultText = (error: z.ZodError) => faultLine(faultsOf(error)).slice(0, 300);

function connectStream(url: string, parameters: Readonly<Record<string, string>>): XmlNode {
  const children = Object.entries(parameters).map(([name, value]) => ({ name: 'Parameter', attributes: { name, value } }));
  return { name: 'Connect', children: [{ name: 'Stream', attributes: { url }, children }] };
}

function document(verb: XmlNode): { contentType: string; body: string } {
  return { contentType: 'text/xml', body: xmlDocument({ name: 'Response', children: [verb] }) };
}

/**
 * `X-Twilio-Signature`: base64 of HMAC-SHA1 over the URL and the sorted form, or over the URL alone when it carries the hash of a
 * JSON body (https://www.twilio.com/docs/usage/security). Twilio is not consistent about the port and about the query's encoding,
 * so that each spelling of the same URL is accepted.
 */
function verify({ url, headers, form, body }: CarrierCallback, secret: string): boolean {
  const signature = headers['x-twilio-signature'];
  if (!signature || !secret) return false;
  const hash = /[?&]bodySHA256=([^&]*)/.exec(url)?.[1];
  if (hash !== undefined && (body === undefined || !equalInConstantTime(hash.toLowerCase(), sha256(body)))) return false;
  const signed = hash === undefined ? signedForm(form) : '';
  let right = false;
  for (const spelling of spellings(url)) {
    const expected = createHmac('sha1', secret)
      .update(spelling + signed)
      .digest('base64');
    right = equalInConstantTime(expected, signature) || right;
  }
  return right;
}

function signedForm(form: CarrierCallback['form']): string {
  return Object.keys(form)
    .sort()
    .flatMap((key) => [...new Set([form[key] ?? ''].flat())].sort().map((value) => key + value))
    .join('');
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'wss:': '443', 'http:': '80', 'ws:': '80' };

/** The URL as it is, without its port, and with the port written out; each also with its query as older signers write it. */
function spellings(url: string): Set<string> {
  const [, scheme = '', host = '', port, rest = ''] = /^(\w+:)\/\/([^/?#]*?)(?::(\d+))?([/?#].*)?$/.exec(url) ?? [];
  const forms = [url, `${scheme}//${host}${rest}`, `${scheme}//${host}:${port ?? DEFAULT_PORTS[scheme] ?? ''}${rest}`];
  const legacy = forms.map((form) => {
    const [path = '', query] = form.split('?', 2);
    return query === undefined ? form : `${path}?${writeQuery(parseQuery(query))}`;
  });
  return new Set([...forms, ...legacy]);
}
