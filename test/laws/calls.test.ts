/**
 * Whole calls with a random caller, random providers and a random end: whatever happens, a call ends once and last, leaves nothing
 * behind, remembers every word at most once, and its log alone leads to the same decisions.
 */
import { expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { chain, drive, perform, planWith, replay, type Setting, type Stage, tool } from '../scenarios/scenario.ts';
import { random } from './conversations.ts';

const CALLS = 400;
const SEED = 11_2026;

function anySetting(pick: () => number): Setting & { plan: NonNullable<Setting['plan']> } {
  const greets = pick() < 0.5;
  return {
    untilMs: 2_000 + pick() * 18_000,
    attachAtMs: pick() < 0.05 ? null : pick() * 500,
    line: { mark: pick() < 0.7, clear: pick() < 0.7, latencyMs: pick() < 0.5 ? 0 : 120, leadMs: pick() < 0.5 ? 400 : 60 },
    plan: {
      opening: {
        mode: greets ? 'agent-text' : 'caller',
        text: 'Hello, this is Ada, how can I help you today?',
        interruptible: pick() < 0.8,
      },
      turns: { interruptWords: pick() < 0.7 ? 0 : 2, backoffMs: pick() < 0.8 ? 0 : 700, drafts: pick() < 0.7 },
      tools: [tool('look_up', { timeoutMs: 2_000, finishes: pick() < 0.3 }), tool('end_call', { kind: 'endCall' })],
      llm: pick() < 0.5 ? chain('model', 'model-2') : chain('model'),
      tts: pick() < 0.5 ? chain('voice', 'voice-2') : chain('voice'),
      farewell: pick() < 0.5 ? 'Goodbye.' : '',
      idle: { afterMs: 3_000, texts: ['Are you there?'], most: 2 },
      silenceMs: 9_000,
    },
  };
}

function anyStory(pick: () => number): (stage: Stage) => void {
  return ({ at, llm, tts, ears, call, answersTool }) => {
    llm.answers('', 'That is one way to see it, and there is another one, which is longer.', { say: 'Yes.', firstToken: 900 });
    if (pick() < 0.2) llm.answers('7', { fails: 'provider_network' });
    if (pick() < 0.2) llm.answers('8', { hangs: true });
    if (pick() < 0.2) llm.answers('9', { say: 'It is, or so they say, where', stallsAfter: 4 });
    if (pick() < 0.4) llm.answers('5', { say: 'Let me see.', tools: [{ name: 'look_up' }, { name: 'look_up' }] });
    if (pick() < 0.2) llm.answers('6', { tools: [{ name: 'end_call' }] });
    answersTool('look_up', { afterMs: pick() * 3_000, never: pick() < 0.1 });
    if (pick() < 0.2) at(pick() * 8_000).does(() => tts.speaks(pick() < 0.5 ? { mute: true } : { driesUpAfter: 800 }));
    if (pick() < 0.1) at(pick() * 8_000).does(() => ears.fail('provider_network'));
    if (pick() < 0.3)
      at(pick() * 9_000).control({ type: 'say', text: 'A word.', endAfter: pick() < 0.2, interruptible: true, interrupt: pick() < 0.5 });
    if (pick() < 0.2) at(pick() * 9_000).control({ type: 'mute', who: 'agent', on: true });
    if (pick() < 0.1) at(pick() * 9_000).does(() => call().end('shutdown', ''));
    let time = pick() * 1_500;
    for (let word = 1; time < 16_000; word++) {
      const ms = 200 + pick() * 1_200;
      if (pick() < 0.2) at(time).caller.coughs({ for: ms / 3 });
      else
        at(time).caller.says(`word${word}.`, {
          for: ms,
          final: pick() * 700 - 200,
          ...(pick() < 0.4 && { partials: { 0.4: 'wor', 0.8: `word${word}` } }),
        });
      time += ms + pick() * 3_000;
    }
  };
}

it(`${CALLS} random calls end once, clean, and can be played again`, { timeout: 60_000 }, async () => {
  const faults: string[] = [];
  for (let first = 0; first < CALLS; first += 50) {
    const clock = new VirtualClock();
    const root = rootScope('laws', {
      clock,
      onFailure: (error, path) => faults.push(`${path}: ${error}`),
      onStuck: (path, names) => faults.push(`stuck ${path}: ${names.join(', ')}`),
    });
    const calls = Array.from({ length: 50 }, async (_, index) => {
      const pick = random(SEED + first + index);
      const setting = anySetting(pick);
      const outcome = await perform(clock, root, setting, anyStory(pick), false);
      try {
        replay(planWith(setting.plan), outcome.events);
        for (const request of outcome.llm.requests) {
          const words = request.filter((message) => message.role === 'user').flatMap((message) => message.content.match(/word\d+/g) ?? []);
          expect(words).toEqual([...new Set(words)]);
        }
      } catch (error) {
        throw new Error(`seed ${SEED + first + index}`, { cause: error });
      }
    });
    const done = Promise.all(calls);
    await drive(clock, done, 25_000);
    await done;
    expect(clock.waiting, 'timers left').toBe(0);
    await root.close('done');
  }
  expect(faults).toEqual([]);
});
