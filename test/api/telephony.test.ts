/** What carriers call: signatures over the public URL, answers decided beforehand, busy instead of silence, news in any order. */
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AywaError } from '../../src/kernel/errors.ts';
import { PUBLIC_URL, startApi, type TestApi, TWILIO } from './harness.ts';

let api: TestApi;
let assistantId: string;
beforeAll(async () => {
  api = await startApi();
  const definition = { model: { provider: 'openai', model: 'gpt-4.1' } };
  const create = async (name: string, more: object = {}) =>
    (await api.store.assistants.create(api.organization, { name, definition: { name, ...definition, ...more } })).id;
  assistantId = await create('Front Desk');
  await create('Broken', { model: { provider: 'anthropic', model: 'claude' } });
});
afterAll(() => api.stop());
beforeEach(() => {
  api.board.opened.length = 0;
  api.board.reports.length = 0;
  api.board.refuse = undefined;
  api.board.again = null;
  api.away = false;
});

const caller = () => ({
  AccountSid: TWILIO.TWILIO_ACCOUNT_SID,
  CallSid: `CA${randomBytes(16).toString('hex')}`,
  From: '+14155550123',
  To: TWILIO.TWILIO_PHONE_NUMBER,
  CallStatus: 'ringing',
});

function sign(url: string, form: Record<string, string>, secret = TWILIO.TWILIO_AUTH_TOKEN): string {
  const signed = Object.keys(form)
    .sort()
    .map((name) => name + form[name])
    .join('');
  return createHmac('sha1', secret)
    .update(url + signed)
    .digest('base64');
}
const post = (
  path: string,
  form: Record<string, string>,
  signature = sign(PUBLIC_URL + path, form),
  headers: Record<string, string> = {},
) =>
  api.app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature, ...headers },
    payload: new URLSearchParams(form).toString(),
  });

describe('a caller', () => {
  it.each(['id', 'name'])('reaches an assistant by its %s', async (by) => {
    const form = caller();
    const reply = await post(`/telephony/twilio/inbound/${by === 'id' ? assistantId : 'Front%20Desk'}`, form);
    const [opened] = api.board.opened;
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/xml']);
    expect(reply.body).toContain(`<Stream url="wss://voice.example.com/telephony/twilio/media/${opened?.mediaToken}">`);
    expect(reply.body).toContain(`<Parameter name="call_id" value="${opened?.row.id}"/>`);
    expect(opened).toMatchObject({
      row: { type: 'inboundPhoneCall', assistantId },
      plan: { channel: 'phone-inbound', from: form.From, to: form.To },
      leg: { carrier: 'twilio', expectation: { format: { encoding: 'mulaw', rate: 8000 }, providerCallId: form.CallSid } },
    });
  });

  it('is one call, however often the webhook is repeated', async () => {
    const form = caller();
    const replies = await Promise.all([1, 2, 3].map(() => post(`/telephony/twilio/inbound/${assistantId}`, form)));
    expect(new Set(replies.map(({ body }) => body)).size).toBe(1);
    expect(api.board.opened).toHaveLength(1);
  });

  it.each([
    ['an unknown assistant', 'Nobody', undefined, 'not_found'],
    ['an assistant without a key', 'Broken', undefined, 'credential_missing'],
    ['a full house', 'Front%20Desk', new AywaError('at_capacity'), 'at_capacity'],
    ['a bug', 'Front%20Desk', new AywaError('bug'), 'bug'],
  ])('of %s hears busy, and the log says why', async (_, assistant, refuse, code) => {
    api.board.refuse = refuse;
    const reply = await post(`/telephony/twilio/inbound/${assistant}`, caller());
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/xml']);
    expect(reply.body).toContain('<Reject reason="busy"/>');
    expect(api.logged.findLast(({ event }) => event === 'inbound_refused')?.fields).toMatchObject({ code });
  });

  it('hears busy while the database is away, and a repetition is a new chance', async () => {
    const form = caller();
    api.away = true;
    expect((await post(`/telephony/twilio/inbound/${assistantId}`, form)).body).toContain('<Reject reason="busy"/>');
    api.away = false;
    expect((await post(`/telephony/twilio/inbound/${assistantId}`, form)).body).toContain('<Stream');
  });

  it('of a number alone hears busy while numbers have no assistants', async () => {
    expect((await post('/telephony/twilio/inbound', caller())).body).toContain('<Reject');
  });

  it('cannot write into the answer', async () => {
    const form = { ...caller(), From: '"/><Redirect>https://evil.example</Redirect>' };
    const reply = await post(`/telephony/twilio/inbound/${assistantId}`, form);
    expect(reply.body).not.toContain('evil.example');
  });
});

