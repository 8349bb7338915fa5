/** What a model thinks is not what it says: every marking, wherever it is cut, in every dialect; and no answer is lost by it. */
import { describe, expect, it } from 'vitest';
import { thoughtFilter } from '../../src/providers/llm/thoughts.ts';
import { ask, chunk, DONE, data } from './brain.ts';

const ANSWER = 'Your parcel arrives on Friday.';

/** What comes out of the filter for these pieces, none of which is on its way before the end. */
function filtered(pieces: readonly string[]): string {
  let out = '';
  const filter = thoughtFilter(() => {
    const unsaid = out;
    out = '';
    return unsaid;
  });
  for (const piece of pieces) {
    const said = filter.push(piece);
    out += said;
  }
  return out + filter.end();
}

const everyCut = (text: string) => Array.from({ length: text.length - 1 }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)]);
const tokens = (text: string) => text.match(/\s*\S{1,4}/g) ?? [];

const THOUGHT = 'The caller asks for a parcel, order < 7.\nLook it up [1].';

describe('thoughts inside the text', () => {
  it.each([
    `<think>${THOUGHT}</think>${ANSWER}`,
    `<think>\n${THOUGHT}\n</think>\n\n${ANSWER}`,
    `\n<thinking>${THOUGHT}</thinking>${ANSWER}`,
    `<thought>${THOUGHT}</thought>${ANSWER}`,
    `<reasoning>${THOUGHT}</reasoning>\n${ANSWER}`,
    `<THINK>${THOUGHT}</THINK>${ANSWER}`,
    `<think type="long">${THOUGHT}</think >${ANSWER}`,
    `<seed:think>${THOUGHT}</seed:think>${ANSWER}`,
    `[THINK]${THOUGHT}[/THINK]${ANSWER}`,
    `◁think▷${THOUGHT}◁/think▷${ANSWER}`,
    `<|START_THINKING|>${THOUGHT}<|END_THINKING|>${ANSWER}`,
    `<|channel|>analysis<|message|>${THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>${ANSWER}`,
    `<think></think>${ANSWER}`,
    `<think/>${ANSWER}`,
    `<think>${THOUGHT}</thinking>${ANSWER}`,
    `${THOUGHT}</think>\n\n${ANSWER}`,
    `Okay, let's see. The user is asking about a parcel, so I need to look it up.</think>${ANSWER}`,
    `Okay, so the user wants a parcel. Let me see.</think>${ANSWER}`,
    `<think>One.</think><think>Two.</think>${ANSWER}`,
    `Your parcel <think>${THOUGHT}</think>arrives on Friday.`,
    `${ANSWER}<think>${THOUGHT}`,
    `${ANSWER}</think>`,
  ])('%j is only its answer', (text) => {
    for (const pieces of [[text], [...text], tokens(text), ...everyCut(text)]) expect(filtered(pieces).trim()).toBe(ANSWER);
  });

  it.each([
    'The price is < 5 and > 3.',
    'a <b>bold</b> word',
    'Press [1] or [2], or [Thursday].',
    'I think so. <thinkpad> is a brand, and so is <th',
    'Write to <anna@example.com> or </dev/null>.',
    'The user manual is in the box.',
    'The customer number is seven.',
    'Okay.',
    'Okay, I see. The caller before you had it too.',
    "Okay, let's see. I have nine o'clock.",
    'Okay, let me think about the order.',
    'Let me check.',
    'So the user',
    'The user is you.',
    '<',
    '[',
    '世界 ◁ ok',
  ])('%j is all of it said', (text) => {
    for (const pieces of [[text], [...text], tokens(text), ...everyCut(text)]) expect(filtered(pieces)).toBe(pieces.join(''));
  });

  it('does not hold up an answer that does not look like a thought', () => {
    const filter = thoughtFilter(() => '');
    expect(filter.push('Your')).toBe('Your');
    expect(filter.push(' parcel')).toBe(' parcel');
    const other = thoughtFilter(() => '');
    expect(other.push('The')).toBe('');
    expect(other.push(' parcel')).toBe('The parcel');
    expect(other.push(' is <')).toBe(' is ');
    expect(other.push(' 5')).toBe('< 5');
  });

  it('says what was held back before a tool is called', async () => {
    const call = { index: 0, id: 'a', function: { name: 'book', arguments: '{}' } };
    const { parts } = await ask('openai', [chunk({ content: 'Okay' }), chunk({ tool_calls: [call] }, 'tool_calls'), DONE]);
    expect(parts).toMatchObject([{ type: 'text', text: 'Okay' }, { type: 'tool' }, { type: 'done', finish: 'tools' }]);
  });

  it('calls a tool although its introduction was a thought', async () => {
    const call = { index: 0, id: 'a', function: { name: 'book', arguments: '{}' } };
    const { parts } = await ask('openai', [
      chunk({ content: 'The user wants a table.</think>' }),
      chunk({ tool_calls: [call] }, 'tool_calls'),
      DONE,
    ]);
    expect(parts).toMatchObject([{ type: 'tool' }, { type: 'done', finish: 'tools' }]);
  });
});

