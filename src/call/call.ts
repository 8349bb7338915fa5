/**
 * One call: composes the turn table, the ears, the voice, the memory and the line, and owns their lifetime. One mailbox feeds the
 * table; every input is in the log before its effects. It never awaits the store or the API, and it always ends with `call.ended`.
 */
import { join } from 'node:path';
import type { Desk } from '../agent/desk.ts';
import type { CallPlan } from '../agent/plan.ts';
import { type AudioFormat, MULAW_8K, sameFormat } from '../audio/format.ts';
import type { Line, LineSignal } from '../carriers/carrier.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import { asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { mailbox } from '../kernel/mailbox.ts';
import { isCancelled, type Scope, withDeadline } from '../kernel/scope.ts';
import type { ProviderContext, ProviderSet } from '../providers/contract.ts';
import type { OpenVoiceActivity } from '../providers/vad/contract.ts';
import { createConversation } from './answer/conversation.ts';
import { createDrafts } from './answer/draft.ts';
import { createModelChain } from './answer/model-chain.ts';
import { type Reply, type ReplyParts, startReply } from './answer/reply.ts';
import { createTools } from './answer/tool-round.ts';
import { openVoices, type Voices } from './answer/voice-chain.ts';
import type { ControlCommand } from './control.ts';
import { createEventLog } from './event-log.ts';
import type { CallEvent, CallEventBody, EndReason } from './events.ts';
import { floodGate } from './flood-gate.ts';
import { createFloor, type Floor } from './floor.ts';
import { commandEvents, heardEvent, typedEvent } from './happenings.ts';
import { createKeypad } from './hear/keypad.ts';
import { type Heard, type Listening, openListening } from './hear/listening.ts';
import { createPlayout, type Playout } from './play/playout.ts';
import { type Recording, startRecording } from './play/recording.ts';
import { compilePolicy } from './turn/endpointing.ts';
import { inputOf, isInput, openingOf } from './turn/inputs.ts';
import { type Effect, TURN_START } from './turn/turn-state.ts';
import { step } from './turn/turn-taking.ts';
import { createTurnTimers } from './turn/turn-timers.ts';

export interface CallDeps {
  readonly plan: CallPlan;
  readonly clock: Clock;
  /** The call's own: closed when the call has ended. Closing it from outside ends the call. */
  readonly scope: Scope;
  readonly providers: ProviderSet;
  readonly egress: Egress;
  readonly log: Log;
  readonly vad: OpenVoiceActivity;
  readonly recordingsDir: string | null;
  readonly desk: Desk;
  readControl(message: Readonly<Record<string, unknown>>): ControlCommand;
  readonly node: string;
  readonly host: string;
  /** Called synchronously for every event, in order; the last one is `call.ended`. */
  onEvent(event: CallEvent): void;
  /** How long the media leg may take to arrive once the call was opened, or answered when we dialled; ms. */
  readonly arriveWithinMs: number;
  /** What the leg will carry, so that ears and voice connect before it arrives; G.711 for telephones unless said. */
  readonly format?: AudioFormat;
}

export interface Call {
  readonly id: string;
  /** The media leg is here. A second leg, or one for a call that is over, is hung up. */
  attach(line: Line): void;
  progress(state: 'dialing' | 'ringing' | 'answered', carrier: string, providerCallId: string | null): void;
  control(command: ControlCommand): void;
  end(reason: EndReason, detail: string): void;
  /** Everything that the call owned is released. */
  readonly ended: Promise<void>;
}

/** No carrier rings longer; a dialled call that nobody reports about ends after this. */
const RING_MOST_MS = 120_000;
/** Hanging up and closing the recording may take this long, each. */
const RELEASE_MS = 5_000;

