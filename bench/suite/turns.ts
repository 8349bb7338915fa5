/** Turns in process, side by side with LiveKit: what the runtime adds, how long the caller waits, what is answered twice or in vain. */
import { livekitInstalled, type ScenarioOrder } from '../in-process/run.ts';
import type { ScenarioResult } from '../in-process/scenario.ts';
import { alone, type Bench, type Effort, f1, f2, pair, type Row, several } from '../lib/bench.ts';
import { summary } from '../lib/stats.ts';

type Order = Omit<ScenarioOrder, 'seconds'>;

const scenario = ({ runs, seconds }: Effort, order: Order) => several<ScenarioResult>(runs, 'scenario', { ...order, seconds });
/** `undefined` for a peer that is not installed. */
const peer = (effort: Effort, order: Order) => (livekitInstalled() ? scenario(effort, order) : Promise.resolve(undefined));

export const turnAdded: Bench = async (effort) => {
  const rows: Row[] = [];
  for (const calls of effort.quick ? [25] : [1, 25, 50]) {
    const ours = await scenario(effort, { ours: { settings: 'tuned' }, calls });
    const kit = calls === 50 ? undefined : await peer(effort, { livekit: 'tuned', calls });
    const ratio = kit
      ? `; LiveKit tuned ${pair(kit.added)}: ${f1(kit.added.p50 / ours.added.p50)}x and ${f1(kit.added.p99 / ours.added.p99)}x`
      : '';
    rows.push({
      name: `turn.added, in process, journal and PostgreSQL, ${calls} calls`,
      figure: `${pair(ours.added)} ms (p50 / p99)${ratio}`,
      goal: calls === 25 ? '>= 5x lower p50 than LiveKit tuned, p99 <= 4 ms' : '',
      met: calls === 25 && kit ? kit.added.p50 >= 5 * ours.added.p50 && ours.added.p99 <= 4 : null,
    });
    if (calls === 1) continue;
    rows.push({
      name: `  cpu and memory per call, ${calls} calls`,
      figure: `${f2(ours.perCallPercent)} %, ${f2(ours.rssPerCallMb)} MB${kit ? `; LiveKit ${f2(kit.perCallPercent)} %, ${f1(kit.rssPerCallMb)} MB` : ''}`,
      goal: '',
      met: null,
    });
  }
  return rows;
};

export const turnGap: Bench = async (effort) => {
  const ours = await scenario(effort, { ours: { settings: 'default' }, calls: 25 });
  const kit = await peer(effort, { livekit: 'default', calls: 25 });
  return [
    {
      name: 'turn.gap, shipped defaults, 25 calls',
      figure: `${f1(ours.gap.p50)} / ${f1(ours.gap.p99)} ms${kit ? `; LiveKit default ${f1(kit.gap.p50)} / ${f1(kit.gap.p99)}` : ''}`,
      goal: '<= 390 ms p50 (380 scripted)',
      met: ours.gap.p50 <= 390,
    },
  ];
};

export const turnSpec: Bench = async (effort) => {
  const ours = await scenario(effort, { ours: { settings: 'spec' }, calls: 25, preflight: true });
  const kit = await peer(effort, { livekit: 'spec', calls: 25, preflight: true });
  return [
    {
      name: 'turn.spec, endpoint wait 300 ms, 25 calls',
      figure: `${f1(ours.gap.p50)} / ${f1(ours.gap.p99)} ms${kit ? `; LiveKit ${f1(kit.gap.p50)} / ${f1(kit.gap.p99)}` : ''}`,
      goal: '<= 310 ms p50',
      met: ours.gap.p50 <= 310,
    },
  ];
};

export const turnRace: Bench = async (effort) => {
  const ours = await scenario(effort, { ours: { settings: 'default' }, calls: 50, race: true });
  const kit = await peer(effort, { livekit: 'tuned', calls: 25, race: true });
  return [
    {
      name: 'turn.race, finals 0-500 ms, 50 calls',
      figure: `${ours.unanswered} unanswered, ${ours.doubled} doubled of ${ours.turns}${kit ? `; LiveKit tuned ${kit.unanswered} of ${kit.turns} unanswered` : ''}`,
      goal: '0 and 0',
      met: ours.unanswered === 0 && ours.doubled === 0,
    },
  ];
};

/** The share of turns whose early transcript is revised. */
const REVISED = 0.3;

export const turnWaste: Bench = async (effort) => {
  const order = { calls: 25, preflight: true, revised: REVISED };
  const ours = await scenario(effort, { ours: { settings: 'spec' }, ...order });
  const kit = await peer(effort, { livekit: 'spec', ...order });
  const extra = ({ asked, turns }: ScenarioResult) => asked / turns - 1;
  return [
    {
      name: `turn.waste, ${REVISED * 100} % of transcripts revised, 25 calls`,
      figure: `${f2(extra(ours))} extra requests a turn, ${ours.wrong} wrong replies heard, ${ours.unanswered} unanswered of ${ours.turns}${kit ? `; LiveKit ${f2(extra(kit))} extra` : ''}`,
      goal: '<= 0.35, 0 wrong',
      met: extra(ours) <= 0.35 && ours.wrong === 0,
    },
  ];
};

export const textFirst: Bench = async (effort) => {
  const tokens = await scenario(effort, { ours: { settings: 'tuned', voice: 'tokens', variety: true }, calls: 10 });
  const clauses = await scenario(effort, { ours: { settings: 'tuned', voice: 'clauses', variety: true }, calls: 10 });
  const kit = livekitInstalled() ? summary(await alone<number[]>('peer first text', {})) : undefined;
  return [
    {
      name: 'text.first, four replies at 50 tokens/s',
      figure: `mean ${f1(clauses.textFirst.mean)} ms to a voice that takes clauses, ${f1(tokens.textFirst.mean)} to one that buffers itself${kit ? `; LiveKit's sentences ${f1(kit.mean)}` : ''}`,
      goal: 'mean <= 100 ms; 0 (<= 1) for voices that buffer',
      met: clauses.textFirst.mean <= 100 && tokens.textFirst.mean <= 1,
    },
  ];
};
