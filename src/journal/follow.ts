/**
 * Follows one call from any point: first what is stored, then what happens, each event once and in order. It keeps no queue of its
 * own: a follower that fell behind what memory holds reads the database, and waits for it while it is away.
 */
import type { CallEvent } from '../call/events.ts';
import { channel } from '../kernel/channel.ts';
import type { Clock } from '../kernel/clock.ts';
import { isCancelled, type Scope } from '../kernel/scope.ts';

export interface Follower extends Disposable {
  /** Something happened or was stored. */
  wake(): void;
}

export interface FollowDeps {
  /** Events from `seq` on that memory holds: empty when there are none yet, `null` when memory does not reach back to it. */
  recent(seq: number): readonly CallEvent[] | null;
  /** The next stored events after `seq`, in order; empty when there are none. */
  stored(after: number): Promise<readonly CallEvent[]>;
  readonly clock: Clock;
  readonly scope: Scope;
}

const RETRY_MS = 500;

/** Begins at once with what follows `after`. `take` must not throw; it may dispose of the follower. */
export function follow(deps: FollowDeps, after: number, take: (event: CallEvent) => void): Follower {
  const scope = deps.scope.child('follow');
  const bell = channel<true>(scope, 1);
  let next = after + 1;

  const pass = (events: readonly CallEvent[]) => {
    for (const event of events) {
      if (scope.closed || event.seq < next) continue;
      next = event.seq + 1;
      take(event);
    }
  };
  const catchUp = async () => {
    while (!scope.closed) {
      const recent = deps.recent(next);
      if (recent?.length === 0) return;
      if (recent) {
        pass(recent);
        continue;
      }
      const stored = await scope.wait(deps.stored(next - 1));
      if (stored.length === 0) return;
      pass(stored);
    }
  };
  scope.spawn('events', async () => {
    for await (const _ of bell) {
      try {
        await catchUp();
      } catch (error) {
        if (isCancelled(error)) throw error;
        // The database is away: it will be asked again.
        await deps.clock.sleep(RETRY_MS, scope);
        bell.push(true);
      }
    }
  });
  bell.push(true);

  return {
    wake: () => void bell.push(true),
    [Symbol.dispose]: () => void scope.close('not wanted any more'),
  };
}
