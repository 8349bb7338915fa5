/** Playout against a far end that behaves like a carrier: it buffers, plays in real time, echoes marks late, and echoes them on clear. */
import { describe, expect, it } from 'vitest';
import { bytesOf, MULAW_8K, msOf } from '../../src/audio/format.ts';
import { MULAW } from '../../src/audio/g711.ts';
import { createPlayout, type Playout } from '../../src/call/play/playout.ts';
import type { Line, LineAbilities } from '../../src/carriers/carrier.ts';
import { noVerbs } from '../../src/carriers/connector.ts';
import { type Timer, VirtualClock } from '../../src/kernel/clock.ts';

const TWILIO: LineAbilities = {
  clear: true,
  mark: true,
  dtmf: true,
  press: false,
  hold: false,
  transfer: true,
  bridge: true,
  returns: false,
  audio: true,
  leadMs: 400,
};
const PACED: LineAbilities = { ...TWILIO, clear: false, mark: false, leadMs: 60 };

interface FarEnd {
  readonly clock: VirtualClock;
  readonly playout: Playout;
  readonly told: string[];
  /** Bytes that were sent, and those that the caller really heard, by their values. */
  readonly sent: number[];
  readonly heard: number[];
  readonly messages: { at: number; ms: number }[];
  readonly erased: number[];
  readonly recorded: { atMs: number; ms: number }[];
  clears: number;
  echoes: boolean;
}

/** `delayMs` is the way to the far end, and the way back for marks. */
function farEnd(can: LineAbilities = TWILIO, delayMs = 0): FarEnd {
  const clock = new VirtualClock();
  const queue: (number | string)[] = [];
  let frame: { timer: Timer; startedAt: number; bytes: number } | undefined;
  /** The caller's ear moves in frames of 20 ms, or what there is. */
  const play = () => {
    let next = queue[0];
    while (typeof next === 'string') {
      queue.shift();
      echo(next);
      next = queue[0];
    }
    if (next === undefined) return;
    let bytes = 0;
    while (bytes < 160 && typeof queue[bytes] === 'number') bytes += 1;
    const timer = clock.timer(bytes / 8, () => {
      frame = undefined;
      hear(bytes);
      play();
    });
    frame = { timer, startedAt: clock.now(), bytes };
  };
  const hear = (bytes: number) => {
    for (const byte of queue.splice(0, bytes)) if (typeof byte === 'number') far.heard.push(byte);
  };
  const echo = (name: string) => {
    if (far.echoes) clock.timer(delayMs, () => far.playout.mark(name));
  };
  const line: Line = {
    ...noVerbs('test'),
    id: 'call-1.1',
    carrier: 'test',
    format: MULAW_8K,
    can,
    facts: {},
    listen() {},
    send(audio) {
      const bytes = [...audio];
      far.sent.push(...bytes);
      far.messages.push({ at: clock.now(), ms: msOf(MULAW_8K, bytes.length) });
      clock.timer(delayMs, () => {
        queue.push(...bytes);
        if (!frame) play();
      });
    },
    mark(name) {
      clock.timer(delayMs, () => {
        queue.push(name);
        if (!frame) play();
      });
    },
    clear() {
      far.clears += 1;
      clock.timer(delayMs, () => {
        if (frame) hear(Math.min(frame.bytes, Math.floor((clock.now() - frame.startedAt) * 8)));
        frame?.timer.cancel();
        frame = undefined;
        const marks = queue.filter((entry) => typeof entry === 'string');
        queue.length = 0;
        for (const name of marks) echo(name);
      });
    },
    tell() {},
    hangUp: () => Promise.resolve(),
  };
  const far: FarEnd = {
    clock,
    told: [],
    sent: [],
    heard: [],
    messages: [],
    erased: [],
    recorded: [],
    clears: 0,
    echoes: true,
    playout: createPlayout({
      line,
      clock,
      mediaMs: () => clock.now(),
      record: (bytes, atMs) => far.recorded.push({ atMs, ms: msOf(MULAW_8K, bytes.length) }),
      erase: (fromMs) => far.erased.push(fromMs),
    }),
  };
  return far;
}

const begin = (far: FarEnd, reply = 1) =>
  far.playout.open(reply, {
    audible: () => far.told.push(`audible ${far.clock.now()}`),
    ended: () => far.told.push(`ended ${far.clock.now()}`),
  });
