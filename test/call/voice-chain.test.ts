/** Voices in a row, on the virtual clock: when one is given up, what the next one says, and whose usage it is. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bytesOf, MULAW_8K, msOf } from '../../src/audio/format.ts';
import { turnBudget } from '../../src/call/answer/turn-budget.ts';
import { createUtterance } from '../../src/call/answer/utterance.ts';
import { openVoices } from '../../src/call/answer/voice-chain.ts';
import type { CallEventBody } from '../../src/call/events.ts';
import { heardWords } from '../../src/call/play/heard-text.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import type { SpeechListener, TextToSpeech } from '../../src/providers/tts/contract.ts';
import { planWith } from '../scenarios/scenario.ts';

interface Way {
  /** Fails at once inside this call. */
  readonly failsIn?: 'speak' | 'say' | 'end';
  /** Makes no sound. */
  readonly mute?: boolean;
  /** Breaks off after this much sound, by itself or in silence. */
  readonly breaksAfterMs?: number;
  readonly silently?: boolean;
  /** Tells where each word lies. */
  readonly words?: boolean;
  readonly tokens?: boolean;
  /** Holds text back until it is told to flush, or that there is no more. */
  readonly holds?: boolean;
  /** Says all and never tells that it is done. */
  readonly endless?: boolean;
}

const CHARACTER_MS = 60;
const FIRST_MS = 100;
/** Makes its sound at once, a tenth of a second after the first text. */
function voice(name: string, way: Way, clock: VirtualClock, log: Record<string, string[]>): TextToSpeech {
  const said: string[] = [];
  log[name] = said;
  return {
    kind: 'tts',
    name,
    env: 'V',
    origin: '',
    needsKey: false,
    settings: z.record(z.string(), z.unknown()),
    open: () => ({
      format: MULAW_8K,
      prefers: way.tokens ? 'tokens' : 'clauses',
      speak(listener: SpeechListener) {
        let text = '';
        let spokenTo = 0;
        let soundMs = 0;
        let over = false;
        let ended = false;
        const fails = (where: Way['failsIn']) => way.failsIn === where && listener.failed(new AywaError('provider_auth'));
        const make = () => {
          if (over || way.mute) return;
          for (const word of text.slice(spokenTo).match(/\s*\S+\s*/g) ?? []) {
            const ms = word.length * CHARACTER_MS;
            const leftMs = way.breaksAfterMs === undefined ? ms : Math.min(ms, way.breaksAfterMs - soundMs);
            if (way.words) listener.word?.(word.trim(), soundMs, soundMs + ms);
            if (leftMs > 0) listener.audio(new Uint8Array(bytesOf(MULAW_8K, leftMs)));
            soundMs += leftMs;
            spokenTo += word.length;
            if (leftMs === ms) continue;
            over = true;
            if (!way.silently) listener.failed(new AywaError('provider_network'));
            return;
          }
          if (!ended || way.endless) return;
          over = true;
          listener.done();
        };
        const later = () => void clock.timer(FIRST_MS, make);
        fails('speak');
        return {
          say(more) {
            said.push(more);
            text += more;
            fails('say');
            if (!way.holds) later();
          },
          flush() {
            said.push('|');
            later();
          },
          end() {
            ended = true;
            fails('end');
            later();
          },
          cancel() {
            over = true;
          },
        };
      },
    }),
  };
}

function stage(...ways: Way[]) {
  const clock = new VirtualClock();
  const scope = rootScope('test', { clock });
  const told: CallEventBody[] = [];
  const said: Record<string, string[]> = {};
  const names = ways.map((_, index) => `v${index}`);
  const made = ways.map((way, index) => voice(names[index] ?? '', way, clock, said));
  const choices = names.map((provider) => ({ provider, settings: { model: provider }, access: { apiKey: '', baseUrl: '' } }));
  const [first, ...rest] = choices;
  if (!first) throw new Error('a chain has a voice');
  const refuse = () => Promise.reject(new AywaError('egress_denied'));
  const plan = planWith({ tts: [first, ...rest] }).agent;
  const state = { agent: plan };
  const voices = openVoices({
    agent: () => state.agent,
    format: MULAW_8K,
    providers: { stt: () => undefined, llm: () => undefined, tts: (name) => made.find((entry) => entry.name === name) },
    ctx: { scope, egress: { http: refuse, socket: refuse, opened: { http: 0, sockets: 0 } }, log: silentLog },
    tell: (event) => told.push(event),
  });
  /** One reply with a track that keeps the words and the length of its sound. */
  const begin = (adopted = true) => {
    const heard = heardWords();
    const track = { soundMs: 0, ended: false, firstAt: -1, failed: false };
    const mouth = createUtterance({
      agent: planWith({}).agent,
      voices,
      budget: turnBudget(clock, true),
      begun() {
        track.firstAt = clock.now();
      },
      failed() {
        track.failed = true;
      },
    });
    const adopt = () =>
      mouth.adopt({
        write(bytes) {
          track.soundMs += msOf(MULAW_8K, bytes.length);
        },
        text: (piece) => heard.say(piece, undefined),
        lose: (pace) => heard.lose(track.soundMs, pace),
        word: (word, _at, endAt) => heard.word(word, endAt),
        end() {
          track.ended = true;
        },
      });
    if (adopted) adopt();
    return { ...mouth, adopt, track, heard: () => heard.upTo(track.soundMs, track.soundMs, track.ended) };
  };
  const usage = () => told.flatMap((event) => (event.type === 'usage.counted' ? [[event.provider, event.quantity]] : []));
  const switched = () => told.flatMap((event) => (event.type === 'provider.switched' ? [event.to] : []));
  return { clock, scope, told, said, voices, state, plan, begin, usage, switched };
}

