/** Sounds under the voice: nothing is touched while there are none, the voice never waits, the bed flows in real time. */
import { describe, expect, it } from 'vitest';
import { bytesOf, MULAW_8K, msOf } from '../../src/audio/format.ts';
import { MULAW } from '../../src/audio/g711.ts';
import { createMixer, looped } from '../../src/call/play/mixer.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { fakeLine } from '../scenarios/fakes.ts';

function world() {
  const clock = new VirtualClock();
  const sent: (Uint8Array | string)[] = [];
  const inner = {
    ...fakeLine(clock),
    send: (audio: Uint8Array) => void sent.push(audio.slice()),
    mark: (name: string) => void sent.push(name),
    clear: () => void sent.push('clear'),
  };
  const mixer = createMixer(inner, clock);
  const soundMs = () => sent.reduce((ms, item) => ms + (typeof item === 'string' ? 0 : msOf(MULAW_8K, item.length)), 0);
  const levelsOf = (audio: Uint8Array) => [...new Set(audio)].map((code) => MULAW.toLinear[code] ?? 0);
  /** The levels of each message, marks and clears between them. */
  const levels = () => sent.flatMap<string | number>((item) => (typeof item === 'string' ? [item] : levelsOf(item)));
  return { clock, sent, inner, mixer, soundMs, levels };
}
const level = (value: number) => MULAW.fromLinear[value & 0xffff] ?? 0;
const voice = (ms: number, value: number) => new Uint8Array(bytesOf(MULAW_8K, ms)).fill(level(value));
const bed = (value: number) => looped(new Int16Array(777).fill(value));
/** G.711 keeps about 38 dB: what comes out is as near as that. */
const near = (value: number) => MULAW.toLinear[level(value)];

describe('a mixer', () => {
  it('passes everything through as it is while nothing is added', () => {
    const clock = new VirtualClock();
    const taken: Uint8Array[] = [];
    const { line } = createMixer({ ...fakeLine(clock), send: (audio) => void taken.push(audio) }, clock);
    const audio = voice(20, 5_000);
    line.send(audio);
    expect(taken[0]).toBe(audio);
    expect(clock.waiting).toBe(0);
  });

  it('lets a bed flow in real time, a little ahead of the ear, until it is taken out', async () => {
    const { clock, mixer, soundMs } = world();
    const remove = mixer.add(bed(1_000), 1);
    for (let at = 0; at <= 2_000; at += 500) {
      expect(soundMs() - at).toBeGreaterThanOrEqual(100);
      expect(soundMs() - at).toBeLessThanOrEqual(160);
      await clock.advance(500);
    }
    remove();
    const before = soundMs();
    await clock.advance(1_000);
    expect(soundMs()).toBe(before);
    expect(clock.waiting).toBe(0);
  });

  it('adds the bed under the voice at its gain, and the voice goes out at once, marks in their place', async () => {
    const { clock, mixer, sent, levels } = world();
    mixer.add(bed(2_000), 0.5);
    await clock.advance(200);
    sent.length = 0;
    mixer.line.send(voice(120, 8_000));
    mixer.line.mark('1:1');
    expect(levels()).toEqual([near((near(8_000) ?? 0) + 1_000), '1:1']);
    // The voice lies ahead of the ear: the bed goes on behind it, not beside it.
    await clock.advance(100);
    expect(levels().slice(2)).toEqual([]);
    await clock.advance(100);
    expect(levels().slice(2)[0]).toBe(near(1_000));
    mixer.close();
    expect(clock.waiting).toBe(0);
  });

  it('clears the voice at the far end and keeps the bed going', async () => {
    const { clock, mixer, sent, levels } = world();
    mixer.add(bed(1_000), 1);
    mixer.line.send(voice(300, 9_000));
    sent.length = 0;
    mixer.line.clear();
    expect(levels()[0]).toBe('clear');
    expect(levels().slice(1)).toEqual([near(1_000), near(1_000)]);
    await clock.advance(500);
    mixer.close();
  });

  it('forgets a source that is over, and what is too loud is clipped', async () => {
    const { clock, mixer, sent, levels } = world();
    // Two pieces ahead of the ear, and the voice that follows.
    let left = 2 * 480 + 160;
    const read = (into: Int16Array, length: number) => {
      into.fill(30_000, 0, length);
      left -= length;
      return left >= 0 ? length : 0;
    };
    mixer.add({ read }, 1);
    mixer.line.send(voice(20, 30_000));
    expect(levels().at(-1)).toBe(MULAW.toLinear[level(32_767)]);
    await clock.advance(1_000);
    const before = sent.length;
    await clock.advance(1_000);
    expect(sent.length).toBe(before);
    expect(clock.waiting).toBe(0);
  });
});
