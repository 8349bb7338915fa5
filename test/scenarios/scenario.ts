/**
 * Scripted conversations on the virtual clock. A scenario says who does what when; the whole call runs for real, and its event log is
 * compared with the golden one, line by line. `UPDATE_GOLDEN=1` writes the logs anew: read their difference like code.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Desk, ToolQuestion, ToolResult } from '../../src/agent/desk.ts';
import { type AgentPlan, type CallPlan, DEFAULT_SPEECH, type ToolPlan } from '../../src/agent/plan.ts';
import { type Call, startCall } from '../../src/call/call.ts';
import type { ControlCommand } from '../../src/call/control.ts';
import type { CallEvent, CallEventType, EndReason, EventOf } from '../../src/call/events.ts';
import { compilePolicy } from '../../src/call/turn/endpointing.ts';
import { inputOf } from '../../src/call/turn/inputs.ts';
import { TURN_START } from '../../src/call/turn/turn-state.ts';
import { step } from '../../src/call/turn/turn-taking.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import { parseControl } from '../../src/wire/control.ts';
import { resumeAnywhere } from '../laws/resuming.ts';
import {
  type FakeEars,
  type FakeLine,
  type FakeModel,
  type FakeVoice,
  fakeEars,
  fakeLine,
  fakeModel,
  fakeVad,
  fakeVoice,
  type LineOptions,
  providerSet,
} from './fakes.ts';

const access = { apiKey: '', baseUrl: '' };
const choice = (provider: string) => ({ provider, settings: { model: `${provider}-1` }, access });

/** A plain agent with quick, round numbers. */
export const PLAN: CallPlan = {
  call: 'call-1',
  organization: 'default',
  channel: 'phone-inbound',
  from: '+15550001',
  to: '+15550002',
  agent: {
    assistantId: null,
    name: 'Ada',
    language: 'en',
    opening: { mode: 'caller', text: '', interruptible: true },
    screening: null,
    prompt: [{ role: 'system', content: 'You are Ada.' }],
    tools: [],
    stt: [choice('ears')],
    llm: [choice('model')],
    tts: [choice('voice')],
    expected: [],
    turns: {
      waitCompleteMs: 300,
      waitIncompleteMs: 900,
      waitNumberMs: 500,
      explicit: { complete: false, incomplete: false, number: false },
      waitBeforeSpeakingMs: 0,
      interruptWords: 0,
      interruptVoiceMs: 200,
      falseAlarmMs: 800,
      backoffMs: 0,
      acknowledgements: ['mm-hmm', 'okay', 'yes', 'yeah', 'uh-huh'],
      interruptions: ['stop', 'wait', 'no'],
      rules: [],
      drafts: true,
    },
    keypad: null,
    speech: DEFAULT_SPEECH,
    idle: { afterMs: 0, texts: [], most: 0 },
    silenceMs: 30_000,
    endPhrases: [],
    farewell: '',
    fallback: 'Sorry, something went wrong. Could you say that again?',
  },
  durationMs: 600_000,
  record: false,
  metadata: {},
};

/** What is true of the call and of its agent, side by side. */
type PlanChange = Partial<Omit<CallPlan, 'agent'>> & Partial<Omit<AgentPlan, 'turns'>> & { turns?: Partial<AgentPlan['turns']> };

export function planWith({ turns, ...rest }: PlanChange): CallPlan {
  const own = Object.entries(rest).filter(([name]) => name in PLAN.agent);
  const agent: AgentPlan = { ...PLAN.agent, ...Object.fromEntries(own), turns: { ...PLAN.agent.turns, ...turns } };
  const call = Object.entries(rest).filter(([name]) => !(name in PLAN.agent));
  return { ...PLAN, ...Object.fromEntries(call), agent };
}

export function tool(name: string, more: Partial<ToolPlan> = {}): ToolPlan {
  const spec = { name, description: name, parameters: { type: 'object', properties: {} } };
  return {
    id: null,
    kind: 'function',
    spec,
    async: false,
    finishes: false,
    timeoutMs: 5_000,
    messages: [],
    fixed: {},
    source: {},
    target: null,
    ...more,
  };
}

/** A chain of one recogniser, model or voice per name. */
export const chain = (first: string, ...rest: string[]) => [choice(first), ...rest.map(choice)] as const;

interface Speaking {
  /** How long the voice lasts; ms. */
  for: number;
  /** When the final words come, after the voice; negative: before its end. */
  final?: number;
  /** Words that become known while the caller speaks: share of the time -> text. */
  partials?: Readonly<Record<number, string>>;
  rejected?: boolean;
}

interface Actor {
  says(text: string, how: Speaking): void;
  /** A noise that the voice detector takes for a voice. */
  coughs(how: { for: number }): void;
  types(text: string): void;
  presses(keys: string): void;
  hangsUp(): void;
}

