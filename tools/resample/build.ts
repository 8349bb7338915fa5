/** Remakes `src/audio/resample.wasm` from kernel.as. A development tool: `node tools/resample/build.ts`; a test compares them. */
import { writeFileSync } from 'node:fs';
import { compileKernel } from '../assembly.ts';

export const buildResampler = (): Promise<Uint8Array> => compileKernel(new URL('./kernel.as', import.meta.url), 24);

if (import.meta.main) writeFileSync(new URL('../../src/audio/resample.wasm', import.meta.url), await buildResampler());
