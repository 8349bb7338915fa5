/** The lab's brain: rules, slots, tools and their results; the same conversation gives the same answer. */
import { afterAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import type { Message, Said, ToolSpec } from '../../src/providers/llm/contract.ts';
import { expectedOf, labBrain } from '../../src/providers/llm/lab.ts';
import { matchPhrase, plainWords } from '../../src/providers/spoken.ts';

const clock = new VirtualClock();
const scope = rootScope('test', { clock });
afterAll(() => scope.close('done'));
const tool = (name: string): ToolSpec => ({ name, description: '', parameters: { type: 'object' } });
const user = (content: string): Message => ({ role: 'user', content });
const agent = (content: string): Message => ({ role: 'assistant', content });

async function reply(
  settings: unknown,
  messages: readonly Message[],
  tools: readonly ToolSpec[] = [],
): Promise<{ text: string; said: Said[] }> {
  const ctx = { scope, egress: createEgress('any'), log: silentLog };
  const said: Said[] = [];
  for await (const part of labBrain.reply({ messages, tools }, labBrain.settings.parse(settings), { apiKey: '', baseUrl: '' }, ctx))
    said.push(part);
  return { text: said.map((part) => (part.type === 'text' ? part.text : '')).join(''), said };
}

const script = [
  { when: 'open', say: 'Nine to six.' },
  { when: ['when are you open on sunday', 'sunday'], say: 'Never on Sunday.' },
  {
    when: 'my order number is <digits>',
    say: 'One moment.',
    tool: { name: 'order', arguments: { order: '{digits}', shop: 7 } },
    answered: 'It is {result.state}, {result.by.name}.',
    failed: 'I cannot find it.',
  },
  { when: '<yes>', after: 'shall i call', say: 'I will call you.' },
  { when: 'goodbye', say: 'Goodbye.', end: true },
];

describe('a script', () => {
  it('answers by the phrase that says most, word by word', async () => {
    const { text, said } = await reply({ script }, [user('Are you open?')]);
    expect(text).toBe('Nine to six.');
    expect(said.map(({ type }) => type)).toEqual(['text', 'text', 'text', 'done']);
    expect((await reply({ script }, [user('When are you OPEN on Sunday?')])).text).toBe('Never on Sunday.');
  });

  it('says that it did not get what no rule fits', async () => {
    expect((await reply({ script }, [user('[inaudible]')])).text).toBe('Sorry, I did not get that.');
    expect((await reply({ script, otherwise: 'What?' }, [user('opening')])).text).toBe('What?');
  });

  it('keeps a rule for its moment', async () => {
    expect((await reply({ script }, [agent('Shall I call you?'), user('Yes, please.')])).text).toBe('I will call you.');
    expect((await reply({ script }, [agent('Anything else?'), user('Yes, please.')])).text).toBe('Sorry, I did not get that.');
  });

  it('makes the first sentence', async () => {
    expect((await reply({ script, opening: 'Welcome.' }, [{ role: 'system', content: 'x' }])).text).toBe('Welcome.');
  });

  it('tells the recogniser what it can answer', () => {
    const parsed = labBrain.settings.parse({ script });
    expect(parsed.expects).toEqual(['open', 'when are you open on sunday', 'sunday', 'my order number is <digits>', '<yes>', 'goodbye']);
    expect(expectedOf(parsed)).toEqual(parsed.expects);
  });

  it('takes its time when it is told to', async () => {
    const answer = reply({ script, delayMs: 400 }, [user('open')]);
    await clock.advance(399);
    expect(clock.waiting).toBe(1);
    await clock.advance(1);
    expect((await answer).text).toBe('Nine to six.');
  });
});

describe('tools', () => {
  const asked = [user('My order number is four seven two nine.')];
  const withResult = (content: string): Message[] => [
    ...asked,
    { role: 'assistant', content: 'One moment.', toolCalls: [{ id: 'lab_1', name: 'find_order', arguments: {} }] },
    { role: 'tool', toolCallId: 'lab_1', name: 'find_order', content },
  ];

  it('are called with what the caller said', async () => {
    const { text, said } = await reply({ script }, asked, [tool('endCall'), tool('find_order')]);
    expect(text).toBe('One moment.');
    expect(said.at(-2)).toEqual({ type: 'tool', call: { id: 'lab_1', name: 'find_order', arguments: { order: '4729', shop: 7 } } });
    expect(said.at(-1)).toMatchObject({ type: 'done', finish: 'tools' });
  });

  it('have their results spoken', async () => {
    expect((await reply({ script }, withResult('{"state":"ready","by":{"name":"Ann"}}'))).text).toBe('It is ready, Ann.');
    expect((await reply({ script: [{ ...script[2], answered: undefined }] }, withResult('Ready.'))).text).toBe('Ready.');
  });

  it('that fail or are missing are admitted', async () => {
    expect((await reply({ script }, withResult('No result returned.'))).text).toBe('I cannot find it.');
    expect((await reply({ script }, asked, [tool('endCall')])).text).toBe('I cannot find it.');
  });

  it('end the call after the last words', async () => {
    const { text, said } = await reply({ script }, [user('goodbye')], [tool('endCall')]);
    expect([text, said.at(-2)]).toEqual(['Goodbye.', { type: 'tool', call: { id: 'lab_1_end', name: 'endCall', arguments: {} } }]);
  });
});

it('without a script is a receptionist', async () => {
  expect((await reply({}, [user('When are you open?')])).text).toContain('nine in the morning');
  const { said } = await reply({}, [user('my order number is one two')], [tool('lookup_order_status')]);
  expect(said.at(-2)).toMatchObject({ call: { name: 'lookup_order_status', arguments: { order: '12' } } });
  expect((await reply({}, [agent('Is there anything else?'), user('No, thank you.')], [tool('endCall')])).said.at(-2)).toMatchObject({
    call: { name: 'endCall' },
  });
});

describe('spoken words', () => {
  it.each([
    ["That's 4729 — OK?", "that's four seven two nine ok"],
    ["  'Hello', <digits>! ", 'hello <digits>'],
    ['', ''],
  ])('%s', (text, plain) => {
    expect(plainWords(text)).toBe(plain);
  });

  it('match whole words and read slots', () => {
    expect(matchPhrase('open', 'opening')).toBeUndefined();
    expect(matchPhrase('it is <digits>', 'it is oh 7 nine')).toEqual({ digits: '079' });
    expect(matchPhrase('come on <date>', 'I can come on the second of may')).toEqual({ date: 'the second of may' });
    expect(matchPhrase('', 'anything')).toBeUndefined();
  });
});
