/** Answers as servers really send them: framing, ends and fields that are not as documented, in every dialect. */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { ask, askServer, chunk, DONE, data, type Step } from './brain.ts';

const ANSWER = 'We are open — from 9 to 6.';
const WORDS = ANSWER.match(/\S+\s*/g) ?? [];
const words = WORDS.map((word) => chunk({ content: word }));
const stop = chunk({}, 'stop');
const whole = (choice: object, more: object = {}) => JSON.stringify({ id: 'c', object: 'chat.completion', choices: [choice], ...more });
const message = { role: 'assistant', content: ANSWER };
const json = (value: string) => value.replace(/^data: /, '').trim();

describe('an answer of the chat dialect', () => {
  const plain = words.join('');
  it.each<[string, string, string]>([
    ['as documented', 'text/event-stream', plain + stop + DONE],
    ['without a finish reason', 'text/event-stream', plain + DONE],
    ['with nothing at its end', 'text/event-stream', plain],
    ['without [DONE]', 'text/event-stream; charset=utf-8', plain + stop],
    ['whose last event has no empty line', 'text/event-stream', (plain + stop).trimEnd()],
    ['with CRLF', 'text/event-stream', (plain + stop + DONE).replaceAll('\n', '\r\n')],
    ['with CR alone', 'text/event-stream', (plain + stop + DONE).replaceAll('\n', '\r')],
    ['behind a byte order mark', 'text/event-stream', `\uFEFF${plain}${DONE}`],
    ['behind blank lines', 'text/event-stream', `\r\n\n  \n${plain}${DONE}`],
    ['without spaces behind data:', 'text/event-stream', (plain + stop + DONE).replaceAll('data: ', 'data:')],
    ['without empty lines between events', 'text/event-stream', (plain + stop + DONE).replaceAll('\n\n', '\n')],
    ['with data: twice', 'text/event-stream', (plain + stop + DONE).replaceAll('data: ', 'data: data: ')],
    ['with several objects in an event', 'text/event-stream', `data: ${[...words, stop].map(json).join('')}\n\n${DONE}`],
    [
      'with one event of several lines',
      'text/event-stream',
      `${data(JSON.stringify(JSON.parse(json(words.join('').split('\n')[0] ?? '')), null, 2).replaceAll('\n', '\ndata: '))}${words.slice(1).join('')}${DONE}`,
    ],
    ['with a list in an event', 'text/event-stream', `data: [${[...words, stop].map(json).join(',')}]\n\n${DONE}`],
    [
      'with comments and blank keep-alives',
      'text/event-stream',
      `: OPENROUTER PROCESSING\n\n\n\n${words.join(':\n\n')}data:\n\ndata: \n\n${stop}${DONE}`,
    ],
    [
      'with event names and ids',
      'text/event-stream',
      words.map((word, id) => `event: chunk\nid: ${id}\nretry: 10\n${word}`).join('') + DONE,
    ],
    ['called text/plain', 'text/plain', plain + stop + DONE],
    ['called JSON', 'application/json', plain + stop + DONE],
    ['one object a line', 'application/x-ndjson', [...words, stop].map(json).join('\n')],
    ['one list', 'application/json', `[${[...words, stop].map(json).join(',\n')}]`],
    ['whole', 'application/json', whole({ index: 0, message, finish_reason: 'stop' })],
    ['whole, without a finish reason', 'application/json', whole({ message })],
    ['whole, called a stream', 'text/event-stream', whole({ message, finish_reason: 'stop' })],
    ['whole, in one event', 'text/event-stream', data(whole({ message, finish_reason: 'stop' }))],
    [
      'whole, over several lines behind blank ones',
      'application/json',
      `\n\n\n${JSON.stringify(JSON.parse(whole({ message })), null, 2)}\n`,
    ],
    [
      'whole, with fields that are null',
      'application/json',
      whole({ message: { ...message, tool_calls: null, refusal: null, audio: null }, logprobs: null }, { error: null, usage: null }),
    ],
    [
      'repeated as a message at its end',
      'text/event-stream',
      plain + data({ choices: [{ delta: {}, message, finish_reason: 'stop' }] }) + DONE,
    ],
    [
      'only in a message at its end',
      'text/event-stream',
      chunk({ role: 'assistant' }) + data({ choices: [{ delta: null, message, finish_reason: 'stop' }] }) + DONE,
    ],
    ['with a finish reason in each piece', 'text/event-stream', WORDS.map((content) => chunk({ content }, 'stop')).join('') + DONE],
    ['with empty finish reasons', 'text/event-stream', WORDS.map((content) => chunk({ content }, '')).join('') + DONE],
    ['in the older form', 'text/event-stream', WORDS.map((text) => data({ choices: [{ text, index: 0 }] })).join('') + DONE],
    [
      'as Ollama alone would say it',
      'application/x-ndjson',
      WORDS.map((content) => JSON.stringify({ message: { role: 'assistant', content }, done: false })).join('\n'),
    ],
    ['in typed parts', 'text/event-stream', WORDS.map((text) => chunk({ content: [{ type: 'text', text }] })).join('') + DONE],
    [
      'in one typed part',
      'text/event-stream',
      WORDS.map((text) => chunk({ content: { type: 'output_text', text: { value: text } } })).join('') + DONE,
    ],
    ['as a refusal', 'text/event-stream', WORDS.map((refusal) => chunk({ content: null, refusal })).join('') + stop],
    [
      'between chunks of all kinds of nothing',
      'text/event-stream',
      [
        data({ choices: [] }),
        data({ choices: null }),
        chunk(null),
        chunk({}),
        chunk({ content: null }),
        data({ choices: [null] }),
        data({}),
        data('[]'),
        ...words,
        data({ choices: [], usage: null }),
      ].join('') + DONE,
    ],
    [
      'among broken lines',
      'text/event-stream',
      `${words[0]}data: {"choices":[{"del\n\ndata: <html>\n\nnonsense\n\n${words.slice(1).join('')}${stop}${DONE}`,
    ],
    [
      'among fields of the wrong shape',
      'text/event-stream',
      words[0] +
        chunk({ content: true }) +
        chunk('x') +
        data({ choices: 'none' }) +
        data({ choices: [7] }) +
        chunk({ content: '', tool_calls: 'x' }, 7, { usage: 'x' }) +
        words.slice(1).join('') +
        DONE,
    ],
  ])('is understood %s', async (_, type, body) => {
    for (const pieces of [[body], body.match(/[\s\S]{1,7}/gu) ?? []]) {
      const { text, parts, error } = await askServer('custom-llm', type, pieces);
      expect(error).toBeUndefined();
      expect(text).toBe(ANSWER);
      expect(parts.at(-1)).toMatchObject({ type: 'done', finish: 'stop' });
      expect(parts.filter((part) => part.type === 'done')).toHaveLength(1);
    }
  });

  it('is said piece by piece also where pieces are not as documented', async () => {
    for (const body of [
      words.map(json).map((line) => `${line}\n`),
      words.map((word) => word.trimEnd().concat('\n')),
      [`[${json(words[0] ?? '')}`, ...words.slice(1).map((word) => `,${json(word)}`), ']'],
    ]) {
      const { times, text } = await ask(
        'custom-llm',
        body.flatMap((piece) => [piece, 100]),
      );
      expect(text).toBe(ANSWER);
      // A line without an empty one behind it is known to be over when the next begins.
      expect(times[0]).toBeLessThanOrEqual(100);
      expect(new Set(times).size).toBeGreaterThanOrEqual(WORDS.length - 1);
    }
  });

  it('says once what of a stream could not be used', async () => {
    const { logged, text } = await ask('openai', [words.join(''), 'data: {"choi\n\n', data({ choices: 'none' }), 'data: {"x\n\n', DONE]);
    expect(text).toBe(ANSWER);
    expect(logged).toEqual([{ event: 'model_stream_unusable', fields: { provider: 'openai', json: 2, choices: 1 } }]);
    expect((await ask('openai', [words.join(''), stop, DONE])).logged).toEqual([]);
  });

  it('does not wait long for a server that neither ends nor says so', async () => {
    const { times, parts, done, error } = await ask('openai', [
      words.join(''),
      stop,
      100,
      chunk({}, null, { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }),
      60_000,
    ]);
    expect(error).toBeUndefined();
    expect(parts.at(-1)?.type).toBe('done');
    expect(times.at(-1)).toBeLessThanOrEqual(1_200);
    expect(done?.usage).toEqual({ promptTokens: 7, completionTokens: 3 });
  });

  it('goes on behind a finish reason while pieces come', async () => {
    const { text } = await ask(
      'openai',
      WORDS.flatMap((content): Step[] => [chunk({ content }, 'stop'), 600]),
    );
    expect(text).toBe(ANSWER);
  });
});

