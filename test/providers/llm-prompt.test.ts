/** What each dialect is sent: a conversation as it can really stand in memory, in the order that the vendor accepts. */
import { describe, expect, it } from 'vitest';
import type { Message, ToolCall } from '../../src/providers/llm/contract.ts';
import { wireId } from '../../src/providers/llm/prompt.ts';
import { bodyFor, PROMPT } from './brain.ts';

const system = (content: string): Message => ({ role: 'system', content });
const user = (content: string): Message => ({ role: 'user', content });
const agent = (content: string, ...toolCalls: ToolCall[]): Message => ({
  role: 'assistant',
  content,
  ...(toolCalls.length > 0 ? { toolCalls } : {}),
});
const call = (id: string, more: Partial<ToolCall> = {}): ToolCall => ({ id, name: 'book', arguments: { at: id }, ...more });
const result = (toolCallId: string, content = `result ${toolCallId}`): Message => ({ role: 'tool', toolCallId, name: 'book', content });

type Wire = Record<string, unknown> & { role: string };

const CONVERSATIONS: [string, Message[]][] = [
  ['nothing but instructions', [system('Be brief.')]],
  ['nothing at all', []],
  ['an agent that speaks first', [system('Be brief.'), agent('Hello.'), user('Hi.')]],
  ['an agent that speaks last', [system('Be brief.'), user('Hi.'), agent('Hello.')]],
  ['empty words', [system(''), user('Hi.'), agent(''), agent(' \n'), user(''), user('Anybody?')]],
  ['instructions in between', [system('Be brief.'), system('Be kind.'), user('Hi.'), agent('Hello.'), system('It is late.'), user('Bye.')]],
  ['neighbours of one side', [user('Hi.'), user('Hello?'), agent('Yes.'), agent('I hear you.'), user('Good.')]],
  ['parallel calls', [user('Book.'), agent('One moment.', call('a'), call('b')), result('a'), result('b')]],
  ['results in another order', [user('Book.'), agent('', call('a'), call('b')), result('b'), result('a'), user('And?')]],
  [
    'words between call and result',
    [user('Book.'), agent('', call('a')), agent('One moment.'), user('Hello?'), system('It is late.'), result('a'), user('And?')],
  ],
  ['a call without a result', [user('Book.'), agent('', call('a'), call('b')), result('a'), user('And?')]],
  ['a result without a call', [user('Book.'), result('x'), agent('Done.'), user('Thanks.')]],
  ['an empty result', [user('Book.'), agent('', call('a')), result('a', '')]],
  [
    'two rounds with one id',
    [user('Book.'), agent('', call('a')), result('a', 'one'), agent('', call('a')), result('a', 'two'), user('And?')],
  ],
  ['the caller behind a result', [user('Book.'), agent('', call('a')), result('a'), user('Wait.')]],
  [
    'ids and names of other vendors',
    [
      user('Book.'),
      agent('', call('functions.book:0', { name: 'my.book!' }), call('x'.repeat(90))),
      result('functions.book:0'),
      result('x'.repeat(90)),
    ],
  ],
  [
    'arguments that were no JSON',
    [user('Book.'), agent('', call('a', { arguments: {}, malformed: '{"at":' })), result('a', 'Call it again.')],
  ],
];

