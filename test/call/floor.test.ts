/** Replies are made by whoever is given for it, and a reply that stops learns what was heard of it. */
import { expect, it } from 'vitest';
import type { Heard, Script } from '../../src/call/answer/reply.ts';
import type { CallEventBody } from '../../src/call/events.ts';
import { createFloor } from '../../src/call/floor.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { fakeLine } from '../scenarios/fakes.ts';

function stage() {
  const clock = new VirtualClock();
  const scripts: Script[] = [];
  const told: (Heard | string)[] = [];
  const posted: CallEventBody[] = [];
  const floor = createFloor({
    clock,
    line: fakeLine(clock, { audio: false }),
    playout: null,
    drafts: { follow() {}, adopt: () => undefined, discard() {}, renew() {} },
    compose(script) {
      scripts.push(script);
      return {
        adopt(_number, track) {
          track.text('It left this morning.');
        },
        cancel: ({ text, ms }) => void told.push({ text, ms }),
        failed: false,
        closes: null,
      };
    },
    takePrepared: () => undefined,
    mediaMs: () => 0,
    speaking() {},
    post: (event) => void posted.push(event),
    record: (event) => void told.push(event.type),
  });
  const saying = { cause: 'turn', text: null, interruptible: true, interrupt: false, endAfter: false } as const;
  floor.begin({ type: 'begin', reply: 1, saying, turn: null });
  return { floor, scripts, told, posted };
}

it('a reply that is cut learns what was heard of it', () => {
  const { floor, scripts, told } = stage();
  floor.audible(1);
  floor.cut('caller');
  expect(scripts).toEqual([{ asked: undefined }]);
  expect(told).toEqual(['reply.begun', { text: 'It left this morning.', ms: 0 }, 'reply.cut', 'agent.said', 'reply.ended']);
});

it('and so does one that was heard to its end', () => {
  const { floor, told } = stage();
  floor.audible(1);
  expect(floor.conclude({ reply: 1 })).toBe(true);
  expect(told).toEqual(['reply.begun', 'agent.said', { text: 'It left this morning.', ms: 0 }]);
});
