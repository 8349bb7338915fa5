/** Short stories played through the turn table by hand: what is asked, what waits, and when something is due. */
import { describe, expect, it } from 'vitest';
import type { TurnPolicy } from '../../src/agent/plan.ts';
import { agent, partial, type Story, say, started, stopped, story, type Untimed } from './story.ts';

const sure = (probability: number): Untimed => ({ type: 'turnEnd', probability });

describe('a fixed text answers nothing', () => {
  it('said while the end of the turn is awaited', () => {
    const { told } = story()
      .at(100, started)
      .at(1_000, stopped)
      .says(1_000, 'My order number is')
      .at(1_200, say())
      .heard(1_300)
      .until(3_000);
    expect(told).toEqual(['1200 say', '1644 turn asked "My order number is"']);
  });

  it('said into the thinking, then asked again under the same number', () => {
    const { told, state } = story()
      .at(10, started)
      .at(900, stopped)
      .says(1_000, 'Where is my order?')
      .at(1_500, say({ interrupt: true }))
      .heard(1_600)
      .heard(1_800);
    const asked = 'turn asked "Where is my order?"';
    expect(told).toEqual([`1000 ${asked}`, '1500 cut by say', '1500 say', `1700 ${asked}`]);
    expect(state.turns).toBe(1);
  });

  it('but what a model finds the words for is asked with them', () => {
    const { told } = story()
      .says(100, 'Where is my order')
      .at(200, say({ cause: 'turn', text: null }));
    expect(told).toEqual(['200 turn asked "Where is my order"']);
  });

  it('and a farewell leaves the words where they are', () => {
    const { told, state } = story(agent({}, { farewell: 'Goodbye.' }))
      .says(100, 'Where is')
      .at(200, { type: 'close', reason: 'api' });
    expect(told).toEqual(['200 closing: api', '200 farewell']);
    expect(state.waiting.map(({ text }) => text)).toEqual(['Where is']);
  });
});

describe('half a sentence is not answered while the rest is on its way', () => {
  const answered = 'turn asked "Where is my order?"';
  it.each<[string, (told: Story) => Story, string]>([
    [
      'partial words behind the end of the voice',
      (told) => told.at(1_000, stopped).says(1_100, 'Where is').at(1_110, partial('my order?')),
      '1900',
    ],
    ['partial words before it', (told) => told.says(700, 'Where is').at(900, partial('my order?')).at(1_000, stopped), '1900'],
    [
      'partial words of a voice that nobody heard',
      (told) => told.at(300, stopped).says(800, 'Where is').at(1_000, partial('my order?')),
      '1900',
    ],
  ])('%s', (_, then, at) => {
    const { told } = then(story().at(100, started)).says(1_900, 'my order?').until(6_000);
    expect(told).toEqual([`${at} ${answered}`]);
  });

  it('nor anew, when the rest comes into the thinking', () => {
    const { told } = story(agent({ waitCompleteMs: 0, waitIncompleteMs: 0 }))
      .at(100, started)
      .at(1_000, stopped)
      .says(1_000, 'Where is')
      .at(1_100, started)
      .at(1_300, partial('my order?'))
      .at(1_400, stopped)
      .says(2_000, 'my order?')
      .until(6_000);
    expect(told).toEqual(['1000 turn asked "Where is"', '1100 duck', '1300 cut by superseded', `2000 ${answered}`]);
  });

  it('but is, when nobody makes the rest final', () => {
    const { told } = story().at(100, started).at(1_000, stopped).says(1_000, 'Where is').at(1_100, partial('my')).until(6_000);
    expect(told).toEqual(['2600 turn asked "Where is"']);
  });
});