describe('thoughts beside the text', () => {
  const said = ['Your parcel ', 'arrives on Friday.'];
  const chat = said.map((content) => chunk({ content }));
  const part = (...parts: object[]) => data({ candidates: [{ content: { parts } }] });
  const google = said.map((text) => part({ text }));
  const block = (index: number, content_block: object, deltas: object[]) => [
    data({ type: 'content_block_start', index, content_block }),
    ...deltas.map((delta) => data({ type: 'content_block_delta', index, delta })),
    data({ type: 'content_block_stop', index }),
  ];
  const anthropic = block(
    1,
    { type: 'text', text: '' },
    said.map((text) => ({ type: 'text_delta', text })),
  );
  const inTags = (text: string) => [...text].map((content) => chunk({ content }));

  it.each<[string, string, string[]]>([
    ...['reasoning', 'reasoning_content', 'thinking', 'thought'].flatMap((field): [string, string, string[]][] => [
      ['custom-llm', `the field ${field}`, [chunk({ content: null, [field]: THOUGHT }), chunk({ content: '', [field]: 'More.' }), ...chat]],
      [
        'groq',
        `the field ${field} beside words`,
        [chunk({ content: said[0], [field]: THOUGHT }), chunk({ content: said[1], [field]: null })],
      ],
    ]),
    ['openrouter', 'reasoning_details', [chunk({ content: '', reasoning_details: [{ type: 'reasoning.text', text: THOUGHT }] }), ...chat]],
    ['custom-llm', 'reasoning as an object', [chunk({ reasoning: { text: THOUGHT } }), ...chat]],
    [
      'mistral',
      'parts that think',
      [
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: THOUGHT }] }] }),
        chunk({ content: [{ type: 'text', text: said[0] }] }),
        chunk({ content: said[1] }),
      ],
    ],
    [
      'mistral',
      'parts that think as text',
      [
        chunk({
          content: [
            { type: 'thinking', thinking: THOUGHT },
            { type: 'text', text: ANSWER },
          ],
        }),
      ],
    ],
    [
      'custom-llm',
      'parts of reasoning',
      [
        chunk({
          content: [
            { type: 'reasoning', text: THOUGHT },
            { type: 'reasoning', reasoning: THOUGHT },
            { type: 'text', text: ANSWER },
          ],
        }),
      ],
    ],
    ['custom-llm', 'parts with a flag', [chunk({ content: [{ text: THOUGHT, thought: true }, { text: ANSWER }] })]],
    ['custom-llm', 'a delta with a flag', [chunk({ content: THOUGHT, thought: true }), ...chat]],
    [
      'custom-llm',
      'a whole answer',
      [JSON.stringify({ choices: [{ message: { content: `<think>${THOUGHT}</think>${ANSWER}`, reasoning: THOUGHT } }] })],
    ],
    [
      'custom-llm',
      'a whole answer of parts',
      [
        JSON.stringify({
          choices: [
            {
              message: {
                content: [
                  { type: 'thinking', thinking: THOUGHT },
                  { type: 'text', text: ANSWER },
                ],
              },
            },
          ],
        }),
      ],
    ],
    [
      'google',
      'parts that are thoughts',
      [part({ text: THOUGHT, thought: true }), part({ text: 'More.', thought: true, thoughtSignature: 'x' }), ...google],
    ],
    ['google', 'tags', [part({ text: `<thought>${THOUGHT}` }), part({ text: 'More.</thought>' }), ...google]],
    [
      'anthropic',
      'blocks that think',
      [
        ...block(0, { type: 'thinking', thinking: '' }, [
          { type: 'thinking_delta', thinking: THOUGHT },
          { type: 'signature_delta', signature: 'x' },
        ]),
        ...anthropic,
      ],
    ],
    ['anthropic', 'blocks that may not be read', [...block(0, { type: 'redacted_thinking', data: 'x' }, []), ...anthropic]],
    [
      'anthropic',
      'thinking in text deltas',
      [...block(0, { type: 'thinking', thinking: THOUGHT }, [{ type: 'text_delta', text: THOUGHT }]), ...anthropic],
    ],
    [
      'anthropic',
      'tags',
      [
        ...block(0, { type: 'text', text: '<thinking>' }, [
          { type: 'text_delta', text: `${THOUGHT}</thin` },
          { type: 'text_delta', text: 'king>' },
        ]),
        ...anthropic,
      ],
    ],
    ['openai', 'tags, one character a chunk', inTags(`<think>${THOUGHT}</think>${ANSWER}`)],
    ['openai', 'a closing tag alone, one character a chunk', inTags(`${THOUGHT}</think>${ANSWER}`)],
  ])('of %s as %s are not said', async (name, _, stream) => {
    const { text, error } = await ask(name, stream);
    expect(error).toBeUndefined();
    expect(text.trim()).toBe(ANSWER);
  });

  it('are counted as made where the vendor counts nothing', async () => {
    const short = await ask('openai', chat);
    const long = await ask('openai', [chunk({ reasoning: THOUGHT.repeat(20) }), ...chat]);
    expect(long.done?.usage.completionTokens).toBeGreaterThan((short.done?.usage.completionTokens ?? 0) + 200);
  });
});
