/** Tool calls over a true socket, while somebody waits on the telephone. */
import { createServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ToolQuestion } from '../../src/agent/desk.ts';
import { type AnswerTools, createAnswerTools, type ToolDeps } from '../../src/journal/tool-calls.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { createEgress, type Egress } from '../../src/kernel/egress.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import { type LabStore, openLabStore } from '../store/lab-store.ts';
import { beginCall, type LabJournal, openLabJournal } from './lab-journal.ts';
import { type Behaviour, openReceiver, type Receiver } from './receiver.ts';

const SECRET = 'the secret of the owner, long enough to sign with';

let lab: LabStore;
let book: LabJournal;
let scope: Scope;
const open: Receiver[] = [];
beforeAll(async () => {
  lab = await openLabStore();
  book = await openLabJournal(lab);
});
beforeEach(() => {
  scope = rootScope('test');
});
afterEach(async () => {
  await scope.close('test over');
  for (const one of open.splice(0)) await one.stop();
});
afterAll(async () => {
  await book.scope.close('tests over');
  await lab.stop();
});

async function receiver(behaviour?: Behaviour): Promise<Receiver> {
  const made = await openReceiver(behaviour);
  open.push(made);
  return made;
}

/** Answers, and a promise of the attempt that was noted. */
function desk(changes: Partial<ToolDeps> = {}): { answer: AnswerTools; noted: Promise<Record<string, unknown>> } {
  const { promise: noted, resolve } = Promise.withResolvers<Record<string, unknown>>();
  const note: LabStore['store']['outbox']['note'] = async (attempt) => {
    await lab.store.outbox.note(attempt);
    resolve({ ...attempt });
  };
  const store = { outbox: { ...lab.store.outbox, note } };
  const egress = createEgress('any');
  return {
    answer: createAnswerTools({
      journal: book.journal,
      store,
      egress,
      secret: SECRET,
      clock: realClock,
      scope,
      log: silentLog,
      ...changes,
    }),
    noted,
  };
}

const tools = [
  { type: 'function', function: { name: 'find_order' } },
  { type: 'function', function: { name: 'elsewhere' }, server: { url: '' } },
];

/** A live call in the middle of its conversation, and a question about it. */
function question(url: string, other = '', timeoutMs = 2_000): ToolQuestion {
  const assistant = { server: { url, secret: 'older' }, model: { tools: [tools[0], { ...tools[1], server: { url: other } }] } };
  const { id, events } = beginCall(lab, book.journal, assistant);
  book.journal.append(events.slice(0, 15));
  const call = (callId: string, name: string, target: string) => ({
    id: callId,
    name,
    arguments: { number: 7 },
    target,
    source: { type: 'function' },
  });
  const calls = [call('t1', 'find_order', 'assistant'), ...(other ? [call('t2', 'elsewhere', 'tool:1')] : [])];
  return { type: 'tool-calls', call: id, calls, timeoutMs };
}

const answering =
  (value: unknown, status = 200): Behaviour =>
  (_, response) =>
    void response.writeHead(status).end(typeof value === 'string' ? value : JSON.stringify(value));

describe('tool calls', () => {
  it('ask with everything that servers in use read, signed, and give the results', async () => {
    const { url, received } = await receiver(answering({ results: [{ toolCallId: 't1', result: 'on its way' }] }));
    const { answer, noted } = desk();
    const asked = question(url);
    expect(await answer(asked, scope)).toEqual({ type: 'tool-calls', results: [{ id: 't1', ok: true, result: 'on its way' }] });

    const [one] = received;
    expect(new Webhook(SECRET, { format: 'raw' }).verify(one?.body ?? '', one?.headers ?? {})).toBeTruthy();
    expect(one?.headers['x-vapi-secret']).toBe('older');
    const wire = {
      id: 't1',
      type: 'function',
      name: 'find_order',
      arguments: { number: 7 },
      parameters: { number: 7 },
      function: { name: 'find_order', arguments: { number: 7 } },
    };
    expect(one?.message).toMatchObject({
      type: 'tool-calls',
      toolCalls: [wire],
      toolCallList: [wire],
      toolWithToolCallList: [{ type: 'function', toolCall: { id: 't1', function: { name: 'find_order', arguments: { number: 7 } } } }],
      call: { id: asked.call, status: 'in-progress' },
      artifact: { transcript: 'AI: Hello, this is Ada.\nUser: Where is my order?\n' },
    });
    expect(await noted).toMatchObject({ call: asked.call, status: 200, error: null });
    expect(await lab.store.outbox.attempts(lab.organization, asked.call)).toMatchObject([{ type: 'tool-calls', status: 200, url }]);
  });

  it('go to the server of each tool, and one failure is not the other’s', async () => {
    const first = await receiver(answering({ results: [{ toolCallId: 't1', result: 'one' }] }));
    const second = await receiver(answering('broken', 500));
    const { answer } = desk();
    expect((await answer(question(first.url, second.url), scope)).results).toEqual([
      { id: 't1', ok: true, result: 'one' },
      { id: 't2', ok: false, result: 'The tool answered with the error 500.' },
    ]);
  });

  it.each<[string, Behaviour, string]>([
    ['hangs', () => {}, 'The tool did not answer in time.'],
    ['hangs in the middle', (_, response) => void response.writeHead(200).write('{"results"'), 'The tool did not answer in time.'],
    ['closes the connection', (_, response) => void response.destroy(), 'The tool could not be reached.'],
    ['redirects', (_, response) => void response.writeHead(302, { location: 'http://x' }).end(), 'The tool answered with the error 302.'],
    ['answers without an end', (_, response) => void response.end('x'.repeat(200_000)), 'The tool gave an answer that could not be read.'],
  ])('to a server that %s fail with a sentence, once, within the budget', async (_, behaviour, sentence) => {
    const { url, received } = await receiver(behaviour);
    const { answer, noted } = desk();
    expect((await answer(question(url, '', 500), scope)).results).toEqual([{ id: 't1', ok: false, result: sentence }]);
    await noted;
    expect(received).toHaveLength(1);
  });

  it('are asked again only when the request cannot have arrived', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const address = probe.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => probe.close(resolve));
    let tries = 0;
    const real = createEgress('any');
    const counting: Egress = {
      ...real,
      http: (ask, within) => {
        tries += 1;
        return real.http(ask, within);
      },
    };
    const { answer } = desk({ egress: counting });
    expect((await answer(question(`http://127.0.0.1:${port}`), scope)).results).toMatchObject([
      { ok: false, result: 'The tool could not be reached.' },
    ]);
    expect(tries).toBe(2);
  });

  it('without a server, or to an address that is not allowed, say so', async () => {
    const { answer } = desk({ egress: createEgress('public') });
    expect((await answer(question(''), scope)).results).toEqual([{ id: 't1', ok: false, result: 'The tool has no server to answer it.' }]);
    expect((await answer(question('http://127.0.0.1:9'), scope)).results).toEqual([
      { id: 't1', ok: false, result: 'The tool has an address that is not allowed.' },
    ]);
  });

  it('are given up when the call ends', async () => {
    const { url, got } = await receiver(() => {});
    const { answer } = desk();
    const call = scope.child('call');
    const answered = answer(question(url, '', 60_000), call);
    await got(1);
    void call.close('hung up');
    await expect(answered).rejects.toSatisfy((error) => error instanceof AywaError && error.code === 'cancelled');
  });
});
