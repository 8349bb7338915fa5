/** Which fragment belongs to which tool call, in every way that servers number them. */
import { describe, expect, it } from 'vitest';
import type { PromptRequest } from '../../src/providers/llm/contract.ts';
import { ask, chunk, DONE, data, PROMPT } from './brain.ts';

const A = '{"date":"2026-06-11"}';
const B = '{"date":"2026-06-12"}';
const a = ['book', { date: '2026-06-11' }];
const b = ['book', { date: '2026-06-12' }];

/** A fragment: index, id, name, arguments; what is `undefined` is left out. */
const f = (index?: number, id?: string | null, name?: string | null, args?: unknown) => ({
  ...(index === undefined ? {} : { index }),
  ...(id === undefined ? {} : { id }),
  ...(name === undefined && args === undefined
    ? {}
    : { function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) } }),
});
const t = (...fragments: object[]) => chunk({ role: 'assistant', content: null, tool_calls: fragments });
const end = [chunk({}, 'tool_calls'), DONE];
const message = (fields: object, finish: string | null = 'tool_calls') =>
  data({ choices: [{ index: 0, message: fields, finish_reason: finish }] });

const FORMS: [string, string[], unknown[]][] = [
  [
    'as documented, two interleaved',
    [
      t(f(0, 'a', 'book', '')),
      t(f(1, 'b', 'book', '')),
      t(f(0, undefined, undefined, A.slice(0, 8))),
      t(f(1, undefined, undefined, B.slice(0, 9))),
      t(f(0, undefined, undefined, A.slice(8))),
      t(f(1, undefined, undefined, B.slice(9))),
    ],
    [a, b],
  ],
  ['two whole calls, one index', [t(f(0, 'a', 'book', A)), t(f(0, 'b', 'book', B))], [a, b]],
  [
    'two calls in pieces, one index',
    [
      t(f(0, 'a', 'book', A.slice(0, 8))),
      t(f(0, undefined, undefined, A.slice(8))),
      t(f(0, 'b', 'book', '')),
      t(f(0, undefined, undefined, B)),
    ],
    [a, b],
  ],
  ['no index, one delta', [t(f(undefined, 'a', 'book', A), f(undefined, 'b', 'book', B))], [a, b]],
  [
    'no index, in pieces',
    [t(f(undefined, 'a', 'book', A.slice(0, 5))), t(f(undefined, undefined, undefined, A.slice(5))), t(f(undefined, 'b', 'book', B))],
    [a, b],
  ],
  ['no index and no id', [t(f(undefined, undefined, 'book', A), f(undefined, undefined, 'book', B))], [a, b]],
  [
    'no index, no id, in pieces',
    [t(f(undefined, undefined, 'book')), t(f(undefined, undefined, undefined, A)), t(f(undefined, undefined, 'book', B))],
    [a, b],
  ],
  ['the first index is 1', [t(f(1, 'a', 'book', A))], [a]],
  ['indexes with gaps, backwards', [t(f(7, 'a', 'book', A)), t(f(3, 'b', 'book', B))], [a, b]],
  ['the last piece under the next index', [t(f(0, 'a', 'book', A.slice(0, 10))), t(f(1, undefined, undefined, A.slice(10)))], [a]],
  [
    'an index for each piece',
    [t(f(0, 'a', 'book', '')), t(f(1, undefined, undefined, A.slice(0, 4))), t(f(2, undefined, undefined, A.slice(4)))],
    [a],
  ],
  ['an index for each piece, id and name in each', [t(f(0, 'a', 'book', A.slice(0, 4))), t(f(1, 'a', 'book', A.slice(4)))], [a]],
  ['id, name and arguments apart', [t(f(0, 'a')), t(f(0, undefined, 'book', '')), t(f(0, undefined, undefined, A))], [a]],
  ['id and name under two indexes', [t(f(0, 'a')), t(f(1, undefined, 'book', A))], [a]],
  ['the name before the id', [t(f(0, undefined, 'book')), t(f(0, 'a', undefined, A))], [a]],
  ['two ids, then two names', [t(f(0, 'a')), t(f(1, 'b')), t(f(0, null, 'book', A)), t(f(1, null, 'book', B))], [a, b]],
  ['the id in each piece', [t(f(0, 'a', 'book', A.slice(0, 9))), t(f(0, 'a', null, A.slice(9)))], [a]],
  ['id and name in each piece', [t(f(0, 'a', 'book', A.slice(0, 9))), t(f(0, 'a', 'book', A.slice(9)))], [a]],
  [
    'a new id for each piece',
    [t(f(0, 'a', 'book', A.slice(0, 9))), t(f(0, 'x', undefined, A.slice(9, 12))), t(f(0, 'y', undefined, A.slice(12)))],
    [a],
  ],
  ['empty ids and names behind the first', [t(f(0, 'a', 'book', '')), t(f(0, '', '', A))], [a]],
  ['a name in pieces', [t(f(0, 'a', 'get_', '')), t(f(0, undefined, 'weather', A))], [['get_weather', { date: '2026-06-11' }]]],
  ['all so far in each piece', [t(f(0, 'a', 'book', A.slice(0, 9))), t(f(0, 'a', 'book', A.slice(0, 15))), t(f(0, 'a', 'book', A))], [a]],
  ['the whole call said again', [t(f(0, 'a', 'book', A)), t(f(0, 'a', 'book', A))], [a]],
  ['two calls with one id', [t(f(0, 'a', 'book', A)), t(f(1, 'a', 'ping', '{}'))], [a, ['ping', {}]]],
  ['two calls of one tool with one id', [t(f(0, 'a', 'book', A)), t(f(1, 'a', 'book', B))], [a, b]],
  ['two calls with one id and one index', [t(f(0, 'a', 'book', A)), t(f(0, 'a', 'book', B))], [a, b]],
  [
    'two calls with one id, in pieces with it',
    [t(f(0, 'a', 'book', '')), t(f(0, 'a', null, A)), t(f(1, 'a', 'ping', '')), t(f(1, 'a', null, '{}'))],
    [a, ['ping', {}]],
  ],
  ['arguments as an object', [t(f(0, 'a', 'book', { date: '2026-06-11' }))], [a]],
  ['an empty object, then pieces', [t(f(0, 'a', 'book', {})), t(f(0, undefined, undefined, A))], [a]],
  ['arguments quoted twice', [t(f(0, 'a', 'book', JSON.stringify(A)))], [a]],
  [
    'no arguments',
    [t(f(0, 'a', 'ping')), t(f(1, 'b', 'ping', null)), t(f(2, 'c', 'ping', ' '))],
    [
      ['ping', {}],
      ['ping', {}],
      ['ping', {}],
    ],
  ],
  ['one call instead of a list', [chunk({ tool_calls: f(0, 'a', 'book', A) })], [a]],
  ['no function around it', [chunk({ tool_calls: [{ id: 'a', name: 'book', arguments: A }] })], [a]],
  ['a number as id, an index in quotes', [chunk({ tool_calls: [{ index: '0', id: 17, function: { name: 'book', arguments: A } }] })], [a]],
  ['the older function_call', [chunk({ function_call: { name: 'book', arguments: '' } }), chunk({ function_call: { arguments: A } })], [a]],
  [
    'calls in the message at the end',
    [chunk({ content: '' }), message({ role: 'assistant', tool_calls: [f(undefined, 'a', 'book', A), f(undefined, 'b', 'book', B)] })],
    [a, b],
  ],
  [
    'pieces, and the message at the end again',
    [t(f(0, 'a', 'book', A)), message({ role: 'assistant', content: null, tool_calls: [f(0, 'a', 'book', A)] })],
    [a],
  ],
  [
    'half of it, and the message at the end whole',
    [t(f(0, 'a', 'book', A.slice(0, 5))), message({ tool_calls: [f(0, 'a', 'book', A)] })],
    [a],
  ],
  [
    'pieces in messages',
    [
      message({ tool_calls: [f(0, 'a', 'book', A.slice(0, 5))] }, null),
      message({ tool_calls: [f(0, undefined, undefined, A.slice(5, 9))] }, null),
      message({ tool_calls: [f(0, 'a', 'book', A.slice(9))] }),
    ],
    [a],
  ],
  ['both forms at once', [chunk({ tool_calls: [f(0, 'a', 'book', A)], function_call: { name: 'book', arguments: A } })], [a]],
  ['two of one id in a message', [message({ tool_calls: [f(0, 'a', 'book', A), f(1, 'a', 'book', B)] })], [a, b]],
  [
    'with what nobody understands between',
    [
      t(f(0, 'a', 'book', A.slice(0, 5))),
      chunk({ tool_calls: 'none' }),
      chunk({ tool_calls: [null, 7] }),
      t(f(0, undefined, undefined, A.slice(5))),
    ],
    [a],
  ],
];

