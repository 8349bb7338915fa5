/** Silero VAD as its authors publish it, run by onnxruntime: what our kernel must agree with. */
import { MODEL_FILE } from '../../tools/silero/build.ts';

// Must be set before the import: the library reports its use to its makers otherwise.
process.env.ORT_DISABLE_TELEMETRY = '1';
const { InferenceSession, Tensor } = await import('onnxruntime-node');

const WINDOW = 256;
const CONTEXT = 32;

/** Gives the probability of speech of every full window of 8 kHz samples, starting from silence. */
export async function sileroReference(): Promise<(samples: Int16Array) => Promise<number[]>> {
  const session = await InferenceSession.create(MODEL_FILE, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const rate = new Tensor('int64', BigInt64Array.of(8_000n), []);
  return async (samples) => {
    const probabilities: number[] = [];
    const input = new Float32Array(CONTEXT + WINDOW);
    let state = new Float32Array(256);
    for (let at = 0; at + WINDOW <= samples.length; at += WINDOW) {
      input.copyWithin(0, WINDOW);
      for (let i = 0; i < WINDOW; i++) input[CONTEXT + i] = (samples[at + i] ?? 0) / 32_768;
      const { output, stateN } = await session.run({
        input: new Tensor('float32', input, [1, input.length]),
        state: new Tensor('float32', state, [2, 1, 128]),
        sr: rate,
      });
      state = Float32Array.from(stateN?.data as Float32Array);
      probabilities.push(Number(output?.data[0]));
    }
    return probabilities;
  };
}
