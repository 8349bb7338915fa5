/**
 * The end of a call, whoever wants it: everything stops at once; the last words, the hang-up and the recording's last bytes follow, each
 * within its time; then `call.ended`, exactly once and last. Closing the call's scope ends it, too, and the call still says so.
 */
import { asAywaError } from '../kernel/errors.ts';
import { isCancelled, withDeadline } from '../kernel/scope.ts';
import type { CallDeps } from './call.ts';
import type { CallEventBody, EndReason } from './events.ts';
import type { Leg } from './leg.ts';

interface Why {
  readonly reason: EndReason;
  readonly detail: string | null;
}

export interface Ending {
  /** The call stops, or has. */
  readonly begun: boolean;
  /** `call.ended` is on record. */
  readonly over: boolean;
  /** The first reason that is given is the one on record. */
  because(reason: EndReason, detail: string | null): Why;
  finish(): void;
  /** Everything that the call owned is released. */
  readonly ended: Promise<void>;
}

export interface EndingParts {
  readonly deps: CallDeps;
  readonly leg: Leg;
  record(event: CallEventBody): void;
  /** From now on nothing is decided. */
  stop(): void;
  /** Lets go of what speaks and works; may throw after a fault, when anything may be broken. */
  release(): void;
  /** Resolves when no words are in flight any more. */
  lastWords(): Promise<void>;
}

/** Hanging up and closing the recording may take this long, each. */
const RELEASE_MS = 5_000;
/** Words that a recogniser still owes when the caller is gone. */
const LAST_WORDS_MS = 1_000;

export function createEnding({ deps, leg, record, stop, release, lastWords }: EndingParts): Ending {
  const { scope, plan, log } = deps;
  const ended = Promise.withResolvers<void>();
  let why: Why | undefined;
  let begun = false;
  let over = false;
  let durationMs = 0;

  const begin = () => {
    begun = true;
    // Hanging up and the last bytes of the recording are not part of the conversation.
    durationMs = leg.talkedMs;
    try {
      stop();
      release();
    } catch (error) {
      // After a fault anything may be broken; the leg is hung up and the call ends all the same.
      log.error('release_failed', { call: plan.call, detail: asAywaError(error).message });
    }
  };
  /** One step of the end; what goes wrong in it is told and never keeps the call from ending. */
  const within = async (name: string, ms: number, work: () => Promise<void>, failed: (detail: string) => void) => {
    try {
      await withDeadline(scope, name, ms, work);
    } catch (error) {
      if (!isCancelled(error)) failed(asAywaError(error).message);
    }
  };
  const conclude = () => {
    // A scope that was closed by a failure of the call's own work is a bug; by anybody else, a shutdown.
    const broke = scope.failure === undefined ? undefined : asAywaError(scope.failure).message;
    const { reason, detail } = why ?? (broke ? { reason: 'bug', detail: broke } : { reason: 'shutdown', detail: scope.reason ?? null });
    record({ type: 'call.ended', reason, detail, durationMs });
    over = true;
  };

  // Whoever closes the scope ends the call, and the call still says so.
  scope.defer(() => {
    if (over) return;
    try {
      if (!begun) {
        begin();
        leg.line?.hangUp('shutdown').catch(() => {});
      }
      conclude();
    } finally {
      ended.resolve();
    }
  });

  return {
    get begun() {
      return begun;
    },
    get over() {
      return over;
    },
    because(reason, detail) {
      why ??= { reason, detail };
      return why;
    },
    finish() {
      if (begun) return;
      begin();
      const refused = (detail: string) => log.warn('hang_up_failed', { call: plan.call, detail });
      scope.spawn('finish', async () => {
        await Promise.all([
          within('hang up', RELEASE_MS, () => leg.hangUp(why?.reason ?? 'ended'), refused),
          within('last words', LAST_WORDS_MS, lastWords, () => {}),
        ]);
        await within('save the recording', RELEASE_MS, leg.saveRecording, (detail) => record({ type: 'recording.failed', detail }));
        conclude();
        void scope.close('ended').then(ended.resolve);
      });
    },
    ended: ended.promise,
  };
}
