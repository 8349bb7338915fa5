/**
 * `npm run bench [-- name ...] [--quick] [--profile] [--publish]`: runs the suite, each subject in a process of its own, and prints JSON
 * lines and one table of goals and figures. `one` runs a single subject and prints JSON; it is how the suite calls this file.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { livekitInstalled } from './in-process/run.ts';
import { type Bench, type Effort, effortOf, type Row } from './lib/bench.ts';
import { table, waitQuiet } from './lib/stats.ts';
import { bargeClear, bargeFalse } from './suite/interruptions.ts';
import { capWs, loopShield, notYet, overloadBench, soakBench, stormBench } from './suite/load.ts';
import { profiles } from './suite/profiles.ts';
import { installSize } from './suite/size.ts';
import { greetFirst, wireAt50 } from './suite/sockets.ts';
import { textFirst, turnAdded, turnGap, turnRace, turnSpec, turnWaste } from './suite/turns.ts';
import { vadWindow } from './suite/vad.ts';

const BENCHES: Record<string, Bench> = {
  'turn.added': turnAdded,
  'turn.gap': turnGap,
  'turn.spec': turnSpec,
  'turn.race': turnRace,
  'turn.waste': turnWaste,
  'text.first': textFirst,
  'barge.clear': bargeClear,
  'barge.false': bargeFalse,
  wire: wireAt50,
  'greet.first': greetFirst,
  'cap.ws': capWs,
  'loop.shield': loopShield,
  storm: stormBench,
  overload: overloadBench,
  soak: soakBench,
  'hook.rate': notYet('hook.rate', '>= 2,000/s a core, p99 <= 50 ms'),
  'api.rest': notYet('api.rest', 'p99 <= 10 ms at 500/s'),
  'vad.window': vadWindow,
  size: installSize,
};

/** What a process of its own may run; loaded there alone, so that a peer never shares a process with the product. */
const SUBJECTS: Record<string, (order: never) => Promise<unknown>> = {
  scenario: async (order) => (await import('./in-process/run.ts')).scenario(order),
  disturbed: async (order) => (await import('./in-process/run.ts')).disturbed(order),
  'peer first text': async () => (await import('./in-process/run.ts')).peerFirstText(),
  onset: async (order) => (await import('./in-process/onset.ts')).bargeOnset(order),
  steady: async (order) => (await import('./wire/steady.ts')).steady(order),
  greet: async (order) => (await import('./wire/disturbed.ts')).greet(order),
  shield: async (order) => (await import('./wire/disturbed.ts')).shield(order),
  storm: async (order) => (await import('./wire/disturbed.ts')).storm(order),
  capacity: async (order) => (await import('./wire/capacity.ts')).capacity(order),
  overload: async (order) => (await import('./wire/capacity.ts')).overload(order),
  soak: async (order) => (await import('./wire/soak.ts')).soak(order),
  profile: async (order) => (await import('./profile/profile.ts')).profile(order),
};

async function one(what: string, order: never): Promise<void> {
  const subject = SUBJECTS[what];
  if (!subject) throw new Error(`Nothing is called ${what}.`);
  await waitQuiet();
  const result = await subject(order);
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`, () => process.exit(0));
}

async function suite(names: readonly string[], effort: Effort, flags: ReadonlySet<string>): Promise<void> {
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) throw new Error(`No bench is called ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}`);
  // A developer does not wait for a quiet machine; the lines say who else was on it.
  if (effort.quick) process.env.BENCH_QUIET_MS ??= '2000';
  prepare();
  if (flags.has('--profile')) process.stdout.write(`${await profiles(effort)}\n`);
  if (flags.has('--profile') && names.length === 0) return;
  const rows: Row[] = [];
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    process.stderr.write(`${name} ...\n`);
    rows.push(...((await BENCHES[name]?.(effort)) ?? []));
  }
  const cells = rows.map((row) => [row.name, row.figure, row.goal, row.met === null ? '' : row.met ? 'met' : 'NOT MET']);
  process.stdout.write(`\n${machine(effort)}\n${table([['bench', 'figure', 'goal', ''], ...cells])}\n`);
  if (flags.has('--publish')) publish(cells, effort);
}

/** Installs the recordings when it may, and says what is missing otherwise. */
function prepare(): void {
  const { status } = spawnSync('bash', [join(import.meta.dirname, 'setup.sh'), 'recordings'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(1);
  if (!livekitInstalled()) process.stderr.write('LiveKit is not installed (bench/setup.sh peers): its columns stay empty.\n');
}

function machine({ quick, seconds, runs }: Effort): string {
  const of = runs > 1 ? `median of ${runs} runs of ${seconds} s` : `one run of ${seconds} s`;
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `Machine: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GB, Node ${process.version}, ${of}${quick ? ' (quick: no claim)' : ''}, ${date}.`;
}

function publish(cells: readonly (readonly string[])[], effort: Effort): void {
  const path = join(import.meta.dirname, '../docs/performance.md');
  const rows = cells.map((row) => `| ${row.join(' | ')} |`);
  const head = ['| bench | figure | goal | |', '| --- | --- | --- | --- |'];
  const text = ['<!-- table -->', '', machine(effort), '', ...head, ...rows, '', '<!-- /table -->'].join('\n');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/<!-- table -->[\s\S]*<!-- \/table -->/, text));
}

const [command = '', ...rest] = process.argv.slice(2);
if (command === 'one') await one(rest[0] ?? '', JSON.parse(rest[1] ?? '{}') as never);
else {
  const words = [command, ...rest].filter(Boolean);
  const flags = new Set(words.filter((word) => word.startsWith('--')));
  await suite(
    words.filter((word) => !word.startsWith('--')),
    effortOf(flags.has('--quick')),
    flags,
  );
}