export function startCall(deps: CallDeps): Call {
  const { plan, clock, scope } = deps;
  const log = createEventLog(plan.call, clock);
  const conversation = createConversation(plan);
  const policy = compilePolicy(plan);
  const models = createModelChain(plan.llm, deps.providers);
  const timers = createTurnTimers(clock, (name) => post({ type: 'timer.fired', name }));
  const ended = Promise.withResolvers<void>();
  const ctx: ProviderContext = { scope, egress: deps.egress, log: deps.log };
  const startedAt = clock.now();
  let state = TURN_START;
  let ending: { reason: EndReason; detail: string | null } | undefined;
  let lineEndedBy: string | undefined;
  let answeredAt: number | undefined;
  let finishing = false;
  let over = false;
  let line: Line | undefined;
  let listening: Listening | undefined;
  let voices: Voices | null = null;
  let playout: Playout | null = null;
  let floor: Floor | undefined;
  let recording: Recording | undefined;
  let prepared: { text: string; reply: Reply } | undefined;
  let callerMuted = false;
  let arrival: Timer | undefined;

  // ---- the record and the table

  log.subscribe((event) => conversation.take(event));
  log.subscribe((event) => deps.onEvent(event));

  /** Puts an event on record and lets the table know; for events that happen inside the handling of another one. */
  const record = (body: CallEventBody): CallEvent | undefined => {
    if (over) return undefined;
    const event = log.append(body);
    const input = inputOf(event, plan);
    if (!input) return event;
    const [next, ...effects] = step(state, input, policy);
    state = next;
    for (const effect of effects) perform(effect, event);
    timers.follow(state.timers, event.at);
    return event;
  };
  const handle = (body: CallEventBody) => {
    if (body.type === 'reply.ended' && !floor?.conclude(body)) return;
    if (body.type === 'reply.audible' && !floor?.audible(body.reply)) return;
    record(body);
    if (line) drafts.follow(body, state);
  };
  const inbox = mailbox<CallEventBody>(handle, (error) => {
    deps.log.error('call_broken', { call: plan.call, detail: asAywaError(error).message, stack: asAywaError(error).stack });
    ending ??= { reason: 'bug', detail: asAywaError(error).message };
    finish();
  });
  const post = (body: CallEventBody) => inbox.post(body);
  /** For the parts that work beside the table: what it must decide about waits its turn, the rest is only noted. */
  const tell = (body: CallEventBody) => (isInput(body, plan) ? post(body) : void record(body));

  const perform = (effect: Effect, cause: CallEvent) => {
    switch (effect.type) {
      case 'begin':
        return floor?.begin(effect);
      case 'cut':
        return floor?.cut(effect.by);
      case 'duck':
        return floor?.duck();
      case 'resume':
        return floor?.resume();
      case 'closing':
        ending ??= { reason: effect.reason, detail: cause.type === 'call.closing' ? cause.detail : null };
        if (cause.type !== 'call.closing') record({ type: 'call.closing', ...ending });
        return;
      case 'finish':
        return finish();
      default:
        return effect satisfies never;
    }
  };

  // ---- replies

  const tools = createTools({ plan, desk: deps.desk, clock, scope, tell });
  const parts = (): ReplyParts => ({ plan, models, voices, tools, conversation, ctx, tell });
  const drafts = createDrafts(plan, parts, conversation, tell);

  const prepareOpening = () => {
    const text = openingOf(plan)?.text;
    if (text && voices && !prepared) prepared = { text, reply: startReply({ text, endAfter: false }, parts()) };
  };
  const dropPrepared = () => {
    prepared?.reply.cancel();
    prepared = undefined;
  };
  const takePrepared = (text: string) => {
    const ready = prepared;
    if (ready?.text !== text || ready.reply.failed) return void dropPrepared();
    prepared = undefined;
    return ready.reply;
  };

  // ---- ears and voice

  const heard = (told: Heard) => {
    const event = heardEvent(told);
    if (event) tell(event);
  };
  let connected: AudioFormat | undefined;
  /** Connects ears and voice for a format; again only when the leg brings another one than expected. */
  const connect = (format: AudioFormat) => {
    if (connected && sameFormat(connected, format)) return;
    connected = format;
    dropPrepared();
    listening?.close();
    voices?.close();
    const { language, expected, stt: chain } = plan;
    const { providers, vad } = deps;
    listening = openListening({
      format,
      chain,
      language,
      expected,
      interruptVoiceMs: plan.turns.interruptVoiceMs,
      providers,
      vad,
      heard,
      ctx,
    });
    voices = openVoices({ plan, format, providers, ctx, tell });
  };
  const mediaMs = () => listening?.mediaMs ?? clock.now() - startedAt;

  // ---- the line

  const keypad = createKeypad(clock, (keys) => post(typedEvent(`Keypad: ${keys}`, mediaMs())));
  const malformed = new Map<string, number>();
  const bounded = floodGate(clock);
  const signal = (arrived: LineSignal) => {
    if (finishing) return;
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
          return signal({ type: 'malformed', code: asAywaError(error).code, detail: asAywaError(error).message });
        }
      case 'malformed': {
        // A line that sends rubbish all the time must not fill the log: the 1st, 2nd, 4th, 8th, ... is noted.
        const count = (malformed.get(told.code) ?? 0) + 1;
        malformed.set(told.code, count);
        return Number.isInteger(Math.log2(count))
          ? post({ type: 'line.malformed', code: told.code, detail: told.detail, count })
          : undefined;
      }
      case 'ended':
        lineEndedBy = told.by;
        ending ??= { reason: told.by === 'caller' ? 'caller-hung-up' : 'carrier-lost', detail: told.detail || null };
        return post({ type: 'line.ended', by: told.by, detail: told.detail });
      default:
        return told satisfies never;
    }
  };
  const attach = (leg: Line) => {
    if (finishing || line) {
      void leg.hangUp('unexpected').catch((error: unknown) => deps.log.warn('hang_up_failed', { detail: asAywaError(error).message }));
      return;
    }
    line = leg;
    arrival?.cancel();
    const { can, format } = leg;
    if (can.audio) connect(format);
    else {
      listening?.close();
      voices?.close();
      dropPrepared();
      listening = undefined;
      voices = null;
    }
    if (can.audio && plan.record && deps.recordingsDir) openRecording(deps.recordingsDir, format);
    const taken = recording;
    if (can.audio)
      playout = createPlayout({
        line: leg,
        clock,
        mediaMs,
        ...(taken && { record: (bytes: Uint8Array, at: number) => taken.agent(bytes, at), erase: (from: number) => taken.erase(from) }),
      });
    const speaking = (on: boolean) => listening?.agentSpeaking(on);
    floor = createFloor({ clock, line: leg, playout, drafts, reply: parts, takePrepared, mediaMs, speaking, post, record });
    answered();
    post({ type: 'line.connected', carrier: leg.carrier, encoding: format.encoding, rate: format.rate, facts: { ...leg.facts } });
    let quiet = new Uint8Array(0);
    leg.listen({
      audio(bytes) {
        if (finishing) return;
        recording?.caller(bytes);
        if (callerMuted && quiet.length !== bytes.length) quiet = new Uint8Array(bytes.length).fill(SILENCE[format.encoding]);
        listening?.write(callerMuted ? quiet : bytes);
      },
      signal,
    });
  };
  /** The record names the file within its folder: where a server keeps things is nobody else's business. */
  const recordingFile = `${plan.call}.wav`;
  const openRecording = (folder: string, format: AudioFormat) => {
    const file = join(folder, recordingFile);
    recording = startRecording({ file, format, scope, onFailure: (detail) => void record({ type: 'recording.failed', detail }) });
    record({ type: 'recording.started', file: recordingFile });
  };
  const answered = () => {
    if (answeredAt !== undefined) return;
    answeredAt = clock.now();
    post({ type: 'call.answered' });
  };

  // ---- commands

  const control = (command: ControlCommand) => {
    if (command.type === 'mute' && command.who === 'caller') callerMuted = command.on;
    for (const event of commandEvents(command, plan, mediaMs())) post(event);
  };
  const end = (reason: EndReason, detail: string) => post({ type: 'call.closing', reason, detail: detail || null });
  const progress: Call['progress'] = (at, carrier, providerCallId) => {
    if (at === 'dialing') return post({ type: 'call.dialing', carrier, providerCallId });
    if (at === 'ringing') return post({ type: 'call.ringing' });
    if (finishing || answeredAt !== undefined) return;
    answered();
    prepareOpening();
    awaitLeg(deps.arriveWithinMs);
  };

  // ---- the end

  /** Stops everything at once; what takes time (hanging up, the recording's last bytes) follows, and then `call.ended`. */
  const finish = () => {
    if (finishing) return;
    finishing = true;
    inbox.close();
    try {
      release();
    } catch (error) {
      // After a fault anything may be broken; the leg is hung up and the call ends all the same.
      deps.log.error('release_failed', { call: plan.call, detail: asAywaError(error).message });
    }
    scope.spawn('finish', async () => {
      if (line && lineEndedBy !== 'caller') await leave(line);
      await saveRecording();
      conclude();
      void scope.close('ended').then(ended.resolve);
    });
  };
  const release = () => {
    // Whoever ends the call: the table decides nothing any more, and no event arms a timer.
    [state] = step(state, { type: 'gone', at: 0 }, policy);
    arrival?.cancel();
    timers.close();
    keypad.close();
    floor?.cut('close');
    dropPrepared();
    drafts.discard();
    tools.abandonAll();
    listening?.close();
    playout?.close();
    voices?.close();
  };
  const saveRecording = async () => {
    const taken = recording;
    if (!taken) return;
    try {
      const stored = await withDeadline(scope, 'save the recording', RELEASE_MS, () => taken.stop());
      record({ type: 'recording.stored', ...stored, file: recordingFile });
    } catch (error) {
      if (!isCancelled(error)) record({ type: 'recording.failed', detail: asAywaError(error).message });
    }
  };
  const leave = async (leg: Line) => {
    try {
      await withDeadline(scope, 'hang up', RELEASE_MS, () => leg.hangUp(ending?.reason ?? 'ended'));
    } catch (error) {
      deps.log.warn('hang_up_failed', { call: plan.call, detail: asAywaError(error).message });
    }
  };
  const conclude = () => {
    const { reason, detail } = ending ?? { reason: 'shutdown', detail: scope.reason ?? null };
    record({ type: 'call.ended', reason, detail, durationMs: answeredAt === undefined ? 0 : Math.round(clock.now() - answeredAt) });
    over = true;
  };
  // Whoever closes the scope ends the call, and the call still says so.
  scope.defer(() => {
    if (over) return;
    inbox.close();
    try {
      if (!finishing) release();
      if (!finishing && line) void line.hangUp('shutdown').catch(() => {});
      finishing = true;
      conclude();
    } finally {
      ended.resolve();
    }
  });
  const awaitLeg = (ms: number) => {
    arrival?.cancel();
    if (!line) arrival = clock.timer(ms, () => end('never-connected', `The media leg did not arrive within ${ms} ms.`));
  };

  const { channel, agentName: agent, assistantId, from, to } = plan;
  post({ type: 'call.created', channel, agent, assistantId, from, to, node: deps.node, host: deps.host });
  const telephone = channel === 'phone-inbound' || channel === 'phone-outbound';
  const expected = deps.format ?? (telephone ? MULAW_8K : undefined);
  if (expected && channel !== 'text') connect(expected);
  if (channel !== 'phone-outbound') prepareOpening();
  awaitLeg(channel === 'phone-outbound' ? RING_MOST_MS + deps.arriveWithinMs : deps.arriveWithinMs);
  return { id: plan.call, attach, progress, control, end, ended: ended.promise };
}

/** The byte of silence in each encoding. */
const SILENCE: Readonly<Record<AudioFormat['encoding'], number>> = { pcm16: 0, mulaw: 0xff, alaw: 0xd5 };
