/** Random conversations for the turn table: lists of inputs that a caller, a line, providers and an operator could give, in any order. */
import type { Input, Policy, TimerName, Words } from '../../src/call/turn/turn-state.ts';
import { TABLE, type Table } from '../../src/call/turn/turn-taking.ts';
import { type Law, newWorld, play, settle, type World } from './world.ts';

export interface Breach {
  law: Law;
  detail: string;
  inputs: Input[];
  /** The caller's street is never quiet afterwards. */
  noise: boolean;
}

export const FUZZ_POLICY: Policy = {
  waitFor: (caller) => ({ beforeMs: 0, wordsMs: caller.endsWith('.') ? 300 : 900, by: 'shape' }),
  acknowledges: (text) => text.startsWith('mm-hmm'),
  interrupts: (text) => text.startsWith('stop'),
  interruptWords: 0,
  falseAlarmMs: 600,
  holdMs: 300,
  backoffMs: 200,
  idleMs: 5_000,
  idleTexts: ['Are you still there?'],
  idleMost: 2,
  silenceMs: 20_000,
  durationMs: 6_000_000,
  screenMs: 0,
  voicemail: 'Please call back.',
  transferFailed: 'Nobody is there.',
  farewell: 'Goodbye.',
  deafFarewell: 'I cannot hear you.',
};

/** Small, fast, seeded: mulberry32. */
export function random(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Replays inputs and the fair ending; the first breach, or `null`. */
export function check(inputs: readonly Input[], policy: Policy, noise: boolean, table: Table = TABLE): Breach | null {
  const world = newWorld();
  for (const [index, input] of inputs.entries()) {
    const breach = play(world, input, policy, table);
    if (breach) return { ...breach, inputs: inputs.slice(0, index + 1), noise };
  }
  const breach = settle(world, policy, table, noise);
  return breach && { ...breach, inputs: [...inputs], noise };
}

/** One random conversation. */
export function converse(seed: number, policy: Policy, table: Table = TABLE): Breach | null {
  const pick = random(seed);
  const world = newWorld();
  const inputs: Input[] = [];
  const length = 6 + Math.floor(pick() * 30);
  const noise = pick() < 0.2;
  let words = 0;
  for (let i = 0; i < length && world.state.phase !== 'over'; i++) {
    const input = i === 0 ? opening(pick) : anyInput(pick, world, () => ++words);
    inputs.push(input);
    const breach = play(world, input, policy, table);
    if (breach) return { ...breach, inputs, noise };
  }
  const breach = settle(world, policy, table, noise);
  return breach && { ...breach, inputs, noise };
}

/** Leaves inputs out as long as the same law stays broken: the shortest story of the fault. */
export function shorten(breach: Breach, policy: Policy, table: Table): Breach {
  let shortest = breach;
  for (let i = shortest.inputs.length - 1; i >= 0; i--) {
    const candidate = check(shortest.inputs.toSpliced(i, 1), policy, breach.noise, table);
    if (candidate?.law === breach.law) {
      shortest = candidate;
      i = Math.min(i, shortest.inputs.length);
    }
  }
  return shortest;
}

const saying = (pick: () => number, cause: 'say' | 'first-message') => ({
  cause,
  text: pick() < 0.6 ? 'Hello.' : null,
  interruptible: pick() < 0.8,
  interrupt: pick() < 0.4,
  endAfter: false,
});

function opening(pick: () => number): Input {
  return { at: 0, type: 'connected', saying: pick() < 0.6 ? saying(pick, 'first-message') : null };
}

function anyInput(pick: () => number, world: World, nextWord: () => number): Input {
  const { state, open } = world;
  const at = world.at + (pick() < 0.3 ? 0 : Math.floor(pick() * 700));
  const roll = pick();
  if (roll < 0.2) return world.wordlessSince === null ? { at, type: 'started' } : { at, type: 'stopped', silentMs: 256 };
  if (roll < 0.36) return { at, type: 'words', words: anyWords(pick, world, at, nextWord) };
  if (roll < 0.43) return { at, type: 'partial', text: pick() < 0.3 ? 'mm-hmm' : 'and then' };
  if (roll < 0.63) {
    const due = Object.entries(state.timers).filter(([, time]) => time !== undefined) as [TimerName, number][];
    const [timer, time] = due[Math.floor(pick() * due.length)] ?? ['silence', at];
    if (due.length > 0 && (timer !== 'duration' || pick() < 0.05)) return { at: Math.max(world.at, time), type: 'timer', timer };
  }
  if (roll < 0.75 && open !== null && !world.ducked) return { at, type: 'audible', reply: open.number };
  if (roll < 0.88 && open !== null) return { at, type: 'ended', reply: open.number, failed: pick() < 0.15 };
  if (roll < 0.9) return { at, type: pick() < 0.5 ? 'audible' : 'ended', reply: state.replies - 1, failed: false } as Input;
  if (roll < 0.93) return { at, type: 'say', saying: saying(pick, 'say') };
  if (roll < 0.945) return { at, type: 'mute', on: pick() < 0.5 };
  if (roll < 0.95) return { at, type: 'said', text: pick() < 0.5 ? 'Shall I?' : 'Done.' };
  if (roll < 0.96) return { at, type: 'turnEnd', probability: pick() };
  if (roll < 0.965) return { at, type: 'wait', ms: Math.floor(pick() * 3_000) - 500 };
  if (roll < 0.985) return anyAbsence(pick, world, at);
  if (roll < 0.99) return { at, type: 'broken', kind: pick() < 0.5 ? 'llm' : 'tts' };
  if (roll < 0.996) return { at, type: 'close', reason: pick() < 0.5 ? 'agent-hung-up' : 'api' };
  return { at, type: 'gone' };
}

function anyAbsence(pick: () => number, { parked, lost }: World, at: number): Input {
  const roll = pick();
  if (roll < 0.3) return { at, type: 'hold', why: 'asked', on: !parked || pick() < 0.1 };
  if (roll < 0.5) return { at, type: 'hold', why: 'lost', on: !lost || pick() < 0.1 };
  if (roll < 0.6) return { at, type: 'connected', saying: pick() < 0.5 ? saying(pick, pick() < 0.5 ? 'first-message' : 'say') : null };
  if (roll < 0.8) return { at, type: 'transfer', destination: '+15550003' };
  if (roll < 0.9) return { at, type: 'transferred', ok: pick() < 0.5, detail: '' };
  return { at, type: 'screened', by: pick() < 0.5 ? 'person' : pick() < 0.5 ? 'machine' : 'unknown' };
}

/** New words, interim or final; or the late final of interim words: the same, with more behind it, or others. */
function anyWords(pick: () => number, { interim }: World, at: number, nextWord: () => number): Words {
  const number = nextWord();
  const kind = pick();
  const text = `${kind < 0.2 ? 'mm-hmm' : kind < 0.3 ? 'stop' : 'word'}${number}${pick() < 0.5 ? '.' : ''}`;
  const words = { at, text, from: number, to: number, typed: pick() < 0.1, rejected: pick() < 0.1 };
  const late = pick() < 0.4 ? [...interim.keys()].at(-1) : undefined;
  if (late !== undefined && pick() < 0.9) {
    const known = interim.get(late) ?? '';
    const roll = pick();
    return { ...words, text: roll < 0.4 ? known : roll < 0.7 ? `${known} more${number}` : `other${number}`, from: late, replaces: late };
  }
  return pick() < 0.25 ? { ...words, interim: true } : words;
}