describe.each(CONVERSATIONS)('%s', (_, messages) => {
  const prompt = { ...PROMPT, messages };
  const spoken = messages.flatMap((message) => (message.content.trim() ? [message.content.trim()] : []));

  it.each(['openai', 'groq', 'custom-llm', 'mistral', 'perplexity', 'anthropic', 'google'])(
    'loses no word on the way to %s',
    async (name) => {
      const body = JSON.stringify(await bodyFor(name, prompt));
      for (const words of spoken) expect(body).toContain(JSON.stringify(words).slice(1, -1));
    },
  );

  it.each(['openai', 'groq', 'custom-llm', 'mistral', 'perplexity'])('has each round of calls answered at once for %s', async (name) => {
    const wire = (await bodyFor(name, prompt)).messages as Wire[];
    let open: unknown[] = [];
    for (const { role, content, tool_calls, tool_call_id } of wire) {
      if (role === 'tool') expect(open.shift()).toBe(tool_call_id);
      else expect(open).toEqual([]);
      if (role !== 'assistant' || !tool_calls) expect(String(content ?? '').trim()).not.toBe('');
      else {
        expect(content === null || String(content).trim() !== '').toBe(true);
        const calls = tool_calls as { id: string; function: { name: string; arguments: string } }[];
        open = calls.map(({ id }) => id);
        for (const { id, function: made } of calls) {
          expect(id).toMatch(name === 'mistral' ? /^[a-zA-Z0-9]{9}$/ : /^.{1,40}$/);
          expect(made.name).toMatch(/^[\w-]{1,64}$/);
          expect(JSON.parse(made.arguments)).toBeTypeOf('object');
        }
      }
    }
    expect(open).toEqual([]);
  });

  it.each(['mistral', 'perplexity'])('keeps the order of roles that %s insists on', async (name) => {
    const roles = ((await bodyFor(name, prompt)).messages as Wire[]).map(({ role }) => role).join(' ');
    expect(roles).toMatch(/^(system )?user( assistant( tool)+)*( assistant( tool)*( assistant)? user)*( assistant( tool)+)?$/);
    expect(roles).toMatch(/(user|tool)$/);
    expect(roles).not.toMatch(/tool user|user user|assistant assistant/);
  });

  it('alternates for Anthropic, results first', async () => {
    const turns = (await bodyFor('anthropic', prompt)).messages as {
      role: string;
      content: { type: string; id?: string; tool_use_id?: string; text?: string }[];
    }[];
    expect(turns.map(({ role }) => role)).toEqual(turns.map((__, at) => (at % 2 === 0 ? 'user' : 'assistant')));
    expect(turns.at(-1)?.role).toBe('user');
    turns.forEach(({ role, content }, at) => {
      expect(content.length).toBeGreaterThan(0);
      for (const block of content) if (block.type === 'text') expect(block.text?.trim()).not.toBe('');
      const uses = content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
      for (const id of uses) expect(id).toMatch(/^[\w-]{1,64}$/);
      if (role === 'assistant') {
        const next = turns[at + 1]?.content ?? [];
        expect(next.slice(0, uses.length).map((block) => block.tool_use_id)).toEqual(uses);
        expect(next.slice(uses.length).every((block) => block.type !== 'tool_result')).toBe(true);
      }
    });
  });

  it('alternates for Google, as many responses as calls', async () => {
    const turns = (await bodyFor('google', prompt)).contents as {
      role: string;
      parts: { functionCall?: object; functionResponse?: object; text?: string }[];
    }[];
    expect(turns.map(({ role }) => role)).toEqual(turns.map((__, at) => (at % 2 === 0 ? 'user' : 'model')));
    expect(turns.at(-1)?.role).toBe('user');
    turns.forEach(({ role, parts }, at) => {
      expect(parts.length).toBeGreaterThan(0);
      if (role !== 'model') return;
      const responses = turns[at + 1]?.parts.filter((part) => part.functionResponse) ?? [];
      expect(responses).toHaveLength(parts.filter((part) => part.functionCall).length);
    });
  });
});

describe('results', () => {
  it('go to the call that they answer, round by round', async () => {
    const messages = [user('Book.'), agent('', call('a')), result('a', 'one'), agent('', call('a')), result('a', 'two')];
    const wire = (await bodyFor('openai', { ...PROMPT, messages })).messages as Wire[];
    expect(wire.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Book.'],
      ['assistant', null],
      ['tool', 'one'],
      ['assistant', null],
      ['tool', 'two'],
    ]);
  });

  it('that are failures are told as failures where the vendor can be told', async () => {
    const messages: Message[] = [
      user('Book.'),
      agent('', call('a')),
      { role: 'tool', toolCallId: 'a', name: 'book', content: 'closed', failed: true },
    ];
    expect(JSON.stringify(await bodyFor('anthropic', { ...PROMPT, messages }))).toContain('"is_error":true');
    expect(JSON.stringify(await bodyFor('google', { ...PROMPT, messages }))).toContain('"response":{"error":"closed"}');
  });
});

describe('an id of another vendor', () => {
  it('stays as it is where it fits, and is replaced by the same always where it does not', () => {
    expect(wireId('abc123XYZ', /^[a-zA-Z0-9]{9}$/)).toBe('abc123XYZ');
    expect(wireId('call_1', /^[a-zA-Z0-9]{9}$/)).toBe(wireId('call_1', /^[a-zA-Z0-9]{9}$/));
    const made = new Set(Array.from({ length: 500 }, (_, at) => wireId(`call_${at}`, /^[a-zA-Z0-9]{9}$/)));
    expect(made.size).toBe(500);
    for (const id of made) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
  });
});
