/**
 * The world around the turn table (the voice detector, the leg, the open reply, what was said and answered), kept from inputs and effects
 * alone, and the laws that must hold in it after every input and at the end of every fair conversation.
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
import { step, type Table } from '../../src/call/turn/turn-taking.ts';

export type Law = 'liveness' | 'conservation' | 'manners' | 'one reply' | 'phases' | 'answers' | 'ending' | 'away';
export type Fault = { law: Law; detail: string } | null;

export interface World {
  state: TurnState;
  at: number;
  /** Since when the voice detector has heard a voice without any words; `null` while it hears none. */
  wordlessSince: number | null;
  /** It was without words for so long that it counts for nothing until it stops. */
  noise: boolean;
  connected: boolean;
  parked: boolean;
  lost: boolean;
  open: { readonly number: number; readonly asked: readonly string[]; readonly interruptible: boolean; audible: boolean } | null;
  ducked: boolean;
  /** What must be waiting, asked or answered. A final takes the place of its interim words; of answered ones, only what it adds is new. */
  said: string[];
  /** The interim words by the name that their final gives them. */
  interim: Map<number, string>;
  answered: string[];
  finished: boolean;
}

export const newWorld = (): World => ({
  state: TURN_START,
  at: 0,
  wordlessSince: null,
  noise: false,
  connected: false,
  parked: false,
  lost: false,
  open: null,
  ducked: false,
  said: [],
  interim: new Map(),
  answered: [],
  finished: false,
});

/** The manners' one exception: voice without a word for so long is no caller, until it stops. */
const NOISE_MS = 4_000;
const isNoise = ({ noise, wordlessSince, at }: World) => noise || (wordlessSince !== null && at - wordlessSince >= NOISE_MS);
const callerTalks = (world: World) => world.wordlessSince !== null && !isNoise(world);

/** What an input means to the world, whatever the table makes of it. */
function observe(world: World, input: Input): void {
  world.at = input.at;
  if (world.finished) return;
  world.noise = isNoise(world);
  switch (input.type) {
    case 'connected':
      world.connected = true;
      world.lost = false;
      break;
    case 'hold':
      if (input.why === 'lost') world.lost = input.on && world.connected;
      else world.parked = input.on && world.connected;
      break;
    case 'transfer':
      // Whoever gives the caller away has taken them off hold.
      if (world.state.phase === 'held' && !world.lost) world.parked = false;
      break;
    case 'started':
      world.wordlessSince ??= input.at;
      break;
    case 'stopped':
      world.wordlessSince = null;
      world.noise = false;
      break;
    case 'partial':
      if (world.wordlessSince !== null) world.wordlessSince = input.at;
      break;
    case 'words':
      if (hear(world, input.words) && world.wordlessSince !== null) world.wordlessSince = input.at;
      break;
    case 'ended':
      if (input.reply !== world.open?.number) break;
      world.open = null;
      world.ducked = false;
  }
}

/** Did the words say anything new? */
function hear({ said, answered, interim }: World, { text, from, replaces, interim: unsure }: Words): boolean {
  const known = replaces === undefined ? undefined : interim.get(replaces);
  const late = known !== undefined && answered.includes(known);
  if (replaces !== undefined && !late) interim.delete(replaces);
  if (unsure) interim.set(from, text);
  if (known === undefined) said.push(text);
  else if (!late) said[said.indexOf(known)] = text;
  else if (text.startsWith(`${known} `)) said.push(text.slice(known.length + 1));
  else return false;
  return true;
}

/** Plays one input; gives the law that it broke, if any. */
export function play(world: World, input: Input, policy: Policy, table: Table): Fault {
  const before = world.state;
  observe(world, input);
  const [state, ...effects] = step(before, input, policy, table);
  world.state = state;
  if (world.open && !world.open.audible && state.open?.number === world.open.number && state.open.audible) {
    world.open.audible = true;
    world.answered.push(...world.open.asked);
  }
  // A final that corrects the question of the open reply is asked from now on.
  else if (world.open && state.open?.number === world.open.number && state.open.asked !== before.open?.asked)
    world.open = { ...world.open, asked: world.open.asked.length > 0 ? state.open.asked.map(textOf) : [] };
  for (const effect of effects) {
    const breach = follow(world, effect, before);
    if (breach) return breach;
  }
  return judge(world);
}

