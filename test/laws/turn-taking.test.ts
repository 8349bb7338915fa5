/** The turn table under random conversations, and the proof that the laws can fail. */
import { describe, expect, it } from 'vitest';
import { begin, cut, go, keep, unheard } from '../../src/call/turn/turn-rules.ts';
import type { Policy } from '../../src/call/turn/turn-state.ts';
import { TABLE, type Table } from '../../src/call/turn/turn-taking.ts';
import { type Breach, converse, FUZZ_POLICY, type Law, shorten } from './conversations.ts';

const CONVERSATIONS = 120_000;
const SEED = 20_261_120;

const POLICIES: readonly Policy[] = [
  FUZZ_POLICY,
  { ...FUZZ_POLICY, interruptWords: 2, backoffMs: 1_000 },
  { ...FUZZ_POLICY, idleMs: 0, farewell: '', waitMs: () => 0 },
];

function hunt(count: number, table: Table): { seed: number; breach: Breach; policy: Policy } | null {
  for (let i = 0; i < count; i++) {
    const seed = SEED + i;
    const policy = POLICIES[i % POLICIES.length] ?? FUZZ_POLICY;
    const breach = converse(seed, policy, table);
    if (breach) return { seed, breach: shorten(breach, policy, table), policy };
  }
  return null;
}

const told = (found: ReturnType<typeof hunt>) =>
  found &&
  `seed ${found.seed}: ${found.breach.law}: ${found.breach.detail}\n${found.breach.inputs.map((input) => JSON.stringify(input)).join('\n')}`;

describe('the turn table', () => {
  it(`keeps its laws in ${CONVERSATIONS} random conversations`, { timeout: 60_000 }, () => {
    expect(told(hunt(CONVERSATIONS, TABLE))).toBeNull();
  });

  const broken: [Law, string, Table][] = [
    [
      'liveness',
      'nothing is armed when the caller stops',
      { ...TABLE, listening: { ...TABLE.listening, stopped: () => [{ talking: false }] } },
    ],
    [
      'conservation',
      'a superseded reply forgets what it was asked',
      {
        ...TABLE,
        thinking: {
          ...TABLE.thinking,
          words: (state, { words, at }, policy) =>
            cut({ ...keep(state, words, at), open: state.open && { ...state.open, asked: [] } }, at, 'superseded', policy),
        },
      },
    ],
    [
      'manners',
      'the alarm always resumes',
      {
        ...TABLE,
        yielding: {
          ...TABLE.yielding,
          timer: (state) => [
            go(state, state.open?.audible ? 'speaking' : 'thinking', {}),
            { type: 'resume', reply: state.open?.number ?? 0 },
          ],
        },
      },
    ],
    [
      'one reply',
      'a message is spoken into a reply',
      { ...TABLE, speaking: { ...TABLE.speaking, say: (state, { at, saying }) => begin(state, at, saying) } },
    ],
    ['phases', 'the end of a reply is missed', { ...TABLE, speaking: { ...TABLE.speaking, ended: 'ignore' } }],
    [
      'answers',
      'words after the voice are kept, but nobody decides',
      { ...TABLE, listening: { ...TABLE.listening, words: (state, { words, at }) => [keep(state, words, at)] } },
    ],
    [
      'ending',
      'a hang-up finishes twice',
      {
        ...TABLE,
        over: { ...TABLE.over, gone: () => [{}, { type: 'finish' }] },
        closing: { ...TABLE.closing, gone: (state) => [{ open: null, waiting: unheard(state) }, { type: 'finish' }] },
      },
    ],
  ];
  it.each(broken)('would be caught breaking the law of %s: %s', (law, _, table) => {
    const found = hunt(20_000, table);
    expect(found?.breach.law).toBe(law);
    expect(found?.breach.inputs.length).toBeLessThan(12);
  });
});
