/**
 * What carriers call: "somebody is on the line" and "this became of your call". Everything is decided before the answer: signature,
 * assistant, plan, capacity. A call that cannot be taken hears busy, never a connected silence, and the log says why.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { validateAssistant } from '../../agent/definition.ts';
import type { Carrier, CarrierAccount, CarrierCallback, CarrierDocument, CarrierStatus, InboundCall } from '../../carriers/carrier.ts';
import { accountOf } from '../../carriers/index.ts';
import { AywaError, asAywaError } from '../../kernel/errors.ts';
import { accessFor, carrierNamed } from '../../switchboard/access.ts';
import { answerWebhook } from '../../switchboard/answer-webhook.ts';
import { continueUrl, mediaUrl } from '../../switchboard/carrier-urls.ts';
import { placeCall } from '../../switchboard/place-call.ts';
import { streamLeg } from '../call-order.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { Form } from '../schemas.ts';

const tags = ['Telephony'];
const At = z.object({ carrier: z.string().max(40) });
const consumes = ['application/x-www-form-urlencoded'];
/** A carrier repeats a webhook that it thinks was lost; the caller is still the same one. */
const REMEMBERED_MS = 60_000;

interface Proven {
  readonly account: CarrierAccount;
  readonly callback: CarrierCallback;
}

