/** Tools that run to their end whatever the caller does: a payment is made once, and every payment that is wanted is made. */
import { describe, expect } from 'vitest';
import { scenario, tool } from './scenario.ts';

const ask = { for: 900 };

describe('tools that finish', () => {
  scenario(
    'a payment is not interrupted and not repeated',
    { plan: { tools: [tool('pay', { finishes: true })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('Pay', { tools: [{ name: 'pay' }] });
      llm.answers('hurry', 'It is paid.');
      answersTool('pay', { afterMs: 2_500, result: 'paid' });
      at(500).caller.says('Pay it now.', ask);
      at(2_600).caller.says('Please hurry.', { for: 600 });
    },
    ({ heard, questions, of }) => {
      expect(questions).toHaveLength(1);
      expect(of('tool.answered')).toMatchObject([{ ok: true, result: 'paid' }]);
      expect(heard).toEqual(['It is paid.']);
    },
  );

  for (const [name, again] of [
    ['the same', { amount: 20, currency: 'EUR' }],
    ['the same in another order', { currency: ' EUR', amount: 20, note: '' }],
  ] as const)
    scenario(
      `a payment that is asked for again while it runs, ${name}, is made once`,
      { plan: { tools: [tool('pay', { finishes: true })] } },
      ({ at, llm, answersTool }) => {
        llm.answers('pay.', { tools: [{ name: 'pay', arguments: { amount: 20, currency: 'EUR' } }] });
        llm.answers('please', { tools: [{ name: 'pay', arguments: again }] });
        llm.answers('receipt 7', 'It is paid.');
        answersTool('pay', { afterMs: 4_000, result: 'receipt 7' });
        at(500).caller.says('I want to pay.', ask);
        at(2_600).caller.says('Yes please do it.', { for: 700 });
      },
      ({ heard, questions, of, llm }) => {
        expect(questions).toHaveLength(1);
        expect(heard).toEqual(['It is paid.']);
        expect(of('tool.answered').map(({ ok, result }) => [ok, result])).toEqual([
          [true, 'receipt 7'],
          [true, expect.stringMatching(/once, not twice.*receipt 7/)],
        ]);
        expect(llm.requests).toHaveLength(3);
      },
    );

  scenario(
    'a payment that ends while the model asks for it again is made once',
    { plan: { tools: [tool('pay', { finishes: true })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('pay.', { tools: [{ name: 'pay' }] });
      llm.answers('please', { tools: [{ name: 'pay' }], firstToken: 1_000 });
      llm.answers('receipt 7', 'It is paid.');
      answersTool('pay', { afterMs: 2_000, result: 'receipt 7' });
      at(500).caller.says('I want to pay.', ask);
      at(2_600).caller.says('Yes please do it.', { for: 700 });
    },
    ({ heard, questions }) => {
      expect(questions).toHaveLength(1);
      expect(heard).toEqual(['It is paid.']);
    },
  );

  scenario(
    'another payment waits for the one that runs; a second one after it is a new one',
    { plan: { tools: [tool('pay', { finishes: true })] } },
    ({ at, llm, answersTool }) => {
      llm.answers('pay.', { tools: [{ name: 'pay', arguments: { amount: 20 } }] });
      llm.answers('thirty', { tools: [{ name: 'pay', arguments: { amount: 30 } }] });
      llm.answers('again', { tools: [{ name: 'pay', arguments: { amount: 30 } }] });
      llm.answers('pay done', 'It is paid.');
      answersTool('pay', { afterMs: 2_500 });
      at(500).caller.says('I want to pay.', ask);
      at(2_600).caller.says('No, thirty euros.', { for: 700 });
      at(9_500).caller.says('Do it again.', { for: 700 });
    },
    ({ heard, questions, of }) => {
      expect(questions.map(({ calls }) => calls[0]?.arguments.amount)).toEqual([20, 30, 30]);
      const answered = of('tool.answered');
      expect(answered.map(({ ok }) => ok)).toEqual([true, true, true]);
      expect((answered[1]?.at ?? 0) - (answered[0]?.at ?? 0)).toBe(2_500);
      expect(heard).toEqual(['It is paid.', 'It is paid.']);
    },
  );

  scenario(
    'what one answer asks for twice is done twice',
    { plan: { tools: [tool('order', { finishes: true })] } },
    ({ at, llm }) => {
      llm.answers('two', { tools: [{ name: 'order' }, { name: 'order' }] });
      llm.answers('order done', 'Two are on their way.');
      at(500).caller.says('I want two.', ask);
    },
    ({ heard, questions }) => {
      expect(questions).toHaveLength(2);
      expect(heard).toEqual(['Two are on their way.']);
    },
  );
});
