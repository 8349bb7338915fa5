/**
 * A brain asked once: over an egress door whose other side is a list of chunks and pauses on the virtual clock, or over a true connection
 * to a server that sends given bytes. What it says comes back whole, with the times and what was logged.
 */
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import type { Egress } from '../../src/kernel/egress.ts';
import { type AywaError, isAywaError } from '../../src/kernel/errors.ts';
import type { Log, LogFields } from '../../src/kernel/log.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { ProviderContext } from '../../src/providers/contract.ts';
import { providerSet } from '../../src/providers/index.ts';
import type { PromptRequest, Said, ToolCall } from '../../src/providers/llm/contract.ts';
import { startVendor } from '../fakes/vendors/server.ts';
import { context, KEY } from './kit.ts';

export const PROMPT: PromptRequest = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Where is my order?' },
  ],
  tools: ['book', 'ping', 'get_weather'].map((name) => ({ name, description: name, parameters: { type: 'object' } })),
};

/** Bytes, a pause in milliseconds, or what breaks the connection. */
export type Step = string | Uint8Array | number | Error;

export interface Heard {
  readonly parts: readonly Said[];
  /** Virtual milliseconds at which each part came. */
  readonly times: readonly number[];
  readonly error: AywaError | undefined;
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly done: Extract<Said, { type: 'done' }> | undefined;
  readonly logged: readonly { event: string; fields: LogFields }[];
}

export const data = (value: unknown, tail = '\n\n') => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}${tail}`;
/** A chunk of the chat completions dialect. */
export const chunk = (delta: unknown, finish_reason: unknown = null, more: object = {}) =>
  data({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }], ...more });
export const DONE = data('[DONE]');

export function heard(parts: readonly Said[], error?: AywaError, times: readonly number[] = [], logged: Heard['logged'] = []): Heard {
  return {
    parts,
    times,
    error,
    logged,
    text: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(''),
    calls: parts.flatMap((part) => (part.type === 'tool' ? [part.call] : [])),
    done: parts.find((part) => part.type === 'done'),
  };
}

/** Asks `name` on the virtual clock; the clock runs on for as long as the steps pause, and a second more. */
export async function ask(
  name: string,
  steps: readonly Step[],
  prompt: PromptRequest = PROMPT,
  type = 'text/event-stream',
): Promise<Heard> {
  const clock = new VirtualClock();
  const sent: unknown[] = [];
  const logged: { event: string; fields: LogFields }[] = [];
  const log: Log = { ...silentLog, warn: (event, fields = {}) => void logged.push({ event, fields }) };
  const base = context(clock, scripted(steps, clock, sent, type));
  const ctx: ProviderContext = { ...base, log };
  const parts: Said[] = [];
  const times: number[] = [];
  let error: AywaError | undefined;
  const run = collect(name, 'http://vendor', prompt, ctx, (part) => {
    parts.push(part);
    times.push(clock.now());
  }).then((fault) => {
    error = fault;
  });
  await settle();
  await clock.advance(2_000 + steps.reduce<number>((sum, step) => sum + (typeof step === 'number' ? step : 0), 0));
  await base.scope.close('over');
  await run;
  return heard(parts, error, times, logged);
}

/** What the vendor is sent for this conversation. */
export async function bodyFor(name: string, prompt: PromptRequest): Promise<Record<string, unknown>> {
  const clock = new VirtualClock();
  const sent: Record<string, unknown>[] = [];
  const ctx = context(clock, scripted([], clock, sent, 'text/event-stream'));
  await collect(name, 'http://vendor', prompt, ctx, () => {});
  await ctx.scope.close('over');
  return sent[0] ?? {};
}

/** Asks `name` over a true connection; the server sends these bytes, each by itself, and then ends or breaks the connection. */
export async function askServer(
  name: string,
  type: string,
  pieces: readonly (string | Uint8Array)[],
  end: 'end' | 'break' | 'stay' = 'end',
): Promise<Heard> {
  const server = await startVendor({
    async request(_, response) {
      response.writeHead(200, { 'content-type': type });
      for (const piece of pieces) await new Promise<void>((sent) => response.write(piece, () => setImmediate(sent)));
      if (end === 'end') response.end();
      if (end === 'break') response.destroy();
    },
  });
  const ctx = context();
  const parts: Said[] = [];
  const error = await collect(name, server.url, PROMPT, ctx, (part) => void parts.push(part));
  await ctx.scope.close('over');
  await server.close();
  return heard(
    parts.filter((part) => part.type !== 'alive'),
    error,
  );
}

async function collect(
  name: string,
  baseUrl: string,
  prompt: PromptRequest,
  ctx: ProviderContext,
  take: (part: Said) => void,
): Promise<AywaError | undefined> {
  const vendor = providerSet.llm(name);
  if (!vendor) throw new Error(`no brain named ${name}`);
  try {
    for await (const part of vendor.reply(prompt, vendor.settings.parse({}), { apiKey: KEY, baseUrl }, ctx)) take(part);
    return undefined;
  } catch (error) {
    if (!isAywaError(error)) throw error;
    return error;
  }
}

function scripted(steps: readonly Step[], clock: VirtualClock, sent: unknown[], type: string): Egress {
  return {
    opened: { http: 0, sockets: 0 },
    socket: () => Promise.reject(new Error('no socket is needed')),
    async http({ body }, scope) {
      sent.push(JSON.parse(String(body)));
      async function* chunks() {
        for (const step of steps) {
          if (typeof step === 'number') await clock.sleep(step, scope);
          else if (step instanceof Error) throw step;
          else yield typeof step === 'string' ? Buffer.from(step) : step;
        }
      }
      return { status: 200, headers: { 'content-type': type }, body: chunks(), text: () => Promise.resolve(''), discard() {} };
    },
  };
}
