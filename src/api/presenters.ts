/**
 * Stored rows in the shapes that Vapi's clients read: names and dates as they expect them, the older copies of fields at the top
 * included. Pure; it decides nothing and asks nobody.
 */
import { artifactOf, type CallFacts, phoneFields } from '../journal/call-facts.ts';
import { shownAssistant } from '../journal/targets.ts';
import type { AssistantRow } from '../store/assistants.ts';
import type { CallRow } from '../store/calls.ts';
import type { CredentialRow } from '../store/credentials.ts';
import { websocketUrl } from '../switchboard/media-door.ts';
import type { CallOrder, PlacedCall } from '../switchboard/place-call.ts';
import type { Assistant, Call } from './contract.ts';

/** `whole` for those who may write it: what they get is what they send back. Others see it without the secrets of its servers. */
export function presentAssistant(row: AssistantRow, whole: boolean): Assistant {
  return { ...(whole ? row.definition : shownAssistant(row.definition)), ...resource(row) };
}

/** What a definition must not bring along: the server gives these. */
export function withoutResourceFields(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { id: _id, orgId: _org, createdAt: _created, updatedAt: _updated, ...definition } = body;
  return definition;
}

export function presentCredential(row: CredentialRow): Record<string, unknown> {
  return { ...row.shown, ...resource(row), provider: row.provider, ...(row.name !== null && { name: row.name }) };
}

/** A call as `GET /call/:id` gives it. `controlUrl` is shown while the call lives, to those who may command it. */
export function presentCall(row: CallRow, publicUrl: string, controlUrl?: string): Call {
  const facts = row.facts as Partial<CallFacts>;
  return {
    ...head(row),
    status: row.status,
    ...(row.endedReason !== null && { endedReason: row.endedReason }),
    ...(row.endedMessage !== null && { endedMessage: row.endedMessage }),
    ...(row.startedAt && { startedAt: row.startedAt.toISOString() }),
    ...(row.endedAt && { endedAt: row.endedAt.toISOString() }),
    ...(isFolded(facts) && { ...phoneFields(row.type, facts), ...recordOf(row.id, facts, publicUrl) }),
    ...(controlUrl && !row.endedAt && { monitor: { controlUrl } }),
  };
}

/** The answer to a call that was placed this moment: the only one that tells where its caller may come in. */
export function presentNewCall(
  order: CallOrder,
  placed: PlacedCall,
  urls: { readonly publicUrl: string; readonly controlUrl: string | undefined },
  providerCallId: string | null,
): Call {
  const { row, mediaToken, at } = placed;
  const name = typeof row.request.name === 'string' ? row.request.name : null;
  const call = head({ ...row, name, createdAt: at, updatedAt: at });
  const websocketCallUrl = websocketUrl(urls.publicUrl, `/call/${row.id}/transport/${mediaToken}`);
  return {
    ...call,
    ...(call.transport && { transport: { ...call.transport, websocketCallUrl } }),
    ...(order.channel === 'web' && { webCallUrl: websocketCallUrl }),
    ...phoneFields(row.type, { carrier: order.leg.carrier, providerCallId }),
    ...(urls.controlUrl && { monitor: { controlUrl: urls.controlUrl } }),
  };
}

type Head = Pick<CallRow, 'id' | 'organization' | 'type' | 'assistantId' | 'name' | 'request' | 'createdAt' | 'updatedAt'>;

/** Fields of the request that a call gives back. */
const ASKED = ['assistant', 'assistantOverrides', 'customer', 'phoneNumber', 'metadata', 'phoneCallProvider', 'phoneCallProviderId'];

/** What is known from the first moment on. */
function head(row: Head): Call {
  const { type, request } = row;
  const asked = Object.fromEntries(ASKED.flatMap((field) => (request[field] == null ? [] : [[field, request[field]]])));
  const bySocket = type === 'webCall' || type === 'vapi.websocketCall';
  const transport = typeof request.transport === 'object' ? request.transport : {};
  return {
    ...asked,
    ...resource(row),
    type: type as Call['type'],
    status: 'queued',
    ...(row.name !== null && { name: row.name }),
    ...(row.assistantId !== null && { assistantId: row.assistantId }),
    ...(bySocket && { transport: { provider: 'vapi.websocket', conversationType: conversationOf(transport), ...transport } }),
  };
}

const conversationOf = (transport: object | null) =>
  transport && 'provider' in transport && transport.provider === 'aywa.text' ? 'chat' : 'voice';

/** What the conversation left behind, with the older copies at the top. */
function recordOf(call: string, facts: CallFacts, publicUrl: string) {
  const artifact = artifactOf(call, facts, publicUrl);
  return {
    artifact,
    messages: artifact.messages,
    transcript: artifact.transcript,
    ...(artifact.recordingUrl && { recordingUrl: artifact.recordingUrl, stereoRecordingUrl: artifact.stereoRecordingUrl }),
    cost: facts.cost,
    costs: facts.costs,
    costBreakdown: facts.costBreakdown,
  };
}

/** Facts are there from the first event on. */
function isFolded(facts: Partial<CallFacts>): facts is CallFacts {
  return facts.messages !== undefined;
}

function resource(row: { id: string; organization: string; createdAt: Date; updatedAt: Date }) {
  return { id: row.id, orgId: row.organization, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