interface Moment {
  readonly caller: Actor;
  control(command: ControlCommand): void;
  ends(reason: EndReason, detail?: string): void;
  does(act: () => void): void;
}

export interface Stage {
  at(ms: number): Moment;
  readonly llm: FakeModel;
  readonly tts: FakeVoice;
  readonly ears: FakeEars;
  /** The fallbacks, named `ears-2`, `model-2`, `voice-2`. */
  readonly second: { readonly ears: FakeEars; readonly llm: FakeModel; readonly tts: FakeVoice };
  readonly line: FakeLine;
  /** The call itself, once it has begun. */
  call(): Call;
  /** What the world answers to a tool, after how long. */
  answersTool(name: string, result: Partial<ToolResult> & { afterMs?: number; never?: boolean }): void;
}

export interface Outcome {
  readonly events: readonly CallEvent[];
  of<T extends CallEventType>(type: T): EventOf<T>[];
  /** What the caller heard, reply by reply. */
  readonly heard: readonly string[];
  /** The caller's turns that were answered, in order. */
  readonly turns: readonly string[];
  readonly line: FakeLine;
  readonly llm: FakeModel;
  readonly tts: FakeVoice;
  readonly questions: readonly ToolQuestion[];
  readonly ended: EventOf<'call.ended'>;
}

export interface Setting {
  readonly plan?: PlanChange;
  readonly line?: LineOptions;
  /** When the caller hangs up, if nothing ended the call before; ms. */
  readonly untilMs?: number;
  /** When the media leg arrives; `null`: never. */
  readonly attachAtMs?: number | null;
}

/** One test: plays the script, checks that the call ended clean, compares the log, then looks at the outcome. */
export function scenario(name: string, setting: Setting, script: (stage: Stage) => void, look: (outcome: Outcome) => void): void {
  it(name, async () => {
    const clock = new VirtualClock();
    const failures: unknown[] = [];
    const root = rootScope('test', {
      clock,
      onFailure: (error) => failures.push(error),
      onStuck: (path) => failures.push(`stuck ${path}`),
    });
    const outcome = await perform(clock, root, setting, script);
    expect(failures).toEqual([]);
    expect(clock.waiting, 'timers left').toBe(0);
    replay(planWith(setting.plan ?? {}), outcome.events);
    resumeAnywhere(planWith(setting.plan ?? {}), outcome.events);
    compare(name, outcome.events);
    look(outcome);
    await root.close('done');
  });
}

export async function perform(
  clock: VirtualClock,
  root: Scope,
  setting: Setting,
  script: (stage: Stage) => void,
  drives = true,
): Promise<Outcome> {
  const plan = planWith(setting.plan ?? {});
  const origin = clock.now();
  const [ears, ears2] = [fakeEars('ears'), fakeEars('ears-2')];
  const [llm, llm2] = [fakeModel('model', clock), fakeModel('model-2', clock)];
  const [tts, tts2] = [fakeVoice('voice', clock), fakeVoice('voice-2', clock)];
  const line = fakeLine(clock, setting.line);
  const events: CallEvent[] = [];
  const { desk, questions, answersTool } = fakeDesk(clock);
  const scope = root.child('call');
  let call: Call | undefined;
  const live = (): Call => {
    if (!call) throw new Error('the call has not begun');
    return call;
  };
  const at = (ms: number): Moment => moment(clock, origin + ms, ears, ears2, line, live);
  script({ at, llm, tts, ears, second: { ears: ears2, llm: llm2, tts: tts2 }, line, call: live, answersTool });
  const started = startCall({
    plan,
    clock,
    scope,
    providers: providerSet([ears, ears2], [llm, llm2], [tts, tts2]),
    egress: NO_EGRESS,
    log: silentLog,
    vad: fakeVad,
    recordingsDir: null,
    desk,
    readControl: parseControl,
    node: 'node-1',
    host: 'host-1',
    arriveWithinMs: 10_000,
    onEvent: (event) => events.push(event),
  });
  call = started;
  if (setting.attachAtMs !== null) at(setting.attachAtMs ?? 0).does(() => started.attach(line));
  at(setting.untilMs ?? 15_000).caller.hangsUp();
  const untilMs = setting.untilMs ?? 15_000;
  if (drives) await drive(clock, started.ended, origin + untilMs);
  await started.ended;
  expect(scope.closed).toBe(true);
  const of = <T extends CallEventType>(type: T) => events.filter((event): event is EventOf<T> => event.type === type);
  const [ended, ...more] = of('call.ended');
  if (!ended || more.length > 0 || events.at(-1) !== ended || of('call.created').length !== 1)
    throw new Error('a call ends exactly once, and last');
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  const answered = new Map(of('caller.turn').map((turn) => [turn.turn, turn.text]));
  return { events, of, heard: of('agent.said').map((said) => said.text), turns: [...answered.values()], line, llm, tts, questions, ended };
}

