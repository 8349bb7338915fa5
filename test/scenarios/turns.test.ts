/** Who speaks when: ends of turns, words that come late or twice, drafts. */
import { describe, expect } from 'vitest';
import { scenario } from './scenario.ts';

const asks = { for: 900 };
const answer = 'It left this morning.';

describe('turns', () => {
  scenario(
    'a question is answered',
    {},
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(500).caller.says('Where is my order?', asks);
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order?']);
      expect(heard).toEqual([answer]);
      expect(of('caller.turn')[0]?.waitedMs).toBeLessThanOrEqual(310);
    },
  );

  scenario(
    'a cough between question and answer does not lose the question',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: answer, firstToken: 1_500 });
      at(500).caller.says('Where is my order?', asks);
      at(2_200).caller.coughs({ for: 150 });
    },
    ({ heard, of, llm }) => {
      expect(heard).toEqual([answer]);
      expect(of('reply.ducked')).toHaveLength(1);
      expect(of('reply.resumed')).toHaveLength(1);
      expect(llm.requests).toHaveLength(1);
    },
  );

  scenario(
    'a noise that the recogniser rejects does not lose the question either',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: answer, firstToken: 1_500 });
      at(500).caller.says('Where is my order?', asks);
      at(2_200).caller.says('', { for: 150, final: 200, rejected: true });
    },
    ({ heard, turns, llm }) => {
      expect(heard).toEqual([answer]);
      expect(turns).toEqual(['Where is my order?']);
      expect(llm.requests).toHaveLength(1);
    },
  );

  scenario(
    'words said while the agent thinks join the question',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: 'Wrong.', firstToken: 1_500 });
      llm.answers('to Berlin', 'It reached Berlin.');
      at(500).caller.says('Where is my order?', asks);
      at(2_000).caller.says('The one to Berlin.', { for: 700 });
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order? The one to Berlin.']);
      expect(heard).toEqual(['It reached Berlin.']);
      expect(of('reply.cut').map((cut) => cut.by)).toEqual(['superseded']);
    },
  );

  for (const final of [-300, 0, 100, 250, 400, 500])
    scenario(
      `a final ${final} ms after the voice is answered once`,
      { untilMs: 8_000 },
      ({ at, llm }) => {
        llm.answers('order', answer);
        at(500).caller.says('Where is my order?', { for: 900, final });
      },
      ({ heard, turns }) => {
        expect(turns).toEqual(['Where is my order?']);
        expect(heard).toEqual([answer]);
      },
    );

  scenario(
    'two finals around the end of the voice make one turn',
    {},
    ({ at, llm, ears }) => {
      llm.answers('order from Monday', answer);
      at(500).caller.says('Where is my order', { for: 900, final: 50 });
      at(1_900).does(() => ears.hear({ type: 'final', text: 'from Monday?', from: 1_000, to: 1_400 }));
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['Where is my order from Monday?']);
      expect(heard).toEqual([answer]);
    },
  );

  scenario(
    'a superseded draft is never spoken',
    {},
    ({ at, llm, ears }) => {
      llm.answers('cancel my order', 'I cancelled it.');
      llm.answers('cancel my order history', 'Your history is empty.');
      at(500).caller.says('Please cancel my order history.', {
        for: 1_800,
        final: 100,
        partials: { 0.4: 'Please cancel my order', 0.5: 'Please cancel my order.' },
      });
      at(5_000).does(() => ears.hear({ type: 'turnEnd', probability: 0.5 }));
    },
    ({ heard, of, tts }) => {
      expect(heard).toEqual(['Your history is empty.']);
      expect(tts.said.join(' ')).toContain('I cancelled it.');
      expect(of('draft.discarded')).toHaveLength(1);
      expect(of('draft.adopted')).toHaveLength(1);
    },
  );

  scenario(
    'a draft leaves nothing but the wait for the end of the turn',
    {},
    ({ at, llm, tts }) => {
      llm.answers('order', { say: answer, firstToken: 300 });
      tts.speaks({ firstAudio: 100 });
      const text = 'Where is my order?';
      at(500).caller.says(text, { for: 1_200, final: 200, partials: { 0.7: text, 0.8: text } });
    },
    ({ heard, of }) => {
      expect(heard).toEqual([answer]);
      const [begun] = of('reply.begun');
      const [audible] = of('reply.audible');
      expect(begun?.adopted).toBe(true);
      expect(audible?.at).toBe(begun?.at);
    },
  );

  scenario(
    'at most three drafts are made for one turn',
    { plan: { turns: { waitCompleteMs: 600 } } },
    ({ at, ears }) => {
      at(500).does(() => ears.hear({ type: 'final', text: 'One.', from: 0, to: 100 }));
      for (const [index, text] of ['two.', 'three.', 'four.', 'five.'].entries())
        at(700 + index * 200).does(() => ears.hear({ type: 'final', text, from: 0, to: 100 }));
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['Echo. One. two. three. four. five.']);
      expect(of('draft.begun')).toHaveLength(3);
    },
  );

  scenario(
    'agent and caller start at the same time',
    { plan: { opening: { mode: 'agent-text', text: 'Hello, this is Ada. How can I help?', interruptible: true } } },
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(20).caller.says('Where is my order?', { for: 900, final: 200 });
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order?']);
      // The caller was a moment earlier: the greeting is held back, and nothing of either is lost.
      expect(heard).toEqual(['Hello, this is Ada. How can I help?', answer]);
      expect(of('reply.ducked').length + of('reply.cut').length).toBe(1);
    },
  );

  scenario(
    'the agent is a moment earlier than the caller',
    { plan: { opening: { mode: 'agent-text', text: 'Hello, this is Ada. How can I help?', interruptible: true } }, attachAtMs: 1_000 },
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(1_020).caller.says('Where is my order?', { for: 900, final: 200 });
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(['Where is my order?']);
      expect(heard.at(-1)).toBe(answer);
      expect(of('reply.cut')).toHaveLength(1);
    },
  );

  scenario(
    'a hello before the greeting does not swallow the greeting',
    { plan: { opening: { mode: 'agent-text', text: 'Hello, this is Ada.', interruptible: true } } },
    ({ at, tts }) => {
      tts.speaks({ firstAudio: 900 });
      at(100).caller.says('Hello?', { for: 300, final: 100 });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual([]);
      expect(heard).toEqual(['Hello, this is Ada.']);
    },
  );

  scenario(
    'a hello into the greeting does not end it',
    { plan: { opening: { mode: 'agent-text', text: 'Hello, this is Ada.', interruptible: true } }, attachAtMs: 1_000 },
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(1_300).caller.says('Hello?', { for: 300, final: 100 });
      at(6_000).caller.says('Where is my order?', asks);
    },
    ({ heard, turns }) => {
      expect(heard).toEqual(['Hello, this is Ada.', answer]);
      expect(turns).toEqual(['Hello? Where is my order?']);
    },
  );

  scenario(
    'an unfinished sentence is waited for',
    {},
    ({ at, llm }) => {
      llm.answers('Paris', 'To Paris, then.');
      at(500).caller.says('I would like to', { for: 700, final: 100 });
      at(1_900).caller.says('go to Paris.', { for: 600, final: 100 });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['I would like to go to Paris.']);
      expect(heard).toEqual(['To Paris, then.']);
    },
  );

  scenario(
    'a recogniser that is sure of the end shortens the wait',
    { plan: { turns: { waitCompleteMs: 1_000 } } },
    ({ at, ears, llm }) => {
      llm.answers('order', answer);
      at(500).caller.says('Where is my order?', { for: 900, final: 200 });
      at(1_800).does(() => ears.hear({ type: 'turnEnd', probability: 1 }));
    },
    ({ of, heard }) => {
      expect(of('caller.turn')[0]?.at).toBe(1_800);
      expect(heard).toEqual([answer]);
    },
  );

  scenario(
    'a rule of the agent decides how long to wait',
    {
      plan: {
        opening: { mode: 'agent-text', text: 'What is your number?', interruptible: true },
        turns: { rules: [{ of: 'agent', agentPattern: '(?i)NUMBER', callerPattern: '', ignoreCase: false, waitMs: 2_000 }] },
      },
    },
    ({ at }) => {
      at(3_000).caller.says('It is five five five.', { for: 900, final: 100 });
    },
    ({ of }) => {
      expect(of('caller.turn')[0]?.waitedMs).toBe(2_000);
    },
  );

  scenario(
    'a voice that never stops does not hold the question hostage',
    { untilMs: 12_000 },
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(500).caller.says('Where is my order?', { for: 10_000, final: -8_500 });
    },
    ({ turns, of }) => {
      expect(turns).toEqual(['Where is my order?']);
      expect(of('reply.audible')).toHaveLength(1);
    },
  );

  const recorded = { type: 'say', text: 'This call is recorded.', endAfter: false, interruptible: true } as const;

  scenario(
    'a message while the end of the turn is awaited does not answer the question',
    {},
    ({ at, llm }) => {
      llm.answers('order', answer);
      at(500).caller.says('My order number is', { for: 900, final: 100 });
      at(2_000).control({ ...recorded, interrupt: false });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['My order number is']);
      expect(heard).toEqual([recorded.text, answer]);
    },
  );

  scenario(
    'an urgent message instead of the answer does not answer the question',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: answer, firstToken: 1_200 });
      at(500).caller.says('Where is my order?', asks);
      at(2_000).control({ ...recorded, interrupt: true });
    },
    ({ heard, turns, of, llm }) => {
      expect(turns).toEqual(['Where is my order?']);
      expect(heard).toEqual([recorded.text, answer]);
      expect(of('caller.turn').map(({ turn }) => turn)).toEqual([1, 1]);
      expect(
        llm.requests
          .at(-1)
          ?.filter(({ role }) => role === 'user')
          .map(({ content }) => content),
      ).toEqual(['Where is my order?']);
    },
  );

  scenario(
    'a recogniser that is sure does not undercut what the assistant asks for',
    { plan: { turns: { waitBeforeSpeakingMs: 2_500 } } },
    ({ at, ears }) => {
      at(500).caller.says('Where is my order?', { for: 900, final: 100 });
      at(1_600).does(() => ears.hear({ type: 'turnEnd', probability: 1 }));
    },
    ({ of }) => {
      expect(of('caller.turn')[0]?.waitedMs).toBe(2_500);
    },
  );

  scenario(
    'a street that is never quiet does not keep the call open',
    { plan: { silenceMs: 20_000, idle: { afterMs: 5_000, texts: ['Are you there?'], most: 2 } }, untilMs: 90_000 },
    ({ at }) => {
      at(500).caller.coughs({ for: 80_000 });
    },
    ({ heard, ended }) => {
      expect(heard).toEqual(['Are you there?', 'Are you there?']);
      expect(ended.reason).toBe('silence');
      expect(ended.durationMs).toBeLessThan(40_000);
    },
  );

  scenario(
    'what could not be understood is answered too',
    {},
    ({ at, llm }) => {
      llm.answers('[inaudible]', 'Sorry, I did not get that.');
      at(500).caller.says('', { for: 900, rejected: true });
    },
    ({ heard, turns }) => {
      expect(turns).toEqual(['[inaudible]']);
      expect(heard).toEqual(['Sorry, I did not get that.']);
    },
  );

  scenario(
    'the model remembers the conversation in order',
    {},
    ({ at }) => {
      at(500).caller.says('One.', { for: 500 });
      at(3_500).caller.says('Two.', { for: 500 });
    },
    ({ llm }) => {
      const contents = llm.requests.map((request) => request.map((message) => message.content));
      expect(contents).toEqual([
        ['You are Ada.', 'One.'],
        ['You are Ada.', 'One.', 'Echo. One.', 'Two.'],
      ]);
    },
  );
});
