/** A model that works without words is alive, and says so now and then; and what an answer cost is known, or estimated. */
import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../src/providers/llm/tokens.ts';
import { ask, chunk, DONE, data, PROMPT, type Step } from './brain.ts';

const fragment = (json: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: json } }] });
const opening = chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'book', arguments: '{"notes":"' } }] });
const anthropicDelta = (delta: object) => data({ type: 'content_block_delta', index: 0, delta });
const words = chunk({ content: 'Hello.' });
const anthropicWords = anthropicDelta({ type: 'text_delta', text: 'Hello.' });
const googlePart = (part: object) => data({ candidates: [{ content: { parts: [part] } }] });

const SIGNS: [string, string, string, string][] = [
  ['openai', 'a fragment of a tool call', fragment(' '), words],
  ['openai', 'a thought', chunk({ reasoning_content: 'Hm. ' }), words],
  ['openai', 'a comment', ': keep-alive\n\n', words],
  ['openai', 'a blank line', '\n', words],
  ['openai', 'a chunk without words', chunk({ content: '' }), words],
  ['openai', 'a chunk without choices', data({ choices: [] }), words],
  ['openai', 'an event of another kind', 'event: ping\ndata: {"type":"ping"}\n\n', words],
  ['openai', 'what cannot be read', 'data: {"cho\n\n', words],
  ['openai', 'a part of a comment', ': ', `\n\n${words}`],
  ['custom-llm', 'a thought in tags', chunk({ content: '<think>Hm.' }), chunk({ content: '</think>Hello.' })],
  ['custom-llm', 'words that may be a thought', chunk({ content: 'The caller is here. ' }), chunk({ content: '</think>Hello.' })],
  ['custom-llm', 'white space before a whole answer', ' \n', JSON.stringify({ choices: [{ message: { content: 'Hello.' } }] })],
  ['anthropic', 'a ping', data({ type: 'ping' }), anthropicWords],
  ['anthropic', 'a thought', anthropicDelta({ type: 'thinking_delta', thinking: 'Hm.' }), anthropicWords],
  [
    'anthropic',
    'a fragment of a tool call',
    data({ type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'a', name: 'book' } }) +
      data({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '' } }),
    anthropicWords,
  ],
  ['google', 'a thought', googlePart({ text: 'Hm.', thought: true }), googlePart({ text: 'Hello.' })],
  ['google', 'a comment', ': ping\n\n', googlePart({ text: 'Hello.' })],
];

describe('a sign of life', () => {
  it.each(SIGNS)('of %s is %s', async (name, _, sign, last) => {
    const steps = Array.from({ length: 8 }, (): Step[] => [1_000, sign]).flat();
    const { parts, times, text } = await ask(name, [...steps, 500, last]);
    expect(text).toBe('Hello.');
    expect(parts.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => ({ type: 'alive' })));
    expect(times.slice(0, 8)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000]);
  });

  it('comes at most every 250 ms, and not beside words', async () => {
    const { parts, times } = await ask('openai', [
      words,
      opening,
      ...Array.from({ length: 250 }, (): Step[] => [10, fragment('word ')]).flat(),
      fragment('"}'),
      DONE,
    ]);
    expect(parts.map(({ type }) => type)).toEqual(['text', ...Array.from({ length: 10 }, () => 'alive'), 'tool', 'done']);
    expect(times.slice(1, 4)).toEqual([250, 500, 750]);
    const spoken = await ask('openai', Array.from({ length: 20 }, (): Step[] => [100, chunk({ content: 'word ' }), chunk({})]).flat());
    expect(spoken.parts.map(({ type }) => type)).not.toContain('alive');
  });
});

describe('what an answer cost', () => {
  const anthropicEnd =
    data({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }) + data({ type: 'message_stop' });
  it.each<[string, string, object]>([
    ['openai', words + data({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }), { promptTokens: 7, completionTokens: 3 }],
    [
      'openai',
      words + data({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 5 } } }),
      { promptTokens: 7, completionTokens: 3, cachedPromptTokens: 5 },
    ],
    [
      'deepseek',
      words + data({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, prompt_cache_hit_tokens: 4 } }),
      { promptTokens: 7, completionTokens: 3, cachedPromptTokens: 4 },
    ],
    ['custom-llm', words + data({ choices: [], usage: { input_tokens: '7', output_tokens: 3 } }), { promptTokens: 7, completionTokens: 3 }],
    [
      'groq',
      words + chunk({}, 'stop', { x_groq: { usage: { prompt_tokens: 7, completion_tokens: 3 } } }),
      { promptTokens: 7, completionTokens: 3 },
    ],
    [
      'anthropic',
      data({ type: 'message_start', message: { usage: { input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 1 } } }) +
        anthropicWords +
        anthropicEnd,
      { promptTokens: 12, completionTokens: 9, cachedPromptTokens: 5 },
    ],
    [
      'google',
      googlePart({ text: 'Hello.' }) + data({ usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, thoughtsTokenCount: 2 } }),
      { promptTokens: 7, completionTokens: 5 },
    ],
  ])('is what %s says', async (name, stream, usage) => {
    expect((await ask(name, [stream])).done?.usage).toEqual(usage);
  });

  it.each<[string, string, object]>([
    ['openai', words, {}],
    ['openai', words + data({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0 } }), {}],
    ['openai', words + data({ choices: [], usage: { prompt_tokens: 7 } }), { promptTokens: 7 }],
    ['openai', words + data({ choices: [], usage: 'none' }), {}],
    ['anthropic', anthropicWords, {}],
    [
      'anthropic',
      data({ type: 'message_start', message: { usage: { input_tokens: 7, output_tokens: 1 } } }) + anthropicWords,
      { promptTokens: 7 },
    ],
    ['google', googlePart({ text: 'Hello.' }), {}],
  ])('is estimated as far as %s says nothing', async (name, stream, usage) => {
    const promptTokens =
      PROMPT.messages.reduce((sum, { content }) => sum + estimateTokens(content), 0) + estimateTokens(JSON.stringify(PROMPT.tools));
    expect((await ask(name, [stream])).done?.usage).toEqual({ promptTokens, completionTokens: 2, estimated: true, ...usage });
  });

  it.each<[string, number]>([
    ['', 0],
    ['a', 1],
    ['Hello there, how are you?', 7],
    ['世界', 2],
    ['こんにちは、世界', 8],
    ['안녕하세요', 5],
    ['Grüße', 2],
    ['order 世界', 4],
  ])('of %j is about %i tokens', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });
});
