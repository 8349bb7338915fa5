/**
 * The code that holds calls, the same inside the control process and in a process of its own: commands in, reports out, the caller's
 * media in between. It keeps one call's failure away from the others; it never stores anything and never talks to the API.
 */
import type { Socket } from 'node:net';
import type { CallPlan } from '../agent/plan.ts';
import type { Call, CallDeps } from '../call/call.ts';
import type { CallEvent } from '../call/events.ts';
import type { Line } from '../carriers/carrier.ts';
import type { CarrierSet } from '../carriers/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import { asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { rootScope, type Scope, withDeadline } from '../kernel/scope.ts';
import type { Wheel } from '../kernel/wheel.ts';
import type { ProviderSet } from '../providers/contract.ts';
import type { VoiceActivity } from '../providers/vad/contract.ts';
import { parseControl } from '../wire/control.ts';
import { type CallRecord, clientMessages, foldRecord, startRecord } from '../wire/messages.ts';
import { createDesk } from './desk.ts';
import { eventBatch } from './event-batch.ts';
import { createLegs, type Legs } from './legs.ts';
import { watchLoad } from './load.ts';
import { mediaServer } from './media-socket.ts';
import type { Arrival, Command, LegPlan, Report } from './protocol.ts';

/** What a host is made of. Everything outside of it is injected, the engine too. */
export interface HostParts {
  readonly name: string;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly egress: Egress;
  readonly providers: ProviderSet;
  readonly carriers: CarrierSet;
  readonly vad: VoiceActivity;
  /** The pace of everything that leaves in real time. */
  readonly wheel: Wheel;
  readonly recordingsDir: string | null;
  readonly startCall: (deps: CallDeps) => Call;
}

export interface Host {
  take(command: Command): void;
  handOver(arrival: Arrival, socket: Socket | null): void;
  /** Ends all calls and hangs them up, waits for them at most `graceMs`, then lets go of everything. */
  stop(graceMs: number): Promise<void>;
}

interface LiveCall {
  readonly call: Call;
  readonly plan: CallPlan;
  readonly leg: LegPlan;
  readonly scope: Scope;
  /** Outlives the call's own scope, because hanging up is the last thing that a call does. */
  readonly legScope: Scope;
  readonly legs: Legs;
  providerCallId: string | undefined;
}

/** A failed call that does not end by itself is given up, so that it cannot occupy a line for ever. */
const FAILED_ENDS_WITHIN_MS = 10_000;
const HANG_UP_WITHIN_MS = 5_000;

/** Callers on a socket of their own are told what happens in the call; a telephone has no use for it. */
const CLIENT_CHANNELS: ReadonlySet<CallPlan['channel']> = new Set(['web', 'websocket', 'text']);