const TEXT = 'It left this morning and it will be there on Thursday.';

describe('a voice that fails does not disable its successor', () => {
  it.each(['speak', 'say', 'end'] as const)('when it fails inside %s()', async (failsIn) => {
    const { clock, said, begin, usage, switched } = stage({ failsIn }, {});
    const reply = begin();
    reply.sayWhole('Hello there.');
    reply.end();
    await clock.advance(5_000);
    expect(said.v1?.join('')).toBe('Hello there.');
    expect([reply.heard(), reply.track.ended, reply.track.failed]).toEqual(['Hello there.', true, false]);
    expect(switched()).toEqual(['v1']);
    expect(usage()).toEqual([['v1', 12]]);
    expect(clock.waiting).toBe(0);
  });

  it('when all but the last fail in every way', async () => {
    const { clock, begin, said, usage } = stage({ failsIn: 'speak' }, { failsIn: 'say' }, { mute: true }, { failsIn: 'end' }, {});
    const reply = begin();
    for (const piece of ['Hello ', 'there, ', 'caller.']) reply.write(piece);
    reply.flush();
    reply.end();
    await clock.advance(8_000);
    expect(reply.heard()).toBe('Hello there, caller.');
    expect(said.v4?.join('')).toBe('Hello there, caller.');
    expect(usage()).toEqual([['v4', 20]]);
  });

  it('and stays in its place for the call', async () => {
    const { clock, begin, said } = stage({ mute: true }, {});
    for (const text of ['One.', 'Two.']) {
      const reply = begin();
      reply.sayWhole(text);
      reply.end();
      await clock.advance(5_000);
    }
    expect(said).toEqual({ v0: ['One.'], v1: ['One.', 'Two.'] });
  });
});

describe('a dead voice is noticed from its first text on', () => {
  it.each([
    ['that takes its text in clauses', {}, 1_200],
    ['that takes its text in words', { tokens: true }, 1_200],
  ])('%s', async (_name, way, at) => {
    const { clock, begin, told } = stage({ ...way, mute: true }, way);
    const reply = begin();
    for (let word = 0; word < 60; word++) {
      reply.write(word % 10 === 9 ? 'word. ' : 'word ');
      await clock.advance(100);
      if (told.some(({ type }) => type === 'provider.switched')) break;
    }
    expect(clock.now()).toBeLessThanOrEqual(at + 700);
    await clock.advance(300);
    expect(reply.track.firstAt).toBeGreaterThan(0);
  });

  it('one that waits for more text is told to speak what it has', async () => {
    const { clock, begin, said, switched } = stage({ tokens: true, holds: true }, {});
    const reply = begin();
    reply.write('Well, ');
    await clock.advance(3_000);
    expect(said.v0).toEqual(['Well, ', '|']);
    expect(switched()).toEqual([]);
    expect(reply.track.soundMs).toBeGreaterThan(0);
  });

  it('one that died while a tool ran', async () => {
    const { clock, begin, switched } = stage({ breaksAfterMs: 780, silently: true }, {});
    const reply = begin();
    reply.sayWhole('One moment. ');
    reply.pause();
    await clock.advance(6_000);
    expect(switched()).toEqual([]);
    reply.sayWhole('It left this morning and will be there on Thursday.');
    await clock.advance(4_000);
    expect(switched()).toEqual(['v1']);
    reply.end();
    await clock.advance(1_000);
    expect(reply.heard()).toMatch(/^One moment\. +It left this morning and will be there on Thursday\.$/);
  });

  it('a voice that has said everything may be quiet as long as the model', async () => {
    const { clock, begin, switched } = stage({}, {});
    const reply = begin();
    reply.sayWhole('Hang on, let me check that for you.');
    await clock.advance(30_000);
    expect(switched()).toEqual([]);
  });
});

