/**
 * Random conversations for the turn table, and the laws that every one of them must keep. A conversation is a list of inputs; the
 * world around the table (the voice detector, the open reply, what was answered) is kept here from the inputs and effects alone.
 */
import {
  type Effect,
  type Input,
  type Policy,
  type TimerName,
  TURN_START,
  type TurnState,
  type Words,
} from '../../src/call/turn/turn-state.ts';
import { step, TABLE, type Table } from '../../src/call/turn/turn-taking.ts';

export type Law = 'liveness' | 'conservation' | 'manners' | 'one reply' | 'phases' | 'answers' | 'ending';
export interface Breach {
  law: Law;
  detail: string;
  inputs: Input[];
}

export const FUZZ_POLICY: Policy = {
  waitMs: (caller) => (caller.endsWith('.') ? 300 : 900),
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
  durationMs: 600_000,
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

interface World {
  state: TurnState;
  at: number;
  /** What the voice detector says, unless the table took it for noise. */
  talking: boolean;
  open: number | null;
  ducked: boolean;
  said: string[];
  answered: string[];
  finished: boolean;
}

const newWorld = (): World => ({
  state: TURN_START,
  at: 0,
  talking: false,
  open: null,
  ducked: false,
  said: [],
  answered: [],
  finished: false,
});

/** Plays one input; gives the law that it broke, if any. */
function play(world: World, input: Input, policy: Policy, table: Table): { law: Law; detail: string } | null {
  const before = world.state;
  world.at = input.at;
  if (input.type === 'started') world.talking = true;
  if (input.type === 'stopped') world.talking = false;
  if (input.type === 'timer' && input.timer === 'turn-end' && before.phase === 'listening' && before.timers['turn-end'] !== undefined)
    world.talking = false;
  if (input.type === 'words' && before.phase !== 'over') world.said.push(input.words.text);
  if (input.type === 'ended' && input.reply === world.open) {
    world.open = null;
    world.ducked = false;
  }
  const [state, ...effects] = step(before, input, policy, table);
  world.state = state;
  if (before.open && state.open?.number === before.open.number && state.open.audible && !before.open.audible)
    world.answered.push(...before.open.asked.map((words) => words.text));
  for (const effect of effects) {
    const breach = follow(world, effect);
    if (breach) return breach;
  }
  return judge(world);
}

function follow(world: World, effect: Effect): { law: Law; detail: string } | null {
  switch (effect.type) {
    case 'begin':
      if (world.open !== null) return { law: 'one reply', detail: `reply ${effect.reply} begins while ${world.open} is open` };
      world.open = effect.reply;
      return null;
    case 'cut':
      if (world.open !== effect.reply) return { law: 'one reply', detail: `cut of ${effect.reply}, open is ${world.open}` };
      world.open = null;
      world.ducked = false;
      return null;
    case 'duck':
      world.ducked = true;
      return null;
    case 'resume':
      world.ducked = false;
      return world.talking ? { law: 'manners', detail: 'the agent resumes while the caller talks' } : null;
    case 'finish':
      if (world.finished) return { law: 'ending', detail: 'finished twice' };
      world.finished = true;
      return null;
    default:
      return null;
  }
}

function judge({ state, open, ducked, talking, said, answered, finished }: World): { law: Law; detail: string } | null {
  const { phase, timers } = state;
  const replying = phase === 'thinking' || phase === 'speaking' || phase === 'yielding';
  if (phase !== 'closing' && (open !== null) !== replying)
    return { law: 'phases', detail: `${phase} with ${open === null ? 'no' : 'an'} open reply` };
  if (phase !== 'closing' && ducked !== (phase === 'yielding')) return { law: 'phases', detail: `${phase}, ducked: ${ducked}` };
  if ((phase === 'over') !== finished) return { law: 'ending', detail: `${phase}, finished: ${finished}` };
  const kept = [...answered, ...(state.open?.asked ?? []).map(textOf), ...state.waiting.map(textOf)];
  if (kept.length !== said.length || new Set(kept).size !== kept.length || !said.every((text) => kept.includes(text)))
    return { law: 'conservation', detail: `said ${said.join(' ')}; kept ${kept.join(' ')}` };
  if (state.connected && !canMove(phase, timers, talking, open !== null)) return { law: 'liveness', detail: `${phase} waits for nothing` };
  return null;
}

function canMove(phase: TurnState['phase'], timers: TurnState['timers'], talking: boolean, open: boolean): boolean {
  switch (phase) {
    case 'listening':
      return talking || timers.silence !== undefined;
    case 'deciding':
      return timers['turn-end'] !== undefined;
    case 'thinking':
    case 'speaking':
      return open;
    case 'yielding':
      return timers['false-alarm'] !== undefined;
    case 'closing':
      return timers.closing !== undefined;
    case 'over':
      return true;
    default:
      return phase satisfies never;
  }
}

const textOf = (words: Words) => words.text;

/** A conversation that goes on fairly: the caller falls silent, replies are heard. Every question must have been answered then. */
function settle(world: World, policy: Policy, table: Table): { law: Law; detail: string } | null {
  const next = (input: Input) => play(world, input, policy, table);
  for (let turn = 0; turn < 60; turn++) {
    const { state } = world;
    if (state.phase === 'over' || !state.connected) return null;
    const at = world.at + 1;
    const due = Object.entries(state.timers).filter(([name, time]) => name !== 'duration' && time !== undefined) as [TimerName, number][];
    due.sort((a, b) => a[1] - b[1]);
    const answered = world.open === null && !state.waiting.some((words) => !words.soft) && state.queue.length === 0;
    let breach: ReturnType<typeof play>;
    if (world.talking) breach = next({ type: 'stopped', at, silentMs: 256 });
    else if (state.muted && state.phase !== 'closing') breach = next({ type: 'mute', at, on: false });
    else if (world.open !== null && !world.ducked && !state.open?.audible) breach = next({ type: 'audible', at, reply: world.open });
    else if (world.open !== null && !world.ducked) breach = next({ type: 'ended', at, reply: world.open, failed: false });
    else if (answered && state.phase === 'listening') return null;
    else if (due[0]?.[0] === 'silence' && !answered) return { law: 'answers', detail: 'words wait, and only the silence limit is pending' };
    else if (due[0]) breach = next({ type: 'timer', at: Math.max(at, due[0][1]), timer: due[0][0] });
    else return { law: 'answers', detail: `stuck in ${state.phase}` };
    if (breach) return breach;
  }
  return { law: 'answers', detail: `not at rest after 60 fair steps, in ${world.state.phase}` };
}

/** Replays inputs and the fair ending; the first breach, or `null`. */
function check(inputs: readonly Input[], policy: Policy, table: Table = TABLE): Breach | null {
  const world = newWorld();
  for (const [index, input] of inputs.entries()) {
    const breach = play(world, input, policy, table);
    if (breach) return { ...breach, inputs: inputs.slice(0, index + 1) };
  }
  const breach = settle(world, policy, table);
  return breach && { ...breach, inputs: [...inputs] };
}

/** One random conversation. */
export function converse(seed: number, policy: Policy, table: Table = TABLE): Breach | null {
  const pick = random(seed);
  const world = newWorld();
  const inputs: Input[] = [];
  const length = 6 + Math.floor(pick() * 30);
  let words = 0;
  for (let i = 0; i < length && world.state.phase !== 'over'; i++) {
    const input = i === 0 ? opening(pick) : anyInput(pick, world, () => ++words);
    inputs.push(input);
    const breach = play(world, input, policy, table);
    if (breach) return { ...breach, inputs };
  }
  const breach = settle(world, policy, table);
  return breach && { ...breach, inputs };
}

/** Leaves inputs out as long as the same law stays broken: the shortest story of the fault. */
export function shorten(breach: Breach, policy: Policy, table: Table): Breach {
  let shortest = breach;
  for (let i = shortest.inputs.length - 1; i >= 0; i--) {
    const candidate = check(shortest.inputs.toSpliced(i, 1), policy, table);
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
  const { state } = world;
  const at = world.at + (pick() < 0.3 ? 0 : Math.floor(pick() * 700));
  const due = Object.entries(state.timers).filter(([, time]) => time !== undefined) as [TimerName, number][];
  const roll = pick();
  if (roll < 0.2) return world.talking ? { at, type: 'stopped', silentMs: 256 } : { at, type: 'started' };
  if (roll < 0.36) {
    const kind = pick();
    const text = `${kind < 0.2 ? 'mm-hmm' : kind < 0.3 ? 'stop' : 'word'}${nextWord()}${pick() < 0.5 ? '.' : ''}`;
    return { at, type: 'words', words: { at, text, from: at, to: at, typed: pick() < 0.1, rejected: pick() < 0.1 } };
  }
  if (roll < 0.43) return { at, type: 'partial', text: pick() < 0.3 ? 'mm-hmm' : 'and then' };
  if (roll < 0.63 && due.length > 0) {
    const [timer, time] = due[Math.floor(pick() * due.length)] ?? ['silence', at];
    if (timer !== 'duration' || pick() < 0.05) return { at: Math.max(world.at, time), type: 'timer', timer };
  }
  if (roll < 0.75 && world.open !== null && !world.ducked) return { at, type: 'audible', reply: world.open };
  if (roll < 0.88 && world.open !== null) return { at, type: 'ended', reply: world.open, failed: pick() < 0.15 };
  if (roll < 0.9) return { at, type: pick() < 0.5 ? 'audible' : 'ended', reply: state.replies - 1, failed: false } as Input;
  if (roll < 0.94) return { at, type: 'say', saying: saying(pick, 'say') };
  if (roll < 0.96) return { at, type: 'mute', on: pick() < 0.5 };
  if (roll < 0.97) return { at, type: 'said', text: pick() < 0.5 ? 'Shall I?' : 'Done.' };
  if (roll < 0.985) return { at, type: 'turnEnd', probability: pick() };
  if (roll < 0.99) return { at, type: 'broken', kind: pick() < 0.5 ? 'llm' : 'tts' };
  if (roll < 0.996) return { at, type: 'close', reason: pick() < 0.5 ? 'agent-hung-up' : 'api' };
  return { at, type: 'gone' };
}