describe('a stream that has ended', () => {
  const asks = async (more: Record<string, string> = {}, call = 'call-9', signature?: string) => {
    const form = { AccountSid: TWILIO.TWILIO_ACCOUNT_SID, CallSid: `CA${'b'.repeat(32)}`, ...more };
    return post(`/telephony/twilio/continue/${call}`, form, signature);
  };

  it('stands before a question that the answer of every call names', async () => {
    const form = caller();
    const { body } = await post(`/telephony/twilio/inbound/${assistantId}`, form);
    const [opened] = api.board.opened;
    const url = `${PUBLIC_URL}/telephony/twilio/continue/${opened?.row.id}`;
    expect(body).toContain(`</Connect><Redirect method="POST">${url}</Redirect></Response>`);
    expect(opened?.leg.continueUrl).toBe(url);
  });

  it('is followed by another with a fresh token while the call lives', async () => {
    api.board.again = { mediaToken: 'fresh-token' };
    const reply = await asks();
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/xml']);
    expect(reply.body).toContain('<Stream url="wss://voice.example.com/telephony/twilio/media/fresh-token">');
    expect(reply.body).toContain('<Parameter name="call_id" value="call-9"/>');
    expect(reply.body).toContain(`<Redirect method="POST">${PUBLIC_URL}/telephony/twilio/continue/call-9</Redirect>`);
    expect(api.board.reports).toEqual([['reattach', 'call-9', `CA${'b'.repeat(32)}`]]);
  });

  it('ends the call when the call is over', async () => {
    expect((await asks()).body).toContain('<Response><Hangup/></Response>');
  });

  it('ends the call after a transfer that was answered, and asks the call after one that was not', async () => {
    api.board.again = { mediaToken: 'fresh-token' };
    expect((await asks({ DialCallStatus: 'completed' })).body).toContain('<Hangup/>');
    expect(api.board.reports).toEqual([]);
    expect((await asks({ DialCallStatus: 'no-answer' })).body).toContain('<Stream');
  });

  it('is believed only with a signature, and only in its own shape', async () => {
    api.board.again = { mediaToken: 'fresh-token' };
    expect((await asks({}, 'call-9', 'wrong')).statusCode).toBe(403);
    expect((await asks({ CallSid: '../x' })).statusCode).toBe(400);
    expect(api.board.reports).toEqual([]);
  });

  it('of a call that was answered here needs no database', async () => {
    await post(`/telephony/twilio/inbound/${assistantId}`, caller());
    api.board.again = { mediaToken: 'fresh-token' };
    api.away = true;
    expect((await asks({}, api.board.opened[0]?.row.id)).body).toContain('<Stream');
  });
});

