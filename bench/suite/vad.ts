/** Microseconds of CPU per 32 ms window of the Silero kernel, over speech; the best of several rounds. */
import { createSilero } from '../../src/providers/vad/silero.ts';
import { type Bench, f1 } from '../lib/bench.ts';
import { recordedSpeech } from '../lib/speech.ts';

export const vadWindow: Bench = async () => {
  const frames = recordedSpeech();
  let windows = 0;
  const stream = createSilero().open(() => {
    windows += 1;
  });
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 9; round++) {
    windows = 0;
    const start = process.cpuUsage();
    for (let i = 0; i < 16_000; i++) stream.write(frames[i % frames.length] as Int16Array, 160);
    const used = process.cpuUsage(start);
    best = Math.min(best, (used.user + used.system) / windows);
  }
  return [{ name: 'vad.window, 8 kHz', figure: `${f1(best)} us`, goal: '<= 30 us', met: best <= 30 }];
};
