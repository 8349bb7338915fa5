import { describe, expect, it } from 'vitest';
import type { EndpointingRule } from '../../src/agent/plan.ts';
import { compilePolicy, countWords, hasPhrase, wordsOf } from '../../src/call/turn/endpointing.ts';
import { planWith } from '../scenarios/scenario.ts';

const policy = (rules: EndpointingRule[] = []) =>
  compilePolicy(planWith({ turns: { rules, interruptions: ['stop', 'never mind', "don't"] } }).agent, 600_000);
const rule = (change: Partial<EndpointingRule>): EndpointingRule => ({
  of: 'caller',
  agentPattern: '',
  callerPattern: '',
  ignoreCase: false,
  waitMs: 5_000,
  ...change,
});

describe('the wait after the words', () => {
  it.each([
    ['Where is my order?', 300],
    ['where is my order', 300],
    ['Das ist alles。', 300],
    ['I would like to', 900],
    ['my name is', 900],
    ['First of all,', 900],
    ['It is 5 5 5', 500],
    ['Call me at 555.', 500],
    ['', 300],
  ])('%j waits %d ms', (text, ms) => expect(policy().waitFor(text, '').wordsMs).toBe(ms));

  it('is what the first matching rule says', () => {
    const rules = [
      rule({ of: 'both', agentPattern: '(?i)your NAME', callerPattern: '^my', waitMs: 1_000 }),
      rule({ of: 'agent', agentPattern: 'number', waitMs: 2_000 }),
      rule({ callerPattern: 'UM', ignoreCase: true, waitMs: 3_000 }),
    ];
    const waitMs = (caller: string, agent: string) => policy(rules).waitFor(caller, agent).wordsMs;
    expect(waitMs('my name', 'What is your name?')).toBe(1_000);
    expect(waitMs('it is', 'What is your number?')).toBe(2_000);
    expect(waitMs('um', '')).toBe(3_000);
    expect(waitMs('Fine.', '')).toBe(300);
  });

  it('is safe from patterns that cannot be compiled or that would explode', () => {
    expect(policy([rule({ callerPattern: '(?<=a)b' }), rule({ callerPattern: '(' })]).waitFor('ab.', '').wordsMs).toBe(300);
    expect(policy([rule({ callerPattern: '(a+)+$' })]).waitFor(`${'a'.repeat(5_000)}b.`, '').wordsMs).toBe(300);
  });
});

describe('what words mean while the agent speaks', () => {
  it.each(['mm-hmm', 'Mm hmm.', 'Okay, yeah.', 'YES yes'])('%j is a murmur', (text) => expect(policy().acknowledges(text)).toBe(true));
  it.each(['', 'okay but', 'no', 'yesterday'])('%j is not', (text) => expect(policy().acknowledges(text)).toBe(false));
  it.each(['Stop!', 'please stop it', 'Never mind.', 'I don’t'])('%j interrupts', (text) => expect(policy().interrupts(text)).toBe(true));
  it.each(['unstoppable', 'never', 'mind'])('%j does not', (text) => expect(policy().interrupts(text)).toBe(false));
});

describe('words of languages without spaces', () => {
  it.each([
    ['我想预约明天下午三点', 5, 8],
    ['はい、そうですね。', 2, 3],
    ['สวัสดีครับผมต้องการสั่งอาหาร', 5, 7],
    ['ຂ້ອຍຕ້ອງການຄວາມຊ່ວຍເຫຼືອ', 2, 6],
    ['我要 iPhone 手机', 3, 4],
  ])('%s is %d to %d words', (text, least, most) => {
    expect(countWords(text)).toBeGreaterThanOrEqual(least);
    expect(countWords(text)).toBeLessThanOrEqual(most);
  });

  it.each([
    ['Where is my order?', 4],
    ["I don't know", 3],
    ['mm-hmm', 1],
    ['— … !', 0],
    ['안녕하세요 반갑습니다', 2],
    ['مرحبا كيف الحال', 3],
    ['', 0],
  ])('%j is %d words', (text, count) => expect(countWords(text)).toBe(count));

  it.each([
    ['那就再见了', '再见', true],
    ['别说了，停！', '停', true],
    ['别说了停一下', '停', true],
    ['停车场在哪里', '停', false],
    ['你等一下好吗', '等一下', true],
    ['不错', '不', false],
    ['それではさようなら', 'さようなら', true],
    ['ไม่เป็นไรครับ', 'ไม่', true],
    ['มากครับ', 'มา', false],
    ['好的OK再见', 'ok', true],
    ['Okay, goodbye then.', 'good', false],
    ['Okay, goodbye then.', 'Goodbye!', true],
    ['have a nice day, bye', 'nice day', true],
    ['anything', '', false],
    ['再见', '…', false],
    ['ate\u0301 logo!', 'At\u00e9 Logo', true],
    ['ate logo!', 'At\u00e9 Logo', false],
    ['حسنا، لا شكراً.', 'لا شكرا', true],
    ['شـــكرا', 'شُكْرًا', true],
    ['שָׁלוֹם', 'שלום', true],
    ['ไม่เป็นไร', 'ไมเปนไร', false],
    ['नमस्ते जी', 'नमसत', false],
  ])('%j has %j: %s', (text, phrase, found) => expect(hasPhrase(text, phrase)).toBe(found));

  const chinese = compilePolicy(
    planWith({ turns: { acknowledgements: ['嗯', '好的', 'はい', 'そうですね'], interruptions: ['停', '等一下', 'ちょっと待って'] } })
      .agent,
    600_000,
  );
  it.each(['嗯嗯。', '好的，好的', 'はい、そうですね。'])('%s is a murmur', (text) => expect(chinese.acknowledges(text)).toBe(true));
  it.each(['好的但是', '嗯，我想问', '好'])('%s is not', (text) => expect(chinese.acknowledges(text)).toBe(false));
  it.each(['等一下', '请你等一下', 'ちょっと待ってください'])('%s interrupts', (text) => expect(chinese.interrupts(text)).toBe(true));
  it.each(['停车场', '等你'])('%s does not', (text) => expect(chinese.interrupts(text)).toBe(false));

  it('are cut the same way alone and in a sentence', () => {
    expect(wordsOf('那就再见了').slice(2, 4)).toEqual(wordsOf('再见'));
    expect(wordsOf("Don't, e-mail ME: ok?")).toEqual(['dont', 'e', 'mail', 'me', 'ok']);
  });
});

describe('who says how long', () => {
  const named = (explicit: Partial<{ complete: boolean; incomplete: boolean; number: boolean }>) =>
    compilePolicy(
      planWith({ turns: { waitIncompleteMs: 1_500, explicit: { complete: false, incomplete: false, number: false, ...explicit } } }).agent,
      1,
    );
  it.each([
    ['where is my order', {}, 300, 'shape'],
    ['where is my order', { incomplete: true }, 1_500, 'plan'],
    ['where is my order', { complete: true }, 300, 'plan'],
    ['Where is my order?', { incomplete: true }, 300, 'shape'],
    ['my name is', { number: true }, 1_500, 'shape'],
    ['call 555', { number: true }, 500, 'plan'],
    ['電話番号は090', { number: true }, 500, 'plan'],
    ['你们几点营业', { incomplete: true }, 1_500, 'plan'],
    ['你们几点营业？', { incomplete: true }, 300, 'shape'],
  ])('%j with %j: %d ms by the %s', (text, explicit, wordsMs, by) => {
    expect(named(explicit).waitFor(text, '')).toEqual({ beforeMs: 0, wordsMs, by });
  });
});
