/**
 * What all brains share: one POST whose answer is a stream of JSON events, read into `Said`. The codec of a vendor sees parsed objects
 * only; thoughts, signs of life, ids, estimates and ends are the same for all. An answer is used as far as it can be: it fails by the
 * vendor's own error, by a lost connection, or by holding nothing at all, in one thrown `AywaError` that names the vendor.
 */
import type { HttpReply } from '../../kernel/egress.ts';
import { AywaError } from '../../kernel/errors.ts';
import { withDeadline } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { failureIn, refusal, type Vendor, vendorFault } from '../faults.ts';
import { createTally, type Fields, type Tally } from '../fields.ts';
import { type AnswerBody, type AnswerEvent, answerBody, END } from './answer-body.ts';
import type { PromptRequest, Said, ToolCall, Usage } from './contract.ts';
import { estimatePrompt } from './prompt.ts';
import { thoughtFilter } from './thoughts.ts';
import { estimateTokens } from './tokens.ts';
import { callId } from './tool-calls.ts';

/** What a codec finds in an event. */
type Found = { type: 'text' | 'thought'; text: string } | { type: 'tool'; call: ToolCall };

export type Find = (found: Found) => void;

/** Reads one answer; a new one for each request. Throws nothing but what the vendor reports as its failure. */
export interface BrainCodec {
  /** One event of the stream, or the whole answer of a server that does not stream. `name` is its `event:` field. */
  read(event: Fields, name: string, find: Find): void;
  /** The vendor said why the answer ends; at most counts follow. */
  readonly finished: boolean;
  /** The stream is over: calls that were not complete before, and what the vendor said about the answer. */
  end(): Ending;
}

export interface Ending {
  readonly calls: readonly ToolCall[];
  readonly finish: Finish | undefined;
  readonly usage: { readonly [Count in 'promptTokens' | 'completionTokens' | 'cachedPromptTokens']: number | undefined };
}

export type Finish = 'stop' | 'length' | 'tools' | 'filtered';

export interface BrainRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Until the answer's headers, which many vendors send with the first token; and between chunks. */
  readonly timeoutMs?: number;
}

export interface Asking {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly prompt: PromptRequest;
  /** Made when the answer is first read; what it throws is the vendor's fault too. */
  ask(): BrainRequest;
  codec(prompt: PromptRequest, tally: Tally): BrainCodec;
  readonly ctx: ProviderContext;
}

/** How long a stream may stay open after its last word before its connection is given up instead of kept for the next reply. */
const LINGER_MS = 100;
/** How long counts are waited for where a finished answer neither ends nor says so. */
const COUNTS_MS = 500;
/** The same behind words: a few servers call each piece of an answer its last. */
const LAST_WORDS_MS = 1_000;
/** One sign of life in this time is enough for any watch. */
const ALIVE_MS = 250;
/** How long a caller can wait is the engine's to judge; this only bounds a connection that everybody forgot. */
const LONGEST_MS = 300_000;

const ALIVE: Said = { type: 'alive' };

/** Asks and yields what is said, the last being `done`. The connection is closed when the caller stops iterating before that. */
export async function* streamedReply(asking: Asking): AsyncGenerator<Said, void, undefined> {
  const { vendor, access, ctx } = asking;
  const { clock } = ctx.scope;
  const tally = createTally();
  let answer: HttpReply | undefined;
  try {
    answer = await post(asking);
    const reading = createReading(asking, tally);
    const source = { chunks: answer.body[Symbol.asyncIterator](), body: answerBody(tally) };
    let signAt = clock.now();
    let events = await nextOf(source, reading, ctx);
    while (events) {
      const fault = reading.take(events);
      const said = reading.out.splice(0);
      for (const part of said) yield part;
      if (fault) throw fault;
      if (reading.over) break;
      if (said.length > 0) signAt = clock.now();
      else if (clock.now() - signAt >= ALIVE_MS) {
        signAt = clock.now();
        yield ALIVE;
      }
      events = await nextOf(source, reading, ctx);
    }
    for (const part of reading.end()) {
      if (part.type === 'done' && reading.over) await endOf(source, ctx);
      yield part;
    }
  } catch (fault) {
    throw vendorFault(vendor, access, fault);
  } finally {
    answer?.discard();
    if (tally.total > 0) ctx.log.warn('model_stream_unusable', { provider: vendor.name, ...tally.counts });
  }
}

async function post({ ask, access, ctx }: Asking): Promise<HttpReply> {
  const { url, headers, body, timeoutMs = LONGEST_MS } = ask();
  const fields = { accept: 'text/event-stream', 'content-type': 'application/json', ...headers };
  const times = { timeoutMs, idleMs: timeoutMs };
  const answer = await ctx.egress.http(
    { url, method: 'POST', headers: fields, body: JSON.stringify(body), ...times, reach: access.reach },
    ctx.scope,
  );
  if (answer.status >= 200 && answer.status <= 299) return answer;
  try {
    throw refusal(answer.status, url, await ctx.scope.wait(answer.text()), answer.headers['retry-after']);
  } finally {
    answer.discard();
  }
}

