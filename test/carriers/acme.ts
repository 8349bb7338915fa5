/** Acme Voice: binary mu-law frames and JSON texts on the media socket, calls answered by REST, HMAC-SHA256 over its callbacks. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { MULAW_8K, sameFormat } from '../../src/audio/format.ts';
import type { Carrier, CarrierAccount, CarrierCallback, Line } from '../../src/carriers/carrier.ts';
import { noVerbs, onSocket } from '../../src/carriers/connector.ts';
import { closedBy, delivery, jsonObject } from '../../src/carriers/delivery.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { faultLine, faultsOf } from '../../src/kernel/faults.ts';
import { equalInConstantTime } from '../../src/kernel/ids.ts';
import type { Scope } from '../../src/kernel/scope.ts';
import { secret } from '../../src/kernel/secret.ts';

const CallId = z.string().regex(/^call_[0-9a-f]{16}$/);
const Inbound = z.object({ call: CallId, account: z.string(), from: z.string(), to: z.string() });
const State = z.enum(['queued', 'dialing', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'failed', 'canceled']);
const Status = z.object({ call: CallId, state: State, sequence: z.coerce.number().int() });
const Start = z.object({ type: z.literal('start'), call: CallId, account: z.string() });
const Digit = z.object({ type: z.literal('digit'), digit: z.string().length(1) });
const Played = z.object({ type: z.literal('played'), name: z.string().max(200) });

export const acme: Carrier = {
  name: 'acme',
  account: z.object({
    accountId: z.string().describe('The account at acme.'),
    apiToken: secret(z.string().describe("What acme's API is called with.")),
    signingKey: secret(z.string().describe('The key that acme signs its callbacks with.')),
  }),
  idField: 'accountId',
  origin: 'https://api.acme.example',
  verify({ url, headers, form }, { fields }) {
    const pairs = Object.keys(form)
      .sort()
      .map((name) => `${name}=${form[name]}`);
    const expected = createHmac('sha256', fields.signingKey ?? '').update([url, ...pairs].join('\n'));
    return equalInConstantTime(expected.digest('hex'), headers['x-acme-signature'] ?? '');
  },
  inbound(callback) {
    const { call, account, from, to } = read(Inbound, callback);
    return { providerCallId: call, accountId: account, from, to };
  },
  status(callback) {
    const { call, state, sequence } = read(Status, callback);
    return { providerCallId: call, state, sequence, detail: state };
  },
  answer: ({ providerCallId, mediaUrl }) => ({
    rest: (account, egress, scope) => command(providerCallId, 'answer', { mediaUrl }, account, egress, scope),
  }),
  refuse: (providerCallId) => ({
    rest: (account, egress, scope) => command(providerCallId ?? '', 'reject', { reason: 'busy' }, account, egress, scope),
  }),
  async dial({ to, from, mediaUrl, statusUrl, ringSeconds }, account, egress, scope) {
    const reply = await ask('calls', { to, from, mediaUrl, statusUrl, ringSeconds }, account, egress, scope);
    const call = CallId.safeParse(reply.body.call);
    if (!call.success) throw new AywaError('carrier_refused', { detail: `Acme answered ${reply.status}: ${reply.body.message}` });
    return { providerCallId: call.data };
  },
  hangUp: (providerCallId, account, egress, scope) => command(providerCallId, 'hangup', {}, account, egress, scope),
  line: onSocket('acme', (socket, expectation, ctx) => {
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const arrived = delivery((detail) => socket.close(1008, detail));
    let started = false;

    const start = ({ call, account }: z.infer<typeof Start>) => {
      const expected = expectation.providerCallId ?? call;
      if (call !== expected || account !== (ctx.account?.id ?? account) || !sameFormat(expectation.format, MULAW_8K)) {
        reject(new AywaError('media_malformed', { detail: 'start: it names another call, account or format.' }));
        return socket.close(1008, 'refused');
      }
      started = true;
      return resolve({
        ...noVerbs('acme'),
        id: ctx.id,
        carrier: 'acme',
        format: MULAW_8K,
        can: {
          clear: true,
          mark: true,
          dtmf: true,
          press: true,
          hold: false,
          transfer: false,
          bridge: false,
          returns: false,
          audio: true,
          leadMs: 400,
        },
        facts: { providerCallId: call, accountId: account },
        listen: arrived.listen,
        send: (audio) => socket.send(audio),
        mark: (name) => socket.send(JSON.stringify({ type: 'mark', name })),
        clear: () => socket.send('{"type":"clear"}'),
        tell() {},
        press: async (keys) => socket.send(JSON.stringify({ type: 'press', keys })),
        async hangUp() {
          try {
            if (ctx.account) await acme.hangUp(call, ctx.account, ctx.egress, ctx.scope);
          } finally {
            socket.close(1000, 'ended');
          }
        },
      });
    };

    socket.onMessage((message, binary) => {
      const wire = binary ? undefined : jsonObject(message);
      const first = Start.safeParse(wire);
      if (first.success && !started) return start(first.data);
      if (!started) return arrived.malformed('A message before start.');
      if (binary) return arrived.audio(message);
      const digit = Digit.safeParse(wire).data;
      const played = Played.safeParse(wire).data;
      if (digit) arrived.signal({ type: 'dtmf', digit: digit.digit });
      else if (played) arrived.signal({ type: 'mark', name: played.name });
      else if (wire?.type === 'stop') arrived.ended('caller', 'Acme stopped the stream.');
      else arrived.malformed(wire ? 'An unknown message.' : 'Not a JSON object.');
    });
    socket.onClose((code, reason) => {
      arrived.ended(closedBy(code, 'carrier'), reason || `closed with ${code}`);
      reject(new AywaError('media_malformed', { detail: `The stream was closed (${code}) before its start.` }));
    });
    return ctx.scope.wait(promise);
  }),
};

function read<T>(schema: z.ZodType<T>, { form }: CarrierCallback): T {
  const parsed = schema.safeParse(form);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error);
  throw new AywaError('invalid_request', { detail: faultLine(faults), faults });
}

/** "Already over" counts as success. */
async function command(call: string, what: string, body: Record<string, unknown>, account: CarrierAccount, egress: Egress, scope: Scope) {
  const { status } = await ask(`calls/${CallId.parse(call)}/${what}`, body, account, egress, scope);
  if (status >= 300 && status !== 404) throw new AywaError('carrier_refused', { detail: `Acme answered ${status}.` });
}

async function ask(path: string, body: Record<string, unknown>, account: CarrierAccount, egress: Egress, scope: Scope) {
  const headers = { authorization: `Bearer ${account.fields.apiToken}`, 'content-type': 'application/json' };
  const request = { url: `${account.baseUrl}/v1/${path}`, method: 'POST' as const, headers, body: JSON.stringify(body) };
  const reply = await egress.http(request, scope);
  return { status: reply.status, body: jsonObject(Buffer.from(await reply.text())) ?? {} };
}
