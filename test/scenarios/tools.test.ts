/** Tools: waiting covered by words, one model call after all results, nothing left unanswered. */
import { describe, expect } from 'vitest';
import { scenario, tool } from './scenario.ts';

const message = { role: 'assistant', delayMs: 0, blocking: false, endsCall: false } as const;
const lookUp = tool('look_up', { messages: [{ ...message, when: 'start', text: 'One moment.' }] });
const ask = { for: 900 };

describe('tools', () => {
  scenario(
    'a tool is covered by words and its result is told',
    { plan: { tools: [lookUp] } },
    ({ at, llm, answersTool }) => {
      llm.answers('order', { tools: [{ name: 'look_up', arguments: { order: 7 } }] });
      llm.answers('in Hamburg', 'It is in Hamburg.');
      answersTool('look_up', { afterMs: 1_500, result: 'in Hamburg' });
      at(500).caller.says('Where is my order?', ask);
      at(7_000).caller.says('Thanks.', { for: 400 });
    },
    ({ heard, questions, llm, of }) => {
      expect(heard[0]).toBe('One moment. It is in Hamburg.');
      expect(questions).toHaveLength(1);
      expect(of('tool.answered')[0]).toMatchObject({ ok: true, tookMs: 1_500 });
      expect(llm.requests.at(-1)?.map(({ role, content }) => `${role}: ${content}`)).toEqual([
        'system: You are Ada.',
        'user: Where is my order?',
        'assistant: ',
        'tool: in Hamburg',
        'assistant: One moment. It is in Hamburg.',
        'user: Thanks.',
      ]);
    },
  );

  scenario(
    'white space before a tool call is not speech',
    { plan: { tools: [tool('look_up')] } },
    ({ at, llm }) => {
      llm.answers('order', { say: ' \n', tools: [{ name: 'look_up' }] });
      llm.answers('look_up done', 'Found it.');
      at(500).caller.says('Where is my order?', ask);
    },
    ({ heard, tts }) => {
      expect(heard).toEqual(['Found it.']);
      expect(tts.said.every((text) => text.trim() !== '')).toBe(true);
    },
  );

  scenario(
    'parallel tools run the model once after all have answered',
    { plan: { tools: [tool('weather'), tool('traffic')] } },
    ({ at, llm, answersTool }) => {
      llm.answers('today', { say: 'Let me see. ', tools: [{ name: 'weather' }, { name: 'traffic' }] });
      llm.answers('jam', 'Rain and a jam.');
      answersTool('weather', { afterMs: 200, result: 'rain' });
      answersTool('traffic', { afterMs: 900, result: 'jam' });
      at(500).caller.says('What about today?', ask);
    },
    ({ heard, llm, of }) => {
      expect(heard).toEqual(['Let me see. Rain and a jam.']);
      expect(llm.requests).toHaveLength(2);
      expect(of('tool.answered').map((answer) => answer.name)).toEqual(['weather', 'traffic']);
      const second = llm.requests[1]?.slice(2);
      expect(second).toMatchObject([
        { role: 'assistant', content: 'Let me see.', toolCalls: [{ name: 'weather' }, { name: 'traffic' }] },
        { role: 'tool', content: 'rain' },
        { role: 'tool', content: 'jam' },
      ]);
    },
  );

  scenario(
    'the caller hangs up while a tool runs',
    { plan: { tools: [lookUp] }, untilMs: 4_000 },
    ({ at, llm, answersTool }) => {
      llm.answers('order', { tools: [{ name: 'look_up' }] });
      answersTool('look_up', { never: true });
      at(500).caller.says('Where is my order?', ask);
    },
    ({ ended, of }) => {
      expect(ended.reason).toBe('caller-hung-up');
      expect(of('tool.answered')).toMatchObject([{ ok: false }]);
    },
  );

  scenario(
    'a tool that hangs is given up at its deadline',
    { plan: { tools: [tool('look_up', { timeoutMs: 2_000 })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('order', { tools: [{ name: 'look_up' }] });
      llm.answers('No answer arrived in time', 'I cannot reach the shop.');
      answersTool('look_up', { never: true });
      at(500).caller.says('Where is my order?', ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['I cannot reach the shop.']);
      expect(of('tool.answered')[0]).toMatchObject({ ok: false, tookMs: 2_000 });
    },
  );

  scenario(
    'two calls with one id are two calls, in one answer and in two',
    { plan: { tools: [tool('weather'), tool('traffic')] } },
    ({ at, llm, answersTool }) => {
      llm.answers('today', {
        tools: [
          { id: 'call_0', name: 'weather' },
          { id: 'call_0', name: 'traffic' },
        ],
      });
      llm.answers('jam', { tools: [{ id: 'call_0', name: 'weather' }] });
      llm.answers('sun', 'Sun and a jam.');
      answersTool('weather', { afterMs: 100, result: 'sun' });
      answersTool('traffic', { afterMs: 900, result: 'jam' });
      at(500).caller.says('What about today?', ask);
    },
    ({ heard, of, llm }) => {
      expect(heard).toEqual(['Sun and a jam.']);
      expect(new Set(of('tool.called').map(({ id }) => id)).size).toBe(3);
      expect(of('tool.answered').map(({ name, result }) => [name, result])).toEqual([
        ['weather', 'sun'],
        ['traffic', 'jam'],
        ['weather', 'sun'],
      ]);
      const last = llm.requests.at(-1) ?? [];
      const called = last.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []));
      const answered = last.filter((message) => message.role === 'tool');
      expect(answered.map(({ toolCallId }) => toolCallId)).toEqual(called.map(({ id }) => id));
      expect(answered.map(({ content }) => content)).toEqual(['sun', 'jam', 'sun']);
    },
  );

  scenario(
    'arguments that do not fit go back to the model and to nobody else',
    {
      plan: {
        tools: [
          tool('book', {
            spec: {
              name: 'book',
              description: '',
              parameters: { type: 'object', properties: { guests: { type: 'integer', minimum: 1 } }, required: ['guests'] },
            },
          }),
        ],
      },
    },
    ({ at, llm }) => {
      llm.answers('Book', { tools: [{ name: 'book', arguments: { guests: 'four' } }] });
      llm.answers('guests must be', { tools: [{ name: 'book', arguments: { guests: 4 } }] });
      llm.answers('book done', 'It is booked.');
      at(500).caller.says('Book it, please.', ask);
    },
    ({ heard, questions, of }) => {
      expect(questions.map(({ calls }) => calls[0]?.arguments)).toEqual([{ guests: 4 }]);
      expect(of('tool.answered')[0]).toMatchObject({ ok: false, result: expect.stringContaining('guests must be an integer') });
      expect(heard).toEqual(['It is booked.']);
    },
  );

  const place = { type: 'object', properties: { destination: { type: 'string' } }, required: ['destination'] };
  const transfer = tool('transfer', { kind: 'transferCall', spec: { name: 'transfer', description: '', parameters: place } });
  const keys = tool('keys', { kind: 'dtmf', spec: { name: 'keys', description: '', parameters: { type: 'object', properties: {} } } });
  scenario(
    'a line that cannot transfer or press keys offers neither, and a model that asks is told',
    { plan: { tools: [transfer, keys, tool('look_up')] } },
    ({ at, llm }) => {
      llm.answers('boss', { tools: [{ name: 'transfer', arguments: { destination: '+15550009' } }] });
      llm.answers('cannot', 'I cannot transfer you.');
      at(500).caller.says('Give me your boss.', ask);
    },
    ({ heard, llm, of }) => {
      expect(llm.offered.map((tools) => tools.map(({ name }) => name))).toEqual([['look_up'], ['look_up']]);
      expect(of('transfer.begun')).toEqual([]);
      expect(heard).toEqual(['I cannot transfer you.']);
    },
  );

  scenario(
    'static parameters are sent and not shown',
    {
      plan: {
        tools: [
          tool('look_up', {
            fixed: { shop: 'north' },
            spec: {
              name: 'look_up',
              description: '',
              parameters: {
                type: 'object',
                properties: { shop: { type: 'string' }, order: { type: 'integer' } },
                required: ['shop', 'order'],
              },
            },
          }),
        ],
      },
    },
    ({ at, llm }) => {
      llm.answers('order', { tools: [{ name: 'look_up', arguments: { order: 7 } }] });
      llm.answers('look_up done', 'Found it.');
      at(500).caller.says('Where is my order?', ask);
    },
    ({ heard, llm, questions }) => {
      expect(llm.offered[0]?.[0]?.parameters).toEqual({
        type: 'object',
        properties: { order: { type: 'integer' } },
        required: ['order'],
      });
      expect(questions[0]?.calls[0]?.arguments).toEqual({ order: 7, shop: 'north' });
      expect(heard).toEqual(['Found it.']);
    },
  );

  scenario(
    'a cough while a tool runs does not run it again',
    { plan: { tools: [tool('book')] } },
    ({ at, llm, answersTool }) => {
      llm.answers('Book', { tools: [{ name: 'book' }] });
      llm.answers('booked', 'It is booked.');
      answersTool('book', { afterMs: 2_000, result: 'booked' });
      at(500).caller.says('Book it, please.', ask);
      at(2_600).caller.coughs({ for: 200 });
    },
    ({ heard, questions }) => {
      expect(questions).toHaveLength(1);
      expect(heard).toEqual(['It is booked.']);
    },
  );

  scenario(
    'a message for completion is spoken instead of asking the model',
    { plan: { tools: [tool('book', { messages: [{ ...message, when: 'complete', text: 'Your table is booked.' }] })] } },
    ({ at, llm }) => {
      llm.answers('Book', { tools: [{ name: 'book' }] });
      at(500).caller.says('Book it, please.', ask);
    },
    ({ heard, llm }) => {
      expect(heard).toEqual(['Your table is booked.']);
      expect(llm.requests).toHaveLength(1);
    },
  );

  scenario(
    'a tool that takes long says so',
    { plan: { tools: [tool('book', { messages: [{ ...message, when: 'delayed', text: 'Still looking.', delayMs: 1_000 }] })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('Book', { tools: [{ name: 'book' }] });
      llm.answers('booked', 'It is booked.');
      answersTool('book', { afterMs: 2_500, result: 'booked' });
      at(500).caller.says('Book it, please.', ask);
    },
    ({ heard }) => expect(heard).toEqual(['Still looking. It is booked.']),
  );

  scenario(
    'an asynchronous tool is sent and not waited for',
    { plan: { tools: [tool('notify', { async: true })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('Tell', { tools: [{ name: 'notify' }] });
      llm.answers('was sent', 'They will know.');
      answersTool('notify', { afterMs: 5_000 });
      at(500).caller.says('Tell them, please.', ask);
    },
    ({ heard, of, questions }) => {
      expect(heard).toEqual(['They will know.']);
      expect(questions).toHaveLength(1);
      expect(of('tool.answered')).toMatchObject([{ ok: true, tookMs: 0 }]);
    },
  );

  scenario(
    'a model that calls tools in circles is stopped',
    { plan: { tools: [tool('look_up')] } },
    ({ at, llm, answersTool }) => {
      llm.answers('', { tools: [{ name: 'look_up' }], firstToken: 50 });
      answersTool('look_up', { afterMs: 10 });
      at(500).caller.says('Where is my order?', ask);
    },
    ({ heard, of }) => {
      expect(of('tool.called')).toHaveLength(8);
      expect(heard).toHaveLength(1);
      expect(of('reply.ended')[0]?.outcome).toBe('failed');
    },
  );

  scenario(
    'the agent hangs up with a farewell that is heard to its end',
    { plan: { tools: [tool('end_call', { kind: 'endCall' })], farewell: 'Thank you for calling, goodbye.' } },
    ({ at, llm }) => {
      llm.answers('all', { tools: [{ name: 'end_call' }] });
      at(500).caller.says('That is all.', ask);
    },
    ({ heard, ended, line, of }) => {
      expect(heard).toEqual(['Thank you for calling, goodbye.']);
      expect(ended.reason).toBe('agent-hung-up');
      expect(line.playedMs).toBe('Thank you for calling, goodbye.'.length * 60);
      expect(of('call.closing')).toHaveLength(1);
    },
  );

  scenario(
    "a goodbye in the agent's own words is not followed by another",
    { plan: { tools: [tool('end_call', { kind: 'endCall' })], farewell: 'Goodbye.' } },
    ({ at, llm }) => {
      llm.answers('all', { say: 'Have a nice day!', tools: [{ name: 'end_call' }] });
      at(500).caller.says('That is all.', ask);
    },
    ({ heard, ended }) => {
      expect(heard).toEqual(['Have a nice day!']);
      expect(ended.reason).toBe('agent-hung-up');
    },
  );
});
