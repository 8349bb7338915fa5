/**
 * The wall between control and the call hosts: commands down, batches of events and questions up, and the caller's media handed
 * over as they arrive. Plain data only, a socket beside it; the in-process and the child form speak exactly this.
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
  /** Where the carrier asks how to go on when the leg's stream has ended; a line puts it into documents of its own. */
  readonly continueUrl?: string;
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
  /** The carrier says that the leg's stream is over while its call is not: another leg may come, and the old one counts as broken. */
  | { type: 'reclaim'; call: string }
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

/** A websocket upgrade that control has authorised: the request as it came, with the bytes read beyond it. Its socket comes beside it. */
export interface SocketArrival {
  readonly kind: 'socket';
  readonly call: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly head: Uint8Array;
}

/** How a caller's media come to a call. What no host takes yet is refused with a sentence. */
export type Arrival =
  | SocketArrival
  /** An RTP stream that comes from this address. */
  | { readonly kind: 'rtp'; readonly call: string; readonly address: string; readonly port: number }
  /** A browser's data channel, by its label. */
  | { readonly kind: 'channel'; readonly call: string; readonly label: string };

/** One call host, whichever form it has. Nothing here throws; a dead host reports `lost` once and ignores everything after. */
export interface CallHost {
  readonly name: string;
  readonly calls: number;
  readonly accepting: boolean;
  send(command: Command): void;
  /** Hands the caller's media over; control must not touch the socket afterwards. */
  handOver(arrival: Arrival, socket: Socket | null): void;
  onReport(take: (report: Report) => void): void;
  /** The process died, with the calls that it held. */
  onLost(take: (detail: string) => void): void;
  /** Stops it: `stop` first, then force after `graceMs`. */
  close(graceMs: number): Promise<void>;
}