function follow(world: World, effect: Effect, before: TurnState): Fault {
  switch (effect.type) {
    case 'begin': {
      const { reply, saying, turn } = effect;
      if (world.open !== null) return { law: 'one reply', detail: `reply ${reply} begins while ${world.open.number} is open` };
      if (saying.text !== null && turn) return { law: 'conservation', detail: `a given text is said to answer ${turn.words.map(textOf)}` };
      if (before.phase === 'held' || before.phase === 'transferring')
        if (world.parked || world.lost) return { law: 'away', detail: `reply ${reply} begins in ${before.phase}` };
      if (callerTalks(world) && !saying.interrupt && saying.cause !== 'farewell' && before.phase !== 'screening')
        return { law: 'manners', detail: `reply ${reply} begins while the caller talks` };
      world.open = { number: reply, asked: turn?.words.map(textOf) ?? [], interruptible: saying.interruptible, audible: false };
      return null;
    }
    case 'cut':
      if (world.open?.number !== effect.reply) return { law: 'one reply', detail: `cut of ${effect.reply}, open is ${world.open?.number}` };
      world.open = null;
      world.ducked = false;
      return null;
    case 'duck':
      world.ducked = true;
      return null;
    case 'resume':
      world.ducked = false;
      return callerTalks(world) && world.open?.interruptible
        ? { law: 'manners', detail: 'the agent resumes while the caller talks' }
        : null;
    case 'transfer':
      return world.open ? { law: 'away', detail: 'the caller goes before the reply was heard to its end' } : null;
    case 'finish':
      if (world.finished) return { law: 'ending', detail: 'finished twice' };
      world.finished = true;
      return null;
    default:
      return null;
  }
}

function judge({ state, connected, parked, lost, open, ducked, said, answered, finished }: World): Fault {
  const { phase, timers } = state;
  const replying = phase === 'thinking' || phase === 'speaking' || phase === 'yielding';
  if (phase !== 'closing' && phase !== 'held' && (open !== null) !== replying)
    return { law: 'phases', detail: `${phase} with ${open === null ? 'no' : 'an'} open reply` };
  if (phase === 'held' ? ducked !== (open !== null) : phase !== 'closing' && ducked !== (phase === 'yielding'))
    return { law: phase === 'held' ? 'away' : 'phases', detail: `${phase}, ducked: ${ducked}` };
  if (connected && (parked || lost) && !['held', 'screening', 'transferring', 'closing', 'over'].includes(phase))
    return { law: 'away', detail: `${phase}, but the caller is ${lost ? 'lost' : 'parked'}` };
  if (lost && (phase === 'held' || phase === 'closing') && open !== null) return { law: 'away', detail: 'a reply for a leg that is lost' };
  if ((phase === 'over') !== finished) return { law: 'ending', detail: `${phase}, finished: ${finished}` };
  const kept = [...answered, ...(open && !open.audible ? open.asked : []), ...state.waiting.map(textOf)];
  if (!sameItems(kept, said)) return { law: 'conservation', detail: `said ${said.join(' | ')}; kept ${kept.join(' | ')}` };
  if (state.connected && !canMove(phase, timers, open !== null)) return { law: 'liveness', detail: `${phase} waits for nothing` };
  return null;
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const left = [...b];
  return a.every((item) => {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
    return index >= 0;
  });
}

/** A voice moves nothing: it may be a street that never falls silent. */
function canMove(phase: TurnState['phase'], timers: TurnState['timers'], open: boolean): boolean {
  switch (phase) {
    case 'screening':
      return timers.screening !== undefined;
    case 'listening':
      return timers.silence !== undefined || timers['turn-end'] !== undefined;
    case 'deciding':
      return timers['turn-end'] !== undefined;
    case 'thinking':
    case 'speaking':
      return open;
    case 'yielding':
      return timers['false-alarm'] !== undefined;
    case 'held':
      return timers.held !== undefined;
    case 'transferring':
      return timers.transfer !== undefined;
    case 'closing':
      return timers.closing !== undefined;
    case 'over':
      return true;
    default:
      return phase satisfies never;
  }
}

