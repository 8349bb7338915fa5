/**
 * Folds V8's profiles by room: self time and allocated bytes go to the room of the frame, and what has no room of its own (builtins, JSON,
 * buffers) to the room that called it. Pure.
 */

interface Frame {
  readonly functionName: string;
  readonly url: string;
}
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: readonly number[] }[];
  readonly samples?: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[];
}
interface HeapNode {
  readonly callFrame: Frame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}
export interface HeapProfile {
  readonly head: HeapNode;
}

/** Shares by room, largest first: microseconds or bytes, with the heaviest functions in each. */
export interface Folded {
  readonly total: number;
  readonly rooms: readonly {
    readonly room: string;
    readonly amount: number;
    readonly top: readonly (readonly [name: string, amount: number])[];
  }[];
}

const IDLE = 'idle';
const TOP = 3;

/** Where a frame belongs by itself; `undefined`: where its caller belongs. */
const PLACES: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [/\/src\/providers\/vad\//, () => 'voice activity'],
  [/\/src\/audio\/(\w+)/, (match) => `audio/${match[1]}`],
  [/\/src\/call\/turn\/turn-(rules|state|taking)/, () => 'table'],
  [/\/src\/call\/(\w+)\//, (match) => `call/${match[1]}`],
  [/\/src\/providers\/(\w+)\//, (match) => `providers/${match[1]}`],
  [/\/src\/(\w+)\//, (match) => match[1] ?? ''],
  [/\/bench\/wire\/floor/, () => 'floor'],
  [/\/node_modules\/(ws|undici)\//, () => 'sockets'],
  [/\/node_modules\/(?:\.pnpm\/)?(@[^/]+\/[^/]+|[^/]+)\//, (match) => match[1] ?? ''],
  [
    /^node:(internal\/)?(net|http|_http\w*|tls|_tls\w*|stream|streams|stream_base_commons|js_stream_socket|deps\/undici)\b/,
    () => 'sockets',
  ],
  [/^node:(internal\/)?(child_process|ipc)/, () => 'wall'],
  [/^node:(internal\/)?fs\b/, () => 'files'],
  [/^node:(internal\/)?timers/, () => 'timers'],
  [/^node:internal\/process\/task_queues/, () => 'microtasks'],
  [/^wasm:/, () => 'voice activity'],
];

export function placeOf({ functionName, url }: Frame): string | undefined {
  if (functionName === '(idle)') return IDLE;
  if (functionName === '(garbage collector)') return 'garbage collection';
  // Native code outside JavaScript: system calls of the event loop above all.
  if (functionName === '(program)') return 'event loop, native';
  if (/^wasm-function/.test(functionName)) return 'voice activity';
  // Writes are system calls whoever asks for them.
  if (!url && /^(writev?|write\w+String|writeBuffer|readStart|shutdown)$/.test(functionName)) return 'sockets';
  for (const [pattern, room] of PLACES) {
    const match = pattern.exec(url);
    if (match) return room(match);
  }
  return undefined;
}

export function foldCpu({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Folded {
  const parents = new Map<number, number>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const room = (id: number | undefined): string => {
    const node = id === undefined ? undefined : byId.get(id);
    return node ? (placeOf(node.callFrame) ?? room(parents.get(node.id))) : 'elsewhere';
  };
  const rooms = new Map(nodes.map((node) => [node.id, room(node.id)]));
  const sums = collector();
  samples.forEach((id, index) => {
    const place = rooms.get(id) ?? 'elsewhere';
    // A sample stands for the time until the next one.
    if (place !== IDLE) sums.add(place, byId.get(id)?.callFrame, timeDeltas[index + 1] ?? 0);
  });
  return sums.folded();
}

export function foldHeap({ head }: HeapProfile): Folded {
  const sums = collector();
  const visit = (node: HeapNode, above: string) => {
    const room = placeOf(node.callFrame) ?? above;
    if (node.selfSize > 0) sums.add(room, node.callFrame, node.selfSize);
    for (const child of node.children) visit(child, room);
  };
  visit(head, 'elsewhere');
  return sums.folded();
}

function collector() {
  const rooms = new Map<string, Map<string, number>>();
  let total = 0;
  return {
    add(room: string, frame: Frame | undefined, amount: number) {
      const names = rooms.get(room) ?? new Map<string, number>();
      const file = frame?.url.split('/').at(-1) ?? '';
      const name = `${frame?.functionName || '(anonymous)'}${file ? ` ${file}` : ''}`;
      names.set(name, (names.get(name) ?? 0) + amount);
      rooms.set(room, names);
      total += amount;
    },
    folded(): Folded {
      const list = [...rooms].map(([room, names]) => ({
        room,
        amount: [...names.values()].reduce((sum, value) => sum + value, 0),
        top: [...names].sort((a, b) => b[1] - a[1]).slice(0, TOP),
      }));
      return { total, rooms: list.sort((a, b) => b.amount - a.amount) };
    },
  };
}