describe('an answer of the other dialects', () => {
  const delta = (fields: object, index: unknown = 0) => data({ type: 'content_block_delta', index, delta: fields });
  const begin = (content_block: object, index: unknown = 0) => data({ type: 'content_block_start', index, content_block });
  const texts = WORDS.map((text) => delta({ type: 'text_delta', text }));
  const part = (parts: unknown, finishReason?: string) => data({ candidates: [{ content: { role: 'model', parts }, finishReason }] });
  const parts = WORDS.map((text) => part([{ text }]));
  it.each<[string, string, string]>([
    ['anthropic', 'without an end', begin({ type: 'text', text: '' }) + texts.join('')],
    ['anthropic', 'without a beginning', texts.join('') + data({ type: 'message_stop' })],
    ['anthropic', 'with a beginning that is empty', begin({}).replace('"content_block":{}', '"content_block":null') + texts.join('')],
    ['anthropic', 'without indexes', begin({ type: 'text' }, null) + texts.join('').replaceAll('"index":0,', '')],
    [
      'anthropic',
      'with types in event names alone',
      texts.join('').replaceAll('"type":"content_block_delta",', '').replaceAll('data:', 'event: content_block_delta\ndata:'),
    ],
    [
      'anthropic',
      'whole',
      JSON.stringify({
        type: 'message',
        content: [
          { type: 'thinking', thinking: 'Hm.' },
          { type: 'text', text: ANSWER },
        ],
        stop_reason: 'end_turn',
        usage: { input_tokens: 1, output_tokens: 2 },
      }),
    ],
    [
      'anthropic',
      'among what is not as documented',
      data({ type: 'ping' }) +
        data({ type: 'news' }) +
        begin({ type: 'text', text: null }) +
        data('{"type"') +
        delta({ type: 'text_delta', text: 7 }) +
        delta({}) +
        data({ type: 'content_block_delta' }) +
        data({ type: 'message_start', message: null }) +
        texts.join('') +
        data({ type: 'message_delta', delta: null, usage: null }) +
        data({ type: 'message_stop' }),
    ],
    ['anthropic', 'with CRLF', (texts.join('') + data({ type: 'message_stop' })).replaceAll('\n', '\r\n')],
    ['google', 'without a finish reason', parts.join('')],
    ['google', 'with a finish reason in each piece', WORDS.map((text) => part([{ text }], 'STOP')).join('')],
    ['google', 'as one list', `[${parts.map(json).join(',\r\n')}]`],
    [
      'google',
      'among what is not as documented',
      part('none') +
        part([null, { text: 7 }, {}]) +
        data({ candidates: [] }) +
        data({ candidates: [{ finishReason: null }] }) +
        data('{"candidates"') +
        parts.join('') +
        data({ usageMetadata: 'none' }),
    ],
  ])('of %s is understood %s', async (name, _, body) => {
    for (const pieces of [[body], body.match(/[\s\S]{1,7}/gu) ?? []]) {
      const { text, parts: said, error } = await askServer(name, 'text/event-stream', pieces);
      expect(error).toBeUndefined();
      expect(text).toBe(ANSWER);
      expect(said.at(-1)).toMatchObject({ type: 'done', finish: 'stop' });
    }
  });

  it.each<[string, string]>([
    ['anthropic', begin({ type: 'tool_use', id: 'a', name: 'book', input: { day: 'Friday' } })],
    [
      'anthropic',
      begin({ type: 'tool_use', id: 'a', name: 'book', input: {} }) +
        delta({ type: 'input_json_delta', partial_json: '{"day":' }) +
        delta({ type: 'input_json_delta', partial_json: '"Friday"}' }),
    ],
    ['anthropic', begin({ type: 'tool_use', id: 'a', name: 'book' }, 3) + delta({ partial_json: { day: 'Friday' } }, null)],
    [
      'anthropic',
      JSON.stringify({
        type: 'message',
        content: [{ type: 'tool_use', id: 'a', name: 'book', input: { day: 'Friday' } }],
        stop_reason: 'tool_use',
      }),
    ],
    ['google', part([{ functionCall: { id: 'a', name: 'book', args: { day: 'Friday' } } }])],
    ['google', part([{ functionCall: { id: 'a', name: 'book', args: '{"day":"Friday"}' } }, { functionCall: { args: {} } }])],
    ['google', part({ functionCall: { id: 'a', name: 'book', args: { day: 'Friday' } } })],
  ])('of %s calls a tool also when it ends early (%s)', async (name, body) => {
    const { calls, done } = await ask(name, [body]);
    expect(calls).toEqual([{ id: 'a', name: 'book', arguments: { day: 'Friday' } }]);
    expect(done?.finish).toBe('tools');
  });
});

