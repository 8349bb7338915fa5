/**
 * Ownership of work. Scopes nest: process > call > reply > model, voice, tool. All work is spawned in a scope, and closing a
 * scope stops everything inside it: first the signal, then the children, then the work within a deadline, then the cleanups.
 * A scope never waits for work that ignores its signal longer than the deadline; it names that work instead (an alarm).
 */
import { type Clock, realClock } from './clock.ts';
import { AywaError, isAywaError } from './errors.ts';

export interface Scope extends AsyncDisposable {
  readonly name: string;
  /** The time that everything in this scope lives in: its root's. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly closed: boolean;
  /** Why the scope was closed; `undefined` while it is open. */
  readonly reason: string | undefined;
  /** What this scope's own work threw, when that closed it. */
  readonly failure: unknown;
  /** A scope that is closed with this one and forgotten when it is closed by itself. */
  child(name: string): Scope;
  /** Runs owned work. Its failure closes this scope with the failure as the reason. */
  spawn(name: string, work: (scope: Scope) => Promise<void>): void;
  /** The only way to await the outside world: settles like `pending`, or rejects at once when the scope closes. */
  wait<T>(pending: Promise<T>): Promise<T>;
  /** Registers a cleanup, run last, in reverse order. Runs at once when the scope is closed already. */
  defer(cleanup: () => void | Promise<void>): void;
  /** Closes once; later calls return the same promise. The scope counts as closed before this returns. */
  close(reason: string): Promise<void>;
}

export interface ScopeOptions {
  clock?: Clock;
  /** How long closing waits for work before it raises the alarm. */
  deadlineMs?: number;
  /** A task threw something that is not a cancellation. */
  onFailure?: (error: unknown, path: string) => void;
  /** Work that still runs after the deadline: names, for the log and the counter. */
  onStuck?: (path: string, names: readonly string[]) => void;
}

/** Is this error only the news that a scope was closed? */
export function isCancelled(error: unknown): boolean {
  return isAywaError(error) && error.code === 'cancelled';
}

class OwnedScope implements Scope {
  readonly name: string;
  readonly #options: ScopeOptions;
  readonly #path: string;
  readonly #parent: OwnedScope | undefined;
  readonly #abort = new AbortController();
  readonly #children = new Set<OwnedScope>();
  readonly #tasks = new Map<symbol, { name: string; done: Promise<void> }>();
  readonly #waiters = new Set<(error: unknown) => void>();
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  #reason: string | undefined;
  #failure: unknown;

  constructor(name: string, options: ScopeOptions, parent?: OwnedScope) {
    this.name = name;
    this.#options = options;
    this.#parent = parent;
    this.#path = parent ? `${parent.#path}/${name}` : name;
  }

  get clock(): Clock {
    return this.#options.clock ?? realClock;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get failure(): unknown {
    return this.#failure;
  }

  child(name: string): Scope {
    const child = new OwnedScope(name, this.#options, this);
    if (this.closed) void child.close(this.#reason ?? 'closed');
    else this.#children.add(child);
    return child;
  }

  spawn(name: string, work: (scope: Scope) => Promise<void>): void {
    if (this.closed) return;
    const key = Symbol(name);
    const done = (async () => {
      try {
        await work(this);
      } catch (error) {
        if (isCancelled(error)) return;
        this.#options.onFailure?.(error, `${this.#path}/${name}`);
        if (!this.closed) this.#failure = error;
        void this.close(error instanceof Error ? error.message : String(error));
      } finally {
        this.#tasks.delete(key);
      }
    })();
    this.#tasks.set(key, { name, done });
    // Work that finished before its first await has already removed a key that was not there yet.
    void done.then(() => this.#tasks.delete(key));
  }

  wait<T>(pending: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.closed) {
        pending.catch(() => {});
        reject(this.#cancelled());
        return;
      }
      // One entry per wait, removed when it settles: a race against a long-lived promise would keep every loser alive.
      this.#waiters.add(reject);
      pending.then(
        (value) => {
          this.#waiters.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#waiters.delete(reject);
          reject(error);
        },
      );
    });
  }

  defer(cleanup: () => void | Promise<void>): void {
    if (this.closed) void this.#run(cleanup);
    else this.#cleanups.push(cleanup);
  }

  close(reason: string): Promise<void> {
    if (!this.#closing) {
      this.#reason = reason;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = promise;
      this.#abort.abort(this.#cancelled());
      for (const reject of this.#waiters) reject(this.#cancelled());
      this.#waiters.clear();
      void this.#wind(reason).finally(() => {
        if (this.#parent) this.#parent.#children.delete(this);
        resolve();
      });
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('disposed');
  }

  async #wind(reason: string): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.close(reason)));
    if (this.#tasks.size > 0) await this.#tasksDone();
    for (const cleanup of this.#cleanups.splice(0).reverse()) await this.#run(cleanup);
  }

  #tasksDone(): Promise<void> {
    return new Promise((resolve) => {
      const alarm = this.clock.timer(this.#options.deadlineMs ?? 5_000, () => {
        this.#options.onStuck?.(
          this.#path,
          [...this.#tasks.values()].map((task) => task.name),
        );
        resolve();
      });
      void Promise.all([...this.#tasks.values()].map((task) => task.done)).then(() => {
        alarm.cancel();
        resolve();
      });
    });
  }

  async #run(cleanup: () => void | Promise<void>): Promise<void> {
    try {
      await cleanup();
    } catch (error) {
      this.#options.onFailure?.(error, `${this.#path}/cleanup`);
    }
  }

  #cancelled(): AywaError {
    return new AywaError('cancelled', { detail: `${this.#path}: ${this.#reason}` });
  }
}

/** A scope without a parent: the process, or a test. Everything else is a child of one. */
export function rootScope(name: string, options: ScopeOptions = {}): Scope {
  return new OwnedScope(name, options);
}

/** Runs `work` in a child scope that is closed on every way out. */
export async function within<T>(parent: Scope, name: string, work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = parent.child(name);
  try {
    return await work(scope);
  } finally {
    await scope.close('done');
  }
}

/**
 * Runs `work` with a deadline of its own: rejects with code `timeout` and closes the work's scope when `ms` pass first.
 * The work is not awaited any further; what it does with its closed scope is its own business.
 */
export async function withDeadline<T>(parent: Scope, name: string, ms: number, work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = parent.child(name);
  let late = false;
  const timer = parent.clock.timer(ms, () => {
    late = true;
    void scope.close('deadline');
  });
  try {
    return await scope.wait(work(scope));
  } catch (error) {
    if (late) throw new AywaError('timeout', { detail: `${name} took longer than ${ms} ms` });
    throw error;
  } finally {
    timer.cancel();
    void scope.close('done');
  }
}
