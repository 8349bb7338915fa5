/** What the benches compute from their samples; what they measure is no test. */
import { describe, expect, it } from 'vitest';
import { f1, medianOf } from '../../bench/lib/bench.ts';
import { CLASSES, makeSound } from '../../bench/lib/sounds.ts';
import { summary } from '../../bench/lib/stats.ts';
import { foldCpu, foldHeap, placeOf } from '../../bench/profile/fold.ts';

describe('figures over several runs', () => {
  it('are medians, counts are sums, and a run that measured nothing is passed over', () => {
    const runs = [
      { added: { n: 10, p50: 3 }, unanswered: 1, subject: 'ours' },
      { added: { n: 12, p50: 1 }, unanswered: 0, subject: 'ours' },
      { added: { n: 0, p50: null }, unanswered: 0, subject: 'ours' },
      { added: { n: 11, p50: 2 }, unanswered: 2, subject: 'ours' },
    ];
    expect(medianOf(runs)).toEqual({ added: { n: 33, p50: 2 }, unanswered: 3, subject: 'ours' });
    expect(medianOf([{ p50: 1 }, { p50: 4 }])).toEqual({ p50: 2.5 });
    expect(medianOf([{ p50: null }])).toEqual({ p50: null });
  });

  it('are shown as a dash where nothing was measured', () => {
    expect([1.25, 0, null, Number.NaN].map(f1)).toEqual(['1.3', '0.0', '-', '-']);
  });

  it('take percentiles from raw samples', () => {
    expect(summary(Array.from({ length: 100 }, (_, index) => index + 1))).toEqual({
      n: 100,
      p50: 50,
      p90: 90,
      p99: 99,
      max: 100,
      mean: 50.5,
    });
  });
});

describe('a folded profile', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url });
  it.each([
    ['(idle)', '', 'idle'],
    ['(garbage collector)', '', 'garbage collection'],
    ['(program)', '', 'event loop, native'],
    ['wasm-function[3]', 'wasm://wasm/aa', 'voice activity'],
    ['run', 'file:///x/src/providers/vad/silero.ts', 'voice activity'],
    ['step', 'file:///x/src/call/turn/turn-taking.ts', 'table'],
    ['follow', 'file:///x/src/call/turn/turn-timers.ts', 'call/turn'],
    ['write', 'file:///x/src/call/play/playout.ts', 'call/play'],
    ['record', 'file:///x/src/call/call.ts', 'call'],
    ['take', 'file:///x/src/journal/journal.ts', 'journal'],
    ['linear', 'file:///x/src/audio/convert.ts', 'audio/convert'],
    ['send', 'file:///x/node_modules/ws/lib/sender.js', 'sockets'],
    ['writev', '', 'sockets'],
    ['_write', 'node:internal/stream_base_commons', 'sockets'],
    ['insert', 'node:internal/timers', 'timers'],
    ['parse', 'file:///x/node_modules/@scope/name/index.js', '@scope/name'],
    ['parse', '', undefined],
  ])('puts %s of %s into %s', (name, url, room) => {
    expect(placeOf(frame(name, url))).toBe(room);
  });

  it('gives builtins to the room that called them, and idle time to nobody', () => {
    const nodes = [
      { id: 1, callFrame: frame('(root)'), children: [2, 3] },
      { id: 2, callFrame: frame('take', 'file:///x/src/journal/journal.ts'), children: [4] },
      { id: 3, callFrame: frame('(idle)') },
      { id: 4, callFrame: frame('stringify') },
    ];
    const folded = foldCpu({ nodes, samples: [2, 4, 3, 4], timeDeltas: [0, 10, 20, 500, 0] });
    expect(folded).toEqual({
      total: 30,
      rooms: [
        {
          room: 'journal',
          amount: 30,
          top: [
            ['stringify', 20],
            ['take journal.ts', 10],
          ],
        },
      ],
    });
  });

  it('counts bytes alike', () => {
    const child = { callFrame: frame('Buffer'), selfSize: 64, children: [] };
    const head = {
      callFrame: frame('(root)'),
      selfSize: 0,
      children: [{ callFrame: frame('send', 'file:///x/src/carriers/twilio.ts'), selfSize: 36, children: [child] }],
    };
    expect(foldHeap({ head }).rooms.map(({ room, amount }) => [room, amount])).toEqual([['carriers', 100]]);
  });
});

describe('sounds that must not interrupt', () => {
  it.each(CLASSES.filter((kind) => kind !== 'speech' && !kind.endsWith('echo')))(
    '%s: audible, never the same twice, the same for a seed',
    (kind) => {
      const [a, again, b] = [makeSound(kind, 1), makeSound(kind, 1), makeSound(kind, 2)];
      expect(a).toEqual(again);
      expect(a.pcm).not.toEqual(b.pcm);
      expect(Math.max(...a.pcm)).toBeGreaterThan(300);
    },
  );
});