interface Source {
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly body: AnswerBody;
}

/** `undefined` when the body is over, or when a finished answer has been waited for long enough or was cut off by the server. */
async function nextOf(
  { chunks, body }: Source,
  { patienceMs }: Reading,
  { scope }: ProviderContext,
): Promise<readonly AnswerEvent[] | undefined> {
  let next: IteratorResult<Uint8Array>;
  try {
    next = await (patienceMs === undefined ? scope.wait(chunks.next()) : withDeadline(scope, 'counts', patienceMs, () => chunks.next()));
  } catch (error) {
    if (patienceMs === undefined || scope.closed) throw error;
    return undefined;
  }
  if (!next.done) return body.push(next.value);
  const rest = body.end();
  return rest.length > 0 ? rest : undefined;
}

/** Reads to the end, which is usually there already: whoever closes its scope at `done` then leaves a free connection behind. */
async function endOf({ chunks }: Source, ctx: ProviderContext): Promise<void> {
  const finished = async () => {
    for (let next = await chunks.next(); !next.done; next = await chunks.next());
  };
  await withDeadline(ctx.scope, 'end of stream', LINGER_MS, finished).catch(() => {});
}

interface Reading {
  /** What may be said and has not been yielded. */
  readonly out: Said[];
  /** How long more is waited for once the vendor said why the answer ends. */
  readonly patienceMs: number | undefined;
  /** The server said that nothing follows. */
  readonly over: boolean;
  /** Reads events into `out`; returns what ends the answer badly. */
  take(events: readonly AnswerEvent[]): unknown;
  /** The rest, with `done`; throws when the body ended without an answer. */
  end(): Iterable<Said>;
}

function createReading({ codec: open, prompt }: Asking, tally: Tally): Reading {
  const codec = open(prompt, tally);
  const out: Said[] = [];
  const ids = new Set(prompt.messages.flatMap((message) => ('toolCalls' in message ? (message.toolCalls ?? []) : [])).map(({ id }) => id));
  const thoughts = thoughtFilter(() => {
    const unsaid = out.map((part) => (part.type === 'text' ? part.text : '')).join('');
    out.splice(0, out.length, ...out.filter((part) => part.type !== 'text'));
    return unsaid;
  });
  /** All that the model made, thoughts included, for the estimate. */
  let made = '';
  let events = 0;
  let calls = 0;
  let spoke = false;
  let over = false;
  /** The latest event had no words. */
  let silentEnd = true;

  const say = (text: string) => {
    if (text === '') return;
    spoke = true;
    out.push({ type: 'text', text });
  };
  const call = (wanted: ToolCall) => {
    // Two calls with one id are two calls, in one answer or in the conversation.
    const id = wanted.id === '' || ids.has(wanted.id) ? callId() : wanted.id;
    ids.add(id);
    calls += 1;
    made += wanted.name + (wanted.malformed ?? JSON.stringify(wanted.arguments));
    out.push({ type: 'tool', call: { ...wanted, id } });
  };
  const find: Find = (found) => {
    silentEnd = false;
    if (found.type === 'tool') {
      say(thoughts.flush());
      return call(found.call);
    }
    made += found.text;
    if (found.type === 'text') say(thoughts.push(found.text));
    else thoughts.marked();
  };
  const usageOf = ({ usage }: Ending): Usage => {
    const { promptTokens, completionTokens, cachedPromptTokens: cached } = usage;
    return {
      promptTokens: promptTokens ?? estimatePrompt(prompt),
      completionTokens: completionTokens ?? estimateTokens(made),
      ...(cached ? { cachedPromptTokens: cached } : {}),
      ...(promptTokens === undefined || completionTokens === undefined ? { estimated: true } : {}),
    };
  };

  return {
    out,
    get patienceMs() {
      if (!codec.finished) return undefined;
      return silentEnd ? COUNTS_MS : LAST_WORDS_MS;
    },
    get over() {
      return over;
    },
    take(batch) {
      try {
        for (const { name, value } of batch) {
          if (value === END) over = true;
          if (value === END || over) return undefined;
          events += 1;
          const failure = failureIn(value, name);
          if (failure) return failure;
          silentEnd = true;
          codec.read(value, name, find);
        }
        return undefined;
      } catch (fault) {
        return fault;
      }
    },
    end() {
      const ending = codec.end();
      say(calls + ending.calls.length > 0 ? thoughts.flush() : thoughts.end());
      for (const wanted of ending.calls) call(wanted);
      if (!spoke && calls === 0 && !ending.finish) {
        if (events === 0) throw new AywaError('provider_garbage', { detail: 'the answer is not an event stream.' });
        if (tally.total > 0) throw new AywaError('provider_garbage', { detail: 'a message lacks fields that the protocol promises.' });
        if (!over) throw new AywaError('provider_network', { detail: 'the stream ended before the answer.' });
      }
      const finish = calls > 0 ? 'tools' : ending.finish === 'tools' ? 'stop' : (ending.finish ?? 'stop');
      out.push({ type: 'done', finish, usage: usageOf(ending) });
      return out.splice(0);
    },
  };
}
