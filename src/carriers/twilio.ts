/**
 * Twilio: the REST calls, the signature of its callbacks and the documents that answer them; the media stream's codec stands beside
 * it. Nothing that Twilio or a stranger sends can make it throw. It never decides what happens to a call.
 */

import { createHmac } from 'node:crypto';
import { parse as parseQuery, stringify as writeQuery } from 'node:querystring';
import { z } from 'zod';
import type { Egress } from '../kernel/egress.ts';
import { AywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf } from '../kernel/faults.ts';
import { equalInConstantTime, sha256 } from '../kernel/ids.ts';
import type { Scope } from '../kernel/scope.ts';
import { secret } from '../kernel/secret.ts';
import type { AnswerRequest, Carrier, CarrierAccount, CarrierCallback, CarrierDocument, CarrierStatus, LineContext } from './carrier.ts';
import { onSocket } from './connector.ts';
import { jsonObject } from './delivery.ts';
import { AccountSid, CallSid, connectStream, type StreamControl } from './twilio-stream.ts';
import { type XmlNode, xmlDocument } from './xml.ts';

const Account = z.object({
  accountSid: z.string().describe('The account at twilio.'),
  authToken: secret(z.string().describe('The secret of the twilio account; it also verifies the signature of its callbacks.')),
});

const control: StreamControl = {
  hangUp: (callSid, { account, egress, scope }) => hangUp(callSid, withAccount(account), egress, scope),
  transfer(callSid, destination, ctx) {
    const called = E164.test(destination) ? 'Number' : SIP.test(destination) ? 'Sip' : undefined;
    if (!called)
      return Promise.reject(new AywaError('invalid_request', { detail: 'A transfer goes to an E.164 number or a sip: address.' }));
    return redirect(callSid, dialled({ name: called, children: [destination] }, ctx), ctx);
  },
  bridge(callSid, otherLegId, ctx) {
    // Both legs make the same name of their two ids, whichever is told first.
    const name = sha256([ctx.id, otherLegId].sort().join(' ')).slice(0, 32);
    const attributes = { startConferenceOnEnter: 'true', endConferenceOnExit: 'true', beep: 'false' };
    return redirect(callSid, { name: 'Dial', children: [{ name: 'Conference', attributes, children: [name] }] }, ctx);
  },
};

export const twilio = {
  name: 'twilio',
  account: Account,
  idField: 'accountSid',
  origin: 'https://api.twilio.com',
  verify: (callback, { fields }) => verify(callback, fields.authToken ?? ''),
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
  answer: connected,
  refuse: () => document({ name: 'Reject', attributes: { reason: 'busy' } }),
  continuation: {
    read({ form }) {
      const read = Continued.safeParse(form);
      if (!read.success) throw notTwilio(read.error);
      const { CallSid, DialCallStatus } = read.data;
      return { providerCallId: CallSid, transferred: DialCallStatus === undefined ? null : TALKED.has(DialCallStatus) };
    },
    over: () => document({ name: 'Hangup' }),
  },
  async dial(request, account, egress, scope) {
    const { mediaUrl, continueUrl, callId } = request;
    const form: [string, string][] = [
      ['To', request.to],
      ['From', request.from],
      ['Twiml', connected({ mediaUrl, continueUrl, parameters: { call_id: callId } }).body],
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
  hangUp,
  line: onSocket('twilio', (socket, expectation, ctx) => connectStream(control, socket, expectation, ctx)),
} satisfies Carrier;

// REST: https://www.twilio.com/docs/voice/api/call-resource

type Form = readonly (readonly [string, string])[];

async function hangUp(callSid: string, account: CarrierAccount, egress: Egress, scope: Scope): Promise<void> {
  const { status, body } = await post(callPath(callSid), [['Status', 'completed']], account, egress, scope);
  const alreadyOver = status === 404 || body.code === 20404;
  if (status >= 300 && !alreadyOver) throw refused(status, body);
}

/** Gives a running call another document; it leaves the one that it is in. */
async function redirect(callSid: string, verb: XmlNode, { account, egress, scope }: LineContext): Promise<void> {
  const form: Form = [['Twiml', document(verb).body]];
  const { status, body } = await post(callPath(callSid), form, withAccount(account), egress, scope);
  if (status >= 300) throw refused(status, body);
}

/** An id from the wire becomes part of an address only in its own shape. */
function callPath(callSid: string): string {
  if (!CallSid.safeParse(callSid).success) throw new AywaError('invalid_request', { detail: 'That is not the id of a Twilio call.' });
  return `Calls/${callSid}.json`;
}

function withAccount(account: CarrierAccount | undefined): CarrierAccount {
  if (!account) throw new AywaError('line_cannot', { detail: 'The line has no Twilio account.' });
  return account;
}

async function post(path: string, form: Form, account: CarrierAccount, egress: Egress, scope: Scope) {
  const reply = await egress.http(
    {
      url: `${account.baseUrl}/2010-04-01/Accounts/${encodeURIComponent(account.fields.accountSid ?? '')}/${path}`,
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${account.fields.accountSid}:${account.fields.authToken}`).toString('base64')}`,
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

const Continued = z.object({ CallSid, DialCallStatus: z.string().max(20).optional() });
/** What `DialCallStatus` is when the one who was called was on the line. */
const TALKED: ReadonlySet<string> = new Set(['completed', 'answered']);

function notTwilio(error: z.ZodError): AywaError {
  return new AywaError('invalid_request', { detail: faultText(error), faults: faultsOf(error) });
}

/** A stranger's message may have any number of faults. */
const faultText = (error: z.ZodError) => faultLine(faultsOf(error)).slice(0, 300);

// Documents: https://www.twilio.com/docs/voice/twiml

const E164 = /^\+[1-9]\d{6,14}$/;
const SIP = /^sips?:[^\s<>"]{1,250}$/i;
/** How long the one who is called may ring. */
const DIAL_SECONDS = '25';

/** Behind the stream Twilio asks how to go on: the stream may have broken under a call that is still there. */
function connected({ mediaUrl, continueUrl, parameters }: Omit<AnswerRequest, 'providerCallId'>): CarrierDocument {
  const children = Object.entries(parameters).map(([name, value]) => ({ name: 'Parameter', attributes: { name, value } }));
  const connect = { name: 'Connect', children: [{ name: 'Stream', attributes: { url: mediaUrl }, children }] };
  return document(connect, { name: 'Redirect', attributes: { method: 'POST' }, children: [continueUrl] });
}

/** Calls somebody for the caller. When that is over, or nobody answers, Twilio asks how to go on. */
function dialled(called: XmlNode, { account, continueUrl }: LineContext): XmlNode {
  const number = account?.number ?? '';
  const attributes = {
    timeout: DIAL_SECONDS,
    ...(E164.test(number) && { callerId: number }),
    ...(continueUrl && { action: continueUrl, method: 'POST' }),
  };
  return { name: 'Dial', attributes, children: [called] };
}

function document(...verbs: readonly XmlNode[]): CarrierDocument {
  return { contentType: 'text/xml', body: xmlDocument({ name: 'Response', children: verbs }) };
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
