/**
 * The caller's leg in a call: takes the line when it arrives, gives its audio to ears and recording, its signals to the table, and holds
 * what stands between the conversation and the line (playout, floor, recording, keypad, mute). It decides nothing about the conversation.
 */
import { join } from 'node:path';
import type { AgentPlan } from '../agent/plan.ts';
import { type AudioFormat, sameFormat } from '../audio/format.ts';
import type { Line, LineEnd, LineSignal } from '../carriers/carrier.ts';
import type { Timer } from '../kernel/clock.ts';
import { asAywaError } from '../kernel/errors.ts';
import { isCancelled } from '../kernel/scope.ts';
import type { Drafts } from './answer/draft.ts';
import type { Compose } from './answer/reply.ts';
import type { CallDeps } from './call.ts';
import type { ControlCommand } from './control.ts';
import type { Ending } from './ending.ts';
import type { CallEvent, CallEventBody, EndReason } from './events.ts';
import { floodGate } from './flood-gate.ts';
import { createFloor, type Floor } from './floor.ts';
import { commandEvents, typedEvent } from './happenings.ts';
import { createKeypad } from './hear/keypad.ts';
import { SILENCE, type SteadyAudio, steadyAudio } from './hear/steady.ts';
import type { Opening } from './opening.ts';
import { createMixer, type Mixer } from './play/mixer.ts';
import { createPlayout, type Playout } from './play/playout.ts';
import { type Recording, startRecording } from './play/recording.ts';
import type { Senses } from './senses.ts';

export interface Leg {
  readonly line: Line | undefined;
  readonly floor: Floor | undefined;
  readonly answered: boolean;
  /** Since the call was answered, now; ms. */
  readonly talkedMs: number;
  attach(line: Line): void;
  answer(): void;
  /** Ends the call when the leg has not arrived within so many ms. */
  await(ms: number): void;
  control(command: ControlCommand): void;
  /** Sends the caller to somebody else by the line's own means, and tells what became of it. */
  transfer(destination: string): void;
  /** The call had a leg before: it was answered then, and another leg may come. */
  resume(past: readonly CallEvent[], at: number): void;
  /** Stops playout, keypad and timers. */
  release(): void;
  /** Ends the leg at the far end, unless the caller did. */
  hangUp(cause: string): Promise<void>;
  saveRecording(): Promise<void>;
}

export interface LegParts {
  readonly deps: CallDeps;
  readonly agent: () => AgentPlan;
  readonly senses: Senses;
  readonly opening: Opening;
  readonly drafts: Drafts;
  readonly compose: Compose;
  readonly ending: () => Ending;
  post(event: CallEventBody): void;
  record(event: CallEventBody): void;
}

export const END_OF_LEG = {
  caller: 'caller-hung-up',
  carrier: 'carrier-lost',
  network: 'carrier-lost',
  transfer: 'transferred',
} as const satisfies Record<LineEnd, EndReason>;