export function createHost(parts: HostParts, emit: (report: Report) => void): Host {
  const { clock, log } = parts;
  const live = new Map<string, LiveCall>();
  /** Calls whose leg is still there: a call that is over leaves `live` first. */
  const held = new Set<string>();
  const root = rootScope(parts.name, { clock, onFailure: failed, onStuck: stuck });
  const events = eventBatch(clock, (batch) => emit({ type: 'events', events: batch }));
  const desk = createDesk(emit);
  const media = mediaServer(clock);
  let draining = false;
  let emptied: (() => void) | undefined;

  watchLoad(root, clock, (load) => emit({ type: 'load', calls: held.size, opened: { ...parts.egress.opened }, ...load }));
  emit({ type: 'ready' });

  /** Work of one call that threw: its scope's path names the call. */
  function failed(error: unknown, path: string): void {
    const entry = [...live.values()].find(({ plan }) => path.includes(plan.call));
    const reason = asAywaError(error);
    log.error('work_failed', {
      path,
      call: entry?.plan.call ?? null,
      code: reason.code,
      detail: reason.message,
      stack: reason.stack ?? '',
    });
    if (entry) giveUp(entry, reason.message);
  }
  function stuck(path: string, names: readonly string[]): void {
    log.warn('scope_stuck', { path, names });
  }
  function giveUp(entry: LiveCall, detail: string): void {
    clock.timer(FAILED_ENDS_WITHIN_MS, () => finish(entry), { idle: true });
    try {
      entry.call.end('bug', detail);
    } catch {
      finish(entry);
    }
  }
  /** A throw of one call's code ends that call and no other. */
  function guarded(entry: LiveCall, work: () => void): void {
    try {
      work();
    } catch (error) {
      failed(error, entry.plan.call);
    }
  }

  function open(plan: CallPlan, leg: LegPlan): void {
    const callLog = log.with({ call: plan.call });
    const scope = root.child(`call ${plan.call}`);
    const legScope = root.child(`leg ${plan.call}`);
    held.add(plan.call);
    // Registered first, so that it runs when the leg's socket and everything else is gone.
    legScope.defer(() => closed(plan.call));
    const record = CLIENT_CHANNELS.has(plan.channel) ? startRecord() : undefined;
    const onEvent = (event: CallEvent) => {
      events.push(event);
      if (record) tellClient(record, live.get(plan.call)?.legs.line, event, callLog);
    };
    try {
      const call = parts.startCall({
        plan,
        clock,
        scope,
        providers: parts.providers,
        egress: parts.egress,
        log: callLog,
        vad: parts.vad.open,
        recordingsDir: parts.recordingsDir,
        desk,
        readControl: parseControl,
        node: parts.node,
        host: parts.name,
        onEvent,
        arriveWithinMs: leg.arriveWithinMs,
        format: leg.expectation.format,
      });
      const legs = createLegs({
        call: plan.call,
        plan: leg,
        carriers: parts.carriers,
        media,
        log,
        ctx: { scope: legScope, egress: parts.egress, wheel: parts.wheel },
        attach(line) {
          if (live.get(plan.call) !== entry) return;
          entry.providerCallId ??= line.facts.providerCallId;
          guarded(entry, () => call.attach(line));
        },
        failed: (detail) => guarded(entry, () => call.end('never-connected', detail)),
      });
      const entry: LiveCall = { call, plan, leg, scope, legScope, legs, providerCallId: leg.expectation.providerCallId };
      live.set(plan.call, entry);
      legScope.spawn('the end', async () => {
        await legScope.wait(call.ended);
        finish(entry);
      });
    } catch (error) {
      const reason = asAywaError(error);
      callLog.error('call_not_started', { code: reason.code, detail: reason.message, stack: reason.stack ?? '' });
      legScope.spawn('the close', () => letGo(scope, legScope));
    }
  }

  /** The call is over, or given up: its leg goes too. */
  function finish(entry: LiveCall): void {
    if (!live.delete(entry.plan.call)) return;
    entry.legScope.spawn('the close', async () => {
      if (!entry.legs.line) await hangUpUnseen(entry);
      await letGo(entry.scope, entry.legScope);
    });
  }

  /** The call first: what it still has to say must come before `closed`. */
  async function letGo(scope: Scope, legScope: Scope): Promise<void> {
    await scope.close('the call is over');
    // Not awaited: this is work of the leg's scope, which waits for its work.
    void legScope.close('the call is over');
  }

  function closed(call: string): void {
    live.delete(call);
    held.delete(call);
    events.flush();
    emit({ type: 'closed', call });
    if (held.size > 0) return;
    emptied?.();
    if (draining) emit({ type: 'drained' });
  }

  /** A call whose media never arrived has no line to hang up, but it may be ringing at the carrier. */
  async function hangUpUnseen({ plan, leg, legScope, providerCallId }: LiveCall): Promise<void> {
    const carrier = parts.carriers.carrier(leg.carrier);
    const { account } = leg;
    if (!carrier || !account || !providerCallId) return;
    try {
      await withDeadline(legScope, 'hang up', HANG_UP_WITHIN_MS, (scope) => carrier.hangUp(providerCallId, account, parts.egress, scope));
    } catch (error) {
      log.warn('hang_up_failed', { call: plan.call, detail: asAywaError(error).message });
    }
  }

  function handOver(arrival: Arrival, socket: Socket | null): void {
    const entry = live.get(arrival.call);
    if (entry) entry.legs.arrive(arrival, socket);
    else {
      log.warn('leg_refused', { call: arrival.call, detail: 'The call is over.' });
      socket?.destroy();
    }
  }

  function withCall(id: string, work: (entry: LiveCall) => void): void {
    const entry = live.get(id);
    if (entry) guarded(entry, () => work(entry));
  }

  function take(command: Command): void {
    switch (command.type) {
      case 'open':
        open(command.plan, command.leg);
        break;
      case 'progress':
        withCall(command.call, (entry) => {
          entry.providerCallId ??= command.providerCallId ?? undefined;
          entry.call.progress(command.state, command.carrier, command.providerCallId);
        });
        break;
      case 'control':
        withCall(command.call, ({ call }) => call.control(command.command));
        break;
      case 'end':
        withCall(command.call, ({ call }) => call.end(command.reason, command.detail));
        break;
      case 'reclaim':
        withCall(command.call, ({ legs }) => legs.reclaim());
        break;
      case 'answer':
        desk.answered(command.question, command.answer, command.error);
        break;
      case 'drain':
        draining = true;
        if (held.size === 0) emit({ type: 'drained' });
        break;
      case 'stop':
        for (const call of live.keys()) withCall(call, (entry) => entry.call.end('shutdown', 'The runtime is stopping.'));
        break;
      default:
        command satisfies never;
    }
  }

  return {
    handOver,
    take,
    async stop(graceMs) {
      take({ type: 'stop' });
      if (held.size > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        emptied = resolve;
        const grace = clock.timer(graceMs, resolve);
        await promise;
        grace.cancel();
      }
      await root.close('the host stops');
      events.flush();
    },
  };
}

function tellClient(record: CallRecord, line: Line | undefined, event: CallEvent, log: Log): void {
  try {
    foldRecord(record, event);
    if (line) for (const message of clientMessages(event, record)) line.tell(message);
  } catch (error) {
    // Called inside the call's own input handling, which must not fail for a presenter.
    log.error('client_message_failed', { type: event.type, detail: asAywaError(error).message });
  }
}
