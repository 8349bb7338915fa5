/** Compiles an AssemblyScript kernel to WebAssembly with SIMD. The result depends on the source and the compiler's version alone. */
import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/** `pages`: the memory that the module begins with, of 64 KiB each. */
export async function compileKernel(file: URL, pages: number): Promise<Uint8Array> {
  const source = readFileSync(file, 'utf8');
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['kernel.ts', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', String(pages), '-o', 'kernel.wasm'],
    {
      readFile: (name) => (name === 'kernel.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'kernel.wasm' && typeof contents !== 'string') wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`The kernel does not compile: ${stderr.toString()}`);
  return wasm;
}