export function createLeg({ deps, agent, senses, opening, drafts, compose, ending, post, record }: LegParts): Leg {
  const { plan, clock, scope } = deps;
  const mediaMs = () => senses.mediaMs;
  const malformed = new Map<string, number>();
  const bounded = floodGate(clock);
  const keypad = createKeypad(
    clock,
    () => agent().keypad,
    (keys) => post(typedEvent(`User's Keypad Entry: ${keys}`, mediaMs())),
  );
  let line: Line | undefined;
  let floor: Floor | undefined;
  let playout: Playout | null = null;
  let mixer: Mixer | undefined;
  let recording: Recording | undefined;
  let arrival: Timer | undefined;
  let answeredAt: number | undefined;
  let steady: SteadyAudio | undefined;
  let callerMuted = false;
  let goneBy: LineEnd | undefined;
  let lost = false;

  const answer = () => {
    if (answeredAt !== undefined) return;
    answeredAt = clock.now();
    post({ type: 'call.answered' });
  };

  // ---- what the line tells

  const control = (command: ControlCommand) => {
    if (command.type === 'mute' && command.who === 'caller') callerMuted = command.on;
    for (const event of commandEvents(command, agent(), mediaMs())) post(event);
  };
  /** A line that sends rubbish all the time must not fill the log: the 1st, 2nd, 4th, 8th, ... is noted. */
  const refuse = (code: string, detail: string) => {
    const count = (malformed.get(code) ?? 0) + 1;
    malformed.set(code, count);
    if (Number.isInteger(Math.log2(count))) post({ type: 'line.malformed', code, detail, count });
  };
  const signal = (arrived: LineSignal) => {
    if (ending().begun) return;
    const told = bounded(arrived);
    switch (told.type) {
      case 'mark':
        return playout?.mark(told.name);
      case 'dtmf':
        post({ type: 'dtmf.received', digit: told.digit });
        return keypad.press(told.digit);
      case 'text':
        return control({ type: 'type', text: told.text });
      case 'control':
        try {
          return control(deps.readControl(told.message));
        } catch (error) {
          return refuse(asAywaError(error).code, asAywaError(error).message);
        }
      case 'malformed':
        return refuse(told.code, told.detail);
      case 'ended':
        return lose(told.by, told.detail);
      default:
        return told satisfies never;
    }
  };

  /** A leg that broke where another may come is waited for; any other end is the end of the call. */
  const lose = (by: LineEnd, detail: string) => {
    if (by === 'network' && line?.can.returns) {
      lost = true;
      return post({ type: 'line.held', on: true, why: 'lost' });
    }
    goneBy = by;
    if (by === 'transfer') post({ type: 'transfer.ended', ok: true, detail });
    post({ type: 'line.ended', by, detail });
  };

  // ---- its arrival

  /** The record names the file within its folder: where a server keeps things is nobody else's business. */
  const recordingFile = `${plan.call}.wav`;
  const openRecording = (folder: string, format: AudioFormat) => {
    const file = join(folder, recordingFile);
    recording = startRecording({ file, format, scope, onFailure: (detail) => void record({ type: 'recording.failed', detail }) });
    record({ type: 'recording.started', file: recordingFile });
  };
  /** Ears and voice in the line's own format; what was made for another one is dropped. */
  const hearAndSpeak = ({ can, format }: Line) => {
    const before = senses.voices;
    if (can.audio) senses.open(format);
    else senses.close();
    if (senses.voices !== before) opening.drop();
  };
  const attach = (leg: Line) => {
    const stranger = line !== undefined && !(lost && sameFormat(leg.format, line.format));
    if (ending().begun || stranger) {
      void leg.hangUp('unexpected').catch((error: unknown) => deps.log.warn('hang_up_failed', { detail: asAywaError(error).message }));
      return;
    }
    line = leg;
    lost = false;
    arrival?.cancel();
    // Of a leg that broke: nothing of it is heard any more.
    playout?.close();
    mixer?.close();
    const { can, format } = leg;
    hearAndSpeak(leg);
    if (can.audio && plan.record && deps.recordingsDir && !recording) openRecording(deps.recordingsDir, format);
    const taken = recording;
    if (can.audio) {
      mixer = createMixer(leg, clock);
      playout = createPlayout({
        line: mixer.line,
        clock,
        mediaMs,
        ...(taken && { record: (bytes: Uint8Array, at: number) => taken.agent(bytes, at), erase: (from: number) => taken.erase(from) }),
      });
    }
    const takePrepared = opening.take;
    floor = createFloor({
      clock,
      line: leg,
      playout,
      drafts,
      compose,
      takePrepared,
      mediaMs,
      speaking: senses.agentSpeaking,
      post,
      record,
    });
    answer();
    post({ type: 'line.connected', carrier: leg.carrier, encoding: format.encoding, rate: format.rate, facts: { ...leg.facts } });
    let quiet = new Uint8Array(0);
    const heard = (bytes: Uint8Array) => {
      if (ending().begun) return;
      recording?.caller(bytes);
      if (callerMuted && quiet.length !== bytes.length) quiet = new Uint8Array(bytes.length).fill(SILENCE[format.encoding]);
      senses.hear(callerMuted ? quiet : bytes);
    };
    steady ??= steadyAudio({ format, scope, take: heard, dropped: (ms) => void record({ type: 'audio.dropped', consumer: 'line', ms }) });
    leg.listen({ audio: steady.write, signal });
  };

  return {
    get line() {
      return line;
    },
    get floor() {
      return floor;
    },
    get answered() {
      return answeredAt !== undefined;
    },
    get talkedMs() {
      return answeredAt === undefined ? 0 : Math.round(clock.now() - answeredAt);
    },
    attach,
    answer,
    await(ms) {
      arrival?.cancel();
      const late = `The media leg did not arrive within ${ms} ms.`;
      if (!line) arrival = clock.timer(ms, () => post({ type: 'call.closing', reason: 'never-connected', detail: late }));
    },
    control,
    transfer(destination) {
      const failed = (detail: string) => post({ type: 'transfer.ended', ok: false, detail });
      const leaving = line;
      if (!leaving?.can.transfer) return failed('This line cannot be transferred.');
      scope.spawn('transfer', async () => {
        try {
          // Its end tells that the caller has gone there.
          await scope.wait(leaving.transfer(destination));
        } catch (error) {
          if (!isCancelled(error)) failed(asAywaError(error).message);
        }
      });
    },
    resume(past, at) {
      const answered = past.find((event) => event.type === 'call.answered');
      if (answered) answeredAt = clock.now() - (at - answered.at);
    },
    release() {
      arrival?.cancel();
      keypad.close();
      steady?.close();
      playout?.close();
      mixer?.close();
    },
    async hangUp(cause) {
      if (goneBy !== 'caller') await line?.hangUp(cause);
    },
    async saveRecording() {
      if (recording) record({ type: 'recording.stored', ...(await recording.stop()), file: recordingFile });
    },
  };
}
