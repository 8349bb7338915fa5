/**
 * The part of the WebAssembly JavaScript interface that the product uses. Node has it; its type package leaves it to the browser's
 * library, which would bring a thousand names that do not exist here.
 */
declare namespace WebAssembly {
  type ExportValue = Memory | ((...args: never[]) => unknown) | { value: number | bigint };
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, object>>);
    readonly exports: Readonly<Record<string, ExportValue>>;
  }
  class Memory {
    constructor(limits: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}