describe('fragments of tool calls', () => {
  it.each(FORMS)('%s', async (_, stream, wanted) => {
    for (const name of ['openai', 'groq', 'custom-llm']) {
      for (const closing of [end, [chunk({}, 'stop'), DONE], [DONE], []]) {
        const { calls, done, error } = await ask(name, [...stream, ...closing]);
        expect(error).toBeUndefined();
        expect(calls.map((call) => [call.name, call.arguments])).toEqual(wanted);
        expect(new Set(calls.map((call) => call.id)).size).toBe(wanted.length);
        expect(calls.every((call) => call.id !== '' && call.malformed === undefined)).toBe(true);
        expect(done?.finish).toBe('tools');
      }
    }
  });

  it('hands over the first id as it came, and fresh ones where it was used in the conversation', async () => {
    const used = [t(f(0, 'a', 'book', A)), t(f(1, 'a', 'book', B)), ...end];
    expect((await ask('openai', used)).calls[0]?.id).toBe('a');
    const prompt: PromptRequest = {
      ...PROMPT,
      messages: [
        { role: 'user', content: 'Book it.' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'book', arguments: {} }] },
        { role: 'tool', toolCallId: 'a', name: 'book', content: 'done' },
      ],
    };
    const { calls } = await ask('openai', used, prompt);
    expect(calls.map((call) => call.id)).not.toContain('a');
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);
  });

  it('hands over what is no JSON as it came', async () => {
    for (const json of ['{"date": "2026', '[1]', 'tomorrow', '"tomorrow"', '7']) {
      const { calls } = await ask('openai', [t(f(0, 'a', 'book', json)), ...end]);
      expect(calls).toEqual([{ id: 'a', name: 'book', arguments: {}, malformed: json }]);
    }
  });

  it('ends as an answer of words when tools are announced and none is called', async () => {
    const { text, done, error } = await ask('openai', [chunk({ content: 'Hello.' }), ...end]);
    expect(error).toBeUndefined();
    expect(text).toBe('Hello.');
    expect(done?.finish).toBe('stop');
  });

  it('counts a call without a name, and says so once', async () => {
    const { calls, logged, text } = await ask('openai', [
      chunk({ content: 'Hello.' }),
      t(f(0, 'a', undefined, A)),
      t(f(0, 'b', undefined, B)),
      ...end,
    ]);
    expect(calls).toEqual([]);
    expect(text).toBe('Hello.');
    expect(logged).toEqual([{ event: 'model_stream_unusable', fields: { provider: 'openai', tool_calls: 2 } }]);
  });
});

