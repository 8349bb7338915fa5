/** The turn table under random conversations, and the proof that the laws can fail. */
import { describe, expect, it } from 'vitest';
import { keep, unheard, voiced } from '../../src/call/turn/kept-words.ts';
import { cut } from '../../src/call/turn/reply-rules.ts';
import { begin, decide, fallenSilent, go, rest, setOut } from '../../src/call/turn/turn-rules.ts';
import type { Policy } from '../../src/call/turn/turn-state.ts';
import { TABLE, type Table } from '../../src/call/turn/turn-taking.ts';
import { type Breach, converse, FUZZ_POLICY, shorten } from './conversations.ts';
import type { Law } from './world.ts';

const CONVERSATIONS = 120_000;
const SEED = 20_261_120;

const POLICIES: readonly Policy[] = [
  FUZZ_POLICY,
  { ...FUZZ_POLICY, interruptWords: 2, backoffMs: 1_000 },
  { ...FUZZ_POLICY, idleMs: 0, farewell: '', waitFor: () => ({ beforeMs: 0, wordsMs: 0, by: 'plan' }), screenMs: 2_000 },
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
      'a voice holds off everything',
      { ...TABLE, listening: { ...TABLE.listening, started: (state, { at }) => [go(voiced(state, at), 'listening', {})] } },
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
      'conservation',
      'a given text answers the question',
      {
        ...TABLE,
        deciding: {
          ...TABLE.deciding,
          say: (state, { at, saying }) => {
            const [next, ...effects] = begin(state, at, { ...saying, text: null });
            return [next, ...effects.map((effect) => (effect.type === 'begin' ? { ...effect, saying } : effect))];
          },
        },
      },
    ],
    [
      'conservation',
      'a late final stands beside its interim words',
      {
        ...TABLE,
        listening: {
          ...TABLE.listening,
          words: (state, { words: { replaces: _, ...words }, at }, policy) => rest(keep(state, words, at), at, policy),
        },
      },
    ],
    [
      'manners',
      'words are answered although the voice goes on',
      {
        ...TABLE,
        listening: { ...TABLE.listening, words: (state, { words, at }, policy) => decide(keep(state, words, at), at, policy) },
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
      {
        ...TABLE,
        listening: {
          ...TABLE.listening,
          words: (state, { words, at }, policy) => (state.talking ? rest(keep(state, words, at), at, policy) : [keep(state, words, at)]),
        },
      },
    ],
    [
      'answers',
      'every burst of noise begins the silence anew',
      {
        ...TABLE,
        listening: {
          ...TABLE.listening,
          stopped: (state, { at, silentMs }, policy) => rest({ ...fallenSilent(state, at - silentMs), spokeAt: at }, at, policy),
        },
      },
    ],
    [
      'away',
      'a message is spoken to a caller on hold',
      { ...TABLE, held: { ...TABLE.held, say: (state, { at, saying }) => begin(state, at, saying) } },
    ],
    [
      'away',
      'a reply goes on although the leg is lost',
      { ...TABLE, speaking: { ...TABLE.speaking, hold: (_, { why, on }) => [why === 'lost' ? { lost: on } : { parked: on }] } },
    ],
    [
      'away',
      'the caller goes in the middle of a reply',
      { ...TABLE, speaking: { ...TABLE.speaking, transfer: (state, { at, destination }) => setOut(state, at, destination) } },
    ],
    [
      'liveness',
      'nobody comes back for a caller on hold',
      { ...TABLE, listening: { ...TABLE.listening, hold: (state, { on }) => [on ? go({ ...state, parked: true }, 'held', {}) : {}] } },
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
