/**
 * Control's side of live calls: which host holds which call, the doors that media, commands and answers go through, and the record
 * of a call whose host died. It passes events on in order and changes none of them.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Assistant } from '../agent/definition.ts';
import type { Answer, Question } from '../agent/desk.ts';
import type { CallPlan } from '../agent/plan.ts';
import type { ControlCommand } from '../call/control.ts';
import type { CallEvent, EndReason } from '../call/events.ts';
import type { CarrierSet } from '../carriers/index.ts';
import type { CallHost, Command, LegPlan, Report } from '../host/protocol.ts';
import type { OpenCall } from '../journal/journal.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import { AywaError, asAywaError, type ErrorCode } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { type Scope, withDeadline, within } from '../kernel/scope.ts';
import { hostPool } from './host-pool.ts';
import { mediaDoor } from './media-door.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';

/** The call as it is stored. */
export type OpenCallRow = OpenCall['row'];

export interface OpenInput {
  readonly row: OpenCallRow;
  readonly plan: CallPlan;
  readonly leg: LegPlan;
  readonly assistant: Assistant;
}

export interface Switchboard {
  /** Registers the call with the journal, opens it on a host and gives the single-use media token of its leg. Throws `at_capacity` or `host_unavailable`. */
  open(input: OpenInput): { mediaToken: string };
  /** Throws `call_over` when the call is not live here. */
  control(callId: string, command: ControlCommand): void;
  /** The carrier's own view of the call. Reports that come late, twice or out of order change nothing. */
  progress(callId: string, state: 'dialing' | 'ringing' | 'answered', carrier: string, providerCallId: string | null): void;
  /** The carrier asks how to go on with a call whose stream has ended: the token of its next leg, or `null` when the call is over here. */
  reattach(callId: string, providerCallId: string): { mediaToken: string } | null;
  end(callId: string, reason: Extract<Command, { type: 'end' }>['reason'], detail: string): void;
  /** Takes the upgrade request of a media socket: hands the socket to the call's host, or refuses it by itself. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
  readonly live: readonly { call: string; host: string }[];
  readonly capacity: { calls: number; most: number; accepting: boolean };
  /** No new calls; those that are live go on. */
  drain(): void;
  /** Ends all calls, at the latest after `graceMs`, and stops the hosts. */
  close(graceMs: number): Promise<void>;
}

export interface SwitchboardDeps {
  readonly hosts: number;
  readonly makeHost: (name: string) => CallHost;
  /** `append` never throws. `open` comes before the call's first event. */
  readonly journal: { open(input: OpenInput): void; append(events: readonly CallEvent[]): void };
  readonly answer: (question: Question, scope: Scope) => Promise<Answer>;
  readonly carriers: CarrierSet;
  /** For hanging up what a dead host left behind. */
  readonly egress: Egress;
  readonly log: Log;
  readonly clock: Clock;
  readonly scope: Scope;
  readonly publicUrl: string;
  readonly corsOrigins: readonly string[];
  readonly maxCalls: number;
  readonly metrics: {
    /** A media socket was refused. */
    refused(code: ErrorCode): void;
    load(host: string, load: Extract<Report, { type: 'load' }>): void;
    hostLost(host: string): void;
  };
}

interface LiveCall {
  readonly leg: LegPlan;
  readonly host: CallHost;
  providerCallId: string | null;
  /** How far the carrier's call has come; never goes back. */
  reached: number;
  /** The last event and when it came (monotonic), to go on counting where a dead host stopped. */
  last: CallEvent | undefined;
  lastAt: number;
  answeredAt: number | null;
  /** The call says goodbye, or is over. */
  leaving: boolean;
  /** How often the carrier was given another leg. */
  reattached: number;
}

const PROGRESS = ['dialing', 'ringing', 'answered'] as const;
const HANG_UP_WITHIN_MS = 5_000;
/** A stream that breaks more often than this breaks at once each time: the carrier cannot reach us. */
const MOST_REATTACHED = 20;
/** Nothing is attached to a call that says goodbye. */
const LEAVING: ReadonlySet<CallEvent['type']> = new Set(['call.closing', 'call.ended']);

