/** Brains: each vendor's documented wire through its codec, then the same demands on every vendor over a true connection. */
import { afterEach, describe, expect, it } from 'vitest';
import { settle } from '../../src/kernel/clock.ts';
import { type AywaError, type ErrorCode, isAywaError } from '../../src/kernel/errors.ts';
import { isCancelled } from '../../src/kernel/scope.ts';
import type { ProviderContext } from '../../src/providers/contract.ts';
import { providerSet } from '../../src/providers/index.ts';
import type { PromptRequest, Said } from '../../src/providers/llm/contract.ts';
import { startFakeAnthropic } from '../fakes/vendors/anthropic.ts';
import { startFakeGoogle } from '../fakes/vendors/google.ts';
import { startFakeOpenAi } from '../fakes/vendors/openai.ts';
import type { Answer, Answers } from '../fakes/vendors/script.ts';
import { type FakeVendor, startVendor } from '../fakes/vendors/server.ts';
import { context, KEY, type TestContext } from './kit.ts';
import { type Driven, type Line, replay } from './replay.ts';

function brain(name: string) {
  const found = providerSet.llm(name);
  if (!found) throw new Error(`no brain named ${name}`);
  return found;
}

describe.each(['openai', 'groq', 'custom-llm', 'anthropic', 'google'])('the wire of llm-%s', (name) => {
  it('becomes what is said', async () => {
    await replay(`llm-${name}.jsonl`, (ctx): Driven => {
      const vendor = brain(name);
      const given: unknown[] = [];
      return {
        given,
        call(line: Line) {
          const settings = vendor.settings.parse(line.settings);
          const access = { apiKey: KEY, baseUrl: vendor.addressIn?.(settings) ?? 'http://vendor' };
          ctx.scope.spawn('read', async () => {
            const said = vendor.reply(line.reply as PromptRequest, settings, access, ctx);
            for await (const part of said) given.push(part);
          });
        },
      };
    });
  });
});

interface Row {
  readonly name: string;
  readonly env: string;
  readonly path: string;
  readonly start: (script: { answers?: Answers }) => Promise<FakeVendor>;
}

const VENDORS: Row[] = [
  { name: 'openai', env: 'OPENAI', path: '/v1', start: startFakeOpenAi },
  { name: 'groq', env: 'GROQ', path: '/v1', start: startFakeOpenAi },
  { name: 'custom-llm', env: 'CUSTOM_LLM', path: '/v1', start: startFakeOpenAi },
  { name: 'anthropic', env: 'ANTHROPIC', path: '', start: startFakeAnthropic },
  { name: 'google', env: 'GOOGLE', path: '/v1beta', start: startFakeGoogle },
];

const REQUEST: PromptRequest = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Where is my order?' },
  ],
  tools: [{ name: 'track', description: 'Finds an order.', parameters: { type: 'object', properties: { id: { type: 'string' } } } }],
};

let fake: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await fake?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

async function asking(row: Row, answer?: Answer, settings: object = {}) {
  const vendor = brain(row.name);
  const server = await row.start(answer ? { answers: () => answer } : {});
  fake = server;
  const run = context();
  ctx = run;
  const access = { apiKey: KEY, baseUrl: `${server.url}${row.path}` };
  const ask = (within: ProviderContext = run) => vendor.reply(REQUEST, vendor.settings.parse(settings), access, within);
  return { fake: server, ctx: run, ask };
}

async function collect(said: AsyncIterable<Said>): Promise<{ parts: Said[]; error: AywaError | undefined }> {
  const parts: Said[] = [];
  try {
    for await (const part of said) parts.push(part);
  } catch (error) {
    if (!isAywaError(error)) throw error;
    return { parts, error };
  }
  return { parts, error: undefined };
}

const textOf = (parts: readonly Said[]) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');

