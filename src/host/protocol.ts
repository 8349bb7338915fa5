/**
 * The wall between control and the call hosts: commands down, batches of events and questions up, and the caller's socket handed
 * over with its upgrade request. Plain data only; the in-process and the child form speak exactly this.
 */
import type { Socket } from 'node:net';
import type { Answer, Question } from '../agent/desk.ts';
import type { CallPlan } from '../agent/plan.ts';
import type { ControlCommand } from '../call/control.ts';
import type { CallEvent } from '../call/events.ts';
import type { CarrierAccount, LineExpectation } from '../carriers/carrier.ts';
import type { LogFields } from '../kernel/log.ts';

/** How the caller's leg reaches the call. */
export interface LegPlan {
  /** A carrier's name, `websocket` or `text`. */
  readonly carrier: string;
  readonly expectation: LineExpectation;
  readonly account: CarrierAccount | null;
  /** How long the leg may take to arrive after the call was opened or answered; ms. */
  readonly arriveWithinMs: number;
}

export type Command =
  | { type: 'open'; plan: CallPlan; leg: LegPlan }
  /** Progress of the carrier's own call, from its status callbacks. */
  | { type: 'progress'; call: string; state: 'dialing' | 'ringing' | 'answered'; carrier: string; providerCallId: string | null }
  | { type: 'control'; call: string; command: ControlCommand }
  /** Ends the call without a conversation: it was never answered, or the carrier says that it is over. */
  | {
      type: 'end';
      call: string;
      reason: 'busy' | 'no-answer' | 'canceled' | 'dial-failed' | 'caller-hung-up' | 'never-connected' | 'shutdown';
      detail: string;
    }
  | { type: 'answer'; question: number; answer: Answer | null; error: { code: string; detail: string } | null }
  /** No new calls; `ended` is reported when the last one is over. */
  | { type: 'drain' }
  | { type: 'stop' };

export type Report =
  | { type: 'ready' }
  | { type: 'events'; events: readonly CallEvent[] }
  | { type: 'question'; id: number; call: string; question: Question }
  /** The call is over and everything it owned is released. */
  | { type: 'closed'; call: string }
  | { type: 'load'; calls: number; loopP99Ms: number; cpu: number; rssMb: number; opened: { http: number; sockets: number } }
  | {
      type: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      event: string;
      fields: LogFields;
    }
  /** Something failed that belongs to no call: the host finishes the calls that it has and takes no more. */
  | { type: 'retiring'; detail: string }
  | { type: 'drained' };

/** A websocket upgrade that control has authorised: the request as it came, with the bytes read beyond it. */
export interface Upgrade {
  readonly call: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly head: Uint8Array;
}

/** One call host, whichever form it has. Nothing here throws; a dead host reports `lost` once and ignores everything after. */
export interface CallHost {
  readonly name: string;
  readonly calls: number;
  readonly accepting: boolean;
  send(command: Command): void;
  /** Hands the caller's socket over; control must not touch it afterwards. */
  handOver(upgrade: Upgrade, socket: Socket): void;
  onReport(take: (report: Report) => void): void;
  /** The process died, with the calls that it held. */
  onLost(take: (detail: string) => void): void;
  /** Stops it: `stop` first, then force after `graceMs`. */
  close(graceMs: number): Promise<void>;
}
