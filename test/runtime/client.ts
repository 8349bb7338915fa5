/** A client of the runtime as the outside world has it: the API with a key, and a call's record as it is being written. */
import { setTimeout as later } from 'node:timers/promises';
import type { CallEvent, CallEventType, EventOf } from '../../src/call/events.ts';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** For what a process tells nobody when it is done: asked again until then. */
export const WITHIN = { timeout: 15_000 };

/** What a busy machine refuses is asked for again, for as long as it may take to accept again: a few good seconds, or the end of its calls. */
export async function tillTaken<T>(ask: () => Promise<T>, isBusy: (answer: T) => boolean): Promise<T> {
  const since = performance.now();
  let answer = await ask();
  for (; isBusy(answer) && performance.now() - since < WITHIN.timeout; answer = await ask()) await later(250);
  return answer;
}

export interface Client {
  readonly url: string;
  readonly apiKey: string;
  /** Asks again while the runtime is busy: that is true of the machine, not of what is tested. */
  ask<T = Record<string, unknown>>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer<T>>;
  /** Creates an assistant and gives its id. */
  assistant(definition: object): Promise<string>;
  follow(call: string): CallRecord;
  /** The value of a metric of `/metrics`, 0 when it has no such line; labels in the order in which they are written. */
  metric(name: string): Promise<number>;
}

/** What the record of one call says so far, read as it is written (server-sent events). */
export interface CallRecord {
  readonly call: string;
  readonly events: readonly CallEvent[];
  of<T extends CallEventType>(type: T): EventOf<T>[];
  /** The `nth` event of a type, from 1, once it is there; rejects when the call ends without it. */
  until<T extends CallEventType>(type: T, nth?: number): Promise<EventOf<T>>;
  readonly ended: Promise<EventOf<'call.ended'>>;
}

export function createClient(url: string, apiKey: string): Client {
  const headers = { authorization: `Bearer ${apiKey}` };
  const client: Client = {
    url,
    apiKey,
    async ask(method, path, body) {
      const sent = {
        method,
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      };
      const answer = await tillTaken(
        () => fetch(url + path, sent),
        ({ status }) => status === 503,
      );
      return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') };
    },
    async assistant(definition) {
      const { status, body } = await client.ask<{ id: string }>('POST', '/assistant', definition);
      if (status !== 201) throw new Error(`POST /assistant answered ${status}: ${JSON.stringify(body)}`);
      return body.id;
    },
    follow: (call) => follow(url, headers, call),
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`, { headers })).text();
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    },
  };
  return client;
}

function follow(url: string, headers: Record<string, string>, call: string): CallRecord {
  const events: CallEvent[] = [];
  const watchers = new Set<() => void>();
  let over: Error | undefined;
  const of = <T extends CallEventType>(type: T) => events.filter((event): event is EventOf<T> => event.type === type);
  const until = <T extends CallEventType>(type: T, nth = 1): Promise<EventOf<T>> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = of(type)[nth - 1];
        if (!found && !over) return;
        watchers.delete(look);
        if (found) resolve(found);
        else reject(new Error(`${over?.message} before ${type} ${nth}: ${events.map(brief).join(' ')}`));
      };
      watchers.add(look);
      look();
    });
  const tell = () => {
    for (const look of [...watchers]) look();
  };
  void (async () => {
    try {
      let answer = await fetch(`${url}/call/${call}/events`, { headers });
      // The row of a call is written a moment after the call begins.
      for (; answer.status === 404; answer = await fetch(`${url}/call/${call}/events`, { headers })) await later(50);
      let text = '';
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = `${text}${chunk}`.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) if (line.startsWith('data: ')) events.push(JSON.parse(line.slice(6)) as CallEvent);
        tell();
      }
      over = new Error('the call ended');
    } catch (error) {
      over = new Error(`the record broke off (${error instanceof Error ? error.message : error})`);
    }
    tell();
  })();
  const ended = until('call.ended');
  ended.catch(() => {});
  return { call, events, of, until, ended };
}

function brief(event: CallEvent): string {
  return event.type === 'call.ended' ? `call.ended(${event.reason}: ${event.detail})` : event.type;
}
