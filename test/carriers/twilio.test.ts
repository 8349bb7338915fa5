/** Twilio's dialect: the media codec against good and hostile messages, REST over a true socket, signatures, documents and states. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MULAW_8K, PCM_16K } from '../../src/audio/format.ts';
import type { CarrierAccount, Line } from '../../src/carriers/carrier.ts';
import { twilio } from '../../src/carriers/twilio.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { sha256 } from '../../src/kernel/ids.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { fakeSocket, heardOn, lineContext, onWire } from './fake-socket.ts';
import { mediaMessage, SIDS, startMessage, twilioAccount } from './twilio-wire.ts';

const FRAME = Uint8Array.from({ length: 160 }, (_, i) => (i * 7) & 0xff);
const HEX = Buffer.from(FRAME).toString('hex');

async function connected(): Promise<{ socket: ReturnType<typeof fakeSocket>; line: Line; heard: ReturnType<typeof heardOn> }> {
  const socket = fakeSocket();
  const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K }, lineContext());
  socket.says({ event: 'connected', protocol: 'Call', version: '1.0.0' });
  socket.says(startMessage());
  const line = await opening;
  return { socket, line, heard: heardOn(line) };
}

describe('the media stream', () => {
  it('starts, carries audio both ways and stops', async () => {
    const { socket, line, heard } = await connected();
    expect(line.facts).toEqual({ call_id: 'call-1', streamId: SIDS.stream, providerCallId: SIDS.call, accountId: SIDS.account });
    socket.says(mediaMessage(FRAME));
    expect(heard.audio).toEqual([HEX]);
    line.send(FRAME);
    line.mark('7:"1"');
    line.clear();
    expect(socket.sent.map((message) => JSON.parse(String(message)))).toEqual([
      { event: 'media', streamSid: SIDS.stream, media: { payload: Buffer.from(FRAME).toString('base64') } },
      { event: 'mark', streamSid: SIDS.stream, mark: { name: '7:"1"' } },
      { event: 'clear', streamSid: SIDS.stream },
    ]);
    socket.says({ event: 'mark', streamSid: SIDS.stream, mark: { name: '7:"1"' } });
    socket.says({ event: 'dtmf', streamSid: SIDS.stream, dtmf: { track: 'inbound_track', digit: '#' } });
    socket.says({ event: 'stop', streamSid: SIDS.stream, stop: { accountSid: SIDS.account, callSid: SIDS.call } });
    socket.says(mediaMessage(FRAME));
    socket.hangsUp(1000);
    expect(heard.audio).toHaveLength(1);
    expect(heard.signals).toEqual([
      { type: 'mark', name: '7:"1"' },
      { type: 'dtmf', digit: '#' },
      { type: 'ended', by: 'caller', detail: 'Twilio stopped the stream.' },
    ]);
  });

  it('reads media in any JSON spelling', async () => {
    const { socket, heard } = await connected();
    const payload = Buffer.from(FRAME).toString('base64');
    socket.says(`{ "media": { "payload" : "${payload.replaceAll('/', '\\/')}" }, "streamSid": "${SIDS.stream}", "event": "media" }`);
    socket.says(`{"event":"media","streamSid":"${SIDS.stream}","media":{"payload":"${payload}"}}`);
    expect(heard.audio).toEqual([HEX, HEX]);
    expect(heard.signals).toEqual([]);
  });

  it('keeps what arrives before the call listens, in order, copied', async () => {
    const socket = fakeSocket();
    const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K }, lineContext());
    socket.says(startMessage());
    const second = FRAME.map((byte) => byte ^ 0xff);
    socket.says(mediaMessage(FRAME));
    socket.says(mediaMessage(second, 2));
    const heard = heardOn(await opening);
    expect(heard.audio).toEqual([HEX, Buffer.from(second).toString('hex')]);
  });

  it('tells a broken connection from a hang-up', async () => {
    const { socket, heard } = await connected();
    socket.hangsUp(1006);
    expect(heard.signals).toEqual([{ type: 'ended', by: 'network', detail: 'closed with 1006' }]);
  });

  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const hostile: [string, string | Buffer][] = [
    ['a binary message', Buffer.from(mediaMessage(FRAME))],
    ['no JSON', 'hello'],
    ['an empty message', ''],
    ['half a message', mediaMessage(FRAME).slice(0, -4)],
    ['half a payload and no end', mediaMessage(FRAME).slice(0, 150)],
    ['a JSON array', '[1,2]'],
    ['null', 'null'],
    ['a deep array', deep],
    ['a deep object', `{"event":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`],
    ['another stream', mediaMessage(FRAME).replace(SIDS.stream, SIDS.stream.replace(/1$/, '2'))],
    ['no stream', '{"event":"media","media":{"payload":"AAAA"}}'],
    ['a second start', JSON.stringify(startMessage())],
    ['an unknown event', JSON.stringify({ event: 'launch', streamSid: SIDS.stream })],
    ['an event that is no string', JSON.stringify({ event: 7, streamSid: SIDS.stream })],
    ['truncated base64', mediaMessage(FRAME).replace(/.("\},"streamSid)/, '$1')],
    ['foreign characters in base64', mediaMessage(FRAME).replace('"payload":"', '"payload":"!!!!')],
    ['a payload that is a number', JSON.stringify({ event: 'media', streamSid: SIDS.stream, media: { payload: 7 } })],
    ['no payload', JSON.stringify({ event: 'media', streamSid: SIDS.stream, media: {} })],
    ['media that is a list', JSON.stringify({ event: 'media', streamSid: SIDS.stream, media: [] })],
    ['a digit that is none', JSON.stringify({ event: 'dtmf', streamSid: SIDS.stream, dtmf: { digit: '12' } })],
    ['a mark without a name', JSON.stringify({ event: 'mark', streamSid: SIDS.stream, mark: {} })],
    ['a mark with an endless name', JSON.stringify({ event: 'mark', streamSid: SIDS.stream, mark: { name: 'x'.repeat(10_000) } })],
    ['a prototype', `{"__proto__":{"event":"stop"},"event":"constructor","streamSid":"${SIDS.stream}"}`],
  ];
  it.each(hostile)('counts %s and goes on', async (_name, message) => {
    const { socket, heard } = await connected();
    socket.says(message);
    expect(heard.signals).toEqual([{ type: 'malformed', code: 'media_malformed', detail: expect.stringMatching(/.{5,320}/) }]);
    expect(heard.audio).toEqual([]);
    socket.says(mediaMessage(FRAME));
    expect(heard.audio).toEqual([HEX]);
  });

  it('closes the leg after fifty messages that it cannot read', async () => {
    const { socket, heard } = await connected();
    for (let i = 0; i < 49; i += 1) socket.says('rubbish');
    expect(socket.closed).toBeUndefined();
    socket.says('rubbish');
    expect(socket.closed?.code).toBe(1008);
    expect(heard.signals).toHaveLength(51);
    expect(heard.signals.at(-1)).toMatchObject({ type: 'ended' });
  });

  it('survives any bytes', async () => {
    const seed = 20_260_101;
    let state = seed;
    const random = (below: number) => {
      // The minimal standard generator (Park and Miller): the same bytes in every run.
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const seeds = [mediaMessage(FRAME), ...hostile.map(([, message]) => String(message).slice(0, 2_000)), JSON.stringify(startMessage())];
    for (let round = 0; round < 400; round += 1) {
      const { socket, heard } = await connected();
      for (let i = 0; i < 40; i += 1) {
        const message = Buffer.from(seeds[random(seeds.length)] ?? '');
        for (let edits = random(4); edits > 0 && message.length > 0; edits -= 1) message[random(message.length)] = random(256);
        socket.says(message.subarray(random(3) === 0 ? random(message.length + 1) : 0), random(10) === 0);
      }
      socket.hangsUp(1000);
      expect(heard.signals.filter(({ type }) => type === 'ended')).toHaveLength(1);
      expect(heard.signals.at(-1)?.type).toBe('ended');
    }
  });

  it('counts media before start, then starts', async () => {
    const socket = fakeSocket();
    const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K }, lineContext());
    socket.says(mediaMessage(FRAME));
    socket.says(startMessage());
    const heard = heardOn(await opening);
    expect(heard).toEqual({
      audio: [],
      signals: [{ type: 'malformed', code: 'media_malformed', detail: 'A message before start.' }],
    });
  });

  const account = twilioAccount('http://127.0.0.1:9');
  it.each([
    ['a shape of call id', { callSid: 'CA/../../x' }, 'callSid'],
    ['another account', { accountSid: SIDS.account.replace(/1$/, '2') }, 'another account'],
    ['another call', { callSid: SIDS.call.replace(/1$/, '2') }, 'another call'],
    ['another encoding', { mediaFormat: { encoding: 'audio/opus', sampleRate: 8000, channels: 1 } }, 'encoding'],
    ['another rate', { mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 16000, channels: 1 } }, 'sampleRate'],
    ['no format', { mediaFormat: null }, 'mediaFormat'],
  ])('refuses a start with %s', async (_name, changes, reason) => {
    const socket = fakeSocket();
    const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K, providerCallId: SIDS.call }, lineContext({ account }));
    socket.says(startMessage(changes));
    await expect(opening).rejects.toMatchObject({ code: 'media_malformed', message: expect.stringContaining(reason) });
    expect(socket.closed?.code).toBe(1008);
  });

  it('refuses a call that expects another format, and a socket that closes before its start', async () => {
    const socket = fakeSocket();
    const opening = twilio.line.connect(onWire(socket), { format: PCM_16K }, lineContext());
    socket.says(startMessage());
    await expect(opening).rejects.toMatchObject({ code: 'media_malformed' });

    const silent = fakeSocket();
    const waiting = twilio.line.connect(onWire(silent), { format: MULAW_8K }, lineContext());
    silent.hangsUp(1006);
    await expect(waiting).rejects.toMatchObject({ code: 'media_malformed' });
  });
});

describe('the wire in both directions', () => {
  const sizes = [0, 1, 2, 3, 159, 160, 161, 960, 3_200, 40_000];
  it.each(sizes)('writes %i bytes as one message of exact length', async (length) => {
    const { socket, line } = await connected();
    const audio = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
    line.send(audio);
    expect(JSON.parse(String(socket.sent[0]))).toEqual({
      event: 'media',
      streamSid: SIDS.stream,
      media: { payload: Buffer.from(audio).toString('base64') },
    });
  });

  const sid = `"streamSid":"${SIDS.stream}"`;
  it.each([
    ['as Twilio writes it', `{"event":"mark","sequenceNumber":"91",${sid},"mark":{"name":"12:3"}}`, '12:3'],
    ['with the stream last', `{"event":"mark","sequenceNumber":"91","mark":{"name":"12:3"},${sid}}`, '12:3'],
    ['in another order', `{"mark":{"name":"12:3"},${sid},"event":"mark"}`, '12:3'],
    ['with spaces', `{ "event": "mark", ${sid}, "mark": { "name": "12:3" } }`, '12:3'],
    ['with an escape', `{"event":"mark",${sid},"mark":{"name":"a\\"b"}}`, 'a"b'],
    ['with a letter beyond ASCII', `{"event":"mark",${sid},"mark":{"name":"\u00e4\u20ac"}}`, '\u00e4\u20ac'],
    ['without a name of any length', `{"event":"mark",${sid},"mark":{"name":""}}`, ''],
  ])('reads a mark %s', async (_, message, name) => {
    const { socket, heard } = await connected();
    socket.says(message);
    expect(heard.signals).toEqual([{ type: 'mark', name }]);
  });

  it('reads escaped base64 in the usual shape', async () => {
    const { socket, heard } = await connected();
    const audio = Uint8Array.from({ length: 160 }, () => 0xff);
    socket.says(mediaMessage(audio).replaceAll('/', '\\/'));
    expect(heard).toEqual({ audio: [Buffer.from(audio).toString('hex')], signals: [] });
  });

  it('shares its scratch between calls without mixing them up', async () => {
    const [one, two] = [await connected(), await connected()];
    one.socket.says(mediaMessage(FRAME));
    two.socket.says(mediaMessage(FRAME.map((byte) => byte ^ 0xff)));
    one.socket.says(mediaMessage(FRAME));
    expect(one.heard.audio).toEqual([HEX, HEX]);
  });
});

describe('REST', () => {
  let server: Server;
  let account: CarrierAccount;
  let answer: { status: number; body: string } = { status: 200, body: '{}' };
  const asked: { url: string; form: URLSearchParams; auth: string }[] = [];
  const egress = createEgress('any');
  const scope = rootScope('test');

  beforeAll(async () => {
    server = createServer(async (request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const auth = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
      asked.push({ url: `${request.method} ${request.url}`, form: new URLSearchParams(Buffer.concat(chunks).toString()), auth });
      response.writeHead(answer.status).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    account = twilioAccount(baseUrl);
  });
  afterAll(async () => {
    await scope.close('done');
    server.close();
  });
  beforeEach(() => void asked.splice(0));

  const request = {
    to: '+919876543210',
    from: '+14155550100',
    mediaUrl: 'wss://voice.example.com/telephony/twilio/media/t0k3n',
    statusUrl: 'https://voice.example.com/telephony/twilio/status/call-1',
    continueUrl: 'https://voice.example.com/telephony/twilio/continue/call-1',
    callId: 'call-1',
    ringSeconds: 45,
  };

  it('places a call that connects to the media stream', async () => {
    answer = { status: 201, body: JSON.stringify({ sid: SIDS.call, status: 'queued' }) };
    await expect(twilio.dial(request, account, egress, scope)).resolves.toEqual({ providerCallId: SIDS.call });
    const [only] = asked;
    expect(only?.url).toBe(`POST /2010-04-01/Accounts/${SIDS.account}/Calls.json`);
    expect(only?.auth).toBe(`${SIDS.account}:token`);
    expect(only?.form.get('To')).toBe('+919876543210');
    expect(only?.form.get('Timeout')).toBe('45');
    expect(only?.form.getAll('StatusCallbackEvent')).toEqual(['initiated', 'ringing', 'answered', 'completed']);
    expect(only?.form.get('Twiml')).toContain('<Connect><Stream url="wss://voice.example.com/telephony/twilio/media/t0k3n">');
    expect(only?.form.get('Twiml')).toContain(`<Redirect method="POST">${request.continueUrl}</Redirect></Response>`);
  });

  it.each([
    [
      400,
      { code: 21219, message: 'The number is unverified.', more_info: 'https://www.twilio.com/docs/errors/21219' },
      'carrier_refused',
      /Twilio 21219: The number is unverified/,
    ],
    [401, { code: 20003, message: 'Authenticate' }, 'carrier_refused', /Twilio 20003: Authenticate/],
    [429, { code: 20429, message: 'Too Many Requests' }, 'provider_rate', /Twilio 20429/],
    [500, '<html>', 'carrier_refused', /answered 500/],
    [201, { sid: 'CA/../x' }, 'carrier_refused', /answered 201/],
  ])('says what Twilio said: %i', async (status, body, code, message) => {
    answer = { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
    await expect(twilio.dial(request, account, egress, scope)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('hangs up; "already over" is success, everything else is told', async () => {
    answer = { status: 200, body: '{}' };
    await twilio.hangUp(SIDS.call, account, egress, scope);
    expect(asked[0]?.url).toBe(`POST /2010-04-01/Accounts/${SIDS.account}/Calls/${SIDS.call}.json`);
    expect(asked[0]?.form.get('Status')).toBe('completed');
    answer = { status: 404, body: JSON.stringify({ code: 20404, message: 'not found' }) };
    await twilio.hangUp(SIDS.call, account, egress, scope);
    answer = { status: 503, body: 'busy' };
    await expect(twilio.hangUp(SIDS.call, account, egress, scope)).rejects.toMatchObject({ code: 'carrier_refused' });
    await expect(twilio.hangUp('CA/../../Accounts', account, egress, scope)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(asked).toHaveLength(3);
  });

  const carried = async (id = 'call-1.1', extra = {}) => {
    const socket = fakeSocket();
    const continueUrl = 'https://voice.example.com/telephony/twilio/continue/call-1';
    const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K }, lineContext({ id, account, scope, continueUrl, ...extra }));
    socket.says(startMessage());
    const line = await opening;
    return { socket, line, heard: heardOn(line) };
  };
  const stop = { event: 'stop', streamSid: SIDS.stream, stop: {} };

  it.each([
    ['+14155550123', '<Number>+14155550123</Number>'],
    ['sip:desk@pbx.example.com;x=1', '<Sip>sip:desk@pbx.example.com;x=1</Sip>'],
  ])('transfers to %s by another document, and the end of the stream is ours', async (destination, inside) => {
    answer = { status: 200, body: '{}' };
    const { socket, line, heard } = await carried();
    expect(line.can).toMatchObject({ transfer: true, bridge: true, press: false, hold: false });
    await line.transfer(destination);
    expect(asked[0]?.url).toBe(`POST /2010-04-01/Accounts/${SIDS.account}/Calls/${SIDS.call}.json`);
    expect(asked[0]?.form.get('Twiml')).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><Response><Dial timeout="25" callerId="+14155550100" action="https://voice.example.com/telephony/twilio/continue/call-1" method="POST">${inside}</Dial></Response>`,
    );
    socket.says(stop);
    socket.hangsUp(1000);
    expect(heard.signals).toEqual([{ type: 'ended', by: 'transfer', detail: expect.any(String) }]);
    // The call is not ours any more: only our own end of the stream is closed.
    await line.hangUp('transferred');
    expect(asked).toHaveLength(1);
  });

  it.each(['stop', 'close'] as const)('believes a %s that comes before the answer to the redirect only when Twilio agrees', async (how) => {
    for (const [status, by] of [
      [200, 'transfer'],
      [404, how === 'stop' ? 'caller' : 'network'],
    ] as const) {
      answer = { status, body: '{}' };
      const { socket, line, heard } = await carried();
      const asking = line.transfer('+14155550123').catch((error: unknown) => error);
      if (how === 'stop') socket.says(stop);
      else socket.hangsUp(1006);
      expect(heard.signals).toEqual([]);
      await asking;
      expect(heard.signals).toEqual([{ type: 'ended', by, detail: expect.any(String) }]);
    }
  });

  it('goes on when Twilio refuses a transfer', async () => {
    answer = { status: 400, body: JSON.stringify({ code: 21220, message: 'Call is not in-progress.' }) };
    const { socket, line, heard } = await carried();
    await expect(line.transfer('+14155550123')).rejects.toMatchObject({
      code: 'carrier_refused',
      message: expect.stringContaining('21220'),
    });
    socket.says(mediaMessage(FRAME));
    socket.says(stop);
    expect(heard.audio).toEqual([HEX]);
    expect(heard.signals).toMatchObject([{ type: 'ended', by: 'caller' }]);
  });

  it.each(['', '4155550123', 'the boss', 'sip:a b', '+1"/><Hangup/>'])('does not transfer to %j', async (destination) => {
    const { line, heard } = await carried();
    await expect(line.transfer(destination)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(asked).toEqual([]);
    expect(heard.signals).toEqual([]);
  });

  it('bridges two legs in one room, whichever is told first', async () => {
    answer = { status: 200, body: '{}' };
    const [one, two] = [await carried('call-1.1'), await carried('call-2.3')];
    await two.line.bridge(one.line.id);
    await one.line.bridge(two.line.id);
    const rooms = asked.map(
      ({ form }) => /<Dial><Conference [^>]*>([0-9a-f]{32})<\/Conference><\/Dial>/.exec(form.get('Twiml') ?? '')?.[1],
    );
    expect(rooms[0]).toMatch(/./);
    expect(rooms[0]).toBe(rooms[1]);
    one.socket.says(stop);
    expect(one.heard.signals).toMatchObject([{ type: 'ended', by: 'transfer' }]);
  });

  it('can do neither without an account', async () => {
    const { line } = await connected();
    expect(line.can).toMatchObject({ transfer: false, bridge: false });
    await expect(line.transfer('+14155550123')).rejects.toMatchObject({ code: 'line_cannot' });
  });

  it('hangs up once, and closes the socket even when Twilio fails', async () => {
    answer = { status: 503, body: '' };
    const socket = fakeSocket();
    const opening = twilio.line.connect(onWire(socket), { format: MULAW_8K }, lineContext({ account, scope }));
    socket.says(startMessage());
    const line = await opening;
    const first = line.hangUp('done');
    await expect(first).rejects.toMatchObject({ code: 'carrier_refused' });
    expect(line.hangUp('again')).toBe(first);
    expect(socket.closed?.code).toBe(1000);
    expect(asked).toHaveLength(1);
  });
});

describe('signatures', () => {
  const token = twilioAccount('', 'twilio-test-token-0001');
  const status = 'https://voice.example.com/telephony/twilio/status/7d0c3b52-3c9f-4a57-9d0e-5b1f8f6c2a10';
  const form = {
    AccountSid: 'ACfedcba9876543210fedcba9876543210',
    CallDuration: '42',
    CallSid: 'CA0123456789abcdef0123456789abcdef',
    CallStatus: 'completed',
    From: '+14155550100',
    To: '+919876543210',
  };
  const signed = (signature: string) => ({ 'x-twilio-signature': signature });
  const upgrade = 'wss://voice.example.com/ws/twilio/support-agent/t0k3n';

  it('accepts what Twilio signs: a form, an upgrade, with the port, a JSON body', () => {
    expect(twilio.verify({ url: status, headers: signed('XFgHa7d5OzFfa27tFbY+j2cizho='), form }, token)).toBe(true);
    expect(twilio.verify({ url: upgrade, headers: signed('gVfnOFby8dEqnGDj56DYPdFzVaU='), form: {} }, token)).toBe(true);
    expect(twilio.verify({ url: upgrade, headers: signed('l2TeQF3Z7P8IMS4EhsdFf/8rQ+4='), form: {} }, token)).toBe(true);
    const url = `https://voice.example.com/telephony/twilio/json?bodySHA256=${sha256('{"a":1}')}`;
    const headers = signed('aLrF/O/XSXEGAr+c6/nKv9CPwTo=');
    expect(twilio.verify({ url, headers, form: {}, body: '{"a":1}' }, token)).toBe(true);
    expect(twilio.verify({ url, headers, form: {}, body: '{"a":2}' }, token)).toBe(false);
    expect(twilio.verify({ url, headers, form: {} }, token)).toBe(false);
  });

  it('refuses everything else', () => {
    const headers = signed('XFgHa7d5OzFfa27tFbY+j2cizho=');
    expect(twilio.verify({ url: status, headers, form: { ...form, CallDuration: '43' } }, token)).toBe(false);
    expect(twilio.verify({ url: `${status}?x=1`, headers, form }, token)).toBe(false);
    expect(twilio.verify({ url: status, headers, form }, twilioAccount('', 'another token'))).toBe(false);
    expect(twilio.verify({ url: status, headers: {}, form }, token)).toBe(false);
    expect(twilio.verify({ url: status, headers: signed(''), form }, token)).toBe(false);
    expect(twilio.verify({ url: 'no url', headers, form }, token)).toBe(false);
    expect(twilio.verify({ url: status, headers, form }, twilioAccount('', ''))).toBe(false);
  });

  it('writes the values of a repeated field once each, sorted', () => {
    const url = 'https://voice.example.com/x';
    const once = { url, headers: signed(''), form: { A: ['c', 'b', 'c'], B: 'd' } };
    const { createHmac } = process.getBuiltinModule('node:crypto');
    const signature = createHmac('sha1', 'twilio-test-token-0001').update(`${url}AbAcBd`).digest('base64');
    expect(twilio.verify({ ...once, headers: signed(signature) }, token)).toBe(true);
  });
});

describe('callbacks and documents', () => {
  const call = (form: Record<string, string>) => ({ url: '', headers: {}, form });

  it('names the states of a call', () => {
    const base = { CallSid: SIDS.call, SequenceNumber: '3' };
    const state = (CallStatus: string) => twilio.status(call({ ...base, CallStatus })).state;
    expect(['queued', 'initiated', 'ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled'].map(state)).toEqual([
      'queued',
      'dialing',
      'ringing',
      'in-progress',
      'completed',
      'busy',
      'failed',
      'no-answer',
      'canceled',
    ]);
    expect(twilio.status(call({ ...base, CallStatus: 'failed', SipResponseCode: '486' }))).toEqual({
      providerCallId: SIDS.call,
      state: 'failed',
      sequence: 3,
      detail: 'failed, SIP 486',
    });
  });

  it.each([
    [{ CallSid: 'CA1', CallStatus: 'busy' }, 'CallSid'],
    [{ CallSid: SIDS.call, CallStatus: 'constructor' }, 'CallStatus'],
    [{ CallSid: SIDS.call, CallStatus: 'busy', SequenceNumber: '-1' }, 'SequenceNumber'],
  ])('refuses a status that is none: %j', (form, path) => {
    expect(() => twilio.status(call(form))).toThrow(
      expect.objectContaining({ code: 'invalid_request', faults: [expect.objectContaining({ path })] }),
    );
  });

  it('reads an inbound call', () => {
    const form = { CallSid: SIDS.call, AccountSid: SIDS.account, From: '+14155550100', To: '+919876543210', Extra: 'x' };
    expect(twilio.inbound(call(form))).toEqual({
      providerCallId: SIDS.call,
      accountId: SIDS.account,
      from: '+14155550100',
      to: '+919876543210',
    });
    expect(() => twilio.inbound(call({}))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('answers with one bidirectional stream and the question behind it, and lets no value become markup', () => {
    const { contentType, body } = twilio.answer({
      mediaUrl: 'wss://voice.example.com/a?b&c',
      continueUrl: 'https://voice.example.com/d?e&f',
      parameters: { name: `"><Redirect>x</Redirect>'\u0000\ud800` },
    });
    expect(contentType).toBe('text/xml');
    expect(body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="wss://voice.example.com/a?b&amp;c">' +
        '<Parameter name="name" value="&quot;&gt;&lt;Redirect&gt;x&lt;/Redirect&gt;&apos;\ufffd"/></Stream></Connect>' +
        '<Redirect method="POST">https://voice.example.com/d?e&amp;f</Redirect></Response>',
    );
    expect(twilio.refuse().body).toBe('<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="busy"/></Response>');
    expect(twilio.continuation.over().body).toBe('<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>');
  });

  it.each([
    [undefined, null],
    ['completed', true],
    ['answered', true],
    ['busy', false],
    ['no-answer', false],
    ['failed', false],
    ['canceled', false],
    ['something new', false],
  ])('knows what became of a transfer: %s', (DialCallStatus, transferred) => {
    const form = { CallSid: SIDS.call, ...(DialCallStatus && { DialCallStatus }) };
    expect(twilio.continuation.read(call(form))).toEqual({ providerCallId: SIDS.call, transferred });
    expect(() => twilio.continuation.read(call({ CallSid: 'CA1' }))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