describe.each(VENDORS)('the brain of $name', (row) => {
  it('streams text and counts its tokens', async () => {
    const { ask, fake } = await asking(row, { text: ['It left', ' this', ' morning — 18 €.'] });
    const { parts, error } = await collect(ask());
    expect(error).toBeUndefined();
    expect(textOf(parts)).toBe('It left this morning — 18 €.');
    expect(parts.filter((part) => part.type === 'text')).toHaveLength(3);
    expect(parts.at(-1)).toEqual({ type: 'done', finish: 'stop', usage: { promptTokens: 20, completionTokens: 3, cachedPromptTokens: 5 } });
    expect(JSON.stringify(fake.asked[0]?.headers)).toContain(KEY);
  });

  it('assembles tool calls in order', async () => {
    const tools = [
      { id: 'call_a', name: 'track', json: '{"id":"A-1"}' },
      { id: 'call_b', name: 'track', json: '{"id":"B-2"}' },
    ];
    const { ask } = await asking(row, { text: ['Let me look.'], tools });
    const { parts } = await collect(ask());
    expect(parts.filter((part) => part.type === 'tool')).toMatchObject([
      { call: { id: 'call_a', name: 'track', arguments: { id: 'A-1' } } },
      { call: { id: 'call_b', name: 'track', arguments: { id: 'B-2' } } },
    ]);
    expect(parts.at(-1)).toMatchObject({ type: 'done', finish: 'tools' });
  });

  it('uses one connection for one reply after another, each closed at its last word', async () => {
    const { ask, ctx } = await asking(row);
    for (let turn = 0; turn < 3; turn += 1) {
      const scope = ctx.scope.child('reply');
      const said = ask({ ...ctx, scope })[Symbol.asyncIterator]();
      const types: string[] = [];
      while (types.at(-1) !== 'done') types.push((await said.next()).value?.type);
      expect(types).toEqual(['text', 'text', 'done']);
      await scope.close('done');
      await settle();
    }
    expect(ctx.egress.opened.http).toBe(1);
  });

  it.each<[number, ErrorCode]>([
    [400, 'provider_invalid'],
    [401, 'provider_auth'],
    [402, 'provider_quota'],
    [403, 'provider_auth'],
    [429, 'provider_rate'],
    [503, 'provider_network'],
  ])('says what to do when refused with %i', async (status, code) => {
    const { ask, fake } = await asking(row);
    fake.fault = { status, body: { error: { message: `No: ${KEY}` } }, headers: { 'retry-after': '7' } };
    const { error } = await collect(ask());
    expect(error?.code).toBe(code);
    expect(error?.retryAfter).toBe(7);
    expect(error?.message).toContain(row.name);
    expect(error?.message).not.toContain(KEY);
    if (code === 'provider_auth') expect(error?.message).toContain(`${row.env}_API_KEY`);
  });

  it('fails when the stream ends in the middle', async () => {
    const { ask, fake } = await asking(row, { text: ['One', ' two', ' three', ' four', ' five', ' six'] });
    fake.fault = 'close';
    const { parts, error } = await collect(ask());
    expect(textOf(parts)).toMatch(/^One two/);
    expect(error?.code).toBe('provider_network');
  });

  it('fails on garbage', async () => {
    const { ask, fake } = await asking(row);
    fake.fault = 'garbage';
    const { parts, error } = await collect(ask());
    expect(parts).toEqual([]);
    expect(error?.code).toBe('provider_garbage');
  });

  it('names the variable when nobody listens at the address', async () => {
    ctx = context();
    const vendor = brain(row.name);
    const { error } = await collect(vendor.reply(REQUEST, vendor.settings.parse({}), { apiKey: KEY, baseUrl: 'http://127.0.0.1:1' }, ctx));
    expect(error?.code).toBe('provider_network');
    expect(error?.message).toContain(`${row.env}_BASE_URL`);
  });

  it('closes its connection when its scope closes, also when the vendor hangs', async () => {
    const { ask, fake, ctx } = await asking(row);
    fake.fault = 'hang';
    const answer = collect(ask());
    await fake.until(({ stats }) => stats.open === 1);
    await ctx.scope.close('cut');
    expect(isCancelled((await answer).error)).toBe(true);
    await fake.until(({ stats }) => stats.open === 0);
  });

  it('closes its connection when the listener leaves', async () => {
    const { ask, fake } = await asking(row, { text: ['One', ' two', ' three'], perTokenMs: 60_000 });
    for await (const part of ask()) {
      expect(part).toEqual({ type: 'text', text: 'One' });
      break;
    }
    await fake.until(({ stats }) => stats.open === 0);
  });
});

