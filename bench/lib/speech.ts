/** What the simulated callers say: a recorded human voice (Debian's asterisk-core-sounds-en-wav), from its first loud frame on. */
import { existsSync, readFileSync } from 'node:fs';

const SOUNDS = ['/usr/share/asterisk/sounds/en_US_f_Allison', '/usr/share/asterisk/sounds/en'];

/** 20 ms frames of 8 kHz PCM. */
export function recordedSpeech(): Int16Array[] {
  const folder = SOUNDS.find((path) => existsSync(`${path}/vm-review.wav`));
  if (!folder)
    throw new Error('The benches need the recordings of asterisk-core-sounds-en-wav: apt-get install asterisk-core-sounds-en-wav');
  const bytes = readFileSync(`${folder}/vm-review.wav`);
  const data = bytes.indexOf('data') + 8;
  const pcm = new Int16Array((bytes.length - data) >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(data + i * 2);
  const frames: Int16Array[] = [];
  for (let i = 0; i + 160 <= pcm.length; i += 160) frames.push(pcm.subarray(i, i + 160));
  return frames.slice(frames.findIndex((frame) => frame.reduce((sum, sample) => sum + Math.abs(sample), 0) / 160 > 500));
}

/** Near silence, as a line has it: +-4 LSB. */
export function quietFrames(count = 16, samples = 160): Int16Array[] {
  return Array.from({ length: count }, () => Int16Array.from({ length: samples }, () => Math.trunc(Math.random() * 8 - 4)));
}

/** What the scripted model answers. */
export const ANSWER =
  'Sure, I can help you with that appointment. The earliest slot we have is on Thursday at half past nine in the morning, and the doctor will need your insurance card. Would you like me to book it for you?';
export const TOKENS: readonly string[] = ANSWER.match(/\s?\S+/g) ?? [];

/** Milliseconds of the scripted providers, the same for every subject. */
export const SCRIPT = {
  sttDelay: 200,
  firstToken: 100,
  perToken: 20,
  firstAudio: 80,
  realTimeFactor: 0.2,
  msPerChar: 60,
  speechMs: 1600,
  bargeAfter: 1500,
};