describe('a voice that breaks off is followed by the next, in the middle of the sentence', () => {
  it.each<[string, Way, Way, RegExp]>([
    ['with word times', { words: true }, { words: true }, /^It left this morning and it will be there on Thursday\.$/],
    ['with word times on the first only', { words: true }, {}, /^It left this morning and it will be there on Thursday\.$/],
    ['with word times on the second only', {}, { words: true }, /^It left this (morning )?morning and it will be there on Thursday\.$/],
    ['without any', {}, {}, /^It left this (morning )?morning and it will be there on Thursday\.$/],
  ])('%s', async (_name, one, two, text) => {
    for (const silently of [false, true]) {
      const { clock, said, begin, usage, switched } = stage({ ...one, breaksAfterMs: 1_290, silently }, two);
      const reply = begin();
      reply.sayWhole(TEXT);
      reply.end();
      await clock.advance(6_000);
      expect(switched()).toEqual(['v1']);
      expect(said.v1?.join('')).toMatch(/^(morning )?and it will be there on Thursday\.$/);
      expect(reply.heard()).toMatch(text);
      expect([reply.track.ended, reply.track.failed]).toEqual([true, false]);
      expect(usage()).toEqual([
        ['v0', TEXT.length],
        ['v1', said.v1?.join('').length],
      ]);
    }
  });

  it('exactly where the pace of the voice is known', async () => {
    const { clock, said, begin } = stage({ breaksAfterMs: 1_290 }, {});
    const first = begin();
    first.sayWhole('Welcome to the shop.');
    first.end();
    await clock.advance(3_000);
    const reply = begin();
    reply.sayWhole(TEXT);
    reply.end();
    await clock.advance(6_000);
    expect(said.v1?.join('')).toBe('and it will be there on Thursday.');
    expect(reply.heard()).toBe(TEXT);
  });

  it('from the beginning as long as nobody can have heard it', async () => {
    const { clock, said, begin } = stage({ breaksAfterMs: 1_290 }, {});
    const reply = begin(false);
    reply.sayWhole(TEXT);
    reply.end();
    await clock.advance(3_000);
    reply.adopt();
    expect(said.v1?.join('')).toBe(TEXT);
    expect(reply.heard()).toBe(TEXT);
    expect(reply.track.soundMs).toBe(TEXT.length * CHARACTER_MS);
  });

  it('text that comes later follows it', async () => {
    const { clock, begin } = stage({ words: true, breaksAfterMs: 700 }, { words: true });
    const reply = begin();
    reply.sayWhole('It left this morning.');
    await clock.advance(2_000);
    reply.sayWhole('It comes on Thursday.');
    reply.end();
    await clock.advance(3_000);
    expect(reply.heard()).toBe('It left this morning. It comes on Thursday.');
  });

  it('three times over', async () => {
    const { clock, begin, switched } = stage({ words: true, breaksAfterMs: 700 }, { words: true, breaksAfterMs: 700 }, { words: true });
    const reply = begin();
    reply.sayWhole(TEXT);
    reply.end();
    await clock.advance(6_000);
    expect(switched()).toEqual(['v1', 'v2']);
    expect(reply.heard()).toBe(TEXT);
  });

  it('a last voice is followed by the apology, and by nothing when only its end is missing', async () => {
    const broken = stage({ words: true, breaksAfterMs: 700 });
    const reply = broken.begin();
    reply.sayWhole(TEXT);
    reply.end();
    await broken.clock.advance(3_000);
    expect(reply.heard()).toMatch(/^It left I am sorry/);
    expect(reply.track.failed).toBe(true);

    const endless = stage({ words: true, endless: true });
    const whole = endless.begin();
    whole.sayWhole(TEXT);
    whole.end();
    await endless.clock.advance(5_000);
    expect([whole.heard(), whole.track.ended, whole.track.failed]).toEqual([TEXT, true, false]);
  });
});

describe('the patience of the caller', () => {
  it.each([1, 2, 3, 5])('%i mute voices are followed by the apology within 3 s', async (count) => {
    const { clock, begin } = stage(...Array.from({ length: count }, () => ({ mute: true })));
    const reply = begin();
    reply.sayWhole('Hello.');
    reply.end();
    await clock.advance(10_000);
    expect(reply.track.firstAt).toBeGreaterThan(0);
    expect(reply.track.firstAt).toBeLessThan(3_000);
  });
});

it('a voice is flushed before a pause, once', async () => {
  const { begin, said } = stage({ tokens: true });
  const reply = begin();
  reply.write('Let me see ');
  reply.pause();
  reply.pause();
  expect(said.v0?.join('')).toBe('Let me see |');
});

it('what a cut speech was given is counted', async () => {
  const { begin, usage } = stage({});
  const reply = begin();
  reply.sayWhole('Hello.');
  reply.cancel();
  reply.cancel();
  expect(usage()).toEqual([['v0', 6]]);
});

it('another agent has another voice; what is being said is said to its end', async () => {
  const { clock, begin, said, state, plan, voices } = stage({}, {});
  const [first, second] = plan.tts;
  if (!second) throw new Error('there are two voices');
  const last = begin();
  last.sayWhole('I hand you over.');
  state.agent = { ...plan, tts: [second, first] };
  voices.agentChanged();
  last.end();
  const reply = begin();
  reply.sayWhole('Hello, this is Bob.');
  reply.end();
  await clock.advance(3_000);
  expect(said).toEqual({ v0: ['I hand you over.'], v1: ['Hello, this is Bob.'] });
  expect([last.heard(), reply.heard()]).toEqual(['I hand you over.', 'Hello, this is Bob.']);
});
