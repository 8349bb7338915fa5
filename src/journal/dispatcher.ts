/**
 * Delivers what lies in the outbox, from any node and after any restart: claims what is due, posts it signed, writes down what came
 * of it. First attempts of a call reach a target in order, retries stand in nobody's way, and a dead address costs the others
 * nothing: it holds a few sockets, then none until its breaker lets a probe through.
 */
import { z } from 'zod';
import { channel } from '../kernel/channel.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress, HttpReply } from '../kernel/egress.ts';
import { asAywaError, isAywaError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { isCancelled, type Scope } from '../kernel/scope.ts';
import type { Attempt, Delivery, Verdict } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { Metrics } from './metrics.ts';
import { post } from './post.ts';
import type { Target } from './targets.ts';

export interface DispatchSettings {
  /** Waits before the second and each later attempt; ms. After the last one the delivery is exhausted. */
  readonly retryAfterMs: readonly number[];
  /** Each wait is varied by up to this share, so that what failed together does not return together. */
  readonly jitter: number;
  /** For an answer to begin; ms. */
  readonly timeoutMs: number;
  /** Failures in a row after which an address rests, and for how long; ms. */
  readonly breakAfter: number;
  readonly breakMs: number;
  /** How often due retries are looked for; ms. */
  readonly pollMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Ten attempts over 75 hours, the schedule that Standard Webhooks 1.0 recommends, and its timeout. */
export const DISPATCH: DispatchSettings = {
  retryAfterMs: [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
  jitter: 0.2,
  timeoutMs: 15_000,
  breakAfter: 5,
  breakMs: 30_000,
  pollMs: 1_000,
};

export interface DispatcherDeps {
  readonly store: Pick<Store, 'outbox'>;
  readonly node: string;
  readonly egress: Egress;
  /** Signs for targets without a signing secret of their own. */
  readonly secret: string;
  readonly metrics: Pick<Metrics, 'webhookAttempt'>;
  readonly clock: Clock;
  readonly scope: Scope;
  readonly log: Log;
  readonly settings?: Partial<DispatchSettings>;
}

export interface Dispatcher {
  /** There may be something to deliver now. */
  wake(): void;
}

/** A claim takes so many, an address holds at most twice as many at once. */
const CLAIM = 4;
const IN_FLIGHT = 1_000;
/** The status is the answer; its body is only for the log. */
const BODY_MS = 2_000;
/** Longest time that a receiver's `Retry-After` may ask for; ms. */
const MOST_RETRY_AFTER = 24 * HOUR;

interface Address {
  inFlight: number;
  failures: number;
  /** Monotonic ms; before it nothing is sent. */
  restsUntil: number;
}

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, node, egress, clock, scope, log } = deps;
  const settings = { ...DISPATCH, ...deps.settings };
  const leaseMs = settings.timeoutMs * 4;
  const addresses = new Map<string, Address>();
  const bell = channel<true>(scope, 1);
  let inFlight = 0;

  scope.spawn('dispatch', async () => {
    for await (const _ of bell) await claimAll();
  });
  scope.spawn('poll', async () => {
    for (;;) {
      bell.push(true);
      await clock.sleep(settings.pollMs, scope);
    }
  });
  return { wake: () => void bell.push(true) };

  async function claimAll(): Promise<void> {
    while (inFlight < IN_FLIGHT) {
      const claimed = await scope
        .wait(store.outbox.claim({ node, now: clock.wall(), leaseMs, limit: CLAIM, exceptUrls: resting() }))
        .catch(stopped);
      for (const delivery of claimed) {
        inFlight += 1;
        addressOf(delivery.url).inFlight += 1;
        scope.spawn('delivery', () => deliver(delivery));
      }
      if (claimed.length < CLAIM) return;
    }
  }

  /** The database is away: the next poll tries again. */
  function stopped(error: unknown): Delivery[] {
    if (isCancelled(error)) throw error;
    log.warn('webhook_claim_failed', { detail: String(error) });
    return [];
  }

  function resting(): string[] {
    const now = clock.now();
    const busy: string[] = [];
    for (const [url, address] of addresses) {
      // After its rest a broken address gets one claim of probes at a time.
      const room = address.failures >= settings.breakAfter ? 1 : CLAIM;
      if (address.restsUntil > now || address.inFlight >= room) busy.push(url);
      else if (address.inFlight === 0 && address.failures === 0) addresses.delete(url);
    }
    return busy;
  }

  function addressOf(url: string): Address {
    const address = addresses.get(url) ?? { inFlight: 0, failures: 0, restsUntil: 0 };
    addresses.set(url, address);
    return address;
  }

  async function deliver(delivery: Delivery): Promise<void> {
    const address = addressOf(delivery.url);
    try {
      const { attempt, verdict } = await tryOnce(delivery);
      if (verdict.state === 'delivered') Object.assign(address, { failures: 0, restsUntil: 0 });
      else if (attempt.status !== 410) {
        address.failures += 1;
        if (address.failures >= settings.breakAfter) address.restsUntil = clock.now() + settings.breakMs;
      }
      deps.metrics.webhookAttempt(verdict.state === 'delivered' ? 'delivered' : 'failed', attempt.tookMs);
      await record(delivery, attempt, verdict);
    } finally {
      inFlight -= 1;
      address.inFlight -= 1;
      bell.push(true);
    }
  }

  async function tryOnce(delivery: Delivery): Promise<{ attempt: Attempt; verdict: Verdict }> {
    const since = clock.now();
    const took = () => clock.now() - since;
    try {
      const target = Destination.parse(JSON.parse(delivery.destination));
      const message = { id: delivery.id, timestamp: Math.floor(clock.wall() / 1000), body: delivery.body };
      const { timeoutMs } = settings;
      const answer = await post({ egress, target, message, secret: deps.secret, timeoutMs, bodyMs: BODY_MS }, scope);
      const attempt = {
        status: answer.status,
        error: answer.ok ? null : `answered ${answer.status}`,
        tookMs: took(),
        response: answer.text,
      };
      return { attempt, verdict: answer.ok ? { state: 'delivered' } : afterFailure(delivery, answer.status, answer.headers) };
    } catch (error) {
      if (isCancelled(error) && scope.closed) throw error;
      const known = asAywaError(error);
      const attempt = {
        status: null,
        error: `${known.code}: ${known.detail ?? known.message}`.slice(0, 500),
        tookMs: took(),
        response: null,
      };
      // An address that is not allowed will not be allowed tomorrow.
      if (known.code === 'egress_denied') return { attempt, verdict: { state: 'skipped' } };
      return { attempt, verdict: afterFailure(delivery, null, {}) };
    }
  }

  function afterFailure(delivery: Delivery, status: number | null, headers: HttpReply['headers']): Verdict {
    const wait = settings.retryAfterMs[delivery.attempts];
    // 410: the receiver does not want this any more, ever.
    if (wait === undefined || status === 410) {
      log.warn('webhook_exhausted', { delivery: delivery.id, call: delivery.call, type: delivery.type, status });
      return { state: 'exhausted' };
    }
    const varied = wait * (1 + settings.jitter * (Math.random() * 2 - 1));
    const asked = Math.min(retryAfterMs(headers['retry-after'], clock.wall()), MOST_RETRY_AFTER);
    return { state: 'pending', dueAt: clock.wall() + Math.max(varied, asked) };
  }

  /** What was sent must be written down, or it is sent again: tries as long as the claim holds. */
  async function record(delivery: Delivery, attempt: Attempt, verdict: Verdict): Promise<void> {
    for (const until = clock.now() + leaseMs; ; await clock.sleep(settings.pollMs, scope)) {
      try {
        await scope.wait(store.outbox.record(node, delivery, attempt, verdict));
        return;
      } catch (error) {
        if (isCancelled(error)) throw error;
        log.warn('webhook_record_failed', { delivery: delivery.id, detail: String(error) });
        if (clock.now() > until || !isAywaError(error)) return;
      }
    }
  }
}

/** A target as the journal wrote it into the delivery. */
const Destination: z.ZodType<Target> = z.object({
  name: z.string(),
  url: z.string(),
  secret: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  timeoutMs: z.number(),
});

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfterMs(value: string | undefined, now: number): number {
  if (!value) return 0;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