describe('how long is waited', () => {
  /** The voice ends at 1000 and the words come then; gives the due time after that. */
  const waited = (text: string, turns: Partial<TurnPolicy>, then: (told: Story) => Story = (told) => told) => {
    const { state } = then(story(agent(turns)).at(100, started).at(1_256, stopped).says(1_256, text));
    return (state.timers['turn-end'] ?? Number.NaN) - 1_000;
  };
  const named = { complete: true, incomplete: true, number: true };
  const rule = { of: 'caller', agentPattern: '', callerPattern: 'number', ignoreCase: true, waitMs: 1_800 } as const;

  it.each<[string, Partial<TurnPolicy>, number, number]>([
    ['the shape of the words is scaled', { waitIncompleteMs: 2_000 }, 0.5, 2_000],
    ['down', { waitIncompleteMs: 2_000 }, 0.75, 1_000],
    ['and up', { waitIncompleteMs: 2_000 }, 0, 4_000],
    ['what is added before the agent speaks is not', { waitBeforeSpeakingMs: 2_500 }, 1, 2_500],
    ['a number of the plan is not', { waitIncompleteMs: 2_000, explicit: named }, 1, 2_000],
    ['nor lengthened', { waitIncompleteMs: 2_000, explicit: named }, 0, 2_000],
    ['a rule is not', { rules: [rule], waitBeforeSpeakingMs: 200 }, 1, 2_000],
  ])('%s', (_, turns, probability, ms) => {
    expect(waited('My number is', turns, (told) => told.at(1_300, sure(probability)))).toBe(ms);
  });

  it.each<[string, Untimed]>([
    ['new words', { type: 'words', words: { at: 400, text: 'Well', from: 1, to: 2, typed: false, rejected: false } }],
    ['partial words', partial('and')],
    ['the voice', started],
  ])('an opinion older than %s counts for nothing', (_, newer) => {
    const told = story().at(100, sure(1)).at(400, newer).at(500, started).at(1_256, stopped).says(1_300, 'My number is');
    expect(told.told).toEqual([]);
    expect(told.state.timers['turn-end']).toBe(1_900);
  });

  it('an explicit wait without punctuation is for every text without', () => {
    expect(waited('where is my order', { waitIncompleteMs: 1_500, explicit: { ...named, complete: false } })).toBe(1_500);
    expect(waited('where is my order', { waitIncompleteMs: 1_500 })).toBe(300);
  });

  it.each<[string, Partial<TurnPolicy>, number, number]>([
    ['replaces the guess', {}, 2_000, 2_000],
    ['shortens it', {}, 400, 400],
    ['replaces the numbers of the plan', { explicit: named }, 2_000, 2_000],
    ['leaves what is added before the agent speaks', { waitBeforeSpeakingMs: 500 }, 2_000, 2_500],
    ['leaves a rule', { rules: [rule] }, 3_000, 1_800],
    ['ends with the silence limit', {}, 900_000, 30_000],
  ])('somebody outside %s', (_, turns, ms, due) => {
    expect(waited('My number is', turns, (told) => told.at(1_290, { type: 'wait', ms }))).toBe(due);
  });

  it('what was asked outside is for the words that waited then', () => {
    const asked: Untimed = { type: 'wait', ms: 5_000 };
    expect(waited('My number is', {}, (told) => told.at(1_300, asked).says(1_400, 'seven and'))).toBe(900);
    expect(story().at(100, asked).says(200, 'Hello').state.askedMs).toBeNull();
  });
});

describe('one utterance in many pieces', () => {
  const speaking = (turns: Partial<TurnPolicy>) =>
    story(agent(turns))
      .at(0, say({ text: 'It is a long story.' }))
      .at(10, { type: 'audible', reply: 1 });
  const cutsOf = ({ told }: Story) => told.filter((line) => line.includes('cut'));

  it.each([
    [['I', 'think', 'so'], '', ['3000 cut by caller']],
    [['I'], 'think so', ['2000 cut by caller']],
    [['I', 'think'], '', []],
    [['yes', 'yeah', 'okay'], '', []],
    [['okay', 'but', 'wait'], '', ['3000 cut by caller']],
    [['yes'], 'no', ['2000 cut by caller']],
  ])('%j, then %j', (finals, running, cuts) => {
    const told = speaking({ interruptWords: 3 }).at(500, started);
    for (const [index, text] of finals.entries()) told.says(1_000 * (index + 1), text);
    if (running) told.at(1_000 * (finals.length + 1), partial(running));
    expect(cutsOf(told)).toEqual(cuts);
  });

  it('ends when the voice begins anew', () => {
    const told = speaking({ interruptWords: 3 })
      .at(500, started)
      .says(1_000, 'I')
      .at(1_500, stopped)
      .at(2_000, started)
      .says(2_500, 'think so');
    expect(cutsOf(told)).toEqual([]);
  });

  it('a hello is counted over all of it', () => {
    const greeted = () =>
      story(agent({ interruptWords: 1 }))
        .at(0, say({ cause: 'first-message' }))
        .at(10, { type: 'audible', reply: 1 })
        .at(20, started);
    expect(cutsOf(greeted().says(200, 'Hello'))).toEqual([]);
    expect(cutsOf(greeted().says(200, 'Hello').says(400, 'can you').says(600, 'hear me'))).toEqual(['400 cut by caller']);
  });
});

