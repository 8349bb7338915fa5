/** The answers of tools' webhooks in every form that people send. */
import { describe, expect, it } from 'vitest';
import { toolResults } from '../../src/journal/tool-results.ts';

const one = [{ id: 'a', name: 'slots' }];
const two = [
  { id: 'a', name: 'slots' },
  { id: 'b', name: 'price' },
];
const text = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));
const read = (body: unknown, calls: readonly { id: string; name?: string }[] = one) => [...toolResults(text(body), calls).results.values()];
const right = { results: [{ toolCallId: 'a', result: 'Friday' }] };

it.each([
  [`{'results': [{'toolCallId': 'a', 'result': "it's \\"Friday\\"", 'ok': True}]}`, `it's "Friday"`],
  [`{'results': [{'toolCallId': 'a', 'result': 'say "Friday", ok'}]}`, 'say "Friday", ok'],
  [`{'results': [{'toolCallId': 'a', 'result': 'it\\'s None, }'}]}`, `it's None, }`],
  [`{"results":[{"toolCallId":"a","result":"None, ] 'Friday'",}]}`, `None, ] 'Friday'`],
  ["it's Friday, }", "it's Friday, }"],
])('what is nearly JSON keeps every character of its texts: %s', (body, result) => {
  expect(read(body)).toMatchObject([{ id: 'a', ok: true, result }]);
});

