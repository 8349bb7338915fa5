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
    'a model that breaks off in mid-sentence is followed by the second one',
    { plan: { llm: chain('model', 'model-2') } },
    ({ at, llm, second }) => {
      llm.answers('order', { say: 'It left this morning, and it will be there soon.', stallsAfter: 6 });
      second.llm.answers('morning, and it', 'should be with you on Thursday.');
      llm.answers('Thanks', 'You are welcome.');
      at(500).caller.says(question, ask);
      at(8_000).caller.says('Thanks.', { for: 400 });
    },
    ({ heard, of, llm }) => {
      expect(heard).toEqual(['It left this morning, and it should be with you on Thursday.', 'You are welcome.']);
      expect(of('reply.ended')[0]?.outcome).toBe('complete');
      expect(of('provider.failed')).toMatchObject([{ kind: 'llm', final: false }]);
      expect(llm.requests.at(-1)?.map(({ role, content }) => `${role}: ${content}`)).toEqual([
        'system: You are Ada.',
        `user: ${question}`,
        'assistant: It left this morning, and it should be with you on Thursday.',
        'user: Thanks.',
      ]);
    },
  );

  scenario(
    'a model that works inside its answer is waited for',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: 'Hang on, I look it up. Your parcel arrives on Friday.', works: { after: 6, forMs: 6_000 } });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['Hang on, I look it up. Your parcel arrives on Friday.']);
      expect((of('reply.audible')[0]?.at ?? 0) - (of('caller.turn')[0]?.at ?? 0)).toBeLessThan(1_000);
      expect(of('provider.failed')).toEqual([]);
    },
  );

  scenario(
    'half a sentence is spoken before the model works',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: 'Let me look at it and it arrives on Friday.', works: { after: 5, forMs: 4_000 } });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['Let me look at it and it arrives on Friday.']);
      expect((of('reply.audible')[0]?.at ?? 0) - (of('caller.turn')[0]?.at ?? 0)).toBeLessThan(1_500);
    },
  );

  scenario(
    'a model that falls silent in its answer keeps nothing back',
    {},
    ({ at, llm }) => {
      llm.answers('order', { say: 'One moment please.', perWord: 1_300 });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['One moment please.']);
      expect((of('reply.audible')[0]?.at ?? 0) - (of('reply.first_token')[0]?.at ?? 0)).toBeLessThan(1_200);
    },
  );

  for (const [name, plan] of [
    ['a model and a voice', {}],
    ['two models and a voice', { llm: chain('model', 'model-2') }],
    ['two models and two voices', { llm: chain('model', 'model-2'), tts: chain('voice', 'voice-2') }],
  ] as const)
    scenario(
      `${name} that hang in one turn are covered within three seconds`,
      { plan },
      ({ at, llm, second, tts }) => {
        for (const model of [llm, second.llm]) model.answers('order', { hangs: true });
        for (const voice of [tts, second.tts]) voice.speaks({ mute: true });
        at(500).caller.says(question, ask);
      },
      ({ heard, of }) => {
        expect(heard[0]).toMatch(/sorry/);
        expect((of('reply.audible')[0]?.at ?? 0) - (of('caller.turn')[0]?.at ?? 0)).toBeLessThan(3_000);
      },
    );

  scenario(
    'a slow model and a mute first voice leave the second one its time',
    { plan: { tts: chain('voice', 'voice-2') } },
    ({ at, llm, tts }) => {
      llm.answers('order', { say: 'It left.', firstToken: 2_000 });
      tts.speaks({ mute: true });
      at(500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['It left.']);
      expect((of('reply.audible')[0]?.at ?? 0) - (of('caller.turn')[0]?.at ?? 0)).toBeLessThan(3_000);
    },
  );

  scenario(
    'a voice that dries up in mid-sentence is followed by the second one',
    { plan: { tts: chain('voice', 'voice-2') } },
    ({ at, llm, tts }) => {
      llm.answers('Hello', 'Hello, how can I help you?');
      llm.answers('order', 'It left this morning and it will be there on Thursday.');
      at(500).caller.says('Hello.', { for: 400 });
      at(4_000).does(() => tts.speaks({ driesUpAfter: 1_200 }));
      at(4_500).caller.says(question, ask);
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['Hello, how can I help you?', 'It left this morning and it will be there on Thursday.']);
      expect(of('reply.ended').map(({ outcome }) => outcome)).toEqual(['complete', 'complete']);
      expect(of('usage.counted').flatMap(({ kind, provider, quantity }) => (kind === 'tts' ? [[provider, quantity]] : []))).toEqual([
        ['voice', 26],
        ['voice', 54],
        ['voice-2', 33],
      ]);
    },
  );

  scenario(
    'an interruption of the second voice is remembered as far as it was heard',
    { plan: { tts: chain('voice', 'voice-2') } },
    ({ at, llm, tts }) => {
      llm.answers('Hello', 'Hello, how can I help you?');
      llm.answers('order', 'It left this morning and it will be there on Thursday, or so we hope and trust.');
      at(500).caller.says('Hello.', { for: 400 });
      at(4_000).does(() => tts.speaks({ driesUpAfter: 1_200 }));
      at(4_500).caller.says(question, ask);
      at(10_300).caller.says('That is all I need.', { for: 700 });
    },
    ({ heard }) => expect(heard[1]).toMatch(/^It left this morning and it will be there[ \w,]*$/),
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
