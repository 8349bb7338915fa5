/**
 * Twilio as a runtime sees it: the signed webhook for a caller, the media stream with its clock, queue, marks and `clear`, the REST
 * interface that places and ends calls. It behaves as the real one does and judges nothing. https://www.twilio.com/docs/voice
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../kernel/clock.ts';
import { createEgress } from '../kernel/egress.ts';
import { AywaError } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import { type FakeLeg, openLeg } from './fake-leg.ts';

export interface FakeTwilio {
  /** The REST origin: `TWILIO_BASE_URL`. */
  readonly url: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly number: string;
  /** Somebody calls the number: posts the webhook and opens the media stream that its answer asks for. */
  call(webhookUrl: string, from: string): Promise<FakeLeg>;
  /** The next call that the runtime places by REST, once it was answered and its stream is open. */
  nextPlaced(): Promise<FakeLeg>;
  /** The next stream that follows a broken one in the same call: the runtime answered the question behind the stream with another. */
  nextContinued(): Promise<FakeLeg>;
  /** The documents that running calls were sent to by REST. */
  readonly redirects: readonly { readonly callSid: string; readonly document: string }[];
  /** REST requests so far: `POST /2010-04-01/...`. */
  readonly requests: readonly string[];
}

export interface FakeTwilioOptions {
  readonly scope: Scope;
  readonly clock: Clock;
  readonly authToken?: string;
  /** Resolves when the one who is called picks up: at once unless said otherwise. */
  readonly picksUp?: (number: string) => Promise<void>;
}

const hex = () => randomBytes(16).toString('hex');
const egress = createEgress('any');

