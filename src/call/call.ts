/**
 * One call: composes the turn table, the ears, the voice, the memory and the line, and feeds the table from one mailbox. Every input is
 * in the log before its effects. It never awaits the store or the API, and it always ends with `call.ended`.
 */
import type { Desk } from '../agent/desk.ts';
import type { AgentPlan, CallPlan } from '../agent/plan.ts';
import { type AudioFormat, MULAW_8K } from '../audio/format.ts';
import type { Line } from '../carriers/carrier.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import { asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { mailbox } from '../kernel/mailbox.ts';
import type { Scope } from '../kernel/scope.ts';
import type { ProviderContext, ProviderSet } from '../providers/contract.ts';
import type { OpenVoiceActivity } from '../providers/vad/contract.ts';
import { createConversation } from './answer/conversation.ts';
import { createDrafts } from './answer/draft.ts';
import { createModelChain } from './answer/model-chain.ts';
import { type Compose, startReply } from './answer/reply.ts';
import { createTools } from './answer/tool-round.ts';
import type { ControlCommand } from './control.ts';
import { createEnding } from './ending.ts';
import { createEventLog } from './event-log.ts';
import type { CallEvent, CallEventBody, EndReason, EventOf } from './events.ts';
import { createLeg, END_OF_LEG } from './leg.ts';
import { createOpening } from './opening.ts';
import { createSenses } from './senses.ts';
import { compilePolicy } from './turn/endpointing.ts';
import { inputOf, isInput } from './turn/inputs.ts';
import { resumeState } from './turn/resumed-state.ts';
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
  /** Reads a control message that a client sent on its own socket; throws an `AywaError` that says what is wrong with it. */
  readControl(message: Readonly<Record<string, unknown>>): ControlCommand;
  readonly node: string;
  readonly host: string;
  /** What was on record of this call before: it goes on from there, and is held until a leg is back. `agentOf` knows who entered in it. */
  readonly past?: { readonly events: readonly CallEvent[]; agentOf(entered: EventOf<'agent.entered'>): AgentPlan };
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
  /** Another agent speaks from the next input on: its prompt, models, voice, ears and manners. What was said before is remembered. */
  enter(agent: AgentPlan): void;
  end(reason: EndReason, detail: string): void;
  /** Everything that the call owned is released. */
  readonly ended: Promise<void>;
}

/** No carrier rings longer; a dialled call that nobody reports about ends after this. */
const RING_MOST_MS = 120_000;

