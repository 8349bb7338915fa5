/** The runtime's HTTP API as functions: each adds the key, and each failure is a `Problem`. A refused key ends the session. */
import type { Assistant, Call, LiveEvent, ProviderList, Readiness, Timeline } from '../../src/api/contract.ts';
import { AWAY, problemError, problemIn } from './problem.ts';
import { currentKey, signOut } from './session.ts';

/** As many as a list shows. */
export const MOST_CALLS = 200;

/** What an assistant may be given: `null` clears a field. */
export type AssistantPatch = { [key: string]: unknown };

export const runtime = {
  readiness: (signal: AbortSignal) => json<Readiness>('GET', '/readyz', { signal, accept: [503] }),
  providers: (signal: AbortSignal) => json<ProviderList>('GET', '/providers', { signal }),
  assistants: (signal: AbortSignal) => json<Assistant[]>('GET', '/assistant?limit=1000', { signal }),
  assistant: (id: string, signal: AbortSignal) => json<Assistant>('GET', `/assistant/${encodeURIComponent(id)}`, { signal }),
  createAssistant: (body: AssistantPatch) => json<Assistant>('POST', '/assistant', { body }),
  changeAssistant: (id: string, body: AssistantPatch) => json<Assistant>('PATCH', `/assistant/${encodeURIComponent(id)}`, { body }),
  removeAssistant: (id: string) => json<Assistant>('DELETE', `/assistant/${encodeURIComponent(id)}`),
  calls: (signal: AbortSignal) => json<Call[]>('GET', `/call?limit=${MOST_CALLS}`, { signal }),
  timeline: (id: string, signal: AbortSignal) => json<Timeline>('GET', `/call/${encodeURIComponent(id)}/timeline`, { signal }),
  placeCall: (assistantId: string, transport: Record<string, unknown>) => json<Call>('POST', '/call', { body: { assistantId, transport } }),
  recording: async (id: string, signal: AbortSignal) =>
    (await answer('GET', `/call/${encodeURIComponent(id)}/recording/stereo`, { signal })).blob(),
};

/** A key that works, before it is kept. Rejects with the problem. */
export async function tryKey(key: string): Promise<void> {
  await answer('GET', '/assistant?limit=1', { key });
}

/**
 * The call's events from `after` on, each given to `take`, until the call ends or `signal` aborts. Resolves when the server ends
 * the stream, rejects when the connection breaks.
 */
export async function followEvents(id: string, after: number, take: (event: LiveEvent) => void, signal: AbortSignal): Promise<void> {
  const response = await answer('GET', `/call/${encodeURIComponent(id)}/events?after=${after}`, { signal });
  if (!response.body) return;
  const lines = response.body.pipeThrough(new TextDecoderStream());
  let rest = '';
  for (const reader = lines.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line.startsWith('data:')) take(JSON.parse(line.slice(5)) as LiveEvent);
  }
}

interface Options {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly key?: string;
  /** Statuses whose body is an answer all the same. */
  readonly accept?: readonly number[];
}

async function json<T>(method: string, path: string, options: Options = {}): Promise<T> {
  return (await (await answer(method, path, options)).json()) as T;
}

async function answer(method: string, path: string, { body, signal, key = currentKey() ?? '', accept = [] }: Options): Promise<Response> {
  const init: RequestInit = { method, headers: { authorization: `Bearer ${key}`, accept: 'application/json' } };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.headers = { ...init.headers, 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(path, init).catch((error) => {
    throw signal?.aborted ? error : problemError(AWAY);
  });
  if (response.ok || accept.includes(response.status)) return response;
  if (response.status === 401) signOut('refused', key);
  throw problemError(await problemIn(response));
}
