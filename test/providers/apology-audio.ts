/** A few seconds of real speech that every checkout has: silence, the recorded apology, silence. */
import { decoder } from '../../src/audio/convert.ts';
import { MULAW_8K } from '../../src/audio/format.ts';
import { apology } from '../../src/call/answer/apology.ts';

/** 8 kHz samples: half a second of silence on both sides. */
export function silenceThenApology(): Int16Array {
  const read = decoder(MULAW_8K, 8000);
  const length = read.decode(apology(MULAW_8K));
  const samples = new Int16Array(length + 8_000);
  samples.set(read.samples.subarray(0, length), 4_000);
  return samples;
}