describe('two calls with one id', () => {
  const tool = (index: number, id: string, name: string) => [
    data({ type: 'content_block_start', index, content_block: { type: 'tool_use', id, name, input: {} } }),
    data({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: A } }),
    data({ type: 'content_block_stop', index }),
  ];
  const part = (name: string, id?: string) => ({ functionCall: { ...(id ? { id } : {}), name, args: { date: '2026-06-11' } } });
  it.each<[string, string[]]>([
    ['anthropic', [...tool(0, 'a', 'book'), ...tool(1, 'a', 'ping'), data({ type: 'message_stop' })]],
    ['anthropic', [...tool(0, 'a', 'book'), ...tool(0, '', 'ping'), data({ type: 'message_stop' })]],
    ['google', [data({ candidates: [{ content: { parts: [part('book', 'a'), part('ping', 'a')] }, finishReason: 'STOP' }] })]],
    ['google', [data({ candidates: [{ content: { parts: [part('book'), part('ping')] }, finishReason: 'STOP' }] })]],
  ])('are two calls of %s', async (name, stream) => {
    const { calls, done } = await ask(name, stream);
    expect(calls.map((call) => [call.name, call.arguments])).toEqual([a, ['ping', { date: '2026-06-11' }]]);
    expect(calls[0]?.id).not.toBe(calls[1]?.id);
    expect(done?.finish).toBe('tools');
  });
});