/** Audio whose bytes tell their place. */
const speech = (ms: number, from = 0) => Uint8Array.from({ length: bytesOf(MULAW_8K, ms) }, (_, i) => (from * 8 + i) % 251);

describe('pacing', () => {
  it('sends the first piece at once and never more than the lead', async () => {
    const far = farEnd();
    const track = begin(far);
    track.write(speech(2_000));
    track.end();
    expect(far.told).toEqual(['audible 0']);
    expect(track.sentMs).toBe(360);
    await far.clock.advance(3_000);
    let sent = 0;
    for (const message of far.messages) {
      sent += message.ms;
      expect(sent - message.at).toBeLessThanOrEqual(400);
      expect(message.ms).toBeLessThanOrEqual(160);
    }
    expect(far.heard).toEqual([...speech(2_000)]);
    // Absolute schedule: the messages of the middle lie exactly a piece apart.
    expect(far.messages.slice(4, 8).map((message, i) => message.at - (far.messages[3 + i]?.at ?? 0))).toEqual([120, 120, 120, 120]);
    expect(far.clock.waiting).toBe(0);
  });

  it('passes small pieces on while little lies ahead, and gathers them afterwards', async () => {
    const far = farEnd();
    const track = begin(far);
    for (let at = 0; at < 1_000; at += 20) track.write(speech(20, at));
    track.end();
    await far.clock.advance(2_000);
    expect(far.messages.slice(0, 3).map((message) => message.ms)).toEqual([20, 20, 20]);
    expect(far.messages.length).toBeLessThan(14);
    expect(far.heard).toEqual([...speech(1_000)]);
  });

  it('keeps a small lead where the line is paced by us', async () => {
    const far = farEnd(PACED);
    const track = begin(far);
    track.write(speech(500));
    track.end();
    expect(track.sentMs).toBe(60);
    await far.clock.advance(500);
    expect(far.heard.length).toBe(4_000);
    expect(far.told).toEqual(['audible 0', 'ended 500']);
  });

  it('goes on at once when a voice that ran dry delivers again', async () => {
    const far = farEnd();
    const track = begin(far);
    track.write(speech(100));
    await far.clock.advance(1_000);
    track.write(speech(100, 100));
    expect(far.messages.at(-1)?.at).toBe(1_000);
    track.end();
    await far.clock.advance(1_000);
    expect(far.told).toEqual(['audible 0', 'ended 1100']);
    expect(far.recorded.map((piece) => piece.atMs)).toEqual([0, 1_000]);
  });
});

describe('the heard position', () => {
  it('follows the marks, not the clock, over a slow line', async () => {
    const far = farEnd(TWILIO, 150);
    const track = begin(far);
    track.write(speech(3_000));
    track.end();
    for (let at = 0; at < 3_000; at += 50) {
      await far.clock.advance(50);
      const reallyMs = msOf(MULAW_8K, far.heard.length);
      const { ms } = track.heard();
      expect(ms).toBeGreaterThanOrEqual(reallyMs - 170 - 20);
      expect(ms).toBeLessThanOrEqual(reallyMs + 150);
    }
    await far.clock.advance(2_000);
    expect(far.told).toEqual(['audible 0', 'ended 3300']);
  });

  it('waits for the last mark before it says that everything was heard', async () => {
    const far = farEnd(TWILIO, 300);
    const track = begin(far);
    track.write(speech(100));
    track.end();
    await far.clock.advance(699);
    expect(far.told).toEqual(['audible 0']);
    expect(track.heard().complete).toBe(false);
    await far.clock.advance(1);
    expect(far.told).toEqual(['audible 0', 'ended 700']);
    expect(track.heard()).toEqual({ text: '', ms: 100, complete: true });
  });

  it('trusts the clock when a mark is a second late, and ends all the same', async () => {
    const far = farEnd();
    far.echoes = false;
    const track = begin(far);
    track.write(speech(2_000));
    track.end();
    await far.clock.advance(1_500);
    expect(track.heard().ms).toBe(1_500);
    await far.clock.advance(1_600);
    expect(far.told).toEqual(['audible 0', 'ended 3000']);
    expect(far.clock.waiting).toBe(0);
  });

  it('ends an empty reply without a sound', () => {
    const far = farEnd();
    begin(far).end();
    expect(far.told).toEqual(['ended 0']);
    expect(far.sent).toEqual([]);
  });
});

