/**
 * `npm run bench [-- name ...] [--publish]`: runs the suite, each subject in a process of its own, and prints one table of goals and figures.
 * `one` runs a single subject and prints JSON; it is how this file calls itself.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bargeOnset } from './barge.ts';
import { runScenario, type ScenarioResult } from './in-process/scenario.ts';
import { table, waitQuiet } from './lib/stats.ts';
import { installSize } from './size.ts';
import { vadWindow } from './vad.ts';
import { type WireResult, wire } from './wire/product.ts';

/** One line of the table: what was asked for, what came out, whether it holds (`null`: only informs). */
interface Row {
  name: string;
  figure: string;
  goal: string;
  met: boolean | null;
}

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const run = promisify(execFile);
const f1 = (value: number) => value.toFixed(1);
const f2 = (value: number) => value.toFixed(2);

const BENCHES: Record<string, () => Promise<Row[]>> = {
  'turn.added': turnAdded,
  'turn.gap': turnGap,
  'turn.spec': turnSpec,
  'turn.race': turnRace,
  'barge.clear': bargeClear,
  wire: wireAt50,
  'cap.ws': wireAt150,
  'loop.shield': loopShield,
  'vad.window': async () => {
    const { us8k } = await vadWindow();
    return [{ name: 'vad.window, 8 kHz', figure: `${f1(us8k)} us`, goal: '<= 30 us', met: us8k <= 30 }];
  },
  size: async () => {
    const { megabytes, withLab } = await installSize();
    return [
      {
        name: 'size, production node_modules',
        figure: `${Math.round(megabytes)} MB (${Math.round(withLab)} with the lab's optional packages)`,
        goal: '<= 120 MB',
        met: megabytes <= 120,
      },
    ];
  },
};

async function turnAdded(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const calls of [1, 25, 50]) {
    const ours = await subject('ours', 'tuned', calls);
    const peer = calls === 50 ? undefined : await subject('livekit', 'tuned', calls);
    const ratio = peer
      ? `; LiveKit tuned ${f1(peer.added.p50)} / ${f1(peer.added.p99)}: ${f1(peer.added.p50 / ours.added.p50)}x and ${f1(peer.added.p99 / ours.added.p99)}x`
      : '';
    const met = peer && calls === 25 ? peer.added.p50 >= 3 * ours.added.p50 && peer.added.p99 >= 8 * ours.added.p99 : null;
    rows.push({
      name: `turn.added, in process, ${calls} calls`,
      figure: `${f2(ours.added.p50)} / ${f2(ours.added.p99)} ms (p50 / p99)${ratio}`,
      goal: calls === 25 ? '>= 3x lower p50, >= 8x lower p99 than LiveKit tuned' : '',
      met,
    });
    if (calls !== 1) {
      const cpu = peer ? `; LiveKit ${f2(peer.perCallPercent)} %, ${f1(peer.rssPerCallMb)} MB` : '';
      rows.push({
        name: `cpu and memory per call, in process, ${calls} calls`,
        figure: `${f2(ours.perCallPercent)} %, ${f2(ours.rssPerCallMb)} MB${cpu}`,
        goal: '',
        met: null,
      });
    }
  }
  return rows;
}

async function turnGap(): Promise<Row[]> {
  const ours = await subject('ours', 'default', 25);
  const peer = await subject('livekit', 'default', 25);
  const versus = peer ? `; LiveKit default ${f1(peer.gap.p50)} / ${f1(peer.gap.p99)}` : '';
  return [
    {
      name: 'turn.gap, shipped defaults, 25 calls',
      figure: `${f1(ours.gap.p50)} / ${f1(ours.gap.p99)} ms${versus}`,
      goal: '<= 390 ms p50 (380 scripted)',
      met: ours.gap.p50 <= 390,
    },
  ];
}

async function turnSpec(): Promise<Row[]> {
  const ours = await subject('ours', 'spec', 25, { preflight: true });
  const peer = await subject('livekit', 'spec', 25, { preflight: true });
  const versus = peer ? `; LiveKit ${f1(peer.gap.p50)} / ${f1(peer.gap.p99)}` : '';
  return [
    {
      name: 'turn.spec, endpoint wait 300 ms, 25 calls',
      figure: `${f1(ours.gap.p50)} / ${f1(ours.gap.p99)} ms${versus}`,
      goal: '<= 310 ms p50',
      met: ours.gap.p50 <= 310,
    },
  ];
}

