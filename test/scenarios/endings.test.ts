/** Ends that no script foresees: the owner lets go, something throws; and 500 calls that leave nothing behind. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { wavChannel } from '../../src/audio/wav.ts';
import { startCall } from '../../src/call/call.ts';
import type { CallEvent } from '../../src/call/events.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { parseControl } from '../../src/wire/control.ts';
import { fakeEars, fakeLine, fakeModel, fakeVad, fakeVoice, providerSet } from './fakes.ts';
import { drive, perform, planWith, type Stage, tool } from './scenario.ts';

const refuse = () => Promise.reject(new AywaError('egress_denied'));

function liveCall(onEvent: (event: CallEvent) => void, recordingsDir: string | null = null) {
  const clock = new VirtualClock();
  const root = rootScope('test', { clock });
  const scope = root.child('call');
  const line = fakeLine(clock);
  const call = startCall({
    plan: planWith({ record: true, opening: { mode: 'agent-text', text: 'Hello, this is Ada.', interruptible: true } }),
    clock,
    scope,
    providers: providerSet([fakeEars('ears')], [fakeModel('model', clock)], [fakeVoice('voice', clock)]),
    egress: { http: refuse, socket: refuse, opened: { http: 0, sockets: 0 } },
    log: silentLog,
    vad: fakeVad,
    recordingsDir,
    desk: { ask: refuse },
    readControl: parseControl,
    node: 'node-1',
    host: 'host-1',
    arriveWithinMs: 10_000,
    onEvent,
  });
  return { clock, root, scope, line, call };
}

it('a call whose scope is closed from outside says what was heard, hangs up and ends', async () => {
  const events: CallEvent[] = [];
  const { clock, scope, line, call } = liveCall((event) => events.push(event));
  call.attach(line);
  await clock.advance(700);
  void scope.close('the host stops');
  await call.ended;
  expect(events.slice(-1)).toMatchObject([{ type: 'call.ended', reason: 'shutdown', detail: 'the host stops' }]);
  expect(events.find((event) => event.type === 'agent.said')).toMatchObject({ complete: false });
  expect(line.hungUp).toBe('shutdown');
  await clock.advance(1);
  expect(clock.waiting).toBe(0);
});

it('a fault inside the engine ends this call with a reason and closes its leg', async () => {
  const events: CallEvent[] = [];
  const { clock, line, call } = liveCall((event) => {
    events.push(event);
    if (event.type === 'reply.audible') throw new Error('broken listener');
  });
  call.attach(line);
  await clock.advance(700);
  await call.ended;
  expect(events.filter((event) => event.type === 'call.ended')).toMatchObject([{ reason: 'bug' }]);
  expect(line.hungUp).toBe('bug');
  await clock.advance(1);
  expect(clock.waiting).toBe(0);
});

it('work of the call that fails by itself is a bug, not a shutdown', async () => {
  const events: CallEvent[] = [];
  const { clock, scope, line, call } = liveCall((event) => events.push(event));
  call.attach(line);
  await clock.advance(700);
  scope.spawn('work', () => Promise.reject(new Error('planted')));
  await clock.advance(1);
  await call.ended;
  expect(events.at(-1)).toMatchObject({ type: 'call.ended', reason: 'bug' });
  expect(events.at(-1)).toHaveProperty('detail', expect.stringContaining('planted'));
});

it('the duration ends when the conversation does, however long hanging up takes', async () => {
  const events: CallEvent[] = [];
  const { clock, line, call } = liveCall((event) => events.push(event));
  call.attach(Object.assign(line, { hangUp: () => new Promise<void>((done) => clock.timer(4_000, done)) }));
  await clock.advance(5_000);
  call.end('shutdown', '');
  await clock.advance(5_000);
  await call.ended;
  expect(events.at(-1)).toMatchObject({ type: 'call.ended', durationMs: 5_000 });
});

it('a second leg is hung up and the call goes on', async () => {
  const events: CallEvent[] = [];
  const { clock, line, call, scope } = liveCall((event) => events.push(event));
  call.attach(line);
  const stranger = fakeLine(clock);
  call.attach(stranger);
  await clock.advance(500);
  expect(stranger.hungUp).toBe('unexpected');
  expect(line.hungUp).toBeUndefined();
  expect(events.filter((event) => event.type === 'line.connected')).toHaveLength(1);
  void scope.close('done');
  await call.ended;
});

it('a recorded call stores both voices before it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-scenario-'));
  try {
    const events: CallEvent[] = [];
    const { clock, line, call } = liveCall((event) => events.push(event), folder);
    call.attach(line);
    await clock.advance(2_000);
    call.end('api', '');
    // Past the tail; the disk works in real time, and virtual time must not outrun its deadline.
    await clock.advance(1_000);
    await call.ended;
    const [stored, ended] = events.slice(-2);
    expect(ended?.type).toBe('call.ended');
    expect(stored).toMatchObject({ type: 'recording.stored', file: 'call-1.wav' });
    const agent = wavChannel(readFileSync(join(folder, 'call-1.wav')), 1);
    expect(agent.some((sample) => Math.abs(sample) > 1_000)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const stories: ((stage: Stage, jitter: number) => void)[] = [
  ({ at }, jitter) => {
    at(500 + jitter).caller.says('Where is my order?', { for: 900, final: jitter });
    at(3_500 + jitter).caller.says('And the other one?', { for: 700 });
  },
  ({ at, llm }, jitter) => {
    llm.answers('order', 'It left this morning, it travels by train, and it should reach you on Thursday at noon.');
    at(500).caller.says('Where is my order?', { for: 900 });
    at(2_500 + jitter * 4).caller.says('Wait, which one?', { for: 600 });
    at(4_500 + jitter * 3).caller.coughs({ for: 200 });
  },
  ({ at, llm, answersTool }, jitter) => {
    llm.answers('order', { tools: [{ name: 'look_up' }] });
    answersTool('look_up', { afterMs: 1_000 + jitter * 10, never: jitter > 300 });
    at(500).caller.says('Where is my order?', { for: 900 });
  },
  ({ at, llm, tts }, jitter) => {
    if (jitter % 2 === 0) llm.answers('order', { fails: 'provider_network' });
    else tts.speaks({ driesUpAfter: 500 });
    at(500).caller.says('Where is my order?', { for: 900 });
    at(5_000).caller.says('Where is my order?', { for: 900 });
  },
];

it('500 calls leave no timer and no open scope', { timeout: 60_000 }, async () => {
  const clock = new VirtualClock();
  const failures: unknown[] = [];
  const root = rootScope('soak', { clock, onFailure: (error) => failures.push(error), onStuck: (path) => failures.push(path) });
  const ends = new Map<string, number>();
  for (let batch = 0; batch < 10; batch++) {
    // Side by side, as on a host.
    const calls = Array.from({ length: 50 }, (_, index) => {
      const jitter = (batch * 50 + index) % 401;
      const story = stories[index % stories.length];
      const setting = { plan: { tools: [tool('look_up', { timeoutMs: 3_000 })] }, untilMs: 3_000 + jitter * 15 };
      return perform(clock, root, setting, (stage) => story?.(stage, jitter), false);
    });
    const done = Promise.all(calls);
    await drive(clock, done, clock.now() + 10_000);
    for (const { ended } of await done) ends.set(ended.reason, (ends.get(ended.reason) ?? 0) + 1);
  }
  expect([...ends.values()].reduce((sum, count) => sum + count, 0)).toBe(500);
  expect(failures).toEqual([]);
  expect(clock.waiting).toBe(0);
  await root.close('done');
});
