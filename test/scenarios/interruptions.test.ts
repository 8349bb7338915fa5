/** The caller speaks into the agent's words: what stops, what goes on, what is remembered. */
import { describe, expect } from 'vitest';
import { scenario } from './scenario.ts';

const long = 'Your order left our warehouse this morning, it travels by train, and it should reach you on Thursday at noon.';
const asks = (stage: Parameters<Parameters<typeof scenario>[2]>[0]) => {
  stage.llm.answers('order', long);
  stage.at(500).caller.says('Where is my order?', { for: 900 });
};

describe('interruptions', () => {
  scenario(
    'an interruption stops the agent and only the heard words are remembered',
    {},
    (stage) => {
      asks(stage);
      stage.llm.answers('Which train', 'The night train.');
      stage.at(4_000).caller.says('Which train?', { for: 700 });
    },
    ({ heard, turns, of, llm, line }) => {
      expect(turns).toEqual(['Where is my order?', 'Which train?']);
      const [first = '', second] = heard;
      expect(long.startsWith(first)).toBe(true);
      expect(first.length).toBeGreaterThan(10);
      expect(first.length).toBeLessThan(60);
      expect(second).toBe('The night train.');
      expect(of('agent.said')[0]?.complete).toBe(false);
      expect(llm.requests.at(-1)?.map((message) => message.content)).toContain(first);
      expect(line.clears).toBeGreaterThan(0);
    },
  );

  scenario(
    'the line is cleared as soon as the voice is certain',
    {},
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.says('Which train?', { for: 700 });
    },
    ({ of }) => {
      expect(of('reply.ducked')[0]?.at).toBe(of('caller.started')[1]?.at);
    },
  );

  scenario(
    'an interruption before the first sound keeps both sentences',
    {},
    (stage) => {
      stage.tts.speaks({ firstAudio: 1_000 });
      asks(stage);
      stage.llm.answers('cancel it', 'I cancelled it.');
      stage.at(2_200).caller.says('Please cancel it.', { for: 700 });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['Where is my order? Please cancel it.']);
      expect(heard).toEqual(['I cancelled it.']);
    },
  );

  scenario(
    'a murmur does not interrupt',
    {},
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.says('Mm-hmm.', { for: 350, final: 150 });
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order?']);
      expect(heard).toEqual([long]);
      expect(of('reply.resumed')).toHaveLength(1);
    },
  );

  scenario(
    'a cough in the answer is a false alarm and the answer goes on where it was',
    {},
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.coughs({ for: 300 });
    },
    ({ heard, line, of }) => {
      expect(heard).toEqual([long]);
      expect(of('agent.said')[0]?.complete).toBe(true);
      // Nothing was lost and nothing said twice: what came out is as long as the text, up to the frame that the cough cut off.
      expect(Math.abs(line.playedMs - long.length * 60)).toBeLessThan(250);
    },
  );

  scenario(
    'a voice that goes on interrupts even without words',
    {},
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.coughs({ for: 2_000 });
    },
    ({ of, heard }) => {
      expect(of('reply.cut').map((cut) => cut.by)).toEqual(['caller']);
      expect(heard.slice(1)).toEqual(['Echo. [inaudible]']);
    },
  );

  scenario(
    'two interruptions in a row',
    {},
    (stage) => {
      asks(stage);
      stage.llm.answers('Which train', 'The one that leaves the main station at a quarter past nine in the evening.');
      stage.llm.answers('forget it', 'As you like.');
      stage.at(4_000).caller.says('Which train?', { for: 700 });
      stage.at(6_700).caller.says('No, forget it.', { for: 700 });
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order?', 'Which train?', 'No, forget it.']);
      expect(heard).toHaveLength(3);
      expect(heard[2]).toBe('As you like.');
      expect(of('agent.said').map((said) => said.complete)).toEqual([false, false, true]);
    },
  );

  scenario(
    'stop interrupts although three words are needed',
    { plan: { turns: { interruptWords: 3 } } },
    (stage) => {
      asks(stage);
      stage.llm.answers('Stop', 'Yes?');
      stage.at(3_000).caller.says('I think', { for: 400 });
      stage.at(5_000).caller.says('Stop!', { for: 400, final: 150 });
    },
    ({ of, turns }) => {
      expect(of('reply.ducked')).toEqual([]);
      expect(of('reply.cut')).toHaveLength(1);
      expect(of('reply.cut')[0]?.at).toBe(5_550);
      expect(turns.at(-1)).toBe('I think Stop!');
    },
  );

  scenario(
    'three words interrupt where three are needed',
    { plan: { turns: { interruptWords: 3 } } },
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.says('But that is late.', { for: 1_000, partials: { 0.3: 'But', 0.6: 'Today that is' } });
    },
    ({ of }) => {
      expect(of('reply.cut')).toHaveLength(1);
    },
  );

  scenario(
    'three words interrupt in three pieces, too',
    { plan: { turns: { interruptWords: 3 } } },
    (stage) => {
      asks(stage);
      stage.at(4_000).does(() => stage.line.talk(1_500));
      for (const [index, text] of ['Today', 'it', 'rains.'].entries())
        stage.at(4_400 + index * 400).does(() => stage.ears.hear({ type: 'final', text, from: 4_000, to: 4_400 + index * 400 }));
    },
    ({ of, turns }) => {
      expect(of('reply.cut').map(({ at }) => at)).toEqual([5_200]);
      expect(turns.at(-1)).toBe('Today it rains.');
    },
  );

  for (const latencyMs of [0, 150])
    scenario(
      `marks that come back after a clear count for nothing with ${latencyMs} ms of line`,
      { line: { latencyMs } },
      (stage) => {
        asks(stage);
        stage.llm.answers('Which train', 'The night train.');
        stage.at(4_000).caller.says('Which train?', { for: 700 });
      },
      ({ of, heard }) => {
        expect(of('agent.said').map((said) => said.complete)).toEqual([false, true]);
        expect(heard[0]?.length).toBeLessThan(60);
      },
    );

  scenario(
    'an interruption on a line without marks and clear',
    { line: { mark: false, clear: false, leadMs: 60 } },
    (stage) => {
      asks(stage);
      stage.at(4_000).caller.says('Which train?', { for: 700 });
    },
    ({ heard }) => {
      expect(long.startsWith(heard[0] ?? 'x')).toBe(true);
      expect(heard[0]?.length).toBeLessThan(60);
    },
  );

  scenario(
    'a first message that must be heard is heard',
    { plan: { opening: { mode: 'agent-text', text: 'This call is recorded for your safety.', interruptible: false } } },
    ({ at, llm }) => {
      llm.answers('Hello', 'How can I help?');
      at(600).caller.says('Hello there.', { for: 900 });
    },
    ({ heard, turns }) => {
      expect(heard).toEqual(['This call is recorded for your safety.', 'How can I help?']);
      expect(turns).toEqual(['Hello there.']);
    },
  );

  scenario(
    'a yes to the question that ends the answer is an answer',
    {},
    ({ at, llm }) => {
      llm.answers('order', 'It is lost. Shall I send another one?');
      llm.answers('Yes', 'It is on its way.');
      at(500).caller.says('Where is my order?', { for: 900 });
      at(3_900).caller.says('Yes.', { for: 250, final: 100 });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['Where is my order?', 'Yes.']);
      expect(heard.at(-1)).toBe('It is on its way.');
    },
  );

  scenario(
    'after an interruption the agent pauses before it speaks again',
    { plan: { turns: { backoffMs: 2_000 } } },
    (stage) => {
      asks(stage);
      stage.llm.answers('Which train', 'The night train.');
      stage.at(4_000).caller.says('Which train?', { for: 700 });
    },
    ({ of }) => {
      const cut = of('reply.cut')[0]?.at ?? 0;
      expect((of('reply.begun')[1]?.at ?? 0) - cut).toBe(2_000);
    },
  );
});
