/**
 * Voice activity by Silero VAD v5 at 8 kHz (MIT, silero.LICENSE), run by an own WebAssembly kernel in the caller's thread: no
 * native package, no message between threads, tens of microseconds per window. `silero.wasm` and `silero.bin` are made by
 * tools/silero. Never decides what the probability means.
 */
import { readFileSync } from 'node:fs';
import type { VoiceActivity, VoiceActivityStream } from './contract.ts';

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  weights(): number;
  slots(): number;
  slotBytes(): number;
  run(slot: number): number;
}

/** Samples per window (32 ms), and those of the previous window that the network sees before them. */
const WINDOW = 256;
const CONTEXT = 32;
/** Memory grows by this many pages of 64 KiB: room for 93 calls. */
const GROWTH_PAGES = 4;

/** Loads the detector: about 40 ms, once per process. */
export function createSilero(): VoiceActivity {
  const load = (name: string) => readFileSync(new URL(name, import.meta.url));
  const kernel = new WebAssembly.Instance(new WebAssembly.Module(load('silero.wasm'))).exports as unknown as Kernel;
  const weights = load('silero.bin');
  new Uint8Array(kernel.memory.buffer).set(weights, kernel.weights());

  const slotBytes = kernel.slotBytes();
  let memory = new Float32Array(kernel.memory.buffer);
  let top = kernel.slots();
  const free: number[] = [];

  const take = (): number => {
    const slot = free.pop() ?? top;
    if (slot === top) {
      top += slotBytes;
      if (top > memory.byteLength) {
        kernel.memory.grow(GROWTH_PAGES);
        memory = new Float32Array(kernel.memory.buffer);
      }
    }
    memory.fill(0, slot >> 2, (slot + slotBytes) >> 2);
    return slot;
  };

  const open = (window: (probability: number) => void): VoiceActivityStream => {
    const slot = take();
    const start = (slot >> 2) + CONTEXT;
    let filled = 0;
    let closed = false;
    return {
      write(samples, length) {
        for (let i = 0; i < length && !closed; i++) {
          memory[start + filled++] = (samples[i] ?? 0) / 32_768;
          if (filled < WINDOW) continue;
          filled = 0;
          window(kernel.run(slot));
        }
      },
      close() {
        if (closed) return;
        closed = true;
        free.push(slot);
      },
    };
  };
  return { open };
}
