/** How calls begin and end, and what is done to them from outside. */
import { describe, expect } from 'vitest';
import { scenario } from './scenario.ts';

const greeting = { mode: 'agent-text', text: 'Hello, this is Ada.', interruptible: true } as const;
const say = { type: 'say', endAfter: false, interruptible: true, interrupt: false } as const;

describe('lifetimes', () => {
  scenario(
    'the agent greets at once',
    { plan: { opening: greeting }, attachAtMs: 2_000, untilMs: 6_000 },
    () => {},
    ({ heard, of }) => {
      expect(heard).toEqual(['Hello, this is Ada.']);
      // Made while the leg was on its way: the first sound goes out with the connection.
      expect(of('reply.audible')[0]?.at).toBe(2_000);
    },
  );

  scenario(
    'the model finds the first words',
    { plan: { opening: { mode: 'agent-model', text: '', interruptible: true } }, untilMs: 6_000 },
    ({ llm }) => llm.answers('You are Ada', 'Good morning.'),
    ({ heard }) => expect(heard).toEqual(['Good morning.']),
  );

  scenario(
    'a dialled call rings, is answered and connected',
    { plan: { channel: 'phone-outbound', opening: greeting }, attachAtMs: 5_000, untilMs: 9_000 },
    ({ at, call }) => {
      at(10).does(() => call().progress('dialing', 'twilio', 'CA1'));
      at(1_000).does(() => call().progress('ringing', 'twilio', 'CA1'));
      at(4_500).does(() => call().progress('answered', 'twilio', 'CA1'));
    },
    ({ heard, ended, of }) => {
      expect(heard).toEqual(['Hello, this is Ada.']);
      expect(of('call.answered')).toHaveLength(1);
      expect(ended.durationMs).toBe(4_500);
    },
  );

  scenario(
    'nobody answers',
    { plan: { channel: 'phone-outbound', opening: greeting }, attachAtMs: null },
    ({ at, call }) => {
      at(10).does(() => call().progress('dialing', 'twilio', 'CA1'));
      at(9_000).ends('no-answer', 'The carrier says so.');
    },
    ({ ended, tts }) => {
      expect(ended).toMatchObject({ reason: 'no-answer', durationMs: 0 });
      expect(tts.said).toEqual([]);
    },
  );

  scenario(
    'no line arrives',
    { plan: { opening: greeting }, attachAtMs: null, untilMs: 20_000 },
    () => {},
    ({ ended }) => {
      expect(ended.reason).toBe('never-connected');
      expect(ended.at).toBe(10_000);
    },
  );

  scenario(
    'the caller hangs up before anything was said',
    { plan: { opening: greeting }, untilMs: 30 },
    ({ tts }) => tts.speaks({ firstAudio: 500 }),
    ({ ended, heard, line }) => {
      expect(ended.reason).toBe('caller-hung-up');
      expect(heard).toEqual([]);
      expect(line.hungUp).toBeUndefined();
    },
  );

  scenario(
    'the caller hangs up in mid-sentence and the record says what was heard',
    { plan: { opening: greeting }, untilMs: 700 },
    () => {},
    ({ heard, of }) => {
      expect('Hello, this is Ada.'.startsWith(heard[0] ?? 'x')).toBe(true);
      expect(of('agent.said')[0]?.complete).toBe(false);
    },
  );

  scenario(
    "an end phrase in the agent's words ends the call after its last sound",
    { plan: { endPhrases: ['goodbye now'] } },
    ({ at, llm }) => {
      llm.answers('all', 'Thank you. Goodbye, now!');
      at(500).caller.says('That is all.', { for: 700 });
    },
    ({ ended, line, of }) => {
      expect(ended.reason).toBe('said-end-phrase');
      expect(line.playedMs).toBe('Thank you. Goodbye, now!'.length * 60);
      expect(ended.at - (of('reply.ended').at(-1)?.at ?? 0)).toBe(200);
    },
  );

  scenario(
    'the last words are not clipped on a slow line',
    { plan: { endPhrases: ['goodbye'] }, line: { latencyMs: 250 } },
    ({ at, llm }) => {
      llm.answers('all', 'Goodbye!');
      at(500).caller.says('That is all.', { for: 700 });
    },
    ({ line, heard }) => {
      expect(heard).toEqual(['Goodbye!']);
      expect(line.playedMs).toBe('Goodbye!'.length * 60);
    },
  );

  scenario(
    'a quiet caller is asked and then left',
    {
      plan: {
        opening: greeting,
        idle: { afterMs: 5_000, texts: ['Are you there?', 'Hello?'], most: 2 },
        silenceMs: 12_000,
        farewell: 'Goodbye.',
      },
      untilMs: 60_000,
    },
    () => {},
    ({ heard, ended, of }) => {
      expect(heard).toEqual(['Hello, this is Ada.', 'Are you there?', 'Hello?', 'Goodbye.']);
      expect(of('reply.begun').map((begun) => begun.cause)).toEqual(['first-message', 'idle', 'idle', 'farewell']);
      expect(ended.reason).toBe('silence');
    },
  );

  scenario(
    'silence ends the call',
    { plan: { silenceMs: 8_000 }, untilMs: 30_000 },
    ({ at }) => at(2_000).caller.coughs({ for: 300 }),
    ({ ended }) => {
      expect(ended.reason).toBe('silence');
      expect(ended.at).toBe(8_200);
    },
  );

  scenario(
    'the time is up',
    { plan: { durationMs: 3_000 } },
    ({ at, llm }) => {
      llm.answers('order', 'It left this morning and it should be with you on Thursday at noon.');
      at(500).caller.says('Where is my order?', { for: 900 });
    },
    ({ ended, of, line }) => {
      expect(ended).toMatchObject({ reason: 'duration', at: 3_000 });
      expect(of('agent.said')[0]?.complete).toBe(false);
      expect(line.hungUp).toBe('duration');
    },
  );

  scenario(
    'a message during a reply waits for its end',
    { plan: { opening: greeting } },
    ({ at }) => at(600).control({ ...say, text: 'By the way, we close at six.' }),
    ({ heard }) => expect(heard).toEqual(['Hello, this is Ada.', 'By the way, we close at six.']),
  );

  scenario(
    'an urgent message replaces the reply',
    { plan: { opening: greeting } },
    ({ at }) => at(600).control({ ...say, text: 'Please leave the building.', interrupt: true }),
    ({ heard, of }) => {
      expect(heard).toHaveLength(2);
      expect(of('reply.cut').map((cut) => cut.by)).toEqual(['say']);
    },
  );

  scenario(
    'a message that ends the call',
    {},
    ({ at }) => at(600).control({ ...say, text: 'The office is closed.', endAfter: true }),
    ({ heard, ended }) => {
      expect(heard).toEqual(['The office is closed.']);
      expect(ended.reason).toBe('said-last-words');
    },
  );

  scenario(
    'a message for the memory is answered when asked to',
    {},
    ({ at, llm }) => {
      llm.answers('VIP', 'Welcome back.');
      at(500).control({ type: 'add-message', role: 'system', text: 'The caller is a VIP.', respond: true });
    },
    ({ heard, llm }) => {
      expect(heard).toEqual(['Welcome back.']);
      expect(llm.requests[0]?.map((entry) => entry.role)).toEqual(['system', 'system']);
    },
  );

  scenario(
    'a muted agent is silent until it may speak',
    {},
    ({ at, llm }) => {
      llm.answers('order', 'It left.');
      at(100).control({ type: 'mute', who: 'agent', on: true });
      at(500).caller.says('Where is my order?', { for: 900 });
      at(5_000).control({ type: 'mute', who: 'agent', on: false });
    },
    ({ heard, of }) => {
      expect(heard).toEqual(['It left.']);
      expect(of('reply.begun')[0]?.at).toBeGreaterThanOrEqual(5_000);
    },
  );

  scenario(
    'a muted caller is not heard',
    {},
    ({ at, call }) => {
      at(100).control({ type: 'mute', who: 'caller', on: true });
      at(500).caller.coughs({ for: 2_000 });
      at(4_000).does(() => call().control({ type: 'end' }));
    },
    ({ of, ended }) => {
      expect(of('caller.started')).toEqual([]);
      expect(ended.reason).toBe('api');
    },
  );

  scenario(
    "keys become the caller's words",
    { plan: { keypad: { timeoutMs: 2_000, delimiters: ['#'] } } },
    ({ at, llm }) => {
      llm.answers("User's Keypad Entry: 42", 'Forty-two.');
      llm.answers("User's Keypad Entry: 7", 'Seven.');
      at(500).caller.presses('42#');
      at(5_000).caller.presses('7');
    },
    ({ heard, turns, of }) => {
      expect(turns).toEqual(["User's Keypad Entry: 42", "User's Keypad Entry: 7"]);
      expect(heard).toEqual(['Forty-two.', 'Seven.']);
      expect(of('dtmf.received')).toHaveLength(4);
    },
  );

  scenario(
    'keys without a keypad plan are noted, and nobody is told',
    {},
    ({ at }) => at(500).caller.presses('42#'),
    ({ turns, of }) => {
      expect(turns).toEqual([]);
      expect(of('dtmf.received')).toHaveLength(3);
    },
  );

  scenario(
    'a text line is the same conversation without sound',
    { plan: { channel: 'text', opening: greeting }, line: { audio: false, mark: false, clear: false } },
    ({ at, llm }) => {
      llm.answers('order', 'It left this morning.');
      at(500).caller.types('Where is my order?');
    },
    ({ heard, line, of }) => {
      expect(heard).toEqual(['Hello, this is Ada.', 'It left this morning.']);
      expect(line.told.filter((entry) => entry.final).map((entry) => entry.text)).toEqual(heard);
      expect(of('caller.turn')[0]?.waitedMs).toBe(0);
    },
  );
});
