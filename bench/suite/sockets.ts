/** The whole product over sockets in its steady state, beside the bare floor in the same run; and how soon it greets. */
import { alone, type Bench, f1, f2, medianOf, pair, type Row } from '../lib/bench.ts';
import { pinned } from '../lib/cores.ts';
import type { GreetResult } from '../wire/disturbed.ts';
import type { SteadyResult, SubjectName } from '../wire/steady.ts';

const CALLS = 50;
/** Callers whose own frames come later than this (p99, ms) had a machine that was busy with something else. */
const LATE_MS = 8;
/** A subject that was kept from its turns has used little for them: a ratio needs nearly the floor's turns. */
const SAME_TURNS = 0.9;

export const wireAt50: Bench = async ({ quick, runs, seconds }) => {
  // Larger messages are the floor's own economy; they inform about what is left to gain.
  const subjects: readonly SubjectName[] = quick ? ['ours', 'floor'] : ['ours', 'floor', 'floor, larger messages'];
  const results = new Map<SubjectName, SteadyResult[]>(subjects.map((subject) => [subject, []]));
  // One after another and round again, so that a slow minute of the machine meets all of them.
  for (let run = 0; run < runs; run++)
    for (const subject of subjects) results.get(subject)?.push(await alone<SteadyResult>('steady', { subject, calls: CALLS, seconds }));
  const of = (subject: SubjectName) => medianOf(results.get(subject) ?? []);
  const ours = of('ours');
  const floor = of('floor');
  const { stages } = ours;
  const ratio = ours.perCallPercent / floor.perCallPercent;
  const comparable = ours.turns >= SAME_TURNS * floor.turns && floor.turns >= SAME_TURNS * ours.turns;
  const busy = Math.max(ours.callersLate.p99, floor.callersLate.p99) > LATE_MS;
  const rows: Row[] = [
    {
      name: `turn.wire, ${CALLS} calls`,
      figure: `${pair(ours.added)} ms added (n ${ours.added.n}); floor ${pair(floor.added)}: ${f2(ours.added.p50 / floor.added.p50)}x and ${f2(ours.added.p99 / floor.added.p99)}x`,
      goal: 'p50 <= 3, p99 <= 8 ms',
      met: ours.added.p50 <= 3 && ours.added.p99 <= 8,
    },
    {
      name: '  final -> model, token -> voice, voice -> media',
      figure: [stages.finalToModel, stages.tokenToVoice, stages.voiceToMedia].map(pair).join(', '),
      goal: '',
      met: null,
    },
    {
      name: '  the floor: the same',
      figure: [floor.stages.finalToModel, floor.stages.tokenToVoice, floor.stages.voiceToMedia].map(pair).join(', '),
      goal: '',
      met: null,
    },
    {
      name: `cpu.call, ${CALLS} calls`,
      figure: `${f2(ours.perCallPercent)} % of a core, floor ${f2(floor.perCallPercent)}: ${f2(ratio)}x; call host alone ${f2(ours.hostPerCallPercent)}: ${f2(ours.hostPerCallPercent / floor.perCallPercent)}x (PostgreSQL ${f1(ours.postgresPercent)} % beside it)`,
      goal: '<= 1.25x the floor in the same run',
      met: comparable && ratio <= 1.25,
    },
    {
      name: `mem.call, ${CALLS} calls`,
      figure: `${f2(ours.rssPerCallMb)} MB, floor ${f2(floor.rssPerCallMb)}`,
      goal: '<= 1 MB',
      met: comparable && ours.rssPerCallMb <= 1,
    },
    {
      name: `barge.clear over sockets, ${CALLS} calls`,
      figure: `${f1(ours.barge.p50)} / ${f1(ours.barge.p99)} ms, ${ours.missedBarge} missed, ${ours.afterClear} media after clear; floor ${f1(floor.barge.p50)} / ${f1(floor.barge.p99)}`,
      goal: '<= 130 ms p50, 0 after clear',
      met: ours.barge.p50 <= 130 && ours.afterClear === 0,
    },
    {
      name: `conn.turn, ${CALLS} calls`,
      figure: `${ours.newSockets} connections opened in ${ours.turns} turns`,
      goal: '0',
      met: ours.newSockets === 0,
    },
    {
      name: `unanswered over sockets, ${CALLS} calls`,
      figure: `${ours.unanswered} of ${ours.turns}`,
      goal: '0',
      met: ours.unanswered === 0,
    },
    {
      name: 'start: process -> ready, database made before',
      figure: `${Math.round(ours.readyMs)} ms, the embedded server's own start included`,
      goal: '<= 1500 ms',
      met: ours.readyMs <= 1_500,
    },
    {
      name: '  how it was taken',
      figure: `${pinned ? 'the call host on a core of its own' : 'nobody pinned'}, callers' frames late by ${pair(ours.callersLate)} ms, others ${f2(ours.othersCores)} cores, ${ours.turns} turns beside the floor's ${floor.turns}${busy || !comparable ? ': THE MACHINE WAS BUSY, no claim' : ''}`,
      goal: '',
      met: null,
    },
  ];
  if (!quick) {
    const larger = of('floor, larger messages');
    rows.push({
      name: '  the floor with larger messages',
      figure: `${pair(larger.added)} ms, ${f2(larger.perCallPercent)} %, ${f2(larger.rssPerCallMb)} MB`,
      goal: '',
      met: null,
    });
  }
  return rows;
};

/** What the scripted voice needs for its first sound, and what the runtime may add; ms. */
const VOICE_MS = 80;
const ADDED_MS = 5;

export const greetFirst: Bench = async ({ quick }) => {
  const { atOnce, rung } = await alone<GreetResult>('greet', { calls: quick ? 10 : 40 });
  return [
    {
      name: 'greet.first, media after 600 ms of ringing (the greeting is ready)',
      figure: `${pair(rung)} ms (n ${rung.n})`,
      goal: `<= ${ADDED_MS} ms p50`,
      met: rung.p50 <= ADDED_MS,
    },
    {
      name: 'greet.first, media at once (the voice needs 80 ms)',
      figure: `${pair(atOnce)} ms (n ${atOnce.n})`,
      goal: `<= ${VOICE_MS + ADDED_MS} ms p50`,
      met: atOnce.p50 <= VOICE_MS + ADDED_MS,
    },
  ];
};