const textOf = (words: Words) => words.text;

/**
 * A conversation that goes on fairly: the caller is there and falls silent, replies are heard. Every question must have been answered then.
 * With `noise` the voice detector hears a voice for ever, and bursts of it, and the same must hold.
 */
export function settle(world: World, policy: Policy, table: Table, noise: boolean): Fault {
  const next = (input: Input) => play(world, input, policy, table);
  if (noise && world.wordlessSince === null) {
    const breach = next({ at: world.at + 1, type: 'started' });
    if (breach) return breach;
  }
  for (let turn = 0; turn < 80; turn++) {
    const { state } = world;
    if (state.phase === 'over' || !state.connected) return null;
    const at = world.at + 1;
    const due = Object.entries(state.timers).filter(([name, time]) => name !== 'duration' && time !== undefined) as [TimerName, number][];
    due.sort((a, b) => a[1] - b[1]);
    const answered = world.open === null && !state.waiting.some((words) => !words.soft) && state.queue.length === 0;
    let breach: Fault;
    if (state.phase === 'transferring') breach = next({ type: 'transferred', at, ok: false, detail: '' });
    else if (world.lost) breach = next({ type: 'connected', at, saying: null });
    else if (world.parked) breach = next({ type: 'hold', at, on: false, why: 'asked' });
    else if (state.phase === 'screening') breach = next({ type: 'screened', at, by: 'person' });
    else if (world.wordlessSince !== null && !noise) breach = next({ type: 'stopped', at, silentMs: 256 });
    else if (state.muted && state.phase !== 'closing') breach = next({ type: 'mute', at, on: false });
    else if (world.open !== null && !world.ducked && !state.open?.audible) breach = next({ type: 'audible', at, reply: world.open.number });
    else if (world.open !== null && !world.ducked) breach = next({ type: 'ended', at, reply: world.open.number, failed: false });
    else if (answered && state.phase === 'listening') return noise ? hangOn(world, policy, table) : null;
    else if (due[0]?.[0] === 'silence' && !answered) return { law: 'answers', detail: 'words wait, and only the silence limit is pending' };
    else if (due[0]) breach = next({ type: 'timer', at: Math.max(at, due[0][1]), timer: due[0][0] });
    else return { law: 'answers', detail: `stuck in ${state.phase}` };
    if (breach) return breach;
  }
  return { law: 'answers', detail: `not at rest after 80 fair steps, in ${world.state.phase}` };
}

/** Bursts of noise, nobody says a word, the agent's prompts are heard: within the silence limits and the time that noise is granted it is over. */
function hangOn(world: World, policy: Policy, table: Table): Fault {
  const untilMs = world.at + (policy.silenceMs + 10_000 + NOISE_MS) * (policy.idleMost + 2);
  while (world.state.phase !== 'over') {
    const { state } = world;
    if (world.at > untilMs) return { law: 'answers', detail: 'noise holds off the silence limit' };
    const times = Object.entries(state.timers) as [TimerName, number | undefined][];
    const [timer, due] = times.reduce((a, b) => ((a[1] ?? Infinity) <= (b[1] ?? Infinity) ? a : b));
    const burst = world.at + 900;
    let input: Input;
    if (world.open && !world.ducked) {
      const reply = world.open.number;
      input = world.open.audible ? { at: world.at + 1, type: 'ended', reply, failed: false } : { at: world.at + 1, type: 'audible', reply };
    } else if (due !== undefined && due <= burst) input = { at: Math.max(world.at, due), type: 'timer', timer };
    else input = world.wordlessSince === null ? { at: burst, type: 'started' } : { at: burst, type: 'stopped', silentMs: 256 };
    const breach = play(world, input, policy, table);
    if (breach) return breach;
  }
  return null;
}