export async function startFakeTwilio({
  scope,
  clock,
  authToken = randomBytes(24).toString('hex'),
  picksUp = () => Promise.resolve(),
}: FakeTwilioOptions): Promise<FakeTwilio> {
  const accountSid = `AC${hex()}`;
  const number = '+15550100200';
  const legs = new Map<string, FakeLeg>();
  /** Calls that were placed and not yet picked up. */
  const ringing = new Map<string, Scope>();
  /** Calls that were ended by REST: nobody asks how to go on. */
  const finished = new Set<string>();
  const placed: FakeLeg[] = [];
  const takers: ((leg: FakeLeg) => void)[] = [];
  const continued: FakeLeg[] = [];
  const continuers: ((leg: FakeLeg) => void)[] = [];
  const redirects: { callSid: string; document: string }[] = [];
  const requests: string[] = [];

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    scope.spawn('rest', async () => {
      const form = new URLSearchParams(await scope.wait(bodyOf(request)));
      const [status, body] = rest(request, form);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await scope.wait(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  scope.defer(() => {
    server.close();
    server.closeAllConnections();
  });

  function rest(request: IncomingMessage, form: URLSearchParams): [number, Record<string, unknown>] {
    const [, account, call] = /^\/2010-04-01\/Accounts\/(AC\w+)\/Calls(?:\/(CA\w+))?\.json$/.exec(request.url ?? '') ?? [];
    const login = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
    if (request.headers.authorization !== login) return [401, { code: 20003, message: 'Authenticate', status: 401 }];
    if (account !== accountSid) return [404, { code: 20404, message: 'The requested resource was not found', status: 404 }];
    if (call) {
      const leg = legs.get(call);
      const calling = ringing.get(call);
      if (!leg && !calling) return [404, { code: 20404, message: 'The requested resource was not found', status: 404 }];
      const document = form.get('Twiml');
      if (document !== null) {
        redirects.push({ callSid: call, document });
        leg?.leave('elsewhere');
        return [200, { sid: call, status: 'in-progress' }];
      }
      if (form.get('Status') === 'completed') {
        finished.add(call);
        leg?.hangUp('agent');
      }
      void calling?.close('hung up');
      return [200, { sid: call, status: 'completed' }];
    }
    const sid = `CA${hex()}`;
    const calling = scope.child('placed');
    ringing.set(sid, calling);
    calling.spawn('placed', async () => {
      const report = (state: string, sequence: number) => callback(form.get('StatusCallback') ?? '', sid, form, state, sequence);
      await report('initiated', 0);
      await report('ringing', 1);
      await calling.wait(picksUp(form.get('To') ?? ''));
      ringing.delete(sid);
      const document = form.get('Twiml') ?? (await post(form.get('Url') ?? '', { CallSid: sid, AccountSid: accountSid, ...parties(form) }));
      await report('in-progress', 2);
      const leg = await open(document, sid);
      give(leg, takers, placed);
      await scope.wait(leg.ended);
      await report('completed', 3);
    });
    return [201, { sid, status: 'queued', ...parties(form) }];
  }

  async function callback(url: string, sid: string, form: URLSearchParams, state: string, sequence: number): Promise<void> {
    if (!url) return;
    const facts = { CallSid: sid, AccountSid: accountSid, CallStatus: state, SequenceNumber: String(sequence), Direction: 'outbound-api' };
    await post(url, { ...facts, ...parties(form) });
  }

  async function post(url: string, form: Record<string, string>): Promise<string> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': sign(authToken, url, form) };
    const answer = await egress.http({ url, method: 'POST', headers, body: new URLSearchParams(form).toString() }, scope);
    const text = await scope.wait(answer.text());
    if (answer.status >= 300) throw new AywaError('carrier_refused', { detail: `${url} answered ${answer.status}: ${text.slice(0, 300)}` });
    return text;
  }

  async function open(document: string, callSid: string): Promise<FakeLeg> {
    const url = /<Stream[^>]*\surl="([^"]+)"/.exec(document)?.[1];
    if (!url) throw new AywaError('carrier_refused', { detail: `The answer connects no stream: ${document.slice(0, 300)}` });
    const pairs = Array.from(document.matchAll(/<Parameter name="([^"]*)" value="([^"]*)"/g), (m) => [plain(m[1]), plain(m[2])]);
    const parameters: Record<string, string> = Object.fromEntries(pairs);
    const target = plain(url);
    const headers = { 'x-twilio-signature': sign(authToken, target, {}) };
    const stream = scope.child('stream');
    const socket = await egress.socket({ url: target, headers }, stream);
    const cut = () => void stream.close('broken');
    const leg = openLeg({ socket, cut, clock, accountSid, callSid, streamSid: `MZ${hex()}`, parameters });
    stream.defer(() => leg.hangUp('caller'));
    legs.set(callSid, leg);
    scope.spawn('goes on', () => goOn(document, leg));
    return leg;
  }

  /** What stands behind the stream in its document is done when the stream ends while the call goes on. */
  async function goOn(document: string, { ended, callSid }: FakeLeg): Promise<void> {
    const by = await scope.wait(ended);
    const next = /<Redirect[^>]*>([^<]+)</.exec(document)?.[1];
    if (by === 'caller' || by === 'elsewhere' || finished.has(callSid) || !next) return;
    const form = { CallSid: callSid, AccountSid: accountSid, CallStatus: 'in-progress' };
    // Whoever does not answer has hung up.
    const answer = await post(plain(next), form).catch(() => '');
    if (answer.includes('<Stream')) give(await open(answer, callSid), continuers, continued);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accountSid,
    authToken,
    number,
    requests,
    async call(webhookUrl, from) {
      const sid = `CA${hex()}`;
      const form = {
        CallSid: sid,
        AccountSid: accountSid,
        From: from,
        To: number,
        CallStatus: 'ringing',
        Direction: 'inbound',
        ApiVersion: '2010-04-01',
      };
      return open(await post(webhookUrl, form), sid);
    },
    redirects,
    nextPlaced: () => nextOf(takers, placed),
    nextContinued: () => nextOf(continuers, continued),
  };
}

type Takers = ((leg: FakeLeg) => void)[];

/** Gives a leg to whoever waits for one, or keeps it. */
function give(leg: FakeLeg, takers: Takers, kept: FakeLeg[]): void {
  const taker = takers.shift();
  if (taker) taker(leg);
  else kept.push(leg);
}

function nextOf(takers: Takers, kept: FakeLeg[]): Promise<FakeLeg> {
  const leg = kept.shift();
  return leg ? Promise.resolve(leg) : new Promise((resolve) => takers.push(resolve));
}

/** `X-Twilio-Signature`: HMAC-SHA1 over the URL and the form's sorted pairs. https://www.twilio.com/docs/usage/security */
function sign(token: string, url: string, form: Readonly<Record<string, string>>): string {
  const pairs = Object.keys(form)
    .sort()
    .map((key) => key + form[key]);
  return createHmac('sha1', token)
    .update(url + pairs.join(''))
    .digest('base64');
}

function parties(form: URLSearchParams): { From: string; To: string } {
  return { From: form.get('From') ?? '', To: form.get('To') ?? '' };
}

/** XML entities of an attribute undone. */
function plain(text = ''): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => names[name] ?? '');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
