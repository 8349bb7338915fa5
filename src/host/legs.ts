/**
 * The media legs of one call: one at a time, each from its arrival over its opening message to its line. A leg that broke makes room
 * for another; one that was refused, or is not the one expected, never becomes a line. It decides nothing about the call.
 */
import type { Socket } from 'node:net';
import type { Line, LineContext, LineListener, MediaSocket } from '../carriers/carrier.ts';
import type { CarrierSet } from '../carriers/index.ts';
import { asAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { isCancelled, withDeadline } from '../kernel/scope.ts';
import type { MediaServer } from './media-socket.ts';
import type { Arrival, LegPlan } from './protocol.ts';

export interface Legs {
  /** The line of the last leg that connected. */
  readonly line: Line | undefined;
  arrive(arrival: Arrival, socket: Socket | null): void;
  /** The leg counts as broken, whatever its socket says: the next one may come. */
  reclaim(): void;
}

export interface LegsParts {
  readonly call: string;
  readonly plan: LegPlan;
  readonly carriers: CarrierSet;
  readonly media: MediaServer;
  readonly log: Log;
  readonly ctx: Omit<LineContext, 'id' | 'account' | 'continueUrl'>;
  /** The call takes the line. */
  attach(line: Line): void;
  /** No leg has come, and none can come any more. */
  failed(detail: string): void;
}

/** An opening message comes with the connection; a socket that stays silent is a stranger. */
const START_WITHIN_MS = 5_000;

interface Leg {
  readonly id: string;
  socket: MediaSocket | undefined;
  listener: LineListener | undefined;
  over: boolean;
}

export function createLegs({ call, plan, carriers, media, log, ctx, attach, failed }: LegsParts): Legs {
  let line: Line | undefined;
  /** The leg that is expected to be there: connecting, connected, or ended by somebody who meant it. */
  let current: Leg | undefined;
  let count = 0;

  const refuse = (detail: string) => log.warn('leg_refused', { call, code: 'media_malformed', detail });
  const refuseLeg = (leg: Leg, detail: string) => {
    if (leg !== current || leg.over) return;
    refuse(detail);
    leg.over = true;
    leg.socket?.close(1008, 'refused');
    current = undefined;
    // The token of a first leg is spent; after a break the carrier may ask for another one.
    if (!line) failed(detail);
  };

  /** The line, with an ear on its end. */
  const observed = (leg: Leg, made: Line): Line => {
    const listen = (listener: LineListener) => {
      leg.listener = listener;
      made.listen({
        audio(bytes) {
          if (!leg.over) listener.audio(bytes);
        },
        signal(signal) {
          if (leg.over) return;
          if (signal.type === 'ended') {
            leg.over = true;
            if ((signal.by === 'network' || signal.by === 'carrier') && current === leg) current = undefined;
          }
          listener.signal(signal);
        },
      });
    };
    return Object.assign(Object.create(made) as Line, { listen });
  };

  const connect = (leg: Leg, socket: MediaSocket) => {
    leg.socket = socket;
    const connector = carriers.connector(plan.carrier);
    if (!connector) return refuseLeg(leg, `There is no line named ${plan.carrier}.`);
    const lineCtx: LineContext = {
      ...ctx,
      id: leg.id,
      ...(plan.account && { account: plan.account }),
      ...(plan.continueUrl && { continueUrl: plan.continueUrl }),
    };
    // A leg that follows a broken one is a leg of the same call at the carrier.
    const providerCallId = plan.expectation.providerCallId ?? line?.facts.providerCallId;
    const expectation = { ...plan.expectation, ...(providerCallId !== undefined && { providerCallId }) };
    ctx.scope.spawn('connect', async (scope) => {
      try {
        const made = await withDeadline(scope, 'the opening message', START_WITHIN_MS, () =>
          connector.connect({ kind: 'socket', socket }, expectation, lineCtx),
        );
        if (leg !== current || leg.over) return socket.close(1001, 'over');
        line = observed(leg, made);
        attach(line);
      } catch (error) {
        if (!isCancelled(error)) refuseLeg(leg, asAywaError(error).message);
      }
    });
  };

  return {
    get line() {
      return line;
    },
    arrive(arrival, socket) {
      if (current) {
        log.warn('leg_refused', { call, detail: 'The call has its leg.' });
        socket?.destroy();
        return;
      }
      count += 1;
      const leg: Leg = { id: `${call}.${count}`, socket: undefined, listener: undefined, over: false };
      current = leg;
      const takes = carriers.connector(plan.carrier)?.takes ?? arrival.kind;
      if (arrival.kind !== takes || arrival.kind !== 'socket' || !socket) {
        socket?.destroy();
        const expected = arrival.kind === takes ? 'No call host takes media' : `A ${plan.carrier} line takes its media by ${takes}, not`;
        return refuseLeg(leg, `${expected} by ${arrival.kind}${arrival.kind === takes ? ' yet' : ''}.`);
      }
      media.accept(
        arrival,
        socket,
        ctx.scope,
        (taken) => connect(leg, taken),
        (detail) => refuseLeg(leg, detail),
      );
    },
    reclaim() {
      const leg = current;
      current = undefined;
      if (!leg || leg.over) return;
      leg.over = true;
      leg.socket?.close(1001, 'over');
      leg.listener?.signal({ type: 'ended', by: 'network', detail: 'The carrier says that its stream is over.' });
    },
  };
}
