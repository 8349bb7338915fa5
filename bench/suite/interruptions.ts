/** Interruptions: how soon one is obeyed, what is sent after it, and what is mistaken for one. */
import type { DisturbedResult } from '../in-process/disturbances.ts';
import type { OnsetResult } from '../in-process/onset.ts';
import { livekitInstalled, type ScenarioOrder } from '../in-process/run.ts';
import type { ScenarioResult } from '../in-process/scenario.ts';
import { alone, type Bench, f1, type Row, several } from '../lib/bench.ts';
import { CLASSES } from '../lib/sounds.ts';

export const bargeClear: Bench = async ({ runs, seconds }) => {
  const onset = await alone<OnsetResult>('onset', {});
  const run = (order: Pick<ScenarioOrder, 'ours' | 'livekit'>) =>
    several<ScenarioResult>(runs, 'scenario', { ...order, calls: 25, seconds });
  const ours = await run({ ours: { settings: 'default' } });
  const kit = livekitInstalled() ? await run({ livekit: 'default' }) : undefined;
  return [
    {
      name: `barge.clear, ${onset.onset.n} recordings`,
      figure: `${f1(onset.onset.p50)} / ${f1(onset.onset.p90)} / ${f1(onset.onset.p99)} ms (p50 / p90 / p99), ${onset.missed} missed`,
      goal: '<= 130 ms p50',
      met: onset.onset.p50 <= 130,
    },
    {
      name: 'barge.clear, in process, 25 calls',
      figure: `${f1(ours.barge.p50)} / ${f1(ours.barge.p99)} ms${kit ? `; LiveKit default ${f1(kit.barge.p50)}` : ''}`,
      goal: '<= 130 ms p50',
      met: ours.barge.p50 <= 130,
    },
    { name: 'barge.leak, in process', figure: `${ours.leaked} media after clear`, goal: '0', met: ours.leaked === 0 },
  ];
};

/** Other amounts of voice than the shipped one, to explain it; s. Vapi's default is the last. */
const OTHER_VOICE_SECONDS = [0.1, 0.2];

export const bargeFalse: Bench = async ({ quick }) => {
  const order = quick ? { callsPerClass: 8, trials: 2 } : { callsPerClass: 10, trials: 8 };
  const shipped = await alone<DisturbedResult>('disturbed', order);
  const rows: Row[] = CLASSES.map((kind) => {
    const { trials, cleared, lost, silence } = shipped[kind];
    const quiet = silence.n > 0 ? `, silence ${f1(silence.p50)} / ${f1(silence.p99)} ms` : '';
    const must = kind === 'speech';
    return {
      name: `barge.false, ${kind}${must ? ' (must interrupt)' : ''}`,
      figure: must ? `${cleared} of ${trials} cleared` : `${cleared} of ${trials} cleared, ${lost} answers lost${quiet}`,
      goal: must ? 'all' : kind === 'murmur' ? '<= 10 % cleared, 0 lost' : '0 lost',
      met: must ? cleared === trials : lost === 0 && (kind !== 'murmur' || cleared <= trials / 10),
    };
  });
  for (const voiceSeconds of quick ? [] : OTHER_VOICE_SECONDS) {
    const other = await alone<DisturbedResult>('disturbed', { ...order, voiceSeconds });
    const onset = await alone<OnsetResult>('onset', { voiceSeconds });
    rows.push({
      name: `  with ${voiceSeconds * 1_000} ms of voice instead`,
      figure: `${CLASSES.map((kind) => `${kind} ${other[kind].cleared}/${other[kind].trials}`).join(', ')}; barge.clear ${f1(onset.onset.p50)} ms`,
      goal: '',
      met: null,
    });
  }
  return rows;
};