async function turnRace(): Promise<Row[]> {
  const ours = await subject('ours', 'default', 50, { race: true });
  const peer = await subject('livekit', 'tuned', 25, { race: true });
  const versus = peer ? `; LiveKit tuned ${peer.unanswered} of ${peer.turns} unanswered` : '';
  return [
    {
      name: 'turn.race, finals 0-500 ms, 50 calls',
      figure: `${ours.unanswered} unanswered, ${ours.doubled} doubled of ${ours.turns}${versus}`,
      goal: '0 and 0',
      met: ours.unanswered === 0 && ours.doubled === 0,
    },
  ];
}

async function bargeClear(): Promise<Row[]> {
  const onset = await bargeOnset();
  const ours = await subject('ours', 'default', 25);
  const peer = await subject('livekit', 'default', 25);
  const versus = peer ? `; LiveKit default ${f1(peer.barge.p50)}` : '';
  return [
    {
      name: `barge.clear, ${onset.summary.n} recordings`,
      figure: `${f1(onset.summary.p50)} / ${f1(onset.summary.p90)} / ${f1(onset.summary.p99)} ms (p50 / p90 / p99), ${onset.missed} missed`,
      goal: '<= 130 ms p50',
      met: onset.summary.p50 <= 130,
    },
    {
      name: 'barge.clear, in process, 25 calls',
      figure: `${f1(ours.barge.p50)} / ${f1(ours.barge.p99)} ms${versus}`,
      goal: '<= 130 ms p50',
      met: ours.barge.p50 <= 130,
    },
    { name: 'barge.leak, in process', figure: `${ours.leaked} media after clear`, goal: '0', met: ours.leaked === 0 },
  ];
}

async function wireAt50(): Promise<Row[]> {
  const result = await overSockets({ calls: 50 });
  const { added, stages } = result;
  return [
    {
      name: 'turn.wire, 50 calls',
      figure: `${f2(added.p50)} / ${f2(added.p99)} ms added (n ${added.n})`,
      goal: 'p50 <= 4, p99 <= 10 ms',
      met: added.p50 <= 4 && added.p99 <= 10,
    },
    {
      name: '  final -> model, token -> voice, voice -> media',
      figure: [stages.finalToModel, stages.tokenToVoice, stages.voiceToMedia].map((s) => `${f2(s.p50)} / ${f2(s.p99)}`).join(', '),
      goal: '',
      met: null,
    },
    {
      name: 'cpu.call, 50 calls',
      figure: `${f2(result.perCallPercent)} % (host ${f1(result.hostPercent)} %, all ${f1(result.corePercent)} %, PostgreSQL ${f1(result.postgresPercent)} %)`,
      goal: '<= 0.7 % of a core',
      met: result.perCallPercent <= 0.7,
    },
    { name: 'mem.call, 50 calls', figure: `${f2(result.rssPerCallMb)} MB`, goal: '<= 1.5 MB', met: result.rssPerCallMb <= 1.5 },
    {
      name: 'barge.clear over sockets, 50 calls',
      figure: `${f1(result.barge.p50)} / ${f1(result.barge.p99)} ms, ${result.missedBarge} missed, ${result.afterClear} media after clear`,
      goal: '<= 130 ms p50, 0 after clear',
      met: result.barge.p50 <= 130 && result.afterClear === 0,
    },
    {
      name: 'conn.turn, 50 calls',
      figure: `${result.newSockets} connections opened in ${result.turns} turns`,
      goal: '0',
      met: result.newSockets === 0,
    },
    {
      name: 'unanswered over sockets, 50 calls',
      figure: `${result.unanswered} of ${result.turns}`,
      goal: '0',
      met: result.unanswered === 0,
    },
    {
      name: 'start: process -> ready, database made before',
      figure: `${Math.round(result.readyMs)} ms, the embedded server's own start included`,
      goal: '<= 1500 ms',
      met: result.readyMs <= 1_500,
    },
  ];
}

async function wireAt150(): Promise<Row[]> {
  const result = await overSockets({ calls: 150 });
  return [
    {
      name: 'cap.ws, 150 calls on one host',
      figure: `${f2(result.added.p50)} / ${f2(result.added.p99)} ms added, ${result.unanswered} unanswered, host ${f1(result.hostPercent)} %, others ${f2(result.othersCores)} cores`,
      goal: 'p99 <= 20 ms, 0 unanswered',
      met: result.added.p99 <= 20 && result.unanswered === 0,
    },
  ];
}

