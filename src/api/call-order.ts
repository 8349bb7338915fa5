/**
 * From the body of `POST /call` to an order: who speaks, how the caller is reached, in which audio. Refuses what this server does not
 * do with the path of the field; it never opens or dials anything.
 */
import { type Assistant, underPath, validateAssistant } from '../agent/definition.ts';
import { type AudioFormat, MULAW_8K, PCM_16K } from '../audio/format.ts';
import type { CarrierAccount } from '../carriers/carrier.ts';
import { accountOf } from '../carriers/index.ts';
import type { LegPlan } from '../host/protocol.ts';
import { AywaError } from '../kernel/errors.ts';
import { accessFor, carrierNamed } from '../switchboard/access.ts';
import type { CallOrder } from '../switchboard/place-call.ts';
import type { ApiDeps } from './deps.ts';
import { fault } from './errors.ts';
import type { CreateCall } from './schemas.ts';

/** A media token lives 60 s, and a websocket client has all of them to connect. */
const WEBSOCKET_ARRIVES_MS = 60_000;
/** Vapi gives a browser 15 s to join. */
const BROWSER_ARRIVES_MS = 15_000;
/** The carrier opens its stream right after our answer. */
const STREAM_ARRIVES_MS = 15_000;

const E164 = /^\+[1-9]\d{6,14}$/;
/** Fields of Vapi's that would change the call, and that nothing here obeys: refused, never ignored. */
const LATER = [
  'assistantVersion',
  'squadId',
  'squad',
  'squadOverrides',
  'workflowId',
  'workflow',
  'workflowOverrides',
  'phoneNumberId',
  'customerId',
  'customers',
  'schedulePlan',
] as const;

export type Door = 'any' | 'phone' | 'web';

export async function orderOf(deps: ApiDeps, organization: string, body: CreateCall, door: Door): Promise<CallOrder> {
  const later = LATER.filter((field) => body[field] !== undefined && body[field] !== null);
  if (later.length > 0) {
    const faults = later.map((path) => ({ path, message: 'is not supported by this server' }));
    throw new AywaError('unsupported', { detail: `${later.join(', ')}.`, faults });
  }
  const common = {
    organization,
    ...(await assistantOf(deps, organization, body)),
    overrides: body.assistantOverrides ?? undefined,
    request: requestOf(body),
  };
  const provider = body.transport?.provider;
  if (door === 'web')
    return { ...common, ...nobody, channel: 'web', type: 'webCall', leg: socketLeg('websocket', formatOf(body), BROWSER_ARRIVES_MS) };
  if (door === 'any' && provider === 'vapi.websocket')
    return {
      ...common,
      ...nobody,
      channel: 'websocket',
      type: 'vapi.websocketCall',
      leg: socketLeg('websocket', formatOf(body), WEBSOCKET_ARRIVES_MS),
    };
  if (door === 'any' && provider === 'aywa.text')
    return { ...common, ...nobody, channel: 'text', type: 'vapi.websocketCall', leg: socketLeg('text', PCM_16K, WEBSOCKET_ARRIVES_MS) };
  if (provider && provider !== 'twilio') {
    const faults = [{ path: 'transport.provider', message: 'must be vapi.websocket or aywa.text, or absent for a phone call' }];
    throw new AywaError('unsupported', { detail: `transport.provider ${provider}.`, faults });
  }
  return { ...common, ...(await phone(deps, organization, body)) };
}

const nobody = { from: null, to: null };

/** The leg of a carrier's media stream; `account` hangs it up and checks its signature. */
export function streamLeg(account: CarrierAccount, providerCallId?: string, arriveWithinMs = STREAM_ARRIVES_MS): LegPlan {
  const expectation = { format: MULAW_8K, ...(providerCallId && { providerCallId }) };
  return { carrier: account.carrier, expectation, account, arriveWithinMs };
}

function socketLeg(carrier: 'websocket' | 'text', format: AudioFormat, arriveWithinMs: number): LegPlan {
  return { carrier, expectation: { format }, account: null, arriveWithinMs };
}

async function assistantOf(
  deps: ApiDeps,
  organization: string,
  body: CreateCall,
): Promise<{ assistantId: string | null; assistant: Assistant }> {
  if (body.assistantId) {
    const row = await deps.store.assistants.get(organization, body.assistantId);
    if (!row) throw fault('assistantId', 'does not name an assistant of this organisation');
    return { assistantId: row.id, assistant: validateAssistant(row.definition) };
  }
  if (!body.assistant) throw fault('assistantId', 'or assistant must be given');
  return { assistantId: null, assistant: underPath('assistant', () => validateAssistant(body.assistant)) };
}

function formatOf({ transport }: CreateCall): AudioFormat {
  const asked = transport?.audioFormat;
  if (!asked) return PCM_16K;
  if (asked.format === 'pcm_s16le') return { encoding: 'pcm16', rate: asked.sampleRate ?? 16000 };
  if ((asked.sampleRate ?? 8000) !== 8000) throw fault('transport.audioFormat.sampleRate', 'must be 8000 for mulaw');
  return MULAW_8K;
}

async function phone(deps: ApiDeps, organization: string, body: CreateCall) {
  const number = body.customer?.number;
  if (body.customer?.sipUri) {
    const faults = [{ path: 'customer.sipUri', message: 'is not supported by this server; give customer.number' }];
    throw new AywaError('unsupported', { detail: 'customer.sipUri.', faults });
  }
  if (!number) throw fault('customer.number', 'must be given for a phone call; for a websocket call give transport.provider');
  if (body.customer?.numberE164CheckEnabled !== false && !E164.test(number))
    throw fault('customer.number', 'must be an E.164 number, such as +14155550100');
  const account = await accountFor(deps, organization, body);
  const { number: _, ...customer } = body.customer ?? {};
  return {
    channel: 'phone-outbound',
    type: 'outboundPhoneCall',
    from: account.number,
    to: number,
    customer: { number, ...customer },
    number: { number: account.number, provider: account.carrier },
    leg: streamLeg(account, undefined, WEBSOCKET_ARRIVES_MS),
  } as const satisfies Partial<CallOrder>;
}

/** The account to dial with: the one in the request, a credential, the environment. */
async function accountFor(deps: ApiDeps, organization: string, { phoneNumber }: CreateCall): Promise<CarrierAccount> {
  const twilio = carrierNamed('twilio');
  const number = phoneNumber?.twilioPhoneNumber ?? phoneNumber?.number ?? '';
  const own = phoneNumber && { fields: { accountSid: phoneNumber.twilioAccountSid, authToken: phoneNumber.twilioAuthToken }, number };
  const account = accountOf(twilio, (await accessFor(deps, organization)).all, own ?? {});
  if (!account.number) throw new AywaError('carrier_missing', { detail: 'TWILIO_PHONE_NUMBER is not set.' });
  return account;
}

/** The body as it is kept: an account's token does not belong into the record of a call, and its number has the SDK's name. */
function requestOf(body: CreateCall): Record<string, unknown> {
  if (!body.phoneNumber) return body;
  const { twilioAuthToken: _, ...phoneNumber } = body.phoneNumber;
  return { ...body, phoneNumber: { ...phoneNumber, twilioPhoneNumber: phoneNumber.twilioPhoneNumber ?? phoneNumber.number } };
}