export function startCall(deps: CallDeps): Call {
  const { plan, clock, scope } = deps;
  const past = deps.past?.events ?? [];
  let speaker: AgentPlan = plan.agent;
  /** Agents whose `agent.entered` waits in the mailbox. */
  const arriving: AgentPlan[] = [];
  const agent = () => speaker;
  const log = createEventLog(plan.call, clock, past.at(-1));
  const conversation = createConversation(agent);
  let policy = compilePolicy(speaker, plan.durationMs);
  const ctx: ProviderContext = { scope, egress: deps.egress, log: deps.log };
  const timers = createTurnTimers(clock, (name) => post({ type: 'timer.fired', name }));
  let state = TURN_START;

  // ---- the record and the table

  for (const event of past) conversation.take(event);
  log.subscribe((event) => conversation.take(event));
  log.subscribe((event) => deps.onEvent(event));

  /** Puts an event on record and lets the table know; for events that happen inside the handling of another one. */
  const record = (body: CallEventBody): CallEvent | undefined => {
    if (ending.over) return undefined;
    const event = log.append(body);
    if (event.type === 'agent.entered') become(arriving.shift() ?? speaker);
    const input = inputOf(event, speaker);
    if (!input) return event;
    const [next, ...effects] = step(state, input, policy);
    state = next;
    for (const effect of effects) perform(effect, event);
    timers.follow(state.timers, event.at);
    return event;
  };
  const handle = (body: CallEventBody) => {
    const { floor } = leg;
    if (body.type === 'reply.ended' && !floor?.conclude(body)) return;
    if (body.type === 'reply.audible' && !floor?.audible(body.reply)) return;
    // The end of a leg on its way to somebody else is no hang-up: the table says what it is.
    if (body.type === 'line.ended' && state.phase !== 'transferring') ending.because(END_OF_LEG[body.by], body.detail || null);
    record(body);
    if (leg.line) drafts.follow(body, state);
  };
  const inbox = mailbox<CallEventBody>(handle, (error) => {
    deps.log.error('call_broken', { call: plan.call, detail: asAywaError(error).message, stack: asAywaError(error).stack });
    ending.because('bug', asAywaError(error).message);
    ending.finish();
  });
  const post = (body: CallEventBody) => inbox.post(body);
  /** For the parts that work beside the table: what it must decide about waits its turn, the rest is only noted. */
  const tell = (body: CallEventBody) => (!inbox.closed && isInput(body, speaker) ? post(body) : void record(body));

  const perform = (effect: Effect, cause: CallEvent) => {
    const { floor } = leg;
    switch (effect.type) {
      case 'begin':
        return floor?.begin(effect);
      case 'cut':
        return floor?.cut(effect.by);
      case 'duck':
        return floor?.duck();
      case 'resume':
        return floor?.resume();
      case 'transfer':
        return leg.transfer(effect.destination);
      case 'closing': {
        const { reason, detail } = ending.because(effect.reason, cause.type === 'call.closing' ? cause.detail : null);
        if (cause.type !== 'call.closing') record({ type: 'call.closing', reason, detail });
        return;
      }
      case 'finish':
        return ending.finish();
      default:
        return effect satisfies never;
    }
  };

  const become = (next: AgentPlan) => {
    speaker = next;
    policy = compilePolicy(next, plan.durationMs);
    drafts.discard();
    senses.agentChanged();
  };

  // ---- the parts

  const models = createModelChain(() => agent().llm, deps.providers);
  const can = () => leg.line?.can;
  const tools = createTools({ call: plan.call, agent, can, desk: deps.desk, clock, scope, known: conversation.knows, tell });
  const senses = createSenses({ agent, providers: deps.providers, vad: deps.vad, ctx, tell });
  /** What makes every reply of the call: models and voices. */
  const compose: Compose = (script) =>
    startReply(script, { call: plan, agent, can, models, voices: senses.voices, tools, conversation, ctx, tell });
  const drafts = createDrafts(agent, compose, conversation, tell);
  const opening = createOpening(agent, () => (senses.voices ? (text: string) => compose({ text, endAfter: false }) : undefined));
  const leg = createLeg({ deps, agent, senses, opening, drafts, compose, post, record, ending: () => ending });
  const ending = createEnding({
    deps,
    leg,
    record,
    /** Whoever ends the call: the table decides nothing any more, and no event arms a timer. */
    stop() {
      inbox.close();
      [state] = step(state, { type: 'gone', at: 0 }, policy);
      timers.close();
    },
    release() {
      leg.floor?.cut('close');
      opening.drop();
      drafts.discard();
      tools.abandonAll();
      leg.release();
      senses.silence();
    },
    lastWords: senses.finish,
  });

  // ---- the beginning

  const end = (reason: EndReason, detail: string) => post({ type: 'call.closing', reason, detail: detail || null });
  const progress: Call['progress'] = (at, carrier, providerCallId) => {
    if (at === 'dialing') return post({ type: 'call.dialing', carrier, providerCallId });
    if (at === 'ringing') return post({ type: 'call.ringing' });
    if (ending.begun || leg.answered) return;
    leg.answer();
    opening.prepare();
    leg.await(deps.arriveWithinMs);
  };

  const { channel, from, to } = plan;
  const { node, host } = deps;
  const begin = () => {
    post({ type: 'call.created', channel, agent: speaker.name, assistantId: speaker.assistantId, from, to, node, host });
    if (channel !== 'phone-outbound') opening.prepare();
    leg.await(channel === 'phone-outbound' ? RING_MOST_MS + deps.arriveWithinMs : deps.arriveWithinMs);
  };
  /** Goes on where the past ends. What it had decided is on record before anything else is. */
  const goOn = () => {
    const resumed = resumeState(past, log.at, (entered) => {
      speaker = (entered && deps.past?.agentOf(entered)) ?? plan.agent;
      policy = compilePolicy(speaker, plan.durationMs);
      return { agent: speaker, policy };
    });
    state = resumed.state;
    for (const body of resumed.bodies) log.append(body);
    leg.resume(past, log.at);
    record({ type: 'call.resumed', node, host });
    timers.follow(state.timers, log.at);
    if (state.phase === 'over') ending.finish();
    else if (!state.connected) leg.await(deps.arriveWithinMs);
  };
  const telephone = channel === 'phone-inbound' || channel === 'phone-outbound';
  const expected = deps.format ?? (telephone ? MULAW_8K : undefined);
  if (expected && channel !== 'text') senses.open(expected);
  if (past.length > 0) goOn();
  else begin();

  const enter = (next: AgentPlan) => {
    const before = (arriving.at(-1) ?? speaker).name;
    arriving.push(next);
    post({ type: 'agent.entered', agent: next.name, assistantId: next.assistantId, from: before });
  };
  return { id: plan.call, attach: leg.attach, progress, control: leg.control, enter, end, ended: ending.ended };
}