describe('an error inside the stream', () => {
  const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
  it.each<[string, string, ErrorCode]>([
    ['openai', event({ error: { message: 'The server is overloaded.', type: 'server_error', code: null } }), 'provider_network'],
    ['groq', event({ error: { message: 'Rate limit reached for model', code: 'rate_limit_exceeded' } }), 'provider_rate'],
    ['custom-llm', event({ error: 'something broke' }), 'provider_network'],
    ['anthropic', event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }), 'provider_network'],
    ['google', event({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }), 'provider_network'],
    ['openai', event({ choices: 'none' }), 'provider_garbage'],
    ['anthropic', 'data: {"type"\n\n', 'provider_garbage'],
  ])('of %s (%s) ends the reply as what it is', async (name, data, code) => {
    fake = await startVendor({
      request: (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(data),
    });
    ctx = context();
    const vendor = brain(name);
    const { parts, error } = await collect(vendor.reply(REQUEST, vendor.settings.parse({}), { apiKey: KEY, baseUrl: fake.url }, ctx));
    expect(parts).toEqual([]);
    expect(error?.code).toBe(code);
  });
});

describe('the chat dialect', () => {
  const openai = VENDORS[0] as Row;
  const custom = VENDORS[2] as Row;

  it('takes a plain JSON answer', async () => {
    const { ask } = await asking(
      { ...custom, start: (script) => startFakeOpenAi({ ...script, plain: true }) },
      {
        text: ['All', ' at once.'],
        tools: [{ id: 'c1', name: 'track', json: '{}' }],
      },
    );
    const { parts } = await collect(ask());
    expect(parts).toMatchObject([{ type: 'text', text: 'All at once.' }, { type: 'tool' }, { type: 'done', finish: 'tools' }]);
  });

  it('keeps a connection whose server lingers after the last word only for a moment', async () => {
    const chunk = { choices: [{ delta: { content: 'Hello there.' }, finish_reason: 'stop' }] };
    const start = () =>
      startVendor({
        request: (_, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
        },
      });
    const { ask, fake } = await asking({ ...openai, start });
    const { parts, error } = await collect(ask());
    expect(error).toBeUndefined();
    expect(parts).toMatchObject([{ text: 'Hello there.' }, { type: 'done', finish: 'stop' }]);
    await fake.until(({ stats }) => stats.open === 0);
  });

  it('hands over arguments that are no JSON as they came', async () => {
    const { ask } = await asking(openai, { tools: [{ id: 'c1', name: 'track', json: '{"id": "A-1' }] });
    const { parts } = await collect(ask());
    expect(parts[0]).toEqual({ type: 'tool', call: { id: 'c1', name: 'track', arguments: {}, malformed: '{"id": "A-1' } });
  });

  it('tells an empty account from a fast one', async () => {
    const { ask, fake } = await asking(openai);
    fake.fault = { status: 429, body: { error: { message: 'You exceeded your plan.', code: 'insufficient_quota' } } };
    expect((await collect(ask())).error?.code).toBe('provider_quota');
  });

  const metadata = { call: { id: 'c-1' }, metadata: { shop: 7 } };
  it.each([
    ['off', {}],
    ['variable', metadata],
    ['destructured', { call: { id: 'c-1' }, shop: 7 }],
  ])('sends facts about the call as metadataSendMode %s says', async (metadataSendMode, expected) => {
    fake = await startFakeOpenAi();
    ctx = context();
    const vendor = brain('custom-llm');
    const settings = vendor.settings.parse({
      metadataSendMode,
      headers: { 'x-shop': '7', Authorization: 'stolen' },
    });
    await collect(vendor.reply({ ...REQUEST, metadata }, settings, { apiKey: KEY, baseUrl: `${fake.url}/my/llm/chat/completions` }, ctx));
    const [asked] = fake.asked;
    expect(asked?.url.pathname).toBe('/my/llm/chat/completions');
    expect(asked?.headers).toMatchObject({ 'x-shop': '7', authorization: `Bearer ${KEY}` });
    const { model, messages, tools, max_tokens, stream, stream_options, ...rest } = JSON.parse(String(asked?.body));
    expect(rest).toEqual(expected);
    expect({ model, stream, max_tokens }).toEqual({ model: 'custom', stream: true, max_tokens: 250 });
  });

  it('asks only where a tenant may let it ask', async () => {
    fake = await startFakeOpenAi();
    ctx = context();
    const vendor = brain('custom-llm');
    const access = { apiKey: KEY, baseUrl: `${fake.url}/v1`, reach: 'public' } as const;
    const { error } = await collect(vendor.reply(REQUEST, vendor.settings.parse({}), access, ctx));
    expect(error?.code).toBe('egress_denied');
    expect(fake.asked).toEqual([]);
  });
});
