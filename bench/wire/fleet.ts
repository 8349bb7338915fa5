/**
 * Callers by the hundred against one subject, on one wheel, and what a window of time showed: the notes of callers, vendors and /proc,
 * joined on the clock that all processes share.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pin } from '../lib/cores.ts';
import { SCRIPT } from '../lib/speech.ts';
import { machineBusy, mono, type Summary, summary } from '../lib/stats.ts';
import { Caller, emptyNotes } from './caller.ts';
import type { WireSubject } from './subject.ts';
import type { VendorNote } from './vendors.ts';

/** What a window of time showed. */
export interface Window {
  calls: number;
  turns: number;
  added: Summary;
  stages: { finalToModel: Summary; tokenToVoice: Summary; voiceToMedia: Summary };
  gap: Summary;
  barge: Summary;
  greeting: Summary;
  refused: Summary;
  unanswered: number;
  missedBarge: number;
  afterClear: number;
  dropped: number;
  /** Of a core: the subject without its database, the process that holds the calls, the database. */
  corePercent: number;
  hostPercent: number;
  postgresPercent: number;
  rssMb: number;
  /** Cores that all others used: callers, vendors, and whoever else is on the machine. */
  othersCores: number;
  /** How late the callers' own frames were, ms: above a few, it is the callers who are measured. */
  callersLate: Summary;
  newSockets: number;
  hooks: number;
  bigResults: number;
}

export interface Vendors {
  readonly port: number;
  dump(): Promise<Dump>;
  stop(): Promise<void>;
}

interface Dump {
  notes: VendorNote[];
  connections: { http: number; sockets: number };
  hooks: number;
  bigResults: number;
}

export async function startVendors(): Promise<Vendors> {
  const child = fork(join(import.meta.dirname, 'vendors.ts'));
  pin(child.pid, 'others');
  return {
    port: ((await once(child, 'message'))[0] as { port: number }).port,
    async dump() {
      child.send('dump');
      return (await once(child, 'message'))[0] as Dump;
    },
    async stop() {
      child.send('exit');
      await once(child as ChildProcess, 'exit');
    },
  };
}

/** One assistant a lane, so that the vendors can tell the calls apart; no endpoint wait, so that only work is measured. */
export function assistantOf(lane: number, more: Readonly<Record<string, unknown>> = {}, model: Readonly<Record<string, unknown>> = {}) {
  const name = `bench-${lane}`;
  return {
    name,
    firstMessageMode: 'assistant-waits-for-user',
    transcriber: { provider: 'deepgram', model: 'nova-3', language: 'en', keyterm: [name] },
    model: {
      provider: 'openai',
      model: 'gpt-4o',
      messages: [{ role: 'system', content: `You are a receptionist. This is ${name}.` }],
      ...model,
    },
    voice: { provider: 'deepgram', voiceId: name },
    startSpeakingPlan: {
      waitSeconds: 0,
      transcriptionEndpointingPlan: { onPunctuationSeconds: 0, onNoPunctuationSeconds: 0, onNumberSeconds: 0 },
    },
    silenceTimeoutSeconds: 3600,
    maxDurationSeconds: 3600,
    ...more,
  };
}

/** One turn of the script, ms: callers begin at random places in it. */
const TURN_MS = 3_700;

export interface Fleet {
  readonly size: number;
  /** Places a call; `false` when it was refused. `talks`: it says something soon and goes on for ever. */
  ring(lane: number, assistant: string, options?: { ringMs?: number; talks?: boolean }): Promise<Caller | undefined>;
  leave(caller: Caller): void;
  leaveAll(): void;
  /** Figures are of those callers that are there now. */
  window(seconds: number): Promise<Window>;
  /** Stops the wheel. */
  close(): void;
}

