/** Callers who are given away, legs that break and come back, agents that take turns, and calls that go on from their past. */
import { describe, expect, it } from 'vitest';
import { startCall } from '../../src/call/call.ts';
import type { CallEvent } from '../../src/call/events.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { parseControl } from '../../src/wire/control.ts';
import { fakeEars, fakeLine, fakeModel, fakeVad, fakeVoice, providerSet } from './fakes.ts';
import { chain, perform, planWith, type Stage, scenario, tool } from './scenario.ts';

const answer = 'It left this morning, it travels by train, and it should reach you on Thursday at noon.';
const transfers = { plan: { tools: [tool('give_away', { kind: 'transferCall' })] }, line: { transfer: true } } as const;
const asksForAPerson = ({ at, llm }: Stage, destination: string) => {
  llm.answers('person', { say: 'I connect you.', tools: [{ name: 'give_away', arguments: { destination } }] });
  at(500).caller.says('I want to talk to a person.', { for: 900 });
};

describe('a caller who is given away', () => {
  scenario(
    'goes when the agent has said so, and the call ends as transferred',
    transfers,
    (stage) => asksForAPerson(stage, '+15550009'),
    ({ of, heard, ended, line }) => {
      expect(heard).toEqual(['I connect you.']);
      expect(of('transfer.begun')).toMatchObject([{ destination: '+15550009' }]);
      expect(of('transfer.ended')).toMatchObject([{ ok: true }]);
      expect(ended).toMatchObject({ reason: 'transferred' });
      expect(line.playedMs).toBeGreaterThan(0);
    },
  );

  scenario(
    'stays and hears so when the carrier refuses',
    { ...transfers, untilMs: 9_000 },
    (stage) => {
      asksForAPerson(stage, 'busy');
      stage.llm.answers('order', 'On Thursday.');
      stage.at(6_000).caller.says('Then where is my order?', { for: 900 });
    },
    ({ of, heard, ended }) => {
      expect(of('transfer.ended')).toMatchObject([{ ok: false, detail: expect.stringContaining('busy') }]);
      expect(heard).toEqual(['I connect you.', 'I am sorry, I could not put you through.', 'On Thursday.']);
      expect(ended.reason).toBe('caller-hung-up');
    },
  );
});

describe('a leg that breaks', () => {
  const breaks = ({ at, line }: Stage, ms: number) =>
    at(ms).does(() => line.signal({ type: 'ended', by: 'network', detail: 'closed with 1006' }));

  it('is waited for where another one may come, and the conversation goes on there', async () => {
    const clock = new VirtualClock();
    const root = rootScope('test', { clock });
    const second = fakeLine(clock, { returns: true, id: 'call-1.2' });
    const outcome = await perform(clock, root, { line: { returns: true }, untilMs: 30_000 }, (stage) => {
      const { at, llm, call } = stage;
      llm.answers('order', answer);
      llm.answers('Thursday', 'Yes, Thursday.');
      at(500).caller.says('Where is my order?', { for: 900 });
      breaks(stage, 3_500);
      at(6_000).does(() => call().attach(second));
      at(7_000).does(() => second.talk(900));
      at(8_100).does(() => stage.ears.hear({ type: 'final', text: 'On Thursday you said?', from: 7_000, to: 7_900 }));
      at(12_000).does(() => second.signal({ type: 'ended', by: 'caller', detail: '' }));
    });
    const { of, heard, ended } = outcome;
    expect(of('line.held')).toMatchObject([{ on: true, why: 'lost' }]);
    expect(of('line.connected')).toHaveLength(2);
    expect(of('reply.cut')).toMatchObject([{ by: 'failure' }]);
    expect(answer.startsWith(heard[0] ?? 'nothing')).toBe(true);
    expect(heard[1]).toBe('Yes, Thursday.');
    expect(ended).toMatchObject({ reason: 'caller-hung-up' });
    expect(second.playedMs).toBeGreaterThan(0);
    expect(clock.waiting).toBe(0);
    await root.close('done');
  });

  scenario(
    'and stays away ends the call as lost by the carrier',
    { line: { returns: true }, untilMs: 60_000 },
    (stage) => breaks(stage, 2_000),
    ({ ended }) => expect(ended).toMatchObject({ reason: 'carrier-lost' }),
  );

  scenario(
    'for good where nothing follows ends the call at once',
    { untilMs: 60_000 },
    (stage) => breaks(stage, 2_000),
    ({ ended, of }) => {
      expect(ended).toMatchObject({ reason: 'carrier-lost' });
      expect(of('call.ended')[0]?.at).toBeLessThan(2_100);
    },
  );
});

