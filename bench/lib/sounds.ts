/**
 * Sounds that must not interrupt an agent, 8 kHz PCM. No free recording of coughs and murmurs is at hand, so they are made: by the physics
 * of each (bursts of breath through the mouth's resonances, a hum with the lips closed), each one different. Echo is the recorded agent.
 */
import { recordedSpeech } from './speech.ts';

const RATE = 8_000;

export const CLASSES = ['cough', 'murmur', 'line noise', 'loud echo', 'faint echo', 'speech'] as const;
export type SoundClass = (typeof CLASSES)[number];

export interface Sound {
  readonly pcm: Int16Array;
  /** What a recogniser makes of it; empty: nothing. */
  readonly words: string;
}

type Random = () => number;
const between = (random: Random, least: number, most: number) => least + random() * (most - least);
const noise = (random: Random) => random() * 2 - 1;

/** The same sounds for the same seed. */
export function makeSound(kind: SoundClass, seed: number): Sound {
  const random = seeded(seed);
  switch (kind) {
    case 'cough':
      return { pcm: cough(random), words: '' };
    case 'murmur':
      return { pcm: murmur(random), words: ['Mm-hmm.', 'Uh-huh.', 'Okay.', 'Yeah.'][Math.floor(random() * 4)] ?? '' };
    case 'line noise':
      return { pcm: lineNoise(random), words: '' };
    case 'loud echo':
      return { pcm: echo(random, 18, 28), words: '' };
    case 'faint echo':
      return { pcm: echo(random, 30, 42), words: '' };
    case 'speech':
      return { pcm: spoken(0, 1.2), words: 'Wait, I have a question.' };
  }
}

/** One to three bursts; each begins with the glottis bursting open (5 ms) and dies away within 60 to 160 ms. */
function cough(random: Random): Int16Array {
  const bursts = 1 + Math.floor(random() * 3);
  const out = new Float64Array(Math.round(RATE * 0.32 * bursts));
  let at = 0;
  for (let i = 0; i < bursts; i++) {
    const decay = between(random, 0.03, 0.07) * RATE;
    const length = Math.round(decay * 3.2);
    for (let k = 0; k < length && at + k < out.length; k++)
      out[at + k] = noise(random) * Math.min(1, k / (0.005 * RATE)) * Math.exp(-k / decay);
    at += length + Math.round(between(random, 0.03, 0.12) * RATE);
  }
  const shaped = [between(random, 450, 750), between(random, 1_200, 1_700), between(random, 2_300, 2_900)].map((hertz) =>
    resonate(out, hertz, 220),
  );
  return level(sum(shaped), between(random, 7_000, 16_000));
}

/** "Mm-hmm": two hums with a breath between, the second one higher; lips closed, so that little above 500 Hz comes out. */
function murmur(random: Random): Int16Array {
  const base = between(random, 95, 220);
  const out: number[] = [];
  const hum = (seconds: number, from: number, to: number) => {
    let phase = 0;
    const length = Math.round(seconds * RATE);
    for (let k = 0; k < length; k++) {
      phase += (2 * Math.PI * (from + ((to - from) * k) / length)) / RATE;
      const envelope = Math.sin((Math.PI * k) / length) ** 0.6;
      out.push(
        envelope * (Math.sin(phase) + 0.5 * Math.sin(2 * phase) + 0.2 * Math.sin(3 * phase) + 0.08 * Math.sin(4 * phase)) +
          0.01 * noise(random),
      );
    }
  };
  hum(between(random, 0.14, 0.24), base, base * 0.94);
  for (let k = 0; k < 0.05 * RATE; k++) out.push(0.06 * noise(random));
  hum(between(random, 0.18, 0.32), base * 1.05, base * 1.25);
  return level(out, between(random, 2_000, 7_000));
}

/** Hiss, hum of the mains, crackle, or the rumble of a car, for 1.5 to 3 s. */
function lineNoise(random: Random): Int16Array {
  const length = Math.round(between(random, 1.5, 3) * RATE);
  const kind = Math.floor(random() * 4);
  let low = 0;
  const out = Float64Array.from({ length }, (_, k) => {
    if (kind === 0) return noise(random);
    if (kind === 1) return Math.sin((2 * Math.PI * 50 * k) / RATE) + 0.5 * Math.sin((2 * Math.PI * 150 * k) / RATE) + 0.05 * noise(random);
    if (kind === 2) return random() < 0.003 ? noise(random) * 8 : 0.02 * noise(random);
    low += (noise(random) - low) * 0.06;
    return low;
  });
  return level(out, between(random, 400, 3_000));
}

/**
 * What the agent said, late and quieter by `least` to `most` dB: loud without an echo canceller on the way (a loudspeaker, a hybrid), faint
 * where one has left a rest.
 */
function echo(random: Random, least: number, most: number): Int16Array {
  const voice = spoken(Math.floor(random() * 100), 2.5);
  const loss = 10 ** (-between(random, least, most) / 20);
  return Int16Array.from(voice, (sample, k) => loss * (sample + 0.4 * (voice[k - 240] ?? 0)) + noise(random) * 8);
}

function spoken(fromFrame: number, seconds: number): Int16Array {
  const frames = recordedSpeech().slice(fromFrame, fromFrame + Math.round(seconds * 50));
  return Int16Array.from(frames.flatMap((frame) => [...frame]));
}

/** A two-pole resonance of `width` hertz. */
function resonate(input: Float64Array, hertz: number, width: number): Float64Array {
  const r = Math.exp((-Math.PI * width) / RATE);
  const c = 2 * r * Math.cos((2 * Math.PI * hertz) / RATE);
  const out = new Float64Array(input.length);
  for (let k = 0; k < input.length; k++) out[k] = (1 - r) * (input[k] ?? 0) + c * (out[k - 1] ?? 0) - r * r * (out[k - 2] ?? 0);
  return out;
}

const sum = (parts: readonly Float64Array[]) =>
  Float64Array.from(parts[0] ?? [], (_, k) => parts.reduce((all, part) => all + (part[k] ?? 0), 0));

function level(samples: ArrayLike<number>, peak: number): Int16Array {
  const most = Array.from(samples).reduce((found, value) => Math.max(found, Math.abs(value)), 1e-9);
  return Int16Array.from(samples, (value) => (value / most) * peak);
}

/** Mulberry32. */
function seeded(seed: number): Random {
  let state = (seed + 1) * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