export function telephonyRoutes(app: Api, deps: ApiDeps): void {
  const { store, journal, switchboard, log, config, clock, carrierCalls, home } = deps;
  const answers = new Map<string, Promise<CarrierDocument>>();

  app.post(
    '/telephony/:carrier/inbound',
    { schema: { tags, summary: 'A caller for the number that was called', params: At, consumes, body: Form } },
    async (request, reply) => {
      const carrier = carrierNamed(request.params.carrier);
      const document = await busyOnFailure(carrier, async () => {
        const { account, callback } = await proven(request, carrier);
        const { to, providerCallId } = carrier.inbound(callback);
        const error = new AywaError('not_found', { detail: `The number ${to} has no assistant.` });
        return refused(carrier, error, { account, providerCallId });
      });
      return send(reply, document);
    },
  );

  app.post(
    '/telephony/:carrier/inbound/:assistant',
    {
      schema: {
        tags,
        summary: 'A caller for an assistant, by name or id',
        params: At.extend({ assistant: z.string() }),
        consumes,
        body: Form,
      },
    },
    async (request, reply) => {
      const carrier = carrierNamed(request.params.carrier);
      const document = await busyOnFailure(carrier, async () => {
        const { account, callback } = await proven(request, carrier);
        const caller = carrier.inbound(callback);
        if (caller.accountId !== account.id) throw forged(carrier, 'It names another account.');
        const { assistant } = request.params;
        return answerOnce(`${caller.providerCallId} ${assistant}`, () => answer(carrier, account, caller, assistant));
      });
      return send(reply, document);
    },
  );

  app.post(
    '/telephony/:carrier/status/:call',
    { schema: { tags, summary: 'What became of a call', params: At.extend({ call: z.string() }), consumes, body: Form } },
    async (request, reply) => {
      const { call } = request.params;
      const carrier = carrierNamed(request.params.carrier);
      const { callback } = await proven(request, carrier, carrierCalls.accountOf(call));
      const status = carrier.status(callback);
      if (carrierCalls.isNews(call, status)) report(carrier, call, status);
      reply.code(204);
    },
  );

  app.post(
    '/telephony/:carrier/continue/:call',
    { schema: { tags, summary: 'How to go on when a stream has ended', params: At.extend({ call: z.string() }), consumes, body: Form } },
    async (request, reply) => {
      const { call } = request.params;
      const carrier = carrierNamed(request.params.carrier);
      const { continuation } = carrier;
      if (!continuation) throw new AywaError('not_found', { detail: `${carrier.name} never asks how to go on.` });
      const { account, callback } = await proven(request, carrier, carrierCalls.accountOf(call));
      const { providerCallId, transferred } = continuation.read(callback);
      // Who talked to somebody else and hung up there is done; everybody else may still have a call here.
      const next = transferred ? null : switchboard.reattach(call, providerCallId);
      log.info('carrier_continues', { call, carrier: carrier.name, transferred, again: next !== null });
      if (next) return send(reply, connected(carrier, account, call, providerCallId, next.mediaToken));
      return send(
        reply,
        answerWebhook(deps, continuation.over(), account, () => {}),
      );
    },
  );

  /** The callback, once its signature holds for the URL that the carrier was given: the public one, whatever `Host` says. */
  async function proven(request: FastifyRequest, carrier: Carrier, placedWith?: CarrierAccount): Promise<Proven> {
    const account = placedWith ?? accountOf(carrier, (await accessFor(deps, home)).all);
    const headers: Record<string, string | undefined> = {};
    for (const [field, value] of Object.entries(request.headers)) headers[field] = Array.isArray(value) ? value[0] : value;
    const callback = { url: config.publicUrl + request.url, headers, form: formOf(request.body) };
    if (!carrier.verify(callback, account)) throw forged(carrier, '');
    return { account, callback };
  }

  function forged(carrier: Carrier, detail: string): AywaError {
    log.warn('carrier_signature_wrong', { carrier: carrier.name, detail });
    journal.metrics.refused(`${carrier.name} callback`, 'signature_wrong');
    return new AywaError('signature_wrong', { detail });
  }

  function answerOnce(key: string, make: () => Promise<CarrierDocument>): Promise<CarrierDocument> {
    const known = answers.get(key);
    if (known) return known;
    const made = make();
    answers.set(key, made);
    clock.timer(REMEMBERED_MS, () => answers.delete(key), { idle: true });
    return made;
  }

  async function answer(carrier: Carrier, account: CarrierAccount, caller: InboundCall, assistant: string): Promise<CarrierDocument> {
    try {
      const row = await store.assistants.find(home, assistant);
      if (!row) throw new AywaError('not_found', { detail: `There is no assistant ${assistant.slice(0, 60)}.` });
      const number = {
        number: caller.to,
        provider: carrier.name,
        [`${carrier.name}PhoneNumber`]: caller.to,
        [`${carrier.name}AccountSid`]: account.id,
      };
      const customer = { number: caller.from };
      const placed = await placeCall(deps, {
        organization: home,
        channel: 'phone-inbound',
        type: 'inboundPhoneCall',
        assistantId: row.id,
        assistant: validateAssistant(row.definition),
        from: caller.from,
        to: caller.to,
        customer,
        number,
        request: { customer, phoneNumber: number, phoneCallProvider: carrier.name, phoneCallProviderId: caller.providerCallId },
        leg: streamLeg(account, caller.providerCallId),
      });
      carrierCalls.placed(placed.row.id, account);
      return connected(carrier, account, placed.row.id, caller.providerCallId, placed.mediaToken);
    } catch (thrown) {
      return refused(carrier, asAywaError(thrown), { account, providerCallId: caller.providerCallId });
    }
  }

  /** Who cannot be served because the runtime itself fails hears busy; who is not proven is refused as an error. */
  async function busyOnFailure(carrier: Carrier, work: () => Promise<CarrierDocument>): Promise<CarrierDocument> {
    try {
      return await work();
    } catch (thrown) {
      const error = asAywaError(thrown);
      if (error.status < 500) throw error;
      return refused(carrier, error);
    }
  }

  function connected(carrier: Carrier, account: CarrierAccount, call: string, providerCallId: string, token: string): CarrierDocument {
    const answer = carrier.answer({
      providerCallId,
      mediaUrl: mediaUrl(config.publicUrl, carrier.name, token),
      continueUrl: continueUrl(config.publicUrl, carrier.name, call),
      parameters: { call_id: call },
    });
    return answerWebhook(deps, answer, account, (detail) => switchboard.end(call, 'never-connected', detail));
  }

  function refused(carrier: Carrier, error: AywaError, of?: { account: CarrierAccount; providerCallId: string }): CarrierDocument {
    journal.metrics.refused(`${carrier.name} caller`, error.code);
    log.warn('inbound_refused', { carrier: carrier.name, code: error.code, detail: error.message });
    return answerWebhook(deps, carrier.refuse(of?.providerCallId ?? null), of?.account, () => {});
  }

  function report(carrier: Carrier, call: string, { state, providerCallId, detail }: CarrierStatus): void {
    const ends = ENDS[state];
    if (ends) switchboard.end(call, ends, detail);
    else if (state === 'dialing' || state === 'ringing') switchboard.progress(call, state, carrier.name, providerCallId);
    else if (state === 'in-progress') switchboard.progress(call, 'answered', carrier.name, providerCallId);
  }
}

const ENDS: Partial<Record<CarrierStatus['state'], 'caller-hung-up' | 'busy' | 'no-answer' | 'dial-failed' | 'canceled'>> = {
  completed: 'caller-hung-up',
  busy: 'busy',
  'no-answer': 'no-answer',
  failed: 'dial-failed',
  canceled: 'canceled',
};

function send(reply: FastifyReply, { contentType, body }: CarrierDocument): string {
  reply.code(200).type(contentType);
  return body;
}

function formOf(body: unknown): CarrierCallback['form'] {
  return z.record(z.string(), z.union([z.string(), z.array(z.string())])).safeParse(body ?? {}).data ?? {};
}