describe('the answer to the only call', () => {
  it.each<[string, unknown]>([
    ['is a list of results', right],
    ['is one object instead of a list', { results: { toolCallId: 'a', result: 'Friday' } }],
    ['has no id', { results: [{ result: 'Friday' }] }],
    ['has the id of another call', { results: [{ toolCallId: 'other', result: 'Friday' }] }],
    [
      'has the id of another call beside its own',
      {
        results: [
          { toolCallId: 'other', result: 'no' },
          { toolCallId: 'a', result: 'Friday' },
        ],
      },
    ],
    ['spells the id in snake case', { results: [{ tool_call_id: 'a', result: 'Friday' }] }],
    ['spells the id with capitals', { Results: [{ ToolCallID: 'a', Result: 'Friday' }] }],
    ['spells the id with hyphens', { 'tool-results': [{ 'tool-call-id': 'a', result: 'Friday' }] }],
    ['calls the id callId', { results: [{ callId: 'a', result: 'Friday' }] }],
    ['calls the id tool_use_id', { results: [{ tool_use_id: 'a', result: 'Friday' }] }],
    ['calls the id id', { results: [{ id: 'a', result: 'Friday' }] }],
    ['is a bare result', { result: 'Friday' }],
    ['is a bare result with its id', { toolCallId: 'a', result: 'Friday' }],
    ['is a list without a container', [{ toolCallId: 'a', result: 'Friday' }]],
    ['is a list of words', { results: ['Friday'] }],
    ['is a word', { results: 'Friday' }],
    ['is plain text', 'Friday'],
    ['is plain text between blank lines', '\r\n  Friday \n'],
    ['begins with a byte order mark', `\ufeff${text(right)}`],
    ['is JSON of a string', '"Friday"'],
    ['is what Python prints', `{'results': [{'toolCallId': 'a', 'result': 'Friday', 'error': None}]}`],
    ['has commas before its ends', '{"results": [{"toolCallId": "a", "result": "Friday",},\n]}'],
    ['is JSON inside a string', text(text(right))],
    ['is JSON inside a string, twice', text(text(text(right)))],
    ['has JSON inside results', { results: text(right.results) }],
    ['has JSON inside an entry', { results: right.results.map(text) }],
    ['is a map of ids', { a: 'Friday' }],
    ['is a map of ids in results', { results: { a: 'Friday' } }],
    ['is a map of ids to results', { results: { a: { result: 'Friday' } } }],
    ['is wrapped by a gateway', { statusCode: 200, headers: {}, body: text(right) }],
    ['is wrapped in data', { data: right }],
    ['is wrapped in a list', [right]],
    ['is wrapped in a list of json', [{ json: right }]],
    ['is wrapped in output as text', [{ output: text(right) }]],
    ['is wrapped in result', { result: right.results }],
    ['is wrapped in message', { message: right }],
    ['stands in a fence', `\`\`\`json\n${text(right)}\n\`\`\``],
    ['says that there is no error', { results: [{ toolCallId: 'a', result: 'Friday', error: null }] }],
    ['says that error is false', { result: 'Friday', error: false }],
    ['has an empty error', { result: 'Friday', error: '' }],
    ['names the tool', { results: [{ name: 'slots', toolCallId: 'a', result: 'Friday' }] }],
  ])('%s', (_, body) => {
    expect(read(body)).toEqual([{ id: 'a', ok: true, result: 'Friday' }]);
  });

  it.each<[string, unknown, string]>([
    ['a result that is an object', { results: [{ toolCallId: 'a', result: { slots: ['Friday'] } }] }, '{"slots":["Friday"]}'],
    ['a result that is a list', { results: [{ toolCallId: 'a', result: ['Friday', 'Monday'] }] }, '["Friday","Monday"]'],
    ['a result of nothing found', { results: [{ toolCallId: 'a', result: [] }] }, '[]'],
    ['a result that is zero', { results: [{ toolCallId: 'a', result: 0 }] }, '0'],
    ['a result that is false', { results: [{ toolCallId: 'a', result: false }] }, 'false'],
    ['a result whose text is JSON', { results: [{ toolCallId: 'a', result: '{"n":1}' }] }, '{"n":1}'],
    ['another name for the result', { results: [{ toolCallId: 'a', output: 'Friday' }] }, '{"output":"Friday"}'],
    ['a bare object', { slots: ['Friday'], open: true }, '{"slots":["Friday"],"open":true}'],
    ['a bare list', ['Friday', 'Monday'], '["Friday","Monday"]'],
    ['a bare list of objects', [{ id: 'slot-1', at: 9 }], '[{"id":"slot-1","at":9}]'],
    ['an empty list', [], '[]'],
    ['a bare number', 42, '42'],
    ['bare false', false, 'false'],
    ['a search with results of its own', { results: [{ title: 'one' }, { title: 'two' }] }, '[{"title":"one"},{"title":"two"}]'],
    ['a search with a count', { results: [], total: 0 }, '{"results":[],"total":0}'],
    ['results that are an object', { results: { slots: ['Friday'] } }, '{"slots":["Friday"]}'],
    ['a wrapper of something else', { data: { results: [{ title: 'one' }] } }, '{"data":{"results":[{"title":"one"}]}}'],
    ['line breaks in a string', '{"results":[{"toolCallId":"a","result":"Start: Friday\nat nine\t\r\n"}]}', 'Start: Friday\nat nine\t\r\n'],
    ['escaped quotes and line breaks', '{"results":[{"toolCallId":"a","result":"\\"Friday\\"\nat nine"}]}', '"Friday"\nat nine'],
    ['text that begins like JSON', '{slots: Friday}', '{slots: Friday}'],
    ['text in brackets', '[Friday]', '[Friday]'],
  ])('is told with %s', (_, body, expected) => {
    expect(read(body)).toEqual([{ id: 'a', ok: true, result: expected }]);
  });

  it.each<[string, unknown]>([
    ['in a list', { results: [{ toolCallId: 'a', error: 'no stock' }] }],
    ['beside an empty result', { results: [{ toolCallId: 'a', result: null, error: 'no stock' }] }],
    ['bare', { error: 'no stock' }],
    ['inside a string', text(text({ error: 'no stock' }))],
  ])('is a failure when an error stands %s', (_, body) => {
    expect(read(body)).toEqual([{ id: 'a', ok: false, result: 'no stock' }]);
  });

  it.each<[string, unknown]>([
    ['a text', 'Done!'],
    ['a message', { type: 'request-complete', content: 'Done!' }],
    ['a list of messages', [{ type: 'request-complete', content: 'Done!' }]],
  ])('is spoken when it has %s to say', (_, message) => {
    expect(read({ results: [{ toolCallId: 'a', result: 'x', message }] })).toEqual([{ id: 'a', ok: true, result: 'x', say: 'Done!' }]);
  });

  it('may end the call', () => {
    const message = { type: 'request-complete', content: 'Bye.', endCallAfterSpokenEnabled: true };
    expect(read({ results: [{ toolCallId: 'a', result: 'x', message }] })).toEqual([
      { id: 'a', ok: true, result: 'x', say: 'Bye.', endsCall: true },
    ]);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['null', null],
    ['an empty object', {}],
    ['an empty list of results', { results: [] }],
  ])('may be missing: %s', (_, body) => {
    expect(read(body)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no result', { results: [{ toolCallId: 'a' }] }],
    ['null', { results: [{ toolCallId: 'a', result: null }] }],
    ['an empty text', { results: [{ toolCallId: 'a', result: '' }] }],
  ])('is told to be missing when it holds %s', (_, body) => {
    expect(read(body)).toEqual([{ id: 'a', ok: true, result: 'No result returned.' }]);
  });

  it('is read without failing, however deep or long it is', () => {
    for (const body of ['['.repeat(60_000), `${'['.repeat(30_000)}${']'.repeat(30_000)}`, '"'.repeat(60_000), '{"results":'.repeat(5_000)])
      expect(read(body)).toHaveLength(1);
  });
});

describe('the answers to several calls', () => {
  const results = [
    { toolCallId: 'b', result: 'TWO' },
    { toolCallId: 'a', result: 'ONE' },
  ];
  const told = (body: unknown) => Object.fromEntries(read(body, two).map(({ id, result }) => [id, result]));

  it.each<[string, unknown]>([
    ['by id', { results }],
    ['by id, without a container', results],
    ['by id, inside a string', text(text({ results }))],
    ['in order', { results: [{ result: 'ONE' }, { result: 'TWO' }] }],
    [
      'in order, with ids of other calls',
      {
        results: [
          { toolCallId: 'x', result: 'ONE' },
          { toolCallId: 'y', result: 'TWO' },
        ],
      },
    ],
    ['in order, as words', { results: ['ONE', 'TWO'] }],
    ['in order, as a bare list', ['ONE', 'TWO']],
    [
      'by name',
      {
        results: [
          { name: 'price', result: 'TWO' },
          { name: 'slots', result: 'ONE' },
        ],
      },
    ],
    ['one by id, the other by what is left', { results: [{ toolCallId: 'b', result: 'TWO' }, { result: 'ONE' }] }],
    ['by a map of ids', { a: 'ONE', b: { result: 'TWO' } }],
    ['the first of two for the same call', { results: [...results, { toolCallId: 'a', result: 'THREE' }] }],
  ])('are told apart: %s', (_, body) => {
    expect(told(body)).toEqual({ a: 'ONE', b: 'TWO' });
  });

  it('are not invented: one answer is that of the first call', () => {
    expect(told('text')).toEqual({ a: 'text' });
    expect(told({ result: 'ONE' })).toEqual({ a: 'ONE' });
    expect(told({ results: [{ toolCallId: 'b', result: 'TWO' }] })).toEqual({ b: 'TWO' });
  });

  it('say when they were guessed', () => {
    expect(toolResults(text({ results }), two).guessed).toBe(false);
    expect(toolResults(text({ results: ['ONE', 'TWO'] }), two).guessed).toBe(true);
    expect(toolResults(text({ results: [{ toolCallId: 'x', result: '' }] }), one).guessed).toBe(true);
    expect(toolResults('text', one).guessed).toBe(false);
  });
});