describe('interim words and their final', () => {
  const interim = { interim: true, from: 7 } as const;
  const final = { replaces: 7 } as const;
  const waitingOf = ({ state }: Story) => state.waiting.map(({ text }) => text);

  it('are replaced where they wait', () => {
    expect(waitingOf(story().says(100, 'Well,').says(200, 'wear is', interim).says(210, 'my order').says(250, 'where is', final))).toEqual([
      'Well,',
      'where is',
      'my order',
    ]);
  });

  const asked = (text: string) =>
    story(agent({ waitCompleteMs: 0 }))
      .at(10, started)
      .at(900, stopped)
      .says(950, text, interim);

  it('the same in an answer that is not heard yet changes nothing', () => {
    const { told, state } = asked('where is my order').says(1_200, 'Where is my order?', final);
    expect(told).toEqual(['950 turn asked "where is my order"']);
    expect(state.open?.asked.map(({ text }) => text)).toEqual(['Where is my order?']);
  });

  it('others are asked instead', () => {
    const { told } = asked('where is my odour').says(1_200, 'Where is my order?', final);
    expect(told.slice(1)).toEqual(['1200 cut by superseded', '1200 turn asked "Where is my order?"']);
  });

  it.each([
    ['Where is my order?', []],
    ['where is my older', []],
    ['Where is it?', []],
    ['Where is my order from Monday?', ['from Monday?']],
    ["Where's my order, don't you know?", ["don't you know?"]],
    ['And where is my order, the blue one?', ['the blue one?']],
  ])('answered already, %j adds %j', (text, rest) => {
    const { told, state } = asked('where is my order').heard(1_000).says(1_500, text, final);
    expect(told.filter((line) => line.includes('asked')).slice(1)).toEqual(rest.map((words) => `1500 turn asked ${JSON.stringify(words)}`));
    expect(state.waiting).toEqual([]);
  });

  it.each([
    ['我的订单在哪', '我的订单在哪里？', []],
    ['我的订单', '我的订单。', []],
    ['我想查询', '我想查询我的订单。', ['我的订单。']],
    ['มา', 'มาก', []],
  ])('%s: %s adds %j, where no spaces are written', (text, later, rest) => {
    const told = asked(text).heard(1_000).says(1_500, later, final);
    expect(told.told.filter((line) => line.includes('asked')).slice(1)).toEqual(
      rest.map((words) => `1500 turn asked ${JSON.stringify(words)}`),
    );
  });

  it('a final in two pieces is not answered twice', () => {
    const told = asked('where is my order from monday')
      .heard(1_000)
      .says(1_500, 'Where is my order', final)
      .says(1_600, 'from Monday?', final);
    expect(told.told).toHaveLength(1);
    expect(waitingOf(told)).toEqual([]);
  });

  it('a final of nothing that is known is what was said', () => {
    expect(waitingOf(story().says(100, 'My number is', { replaces: 42 }))).toEqual(['My number is']);
  });
});

describe('voice without words', () => {
  const patient = (idleMs: number, silenceMs = 30_000) =>
    agent({}, { silenceMs, idle: { afterMs: idleMs, texts: ['Are you there?'], most: 2 } });

  it('does not hold off prompts and the silence limit', () => {
    expect(story(patient(5_000)).at(500, started).until(200_000).told).toEqual(
      ['5500 idle', '10600 idle', '40700 closing: silence', '40900 finish'].map((line) => line),
    );
  });

  it.each([
    [20_000, 19_500, '29500 idle'],
    [5_000, 4_900, '9900 idle'],
    [2_000, 1_900, '5900 idle'],
  ])('is given its time: prompted after %d ms, voice from %d on', (idleMs, from, told) => {
    expect(story(patient(idleMs)).at(from, started).until(60_000).told[0]).toBe(told);
  });

  it('counts together when it comes in bursts', () => {
    const told = story(patient(0, 10_000));
    for (let at = 500; told.state.phase !== 'over' && at < 100_000; at += 1_000)
      told
        .until(at)
        .at(at, started)
        .until(at + 700)
        .at(at + 700, stopped);
    expect(told.told).toContainEqual(expect.stringMatching(/^2[01]\d+ closing: silence$/));
  });

  it('does not hold off an answer, in bursts neither', () => {
    const told = story(agent({ waitCompleteMs: 2_500 })).says(100, 'Where is my order?');
    for (let at = 500; told.told.length === 0 && at < 60_000; at += 1_000)
      told
        .until(at)
        .at(at, started)
        .until(at + 700)
        .at(at + 700, stopped);
    expect(Number.parseInt(told.told[0] ?? '', 10)).toBeLessThan(14_000);
  });

  it('does not hold a greeting back for ever', () => {
    const { told } = story()
      .at(10, say({ cause: 'first-message' }))
      .at(20, started)
      .until(60_000);
    expect(told.slice(0, 3)).toEqual(['10 first-message', '20 duck', '4020 resume']);
  });

  it('words make it a voice again', () => {
    const { state } = story(patient(5_000)).at(500, started).at(4_000, partial('well'));
    expect(state.timers.quiet).toBe(9_000);
  });
});
