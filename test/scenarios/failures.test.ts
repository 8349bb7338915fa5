/** Providers that refuse, hang, break off or say nothing: the caller always hears something, and the call never hangs. */
import { describe, expect } from 'vitest';
import { chain, PLAN, scenario, tool } from './scenario.ts';

const ask = { for: 900 };
const question = 'Where is my order?';

describe('failures', () => {
  scenario(
    'a model that never answers is covered by the fallback within three seconds',
    {},
    ({ at, llm }) => {
      llm.answers('order', { hangs: true });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual([PLAN.agent.fallback]);
      const turn = of('caller.turn')[0]?.at ?? 0;
      expect((of('reply.audible')[0]?.at ?? 0) - turn).toBeLessThan(3_000);
      expect(of('reply.ended')[0]?.outcome).toBe('failed');
    },
  );

  scenario(
    'a flood of typed words is obeyed up to its bound and noted beyond it',
    {},
    ({ at }) => {
      for (let i = 0; i < 100; i++) at(1_000).caller.types(`spam ${i}`);
    },
    ({ of }) => {
      expect(of('caller.words')).toHaveLength(20);
      expect(of('line.malformed').at(-1)).toMatchObject({ code: 'rate_limited', count: 64 });
    },
  );

  scenario(
    'the second model answers when the first refuses',
    { plan: { llm: chain('model', 'model-2') } },
    ({ at, llm, second }) => {
      llm.answers('order', { fails: 'provider_quota', firstToken: 50 });
      second.llm.answers('order', 'From the second.');
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['From the second.']);
      expect(of('provider.switched')).toHaveLength(1);
    },
  );

  scenario(
    'the second model answers when the first is silent',
    { plan: { llm: chain('model', 'model-2') } },
    ({ at, llm, second }) => {
      llm.answers('order', { hangs: true });
      second.llm.answers('order', { say: 'From the second.', firstToken: 200 });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['From the second.']);
      expect((of('reply.audible')[0]?.at ?? 0) - (of('caller.turn')[0]?.at ?? 0)).toBeLessThan(3_000);
    },
  );

  scenario(
    'two failing replies in a row end the call',
    { plan: { farewell: 'Goodbye.' } },
    ({ at, llm }) => {
      llm.answers('', { fails: 'provider_auth' });
      at(500).caller.says(question, ask);
      at(7_000).caller.says(question, ask);
    },
    ({ heard, ended, line }) => {
      expect(heard).toEqual([PLAN.agent.fallback, PLAN.agent.fallback, 'Goodbye.']);
      expect(ended.reason).toBe('llm-failed');
      expect(line.hungUp).toBe('llm-failed');
    },
  );

  scenario(
    'an empty answer is a failure and not silence',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: '  ' });
      at(500).caller.says(question, ask);
    },
    ({ heard }) => expect(heard).toEqual([PLAN.agent.fallback]),
  );

  scenario(
    'a model that fails after a tool does not leave the caller with one moment',
    {
      plan: {
        tools: [
          tool('look_up', {
            messages: [{ when: 'start', text: 'One moment.', role: 'assistant', delayMs: 0, blocking: false, endsCall: false }],
          }),
        ],
      },
    },
    ({ at, llm }) => {
      llm.answers('order', { tools: [{ name: 'look_up' }] });
      llm.answers('look_up done', { fails: 'provider_rate' });
      at(500).caller.says(question, ask);
    },
    ({ heard }) => expect(heard).toEqual([`One moment. ${PLAN.agent.fallback}`]),
  );

  scenario(
    'a model that stops in mid-sentence leaves what it said and asks again',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: 'It left this morning, and it will be there soon.', stallsAfter: 6 });
      llm.answers('And', 'On Thursday.');
      at(500).caller.says(question, ask);
      at(9_000).caller.says('And when?', { for: 600 });
    },
    ({ heard, of }) => {
      expect(heard).toEqual([`It left this morning, and it ${PLAN.agent.fallback}`, 'On Thursday.']);
      expect(of('reply.ended')[0]?.outcome).toBe('failed');
    },
  );

  scenario(
    'a voice that dries up in mid-sentence is followed by the recorded apology',
    {},
    ({ at, llm, tts }) => {
      llm.answers('order', 'It left this morning and it will be there on Thursday.');
      llm.answers('And', 'On Thursday.');
      tts.speaks({ driesUpAfter: 1_200 });
      at(500).caller.says(question, ask);
      at(8_000).does(() => tts.speaks({}));
      at(9_000).caller.says('And when?', { for: 600 });
    },
    ({ heard, of }) => {
      expect(heard[0]).toMatch(/^It left this I am sorry, I am having trouble/);
      expect(of('reply.ended')[0]?.outcome).toBe('failed');
      expect(heard.at(-1)).toBe('On Thursday.');
    },
  );

  scenario(
    'the second voice speaks when the first is mute and stays',
    { plan: { tts: chain('voice', 'voice-2') } },
    ({ at, llm, tts }) => {
      llm.answers('order', 'It left.');
      tts.speaks({ mute: true });
      at(500).caller.says(question, ask);
      at(6_000).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['It left.', 'It left.']);
      expect(of('provider.switched')).toHaveLength(1);
    },
  );

  scenario(
    'without any voice the caller hears the recorded apology and then the call ends',
    {},
    ({ at, tts }) => {
      tts.speaks({ fails: 'provider_auth' });
      at(500).caller.says(question, ask);
      at(8_000).caller.says(question, ask);
    },
    ({ heard, ended }) => {
      expect(heard).toHaveLength(2);
      expect(heard[0]).toMatch(/sorry/);
      expect(ended.reason).toBe('tts-failed');
    },
  );

  scenario(
    'the second recogniser takes over when the first dies',
    { plan: { stt: chain('ears', 'ears-2') } },
    ({ at, ears, llm }) => {
      llm.answers('order', 'It left.');
      at(400).does(() => ears.fail('provider_network'));
      at(800).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(of('provider.switched')).toHaveLength(1);
      expect(heard).toEqual(['It left.']);
    },
  );

  scenario(
    'without ears the agent says goodbye',
    { plan: { farewell: 'I cannot hear you. Goodbye.' } },
    ({ at, ears }) => at(1_000).does(() => ears.fail('provider_auth')),
    ({ heard, ended }) => {
      expect(heard).toEqual(['I cannot hear you. Goodbye.']);
      expect(ended.reason).toBe('stt-failed');
    },
  );

  scenario(
    'a line that sends rubbish is noted now and then',
    {},
    ({ at, line }) => {
      for (let i = 0; i < 9; i++) at(500 + i).does(() => line.signal({ type: 'malformed', code: 'media_malformed', detail: 'not JSON' }));
    },
    ({ of }) => expect(of('line.malformed').map((event) => event.count)).toEqual([1, 2, 4, 8]),
  );

  scenario(
    'the media leg breaks',
    {},
    ({ at, line }) => at(1_000).does(() => line.signal({ type: 'ended', by: 'network', detail: '1006' })),
    ({ ended, line }) => {
      expect(ended).toMatchObject({ reason: 'carrier-lost', detail: '1006' });
      expect(line.hungUp).toBe('carrier-lost');
    },
  );
});