describe('an answer that fails', () => {
  const anthropicText = data({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'One two' } });
  const googleText = data({ candidates: [{ content: { parts: [{ text: 'One two' }] } }] });
  it.each<[string, string, ErrorCode, RegExp]>([
    [
      'openai',
      data({ error: { message: 'The server is overloaded.', type: 'server_error', code: null } }),
      'provider_network',
      /overloaded/,
    ],
    ['openai', data({ error: { message: 'Slow down', code: 429 } }), 'provider_rate', /Slow down/],
    ['openai', data({ error: { message: 'No such model', code: '404' } }), 'provider_invalid', /No such model/],
    [
      'openai',
      data({ object: 'error', message: 'The prompt is too long', type: 'BadRequestError', code: 400 }),
      'provider_invalid',
      /too long/,
    ],
    ['openai', data({ error: 'something broke' }), 'provider_network', /something broke/],
    [
      'openai',
      data({ choices: [{ delta: { content: '' }, finish_reason: 'error', error: { code: 502, message: 'Upstream is gone' } }] }),
      'provider_network',
      /Upstream is gone/,
    ],
    ['openai', 'event: error\ndata: out of memory\n\n', 'provider_network', /out of memory/],
    ['openai', 'event: error\ndata: {"message":"out of memory"}\n\n', 'provider_network', /out of memory/],
    ['openai', '{"error":{"message":"the worker died"}}\n\n', 'provider_network', /the worker died/],
    ['anthropic', data({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }), 'provider_network', /Overloaded/],
    ['anthropic', data({ type: 'error', error: { type: 'rate_limit_error', message: 'Too much' } }), 'provider_rate', /Too much/],
    [
      'google',
      data({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
      'provider_network',
      /overloaded/,
    ],
    [
      'google',
      JSON.stringify([{ error: { code: 400, message: 'Bad schema', status: 'INVALID_ARGUMENT' } }]),
      'provider_invalid',
      /Bad schema/,
    ],
  ])('in the words of %s: %s', async (name, event, code, message) => {
    const said = { openai: chunk({ content: 'One two' }), anthropic: anthropicText, google: googleText }[name] ?? '';
    for (const before of event.startsWith('[') ? [''] : ['', said]) {
      const { text, error, done } = await ask(name, [before + event, DONE]);
      expect(text).toBe(before && 'One two');
      expect(error?.code).toBe(code);
      expect(error?.message).toMatch(message);
      expect(done).toBeUndefined();
    }
  });

  it.each(['openai', 'groq', 'custom-llm', 'anthropic', 'google'])('by a lost connection to %s is not an end', async (name) => {
    const said = name === 'anthropic' ? anthropicText : name === 'google' ? googleText : chunk({ content: 'One two' });
    const lost = await askServer(name, 'text/event-stream', [said], 'break');
    expect(lost.text).toBe('One two');
    expect(lost.error?.code).toBe('provider_network');
    expect((await askServer(name, 'text/event-stream', [said])).done?.finish).toBe('stop');
  });

  it('is over when the connection is lost behind its finish reason', async () => {
    const { text, error, done } = await askServer('openai', 'text/event-stream', [words.join(''), stop], 'break');
    expect(error).toBeUndefined();
    expect(text).toBe(ANSWER);
    expect(done?.finish).toBe('stop');
  });

  it.each<[string, string, ErrorCode]>([
    ['nothing', '', 'provider_garbage'],
    ['a page', '<html>It works!</html>', 'provider_garbage'],
    ['plain text', 'We are open.', 'provider_garbage'],
    ['JSON of another kind', '{"status":"ok"}', 'provider_network'],
    ['half of a JSON answer', whole({ message }).slice(0, 60), 'provider_garbage'],
    ['only [DONE]', DONE, 'provider_garbage'],
    ['only chunks without words', chunk({ role: 'assistant', content: '' }), 'provider_network'],
    ['only thoughts', chunk({ reasoning_content: 'Hm.' }), 'provider_network'],
  ])('holding %s', async (_, body, code) => {
    const { parts, error } = await ask('openai', [body]);
    expect(parts).toEqual([]);
    expect(error?.code).toBe(code);
  });

  it('is no failure when the model chose to say nothing', async () => {
    for (const body of [
      chunk({ role: 'assistant', content: '' }) + stop,
      chunk({ content: '' }) + DONE,
      chunk({ reasoning: 'Hm.' }, 'length'),
    ])
      expect((await ask('openai', [body])).parts).toMatchObject([{ type: 'done' }]);
  });

  it.each([
    ['stop', 'stop'],
    ['eos', 'stop'],
    ['length', 'length'],
    ['MAX_TOKENS', 'length'],
    ['content_filter', 'filtered'],
  ])('or ends tells why: %s', async (reason, finish) => {
    expect((await ask('openai', [chunk({ content: 'One' }, reason)])).done?.finish).toBe(finish);
  });
});