export function openFleet(subject: WireSubject, vendors: Vendors): Fleet {
  const callers = new Set<Caller>();
  let list: Caller[] = [];
  let notes = emptyNotes();
  let late: number[] = [];
  let serial = 0;
  let running = true;
  let slot = 0;
  const origin = mono();
  // A wheel of 5 ms slots on an absolute schedule, a quarter of the calls in each, so that nothing is in step.
  const wheel = () => {
    for (; origin + (slot + 1) * 5 <= mono() + 0.5; slot++) {
      for (let i = slot & 3; i < list.length; i += 4) list[i]?.step();
      late.push(Math.max(0, mono() - origin - (slot + 1) * 5));
    }
    if (running) setTimeout(wheel, Math.max(0, origin + (slot + 1) * 5 - mono()));
  };
  wheel();

  const leave = (caller: Caller) => {
    caller.hangUp();
    callers.delete(caller);
    list = [...callers];
  };
  return {
    get size() {
      return callers.size;
    },
    async ring(lane, assistant, { ringMs = 0, talks = true } = {}) {
      // Its notes are those of the moment: a window opens a new page.
      const caller = new Caller(String(lane), ++serial, () => notes);
      if (!(await caller.call(subject.base, assistant, ringMs))) return undefined;
      caller.startAt = talks ? mono() + 500 + Math.random() * TURN_MS : Number.POSITIVE_INFINITY;
      callers.add(caller);
      list = [...callers];
      return caller;
    },
    leave,
    leaveAll() {
      for (const caller of [...callers]) leave(caller);
    },
    close() {
      running = false;
    },
    async window(seconds) {
      const measured = [...callers];
      const before = await vendors.dump();
      notes = emptyNotes();
      late = [];
      for (const caller of measured) caller.measuring = true;
      const at = { use: subject.use(), host: subject.host(), postgres: subject.postgres(), busy: machineBusy(), t: mono() };
      await wait(seconds * 1_000);
      const took = (mono() - at.t) / 1_000;
      const use = subject.use();
      const percent = (now: number, then: number) => ((now - then) / took) * 100;
      const postgres = subject.postgres();
      const all = machineBusy() - at.busy - (use.cpuSeconds - at.use.cpuSeconds) - (postgres.cpuSeconds - at.postgres.cpuSeconds);
      const hostPercent = percent(subject.host().cpuSeconds, at.host.cpuSeconds);
      const after = await vendors.dump();
      for (const caller of measured) caller.measuring = false;
      const joined = join3(after.notes, notes.media, new Set(measured.map((caller) => caller.lane)));
      const { sockets, http } = after.connections;
      return {
        calls: measured.length,
        turns: notes.turns,
        added: summary(joined.added),
        stages: {
          finalToModel: summary(joined.finalToModel),
          tokenToVoice: summary(joined.tokenToVoice),
          voiceToMedia: summary(joined.voiceToMedia),
        },
        gap: summary(notes.gap),
        barge: summary(notes.barge),
        greeting: summary(notes.greeting),
        refused: summary(notes.refused),
        unanswered: notes.unanswered,
        missedBarge: notes.missedBarge,
        afterClear: notes.afterClear,
        dropped: notes.dropped,
        corePercent: percent(use.cpuSeconds, at.use.cpuSeconds),
        hostPercent,
        postgresPercent: percent(postgres.cpuSeconds, at.postgres.cpuSeconds),
        rssMb: use.rssMb,
        othersCores: all / took,
        callersLate: summary(late),
        newSockets: http + sockets - before.connections.http - before.connections.sockets,
        hooks: after.hooks - before.hooks,
        bigResults: after.bigResults - before.bigResults,
      };
    },
  };
}

type Stage = 'added' | 'finalToModel' | 'tokenToVoice' | 'voiceToMedia';
const STAGES: readonly [name: Stage, from: string, to: string, scriptedMs: number][] = [
  ['finalToModel', 'sttFinal', 'llmAsked', 0],
  ['tokenToVoice', 'llmFirst', 'ttsText', 0],
  ['voiceToMedia', 'ttsFirst', 'media', 0],
  ['added', 'sttFinal', 'media', SCRIPT.firstToken + SCRIPT.firstAudio],
];

/** Per lane and in order of time: the distance from each stimulus to the next reaction. */
function join3(vendorNotes: readonly VendorNote[], media: readonly [string, number][], measured: ReadonlySet<string>) {
  const lanes = new Map<string, [string, number][]>();
  const put = (lane: string, moment: [string, number]) => {
    if (measured.has(lane)) lanes.set(lane, [...(lanes.get(lane) ?? []), moment]);
  };
  for (const [moment, lane, at] of vendorNotes) put(lane, [moment, at]);
  for (const [lane, at] of media) put(lane, ['media', at]);
  const out: Record<Stage, number[]> = { added: [], finalToModel: [], tokenToVoice: [], voiceToMedia: [] };
  for (const moments of lanes.values()) {
    moments.sort((a, b) => a[1] - b[1]);
    for (const [name, from, to, scripted] of STAGES) {
      let begun = 0;
      for (const [moment, at] of moments) {
        if (moment === from) begun = at;
        else if (moment === to && begun) {
          out[name].push(at - begun - scripted);
          begun = 0;
        }
      }
    }
  }
  return out;
}
