import { describe, expect, it } from 'vitest';
import type { EndpointingRule } from '../../src/agent/plan.ts';
import { compilePolicy } from '../../src/call/turn/endpointing.ts';
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