describe('cutting', () => {
  it('clears the far end once, sends nothing more, and ignores the marks that come back', async () => {
    const far = farEnd(TWILIO, 20);
    const track = begin(far);
    track.text('one two three four five six seven eight nine ten');
    track.write(speech(3_000));
    track.end();
    await far.clock.advance(1_000);
    const sent = far.sent.length;
    const heard = track.cut();
    expect(far.clears).toBe(1);
    expect(heard.complete).toBe(false);
    expect(heard.ms).toBeGreaterThan(880);
    expect(heard.ms).toBeLessThanOrEqual(1_000);
    expect(heard.text).toBe('one two three');
    await far.clock.advance(3_000);
    track.write(speech(100));
    track.resume();
    expect(far.sent.length).toBe(sent);
    expect(track.cut()).toEqual(heard);
    expect(track.heard()).toEqual(heard);
    expect(far.clears).toBe(1);
    expect(far.told).toEqual(['audible 0']);
    expect(far.clock.waiting).toBe(0);
  });

  it('takes what was not heard out of the recording', async () => {
    const far = farEnd();
    const track = begin(far);
    track.write(speech(3_000));
    await far.clock.advance(1_000);
    const { ms } = track.cut();
    expect(far.erased).toEqual([ms]);
    begin(far, 2).write(speech(100));
    expect(far.recorded.at(-1)?.atMs).toBe(1_000);
  });

  it('counts as heard what a line without clear can no longer take back', async () => {
    const far = farEnd(PACED);
    const track = begin(far);
    track.write(speech(1_000));
    await far.clock.advance(500);
    const { ms } = track.cut();
    await far.clock.advance(500);
    expect(msOf(MULAW_8K, far.heard.length)).toBe(ms);
    expect(far.clears).toBe(0);
    expect(far.erased).toEqual([]);
  });

  it('cuts the open reply when the next one begins', async () => {
    const far = farEnd();
    const first = begin(far, 1);
    first.write(speech(1_000));
    await far.clock.advance(100);
    begin(far, 2);
    expect(far.clears).toBe(1);
    await far.clock.advance(2_000);
    expect(far.told).toEqual(['audible 0']);
    expect(first.heard().ms).toBe(100);
  });

  it('says nothing more once it is closed', async () => {
    const far = farEnd();
    const track = begin(far);
    track.write(speech(1_000));
    track.end();
    far.playout.close();
    await far.clock.advance(3_000);
    expect(far.told).toEqual(['audible 0']);
    expect(far.sent.length).toBe(bytesOf(MULAW_8K, 360));
    expect(far.clock.waiting).toBe(0);
  });
});

describe('ducking', () => {
  it('is silent at once, then goes on where the caller stopped hearing, without losing or repeating a sample', async () => {
    const far = farEnd();
    const track = begin(far);
    track.write(speech(1_000));
    track.end();
    await far.clock.advance(300);
    track.duck();
    track.duck();
    const stopped = far.heard.length;
    const frozen = track.heard();
    expect(far.clears).toBe(1);
    await far.clock.advance(700);
    expect(far.heard.length).toBe(stopped);
    expect(track.heard()).toEqual(frozen);
    expect(frozen.ms).toBe(300);
    track.resume();
    await far.clock.advance(2_000);
    expect(far.told).toEqual(['audible 0', 'ended 1700']);
    expect(far.heard.length).toBe(8_000);
    // Only the fade after the splice differs from what was written.
    const expected = [...speech(1_000)];
    expect(far.heard.slice(0, 2_400)).toEqual(expected.slice(0, 2_400));
    expect(far.heard.slice(2_464)).toEqual(expected.slice(2_464));
    // It rises from silence: no click.
    expect(Math.abs(MULAW.toLinear[far.heard[2_400] ?? 0] ?? 0)).toBeLessThan(300);
    expect(far.erased).toEqual([300]);
  });

  it('keeps what the voice delivers meanwhile, and holds a reply back that was ducked before it began', async () => {
    const far = farEnd();
    const track = begin(far);
    track.duck();
    track.write(speech(200));
    track.end();
    await far.clock.advance(500);
    expect(far.told).toEqual([]);
    track.resume();
    await far.clock.advance(500);
    expect(far.told).toEqual(['audible 500', 'ended 700']);
    expect(far.heard).toEqual([...speech(200)]);
    expect(far.clears).toBe(0);
  });

  it('may be cut while ducked: the far end is cleared once, and the text is that of the duck', async () => {
    const far = farEnd();
    const track = begin(far);
    track.text('hello there, caller');
    track.write(speech(1_300));
    track.end();
    await far.clock.advance(600);
    track.duck();
    await far.clock.advance(400);
    expect(track.cut()).toEqual({ text: 'hello', ms: 600, complete: false });
    expect(far.clears).toBe(1);
  });
});