export function createSwitchboard(deps: SwitchboardDeps): Switchboard {
  const { clock, log, journal, carriers, scope } = deps;
  const live = new Map<string, LiveCall>();
  const door = mediaDoor(deps);
  const pool = hostPool({ wanted: deps.hosts, makeHost: deps.makeHost, clock, log, onReport, onLost });

  function onReport(host: CallHost, report: Report): void {
    switch (report.type) {
      case 'events':
        onEvents(host, report.events);
        break;
      case 'question':
        onQuestion(host, report.id, report.question);
        break;
      case 'closed':
        // A host that could not even start the call has no event to show for it.
        conclude(report.call, 'bug', 'The call could not be run; the log names the error.');
        break;
      case 'load':
        deps.metrics.load(host.name, report);
        break;
      case 'log':
        log[report.level](report.event, { ...report.fields, host: host.name });
        break;
      default:
    }
  }

  function onEvents(host: CallHost, events: readonly CallEvent[]): void {
    // Nothing is appended after the last event of a call, whatever a host that was given up still says.
    const fresh = events.filter((event) => live.get(event.call)?.host === host);
    for (const event of fresh) {
      const entry = live.get(event.call);
      if (!entry) continue;
      entry.last = event;
      entry.lastAt = clock.now();
      entry.leaving ||= LEAVING.has(event.type);
      if (event.type === 'call.answered') entry.answeredAt = event.at;
      else if (event.type === 'call.dialing') entry.providerCallId ??= event.providerCallId;
      else if (event.type === 'line.connected') entry.providerCallId ??= event.facts.providerCallId ?? null;
    }
    if (fresh.length > 0) journal.append(fresh);
  }

  function onQuestion(host: CallHost, id: number, question: Question): void {
    scope.spawn('answer', async () => {
      try {
        const answer = await within(scope, `question of ${question.call}`, (asking) => deps.answer(question, asking));
        host.send({ type: 'answer', question: id, answer, error: null });
      } catch (thrown) {
        const error = asAywaError(thrown, 'tool_failed');
        host.send({ type: 'answer', question: id, answer: null, error: { code: error.code, detail: error.message } });
      }
    });
  }

  function onLost(host: CallHost, detail: string): void {
    deps.metrics.hostLost(host.name);
    scope.spawn('hang up', () => abandon(host, 'host-lost', detail));
  }

  /** Ends the calls of a host that can no longer do it: their record gets its last event at once, then their callers are hung up. */
  async function abandon(host: CallHost, reason: EndReason, detail: string): Promise<void> {
    const calls = [...live].filter(([, entry]) => entry.host === host);
    for (const [call] of calls) conclude(call, reason, detail);
    await Promise.all(calls.map(([call, entry]) => hangUp(call, entry)));
  }

  /** Forgets a call; appends the `call.ended` that its host did not. */
  function conclude(call: string, reason: EndReason, detail: string): void {
    const entry = live.get(call);
    if (!entry) return;
    live.delete(call);
    door.close(call);
    const { last } = entry;
    if (last?.type === 'call.ended') return;
    const at = last ? last.at + (clock.now() - entry.lastAt) : 0;
    const durationMs = entry.answeredAt === null ? 0 : at - entry.answeredAt;
    journal.append([{ type: 'call.ended', reason, detail, durationMs, call, seq: (last?.seq ?? 0) + 1, at, wall: clock.wall() }]);
  }

  async function hangUp(call: string, { leg, providerCallId }: LiveCall): Promise<void> {
    const carrier = carriers.carrier(leg.carrier);
    const { account } = leg;
    if (!carrier || !account || !providerCallId) return;
    try {
      await withDeadline(scope, 'hanging up', HANG_UP_WITHIN_MS, (hanging) =>
        carrier.hangUp(providerCallId, account, deps.egress, hanging),
      );
    } catch (thrown) {
      log.error('hang_up_failed', { call, carrier: leg.carrier, detail: asAywaError(thrown).message });
    }
  }

  return {
    open(input) {
      const { plan, leg } = input;
      if (live.size >= deps.maxCalls) throw new AywaError('at_capacity', { retryAfter: 10 });
      const host = pool.pick();
      if (!host) throw new AywaError('host_unavailable', { retryAfter: 5 });
      journal.open(input);
      const providerCallId = leg.expectation.providerCallId ?? null;
      live.set(plan.call, {
        leg,
        host,
        providerCallId,
        reached: -1,
        last: undefined,
        lastAt: 0,
        answeredAt: null,
        leaving: false,
        reattached: 0,
      });
      const mediaToken = door.admit(plan.call, leg);
      host.send({ type: 'open', plan, leg });
      return { mediaToken };
    },
    control(call, command) {
      const entry = live.get(call);
      if (!entry || entry.last?.type === 'call.ended') throw new AywaError('call_over');
      entry.host.send({ type: 'control', call, command });
    },
    progress(call, state, carrier, providerCallId) {
      const entry = live.get(call);
      const step = PROGRESS.indexOf(state);
      if (!entry || step <= entry.reached) return;
      entry.reached = step;
      entry.providerCallId ??= providerCallId;
      door.renew(call);
      entry.host.send({ type: 'progress', call, state, carrier, providerCallId });
    },
    reattach(call, providerCallId) {
      const entry = live.get(call);
      if (!entry || entry.leaving || entry.reattached >= MOST_REATTACHED) return null;
      if (entry.providerCallId !== null && entry.providerCallId !== providerCallId) return null;
      entry.reattached += 1;
      // First the old leg, then the door: what the carrier says of its own stream is truer than a socket that may be half open.
      entry.host.send({ type: 'reclaim', call });
      return { mediaToken: door.admit(call, entry.leg) };
    },
    end(call, reason, detail) {
      live.get(call)?.host.send({ type: 'end', call, reason, detail });
    },
    upgrade(request, socket, head) {
      // A socket without this listener takes the process down when its peer resets it.
      socket.on('error', () => {});
      try {
        const call = door.enter(request);
        const entry = live.get(call);
        if (!entry) throw new AywaError('call_over');
        // The path goes without its token: a host has no use for a secret that is spent.
        const { method = 'GET', headers } = request;
        entry.host.handOver({ kind: 'socket', call, method, url: '/', headers, head }, socket);
      } catch (thrown) {
        const error = asAywaError(thrown);
        deps.metrics.refused(error.code);
        const from = request.socket.remoteAddress ?? '';
        log.warn('media_refused', { code: error.code, detail: error.message, path: redacted(request.url ?? ''), from });
        refuseUpgrade(socket, error);
      }
    },
    get live() {
      return [...live].map(([call, { host }]) => ({ call, host: host.name }));
    },
    get capacity() {
      return { calls: live.size, most: deps.maxCalls, accepting: pool.accepting && live.size < deps.maxCalls };
    },
    drain: pool.drain,
    async close(graceMs) {
      const hosts = pool.hosts;
      await pool.close(graceMs);
      await Promise.all(hosts.map((host) => abandon(host, 'shutdown', 'The runtime stopped before the call had ended.')));
    },
  };
}

/** The path without its token, which might still be good. */
function redacted(url: string): string {
  return (url.split('?')[0] ?? '').replace(/\/(media|transport)\/.*$/, '/$1/[token]').slice(0, 200);
}