describe('a signature', () => {
  const path = '/telephony/twilio/status/7d0c3b52-3c9f-4a57-9d0e-5b1f8f6c2a10';
  const form = {
    AccountSid: 'ACfedcba9876543210fedcba9876543210',
    CallDuration: '42',
    CallSid: 'CA0123456789abcdef0123456789abcdef',
    CallStatus: 'completed',
    From: '+14155550100',
    To: '+919876543210',
  };

  it('is the one that Twilio makes', async () => {
    expect((await post(path, form, 'XFgHa7d5OzFfa27tFbY+j2cizho=')).statusCode).toBe(204);
  });

  it('is checked against the public URL, whatever Host and proxies say', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    expect((await post(path, form, undefined, headers)).statusCode).toBe(204);
    expect((await post(path, form, sign(`http://evil.example${path}`, form), headers)).statusCode).toBe(403);
  });

  it.each([
    ['missing', (): string => ''],
    ['of another key', () => sign(PUBLIC_URL + path, form, 'another-token')],
    ['of another path', () => sign(`${PUBLIC_URL}/telephony/twilio/status/x`, form)],
    ['of another form', () => sign(PUBLIC_URL + path, { ...form, CallStatus: 'busy' })],
  ])('that is %s is refused, logged and counted', async (_, signature) => {
    const before = await refusals();
    const reply = await post(path, form, signature());
    expect(reply.json()).toMatchObject({ statusCode: 403, error: 'Forbidden', code: 'signature_wrong' });
    expect(api.logged.at(-2)?.event).toBe('carrier_signature_wrong');
    expect(await refusals()).toBe(before + 1);
    expect(api.board.reports).toEqual([]);
  });

  it('of the right key does not make another account right', async () => {
    const foreign = { ...caller(), AccountSid: `AC${'0'.repeat(32)}` };
    expect((await post(`/telephony/twilio/inbound/${assistantId}`, foreign)).statusCode).toBe(403);
    expect(api.board.opened).toEqual([]);
  });

  it('does not make a form of something else', async () => {
    const junk = { AccountSid: 'x', CallSid: '../../evil' };
    expect((await post(`/telephony/twilio/inbound/${assistantId}`, junk)).json()).toMatchObject({
      statusCode: 400,
      code: 'invalid_request',
    });
  });

  it('is of no use for a carrier that does not exist', async () => {
    expect((await post('/telephony/acme/inbound', {})).statusCode).toBe(404);
  });

  async function refusals(): Promise<number> {
    const text = (await api.app.inject('/metrics')).body;
    return Number(/^vr_refused_total\{[^}]*reason="signature_wrong"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }
});

describe('news of a call', () => {
  const say = (call: string, CallStatus: string, SequenceNumber: number) => {
    const form = {
      AccountSid: TWILIO.TWILIO_ACCOUNT_SID,
      CallSid: `CA${'a'.repeat(32)}`,
      CallStatus,
      SequenceNumber: String(SequenceNumber),
    };
    return post(`/telephony/twilio/status/${call}`, form);
  };

  it('is passed on as the call proceeds', async () => {
    for (const [at, status] of ['initiated', 'ringing', 'in-progress', 'completed'].entries())
      expect((await say('call-1', status, at)).statusCode).toBe(204);
    expect(api.board.reports.map((report) => report.slice(0, 3))).toEqual([
      ['progress', 'call-1', 'dialing'],
      ['progress', 'call-1', 'ringing'],
      ['progress', 'call-1', 'answered'],
      ['end', 'call-1', 'caller-hung-up'],
    ]);
  });

  it('that is old or comes twice changes nothing', async () => {
    for (const [status, at] of [
      ['in-progress', 3],
      ['ringing', 2],
      ['in-progress', 3],
      ['initiated', 1],
    ] as const)
      await say('call-2', status, at);
    expect(api.board.reports).toHaveLength(1);
  });

  it.each([
    ['busy', 'busy'],
    ['no-answer', 'no-answer'],
    ['failed', 'dial-failed'],
    ['canceled', 'canceled'],
  ])('%s ends it as %s', async (status, reason) => {
    await say(`call-${status}`, status, 1);
    expect(api.board.reports[0]?.slice(0, 3)).toEqual(['end', `call-${status}`, reason]);
  });
});