/** A seeded source of whole numbers below `n`. */
function dice(seed: number): (n: number) => number {
  return (n) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((seed / 0x8000_0000) * n);
  };
}

it('never claims more than the caller heard, and never a message and a round trip less', async () => {
  const random = dice(7);
  for (let round = 0; round < 300; round++) {
    const delayMs = random(120);
    const far = farEnd(TWILIO, delayMs);
    const track = begin(far);
    track.write(speech(3_000));
    if (random(2)) track.end();
    await far.clock.advance(1 + random(2_500));
    const { ms } = track.cut();
    const sent = far.sent.length;
    await far.clock.advance(1_000);
    const really = msOf(MULAW_8K, far.heard.length);
    expect(ms, `round ${round}, ${delayMs} ms`).toBeLessThanOrEqual(really + 0.2);
    expect(ms, `round ${round}, ${delayMs} ms`).toBeGreaterThanOrEqual(really - 120 - 2 * delayMs);
    expect(far.sent.length).toBe(sent);
    expect(far.clock.waiting).toBe(0);
  }
});

it('loses no sample and sends none twice, whatever is written, ducked and resumed', async () => {
  const random = dice(20_260_101);
  for (let round = 0; round < 150; round++) {
    const far = farEnd(random(2) ? TWILIO : PACED, 0);
    const track = begin(far);
    let written = 0;
    let before = 0;
    for (let step = 0; step < 30; step++) {
      const what = random(4);
      if (what === 0) track.duck();
      else if (what === 1) track.resume();
      else {
        const ms = 20 * (1 + random(20));
        track.write(speech(ms, written));
        written += ms;
      }
      await far.clock.advance(random(300));
      const { ms, complete } = track.heard();
      expect(complete).toBe(false);
      expect(ms, `round ${round}`).toBeGreaterThanOrEqual(before);
      expect(ms).toBeLessThanOrEqual(written);
      before = ms;
    }
    track.resume();
    track.end();
    await far.clock.advance(written + 2_000);
    expect(track.heard().ms, `round ${round}`).toBe(written);
    expect(
      far.told.map((line) => line.split(' ')[0]),
      `round ${round}`,
    ).toEqual(written > 0 ? ['audible', 'ended'] : ['ended']);
    expect(far.heard.length, `round ${round}`).toBe(bytesOf(MULAW_8K, written));
    expect(far.clock.waiting).toBe(0);
  }
});

it('tells every second what was heard, and never takes it back', async () => {
  const text = 'I have found your order, it left the warehouse this morning, and it will be with you on Thursday around noon.';
  for (const cutAt of [900, 1_500, 2_300, 3_700, 5_200, 9_000]) {
    const far = farEnd(TWILIO, 40);
    const told: string[] = [];
    const track = far.playout.open(1, {
      audible() {},
      ended() {},
      heard: (piece, ms) => {
        told.push(piece);
        expect(ms).toBeLessThanOrEqual(msOf(MULAW_8K, far.heard.length) + 1);
      },
    });
    // The voice is faster than the ear, and the length of the sound is known only at its end.
    for (const [index, word] of text.split(/(?<= )/).entries()) {
      track.text(word);
      track.write(speech(330, index * 330));
    }
    track.end();
    await far.clock.advance(cutAt);
    const heard = track.cut().text;
    expect(heard.startsWith(told.join(''))).toBe(true);
    expect(told.length).toBeGreaterThanOrEqual(Math.floor(cutAt / 1_500));
    expect(told.join('')).toMatch(/^(.*\w)?[,.]?$/);
  }
});
