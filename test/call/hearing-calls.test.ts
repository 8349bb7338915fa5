/** Whole calls whose caller is hard to hear: the table, the leg and the ears together, on the virtual clock. */
import { expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { chain, perform, type Setting, type Stage } from '../scenarios/scenario.ts';

async function call(setting: Setting, script: (stage: Stage) => void) {
  const clock = new VirtualClock();
  const faults: unknown[] = [];
  const root = rootScope('test', { clock, onFailure: (error) => faults.push(error) });
  const outcome = await perform(clock, root, setting, script);
  await root.close('done');
  expect(faults).toEqual([]);
  expect(clock.waiting, 'timers left').toBe(0);
  return outcome;
}

it('hears that a caller has stopped whose frames stop in the middle of a word', async () => {
  const { of } = await call({ untilMs: 20_000 }, ({ at, line }) => {
    at(500).does(() => line.talk(5_000));
    at(1_500).does(() => line.stop());
  });
  const [stopped] = of('caller.stopped');
  expect(stopped?.at).toBeGreaterThan(1_700);
  expect(stopped?.at).toBeLessThan(2_200);
});

it('answers the words of a caller who mutes the microphone behind them', async () => {
  const { turns, heard } = await call({ untilMs: 12_000 }, ({ at, line, llm, ears }) => {
    llm.answers('order', 'It left this morning.');
    at(500).does(() => line.talk(5_000));
    at(1_400).does(() => ears.hear({ type: 'final', text: 'Where is my order?', from: 500, to: 1_400 }));
    at(1_500).does(() => line.stop());
  });
  expect(turns).toEqual(['Where is my order?']);
  expect(heard).toEqual(['It left this morning.']);
});

it('ends a silent call at its limit, whether silence is sent or nothing', async () => {
  const ends: number[] = [];
  for (const stops of [false, true]) {
    const { ended, of } = await call({ untilMs: 90_000, plan: { silenceMs: 30_000 } }, ({ at, line }) => {
      at(500).does(() => line.talk(stops ? 5_000 : 1_000));
      if (stops) at(1_500).does(() => line.stop());
    });
    expect(ended.reason).toBe('silence');
    ends.push(of('call.ended')[0]?.at ?? 0);
  }
  expect(Math.abs((ends[0] ?? 0) - (ends[1] ?? 0))).toBeLessThan(500);
});

it('answers words that the recogniser never makes final', async () => {
  const { of, heard } = await call({ untilMs: 10_000, plan: { stt: chain('ears', 'ears-2') } }, ({ at, line, llm, ears }) => {
    llm.answers('order', 'It left this morning.');
    at(500).does(() => line.talk(1_500));
    at(1_000).does(() => ears.hear({ type: 'partial', text: 'Where is', from: 500, to: 900 }));
    at(1_900).does(() => ears.hear({ type: 'partial', text: 'Where is my order?', from: 500, to: 1_900 }));
  });
  expect(of('caller.words')).toMatchObject([{ text: 'Where is my order?', interim: true }]);
  expect(of('caller.words')[0]?.at).toBeLessThan(3_200);
  expect(heard).toEqual(['It left this morning.']);
});

it('hears the other recogniser when the first is dead and the caller talks without a pause', async () => {
  const { of } = await call({ untilMs: 30_000, plan: { stt: chain('ears', 'ears-2') } }, ({ at: moment, line, second }) => {
    moment(500).does(() => line.talk(20_000));
    for (let at = 9_400; at < 20_000; at += 2_000)
      moment(at).does(() => second.ears.hear({ type: 'partial', text: `I have been saying so for ${at}`, from: 600, to: at - 500 }));
    moment(20_800).does(() => second.ears.hear({ type: 'final', text: 'I have been saying so for long.', from: 600, to: 20_000 }));
  });
  expect(of('provider.switched')).toMatchObject([{ kind: 'stt', from: 'ears', to: 'ears-2' }]);
  expect(of('provider.failed')).toMatchObject([{ provider: 'ears', final: false }]);
  expect(of('caller.words')).toMatchObject([{ text: 'I have been saying so for long.' }]);
});

it.each([
  ['the final, when it comes in time', 250, { text: 'Call me back at five. Goodbye.' }],
  ['the interim words otherwise', null, { text: 'Call me back at five', interim: true }],
] as const)('keeps the last words of a caller who hangs up: %s', async (_, afterMs, expected) => {
  const { of } = await call({ untilMs: 2_100 }, ({ at, line, ears }) => {
    at(500).does(() => line.talk(1_500));
    at(1_800).does(() => ears.hear({ type: 'partial', text: 'Call me back at five', from: 500, to: 1_800 }));
    if (afterMs === null) return;
    at(2_100 + afterMs).does(() => ears.hear({ type: 'final', text: 'Call me back at five. Goodbye.', from: 500, to: 1_980 }));
  });
  expect(of('caller.words')).toMatchObject([expected]);
});