/** Moves time until the call is over and everything that was scheduled for later has found it so. */
export async function drive(clock: VirtualClock, ended: Promise<unknown>, until: number): Promise<void> {
  let open = true;
  const over = () => {
    open = false;
  };
  void ended.then(over, over);
  while (open || clock.now() <= until) await clock.advance(20);
}

function moment(clock: VirtualClock, time: number, ears: FakeEars, ears2: FakeEars, line: FakeLine, call: () => Call): Moment {
  const does = (act: () => void, after = 0) => void clock.timer(Math.max(0, time + after - clock.now()), act);
  const hear = (words: Parameters<FakeEars['hear']>[0]) => {
    ears.hear(words);
    ears2.hear(words);
  };
  const caller: Actor = {
    says(text, { for: ms, final = 200, partials = {}, rejected }) {
      does(() => line.talk(ms));
      for (const [share, partial] of Object.entries(partials))
        does(() => hear({ type: 'partial', text: partial, from: time, to: time + ms * Number(share) }), ms * Number(share));
      does(() => hear({ type: 'final', text, from: time, to: time + ms, confidence: 0.9, ...(rejected && { rejected }) }), ms + final);
    },
    coughs: ({ for: ms }) => does(() => line.talk(ms)),
    types: (text) => does(() => line.signal({ type: 'text', text })),
    presses: (keys) => {
      for (const [index, digit] of [...keys].entries()) does(() => line.signal({ type: 'dtmf', digit }), index * 300);
    },
    hangsUp: () => does(() => line.signal({ type: 'ended', by: 'caller', detail: '' })),
  };
  return {
    caller,
    does,
    control: (command) => does(() => call().control(command)),
    ends: (reason, detail = '') => does(() => call().end(reason, detail)),
  };
}

function fakeDesk(clock: VirtualClock) {
  const results = new Map<string, Partial<ToolResult> & { afterMs?: number; never?: boolean }>();
  const questions: ToolQuestion[] = [];
  const desk: Desk = {
    async ask(question, scope) {
      questions.push(question);
      const answers: ToolResult[] = [];
      for (const { id, name } of question.calls) {
        const { afterMs = 400, never = false, ...result } = results.get(name) ?? {};
        await clock.sleep(never ? 3_600_000 : afterMs, scope);
        answers.push({ id, ok: true, result: `${name} done`, ...result });
      }
      return { type: 'tool-calls', results: answers };
    },
  };
  return { desk, questions, answersTool: (name: string, result: Partial<ToolResult>) => void results.set(name, result) };
}

const refuse = () => Promise.reject(new AywaError('egress_denied'));
const NO_EGRESS = { http: refuse, socket: refuse, opened: { http: 0, sockets: 0 } };

/** The log alone, played through the table again, gives the same decisions: nothing but recorded inputs moves a call. */
export function replay(plan: CallPlan, events: readonly CallEvent[]): void {
  const policy = compilePolicy(plan.agent, plan.durationMs);
  const decided: string[] = [];
  let state = TURN_START;
  for (const event of events) {
    const input = inputOf(event, plan.agent);
    if (!input) continue;
    const [next, ...effects] = step(state, input, policy);
    state = next;
    for (const effect of effects) if ('reply' in effect) decided.push(`${DECISIONS[effect.type]} ${effect.reply}`);
  }
  const recorded = events.flatMap((event) =>
    (Object.values(DECISIONS) as CallEventType[]).includes(event.type) && 'reply' in event ? [`${event.type} ${event.reply}`] : [],
  );
  expect(decided).toEqual(recorded);
  expect(state.phase).toBe('over');
}

const DECISIONS = { begin: 'reply.begun', cut: 'reply.cut', duck: 'reply.ducked', resume: 'reply.resumed' } as const satisfies Record<
  string,
  CallEventType
>;

const GOLDEN = join(import.meta.dirname, 'golden');

/** Compares without what is the same in every log: the call's name and the wall clock. */
function compare(name: string, events: readonly CallEvent[]): void {
  const lines = events.map(({ call: _call, wall: _wall, ...event }) => JSON.stringify(event));
  const file = join(GOLDEN, `${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.jsonl`);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, `${lines.join('\n')}\n`);
    return;
  }
  if (!existsSync(file)) throw new Error(`${file} is missing: write it with UPDATE_GOLDEN=1 and read it`);
  expect(lines).toEqual(readFileSync(file, 'utf8').trimEnd().split('\n'));
}
