/** What the simulated callers say: a recorded human voice (Debian's asterisk-core-sounds-en-wav), from its first loud frame on. */
import { existsSync, readFileSync } from 'node:fs';

const SOUNDS = ['/usr/share/asterisk/sounds/en_US_f_Allison', '/usr/share/asterisk/sounds/en'];

/** 20 ms frames of 8 kHz PCM. */
export function recordedSpeech(): Int16Array[] {
  const folder = SOUNDS.find((path) => existsSync(`${path}/vm-review.wav`));
  if (!folder) throw new Error('The benches need the recordings of asterisk-core-sounds-en-wav: bench/setup.sh recordings');
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

/** What the scripted recogniser hears, and what it hears when it has changed its mind. */
export const WORDS = 'I would like to book an appointment.';
export const OTHER_WORDS = 'I would like to cancel an appointment.';

const tokens = (text: string): readonly string[] => text.match(/\s?\S+/g) ?? [];

/** What the scripted model answers: four replies whose first sentences are of different length. */
export const REPLIES: readonly (readonly string[])[] = [
  'Sure, I can help you with that appointment. The earliest slot we have is on Thursday at half past nine in the morning, and the doctor will need your insurance card. Would you like me to book it for you?',
  'The next free appointment that I can see in the calendar of the practice is on Friday afternoon at a quarter past three with Doctor Meyer. Would that suit you, or do you need a time in the morning?',
  'Of course. Let me have a look at the calendar first. There is a free appointment on Monday at ten, and another one on Tuesday at four in the afternoon.',
  'I am afraid that the doctor is away until the end of next week, so the first day that I can offer you is the Monday after, early in the morning. Shall I write that down for you?',
].map(tokens);
export const TOKENS: readonly string[] = REPLIES[0] ?? [];

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
