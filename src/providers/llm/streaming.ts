/**
 * What all brains share: one POST whose answer is a stream of server-sent events, read into `Said`. The codec of a vendor sees
 * parsed JSON only. Every way for a stream to go wrong ends in one thrown `AywaError` that names the vendor.
 */
import type { HttpReply } from '../../kernel/egress.ts';
import { AywaError } from '../../kernel/errors.ts';
import { randomToken } from '../../kernel/ids.ts';
import { withDeadline } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { refusal, type Vendor, vendorFault } from '../faults.ts';
import type { Said, ToolCall } from './contract.ts';
import { serverEvents } from './sse.ts';

/** Reads one answer; a new one for each request. */
export interface BrainCodec {
  /** One event of the stream, or the whole body of a server that does not stream. Yields what became known. */
  read(json: unknown): Iterable<Said>;
  /** The stream ended; `undefined` when it did so before the answer was complete. */
  end(): Iterable<Said> | undefined;
}

export interface BrainRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Until the answer's headers, which many vendors send with the first token; and between chunks. */
  readonly timeoutMs?: number;
}

/** The last event of the chat completions dialect; other vendors just end the stream. */
const END = '[DONE]';
/** How long a stream may stay open after its last word before its connection is given up instead of kept for the next reply. */
const LINGER_MS = 100;
/** How long a caller can wait is the engine's to judge; this only bounds a connection that everybody forgot. */
const LONGEST_MS = 300_000;

/** Asks and yields what is said, the last being `done`. The connection is closed when the caller stops iterating before that. */
export async function* streamedReply(
  vendor: Vendor,
  access: ProviderAccess,
  request: () => BrainRequest,
  codec: BrainCodec,
  ctx: ProviderContext,
): AsyncGenerator<Said, void, undefined> {
  let answer: HttpReply | undefined;
  try {
    const { url, headers, body, timeoutMs = LONGEST_MS } = request();
    const times = { timeoutMs, idleMs: timeoutMs };
    const fields = { accept: 'text/event-stream', 'content-type': 'application/json', ...headers };
    answer = await ctx.egress.http(
      { url, method: 'POST', headers: fields, body: JSON.stringify(body), ...times, reach: access.reach },
      ctx.scope,
    );
    if (answer.status < 200 || answer.status > 299) {
      throw refusal(answer.status, url, await ctx.scope.wait(answer.text()), answer.headers['retry-after']);
    }
    const events = eventsOf(answer, ctx);
    const read = () => ctx.scope.wait(events.next());
    let empty = true;
    for (let next = await read(); !next.done && next.value !== END; next = await read()) {
      empty = false;
      yield* codec.read(JSON.parse(next.value));
    }
    if (empty) throw new AywaError('provider_garbage', { detail: 'the answer is not an event stream.' });
    const last = codec.end();
    if (!last) throw new AywaError('provider_network', { detail: 'the stream ended in the middle of the answer.' });
    for (const said of last) {
      if (said.type === 'done') await endOf(events, ctx);
      yield said;
    }
  } catch (fault) {
    throw vendorFault(vendor, access, fault);
  } finally {
    answer?.discard();
  }
}

/** The data of each event; of a server that does not stream, its one answer. */
async function* eventsOf(answer: HttpReply, ctx: ProviderContext): AsyncGenerator<string, void, undefined> {
  if (answer.headers['content-type']?.includes('application/json')) yield await ctx.scope.wait(answer.text());
  else for await (const { data } of serverEvents(answer.body)) yield data;
}

/** Reads to the end, which is usually there already: whoever closes its scope at `done` then leaves a free connection behind. */
async function endOf(events: AsyncGenerator<string>, ctx: ProviderContext): Promise<void> {
  const finished = async () => {
    for (let next = await events.next(); !next.done; next = await events.next());
  };
  await withDeadline(ctx.scope, 'end of stream', LINGER_MS, finished).catch(() => {});
}

/** For vendors that give a call no id of its own; unique in the conversation. */
export function callId(): string {
  return randomToken('call_').slice(0, 21);
}

/** A tool call as the contract wants it, from the JSON text that the model wrote. */
export function toolCall(id: string, name: string, json: string): ToolCall {
  try {
    const value: unknown = JSON.parse(json || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { id, name, arguments: { ...value } };
  } catch {
    // Falls through: what cannot be parsed is handed over as it is.
  }
  return { id, name, arguments: {}, malformed: json };
}