it('another agent speaks with its own prompt and voice from where it enters, and remembers what was said', async () => {
  const clock = new VirtualClock();
  const root = rootScope('test', { clock });
  const { agent } = planWith({ tts: chain('voice-2') });
  const outcome = await perform(clock, root, {}, ({ at, llm, call }) => {
    llm.answers('order', 'I ask my colleague.');
    llm.answers('Bob', 'Bob here.');
    at(500).caller.says('Where is my order?', { for: 900 });
    at(5_000).does(() => call().enter({ ...agent, name: 'Bob', prompt: [{ role: 'system', content: 'You are Bob.' }] }));
    at(6_000).caller.says('Is that Bob?', { for: 900 });
  });
  const { of, llm, events } = outcome;
  expect(of('agent.entered')).toMatchObject([{ agent: 'Bob', from: 'Ada' }]);
  const last = llm.requests.at(-1)?.map(({ content }) => content);
  expect(last).toEqual(['You are Bob.', 'Where is my order?', 'I ask my colleague.', 'Is that Bob?']);
  const voices = events.flatMap((event) => (event.type === 'usage.counted' && event.kind === 'tts' ? [event.provider] : []));
  expect(voices).toEqual(['voice', 'voice-2']);
  expect(clock.waiting).toBe(0);
  await root.close('done');
});

it('a call goes on from its past: numbers, clock, memory; the open reply as far as it was heard', async () => {
  const clock = new VirtualClock();
  const root = rootScope('test', { clock });
  const first = await perform(clock, root, {}, ({ at, llm }) => {
    llm.answers('order', answer);
    at(500).caller.says('Where is my order?', { for: 900 });
  });
  const heardAt = first.events.findIndex((event) => event.type === 'reply.heard') + 1;
  const past = first.events.slice(0, heardAt);
  const before = past.at(-1);
  if (!before) throw new Error('nothing was heard');

  const events: CallEvent[] = [];
  const llm = fakeModel('model', clock);
  const ears = fakeEars('ears');
  llm.answers('there', 'I am here again.');
  const refuse = () => Promise.reject(new AywaError('egress_denied'));
  const scope = root.child('call');
  const call = startCall({
    plan: planWith({}),
    clock,
    scope,
    providers: providerSet([ears], [llm], [fakeVoice('voice', clock)]),
    egress: { http: refuse, socket: refuse, opened: { http: 0, sockets: 0 } },
    log: silentLog,
    vad: fakeVad,
    recordingsDir: null,
    desk: { ask: refuse },
    readControl: parseControl,
    node: 'node-2',
    host: 'host-1',
    arriveWithinMs: 10_000,
    past: { events: past, agentOf: () => planWith({}).agent },
    onEvent: (event) => events.push(event),
  });
  expect(events.map(({ type }) => type)).toEqual(['line.held', 'reply.cut', 'agent.said', 'reply.ended', 'call.resumed']);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => before.seq + 1 + index));
  expect(events[0]?.at).toBeGreaterThan(before.at);
  const said = events.find((event) => event.type === 'agent.said');
  expect(said?.type === 'agent.said' && answer.startsWith(said.text)).toBe(true);

  const line = fakeLine(clock, { id: 'call-1.2' });
  call.attach(line);
  await clock.advance(500);
  line.talk(600);
  await clock.advance(800);
  ears.hear({ type: 'final', text: 'Are you there?', from: 500, to: 1_100 });
  await clock.advance(3_000);
  expect(llm.requests.at(-1)?.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
  line.signal({ type: 'ended', by: 'caller', detail: '' });
  await clock.advance(2_000);
  await call.ended;
  const ended = events.at(-1);
  expect(ended).toMatchObject({ type: 'call.ended', reason: 'caller-hung-up' });
  // The call was answered by the process before: its duration goes on, too.
  expect(ended?.type === 'call.ended' && ended.durationMs).toBeGreaterThan(before.at);
  expect(events.filter(({ type }) => type === 'call.created')).toEqual([]);
  await root.close('done');
});
