/**
 * The voice activity kernel against onnxruntime, window by window, over more than an hour of telephone audio: recorded prompts,
 * read and spoken sentences, synthetic voices, each as it is and in three kinds of noise, all through mu-law.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { converter } from '../../src/audio/convert.ts';
import { type AudioFormat, MULAW_8K } from '../../src/audio/format.ts';
import { decodeG711, MULAW } from '../../src/audio/g711.ts';
import { readWavLayout, wavChannel } from '../../src/audio/wav.ts';
import { createSilero } from '../../src/providers/vad/silero.ts';
import { flite } from '../../tools/flite.ts';
import { silenceThenApology } from '../providers/apology-audio.ts';
import { sileroReference } from './silero-reference.ts';

const FOLDERS = ['/usr/share/asterisk/sounds', '/usr/share/pocketsphinx/test/data'];
const SENTENCES = [
  'I want to cancel my appointment.',
  'My order number is four, seven, two, nine.',
  'Yes, please. No. Thank you, goodbye!',
];

/** A voice as the telephone brings it. */
function onThePhone(samples: Int16Array, rate: number): Int16Array {
  const from = { encoding: 'pcm16', rate } as AudioFormat;
  const bytes = converter(from, MULAW_8K).convert(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  const out = new Int16Array(bytes.length);
  decodeG711(MULAW, bytes, out);
  return out;
}

/** Deterministic noise: white, a low hum, or a babble-like rumble, at a level in parts of full scale. */
function inNoise(samples: Int16Array, kind: 'white' | 'hum' | 'rumble', level: number): Int16Array {
  let seed = 12_345;
  let slow = 0;
  return samples.map((value, i) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const white = seed / 0x4000_0000 - 1;
    slow = 0.97 * slow + 0.25 * white * (1 + Math.sin(i / 1_700));
    const noise = kind === 'white' ? white : kind === 'hum' ? Math.sin((2 * Math.PI * 50 * i) / 8_000) : slow;
    return Math.max(-32_768, Math.min(32_767, Math.round(value + 32_768 * level * noise)));
  });
}

async function recordings(): Promise<Int16Array[]> {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.wav'))
      .sort()
      .map((name) => join(folder, name)),
  );
  const found = files.map((file) => {
    const bytes = readFileSync(file);
    return onThePhone(wavChannel(bytes, 0), readWavLayout(bytes).rate);
  });
  for (const voice of ['slt', 'rms', 'awb', 'kal'] as const)
    for (const sentence of SENTENCES) {
      const { samples, rate } = await flite(sentence, voice);
      found.push(onThePhone(samples, rate));
    }
  return found;
}

describe('the voice activity kernel', () => {
  let audio: Int16Array[] = [];
  beforeAll(async () => {
    audio = await recordings();
  });

  it('gives the same probabilities as onnxruntime, to 1e-5, over more than an hour', { timeout: 600_000 }, async () => {
    const reference = await sileroReference();
    const silero = createSilero();
    let windows = 0;
    let speech = 0;
    let worst = 0;
    const versions = [
      (samples: Int16Array) => samples,
      (samples: Int16Array) => inNoise(samples, 'white', 0.003),
      (samples: Int16Array) => inNoise(samples, 'hum', 0.05),
      (samples: Int16Array) => inNoise(samples, 'rumble', 0.02),
    ];
    for (const version of versions) {
      // One long call: the network's memory runs through all of it.
      const call = new Int16Array(audio.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of audio) {
        call.set(version(piece), at);
        at += piece.length;
      }
      const ours: number[] = [];
      const stream = silero.open((probability) => ours.push(probability));
      stream.write(call, call.length);
      const theirs = await reference(call);
      expect(ours.length).toBe(theirs.length);
      for (let i = 0; i < ours.length; i++) {
        worst = Math.max(worst, Math.abs((ours[i] ?? 0) - (theirs[i] ?? 1)));
        if ((theirs[i] ?? 0) >= 0.5) speech += 1;
      }
      windows += ours.length;
    }
    expect((windows * 256) / 8_000).toBeGreaterThan(3_600);
    // Both kinds of windows are there in number, so that agreement means something.
    expect(speech / windows).toBeGreaterThan(0.2);
    expect(speech / windows).toBeLessThan(0.95);
    expect(worst).toBeLessThan(1e-5);
  });

  it('is the reference of the short test, too', async () => {
    const expected: unknown = JSON.parse(readFileSync(new URL('../fixtures/silero-apology.json', import.meta.url), 'utf8'));
    const reference = await sileroReference();
    const now = await reference(silenceThenApology());
    expect(now.map((value) => Number(value.toFixed(6)))).toEqual(expected);
  });
});