async function loopShield(): Promise<Row[]> {
  const calm = await overSockets({ calls: 50 });
  const busy = await overSockets({ calls: 50, load: 300 });
  const grown = busy.added.p99 - calm.added.p99;
  return [
    {
      name: 'loop.shield, 50 calls, API 300/s, webhooks',
      figure: `p99 ${f2(calm.added.p99)} -> ${f2(busy.added.p99)} ms, ${busy.hooks} webhooks, ${busy.apiErrors} API errors`,
      goal: 'p99 grows <= 5 ms',
      met: grown <= 5,
    },
  ];
}

interface SubjectOptions {
  preflight?: boolean;
  race?: boolean;
}

/** One in-process subject in its own process; `undefined` for a peer that is not installed. */
function subject(name: 'ours', settings: string, calls: number, options?: SubjectOptions): Promise<ScenarioResult>;
function subject(name: 'livekit', settings: string, calls: number, options?: SubjectOptions): Promise<ScenarioResult | undefined>;
async function subject(
  name: 'ours' | 'livekit',
  settings: string,
  calls: number,
  options: SubjectOptions = {},
): Promise<ScenarioResult | undefined> {
  if (name === 'livekit' && !existsSync(join(import.meta.dirname, '.peers/node_modules/@livekit/agents'))) return undefined;
  return (await alone('subject', { name, settings, calls, ...options })) as ScenarioResult;
}

async function overSockets(options: { calls: number; load?: number }): Promise<WireResult> {
  return (await alone('wire', options)) as WireResult;
}

async function alone(what: string, options: object): Promise<unknown> {
  const { stdout } = await run(process.execPath, [import.meta.filename, 'one', what, JSON.stringify(options)], {
    maxBuffer: 1e8,
    timeout: 400_000,
  });
  const result = stdout.split('\n').find((line) => line.startsWith('RESULT '));
  if (!result) throw new Error(`no result from ${what} ${JSON.stringify(options)}: ${stdout.slice(-500)}`);
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', `${what}-${Object.values(options).join('-')}.json`), result.slice(7));
  return JSON.parse(result.slice(7));
}

/** A peer is loaded only in its own process, and our engine only in its. */
async function one(what: string, options: Record<string, unknown>): Promise<void> {
  const print = (result: unknown) => process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
  await waitQuiet();
  if (what === 'wire') print(await wire({ seconds: SECONDS, ...(options as { calls: number }) }));
  else {
    const { name, settings, calls, preflight, race } = options as unknown as {
      name: string;
      settings: never;
      calls: number;
    } & SubjectOptions;
    const made =
      name === 'ours'
        ? await (await import('./in-process/subjects/ours.ts')).ours(settings)
        : await (await import('./in-process/subjects/livekit.ts')).livekit(settings);
    print(
      await runScenario(made, {
        label: `${name}/${String(settings)}`,
        calls,
        seconds: SECONDS,
        ...(preflight ? { preflight } : {}),
        ...(race ? { finalDelay: () => Math.random() * 500 } : {}),
      }),
    );
  }
  process.exit(0);
}

async function suite(names: readonly string[], publish: boolean): Promise<void> {
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) throw new Error(`No bench is called ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}`);
  const rows: Row[] = [];
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    process.stderr.write(`${name} ...\n`);
    rows.push(...((await BENCHES[name]?.()) ?? []));
  }
  const cells = rows.map((row) => [row.name, row.figure, row.goal, row.met === null ? '' : row.met ? 'met' : 'NOT MET']);
  process.stdout.write(`${table([['bench', 'figure', 'goal', ''], ...cells])}\n`);
  if (publish) publishTable(cells);
}

function publishTable(cells: readonly (readonly string[])[]): void {
  const path = join(import.meta.dirname, '../docs/performance.md');
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${SECONDS} s a run, ${new Date().toISOString().slice(0, 10)}`;
  const text = [
    '<!-- table -->',
    '',
    `Machine: ${machine}.`,
    '',
    '| bench | figure | goal | |',
    '| --- | --- | --- | --- |',
    ...cells.map((row) => `| ${row.join(' | ')} |`),
    '',
    '<!-- /table -->',
  ].join('\n');
  const page = readFileSync(path, 'utf8');
  writeFileSync(path, page.replace(/<!-- table -->[\s\S]*<!-- \/table -->/, text));
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'one') await one(rest[0] ?? '', JSON.parse(rest[1] ?? '{}'));
else
  await suite(
    [command ?? '', ...rest].filter((word) => word && !word.startsWith('--')),
    process.argv.includes('--publish'),
  );
