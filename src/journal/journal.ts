/**
 * The record of every call of this node: takes events as they happen, folds them, and hands each with its consequences (the call's row,
 * webhook deliveries) to the writer, so that all of it is stored in one transaction. It never decides anything about a call, and
 * nobody ever waits for it.
 */
import type { CallEvent } from '../call/events.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { CallChange, CallRow } from '../store/calls.ts';
import type { NewDelivery } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import { type CallFacts, type CallState, factsOf, foldCall, startCallState } from './call-facts.ts';
import { controlUrl } from './control-url.ts';
import type { RateCard } from './cost.ts';
import { type Follower, follow } from './follow.ts';
import type { Metrics } from './metrics.ts';
import { type Subject, serverMessages, wantedMessages } from './server-messages.ts';
import { openSpool } from './spool.ts';
import { shownAssistant, type Target, targetsOf } from './targets.ts';
import { createWriter, type Entry } from './writer.ts';

/** What the journal must know of a call before its first event. */
export interface OpenCall {
  readonly row: {
    readonly id: string;
    readonly organization: string;
    /** Vapi's call type. */
    readonly type: string;
    readonly assistantId: string | null;
    /** The create body without secrets. */
    readonly request: Readonly<Record<string, unknown>>;
    readonly controlHash: string | null;
    /** What the create answer says; the moment of the writing unless given. */
    readonly createdAt?: Date;
  };
  /** The assistant as the call uses it, the secrets of its servers included; only what may be shown leaves the journal in clear. */
  readonly assistant: Readonly<Record<string, unknown>>;
  /** The system prompt: the record's first message. */
  readonly prompt: string | null;
}

/** A call that lives here, for those who write webhooks about it. */
export interface LiveCall {
  readonly subject: Subject;
  readonly state: CallState;
  readonly targets: ReadonlyMap<string, Target>;
}

export interface Journal {
  /** Before the first event of the call. */
  open(call: OpenCall): void;
  /** Takes over a call that another process began: its stored events are folded again, and it goes on under the new fence. */
  adopt(row: CallRow, fence: number): Promise<void>;
  /** Synchronous, never throws. Events that were taken already are passed over. */
  append(events: readonly CallEvent[]): void;
  /** Every event after `afterSeq`, stored ones first, each once and in order; ends by itself after `call.ended`. `take` must not throw. */
  subscribe(callId: string, afterSeq: number, take: (event: CallEvent) => void): Disposable;
  /** Resolves when the call's row and all events that were appended so far are in the database. */
  settled(callId: string): Promise<void>;
  about(callId: string): LiveCall | undefined;
  /** Calls whose end is not stored yet. */
  readonly live: readonly string[];
  readonly metrics: Metrics;
  /** Entries that wait in memory, and bytes that wait on disk. */
  readonly state: { readonly waiting: number; readonly spoolBytes: number };
}

export interface JournalDeps {
  readonly store: Pick<Store, 'calls' | 'events' | 'sealing'>;
  readonly spoolDir: string;
  readonly node: string;
  /** This process among those that bear the node's name. */
  readonly boot: string;
  readonly publicUrl: string;
  readonly rates?: RateCard;
  readonly metrics: Metrics;
  /** Webhook deliveries are in the outbox: the dispatcher's bell. */
  readonly onDeliveries: () => void;
  readonly clock: Clock;
  readonly scope: Scope;
  readonly log: Log;
}

interface Live extends LiveCall {
  readonly fence: number;
  readonly known: Pick<CallFacts, 'assistant' | 'target'>;
  /** Where server messages go. */
  readonly address: Pick<NewDelivery, 'target' | 'url' | 'destination'> | null;
  /** The last event taken, the last one stored; −1 before the row is stored. */
  seq: number;
  stored: number;
  /** The latest events, for followers. */
  readonly recent: CallEvent[];
  readonly waiters: (() => void)[];
  ended: boolean;
}

/** Events of a call that stay in memory. */
const RECENT = 256;

/** Stores what an earlier process left in `spoolDir` before it resolves: only then may the calls of that process be ended. */
export async function createJournal(deps: JournalDeps): Promise<Journal> {
  const { store, publicUrl, clock, scope, log, metrics, rates = {} } = deps;
  const calls = new Map<string, Live>();
  const followers = new Map<string, Set<Follower>>();
  const spool = await openSpool(deps.spoolDir, scope);
  const writer = createWriter({ store, spool, clock, scope, log, onStored });
  await scope.wait(writer.leftovers);
  const place = ({ id, organization }: OpenCall['row']) => ({ organization, table: 'call', row: id, column: 'target' });
  metrics.watch({ activeCalls: () => calls.size, spoolBytes: () => spool.bytes, waiting: () => writer.waiting });

  return {
    open({ row, assistant, prompt }) {
      const { id, organization, assistantId, type, request, controlHash, createdAt } = row;
      if (calls.has(id)) return;
      const targets = targetsOf(assistant);
      const target = targets.get('assistant');
      const sealed = target && { url: target.url, sealed: store.sealing.seal(JSON.stringify(target), place(row)) };
      const command = controlUrl(store.sealing, row, publicUrl) ?? null;
      begin(row, 1, targets, { assistant: shownAssistant(assistant), target: sealed ?? null }, prompt, command);
      const name = typeof request.name === 'string' ? request.name : null;
      const { node, boot } = deps;
      writer.put({
        opens: {
          id,
          organization,
          assistantId,
          name,
          type,
          status: 'queued',
          request,
          controlHash,
          node,
          boot,
          createdAt,
        },
      });
    },

    async adopt(row, fence) {
      const events: CallEvent[] = [];
      for (let page = await stored(row.id, 0); page.length > 0; page = await stored(row.id, events.length)) events.push(...page);
      const { assistant = {}, target = null, messages: [first] = [] } = row.facts as Partial<CallFacts>;
      const targets = new Map<string, Target>();
      if (target) targets.set('assistant', JSON.parse(store.sealing.open(target.sealed, place(row))) as Target);
      const live = begin(row, fence, targets, { assistant, target }, first?.role === 'system' ? first.message : null, null);
      for (const event of events) foldCall(live.state, event);
      live.seq = events.at(-1)?.seq ?? 0;
      live.stored = live.seq;
    },

    append(events) {
      for (const event of events) {
        const live = calls.get(event.call);
        if (!live) log.error('journal_unknown_call', { call: event.call, seq: event.seq, type: event.type });
        else if (event.seq > live.seq) take(live, event);
      }
    },

    subscribe(callId, afterSeq, take) {
      const source = { recent: (seq: number) => recent(callId, seq), stored: (after: number) => stored(callId, after), clock, scope };
      const all = followers.get(callId) ?? new Set();
      const end = () => {
        all.delete(follower);
        if (all.size === 0) followers.delete(callId);
        follower[Symbol.dispose]();
      };
      const follower = follow(source, afterSeq, (event) => {
        take(event);
        if (event.type === 'call.ended') end();
      });
      followers.set(callId, all.add(follower));
      return { [Symbol.dispose]: end };
    },

    settled(callId) {
      const live = calls.get(callId);
      if (!live || live.stored >= live.seq) return Promise.resolve();
      return scope.wait(new Promise<void>((resolve) => live.waiters.push(resolve)));
    },

    about: (callId) => calls.get(callId),
    metrics,
    get live() {
      return [...calls.keys()];
    },
    get state() {
      return { waiting: writer.waiting, spoolBytes: spool.bytes };
    },
  };

  function begin(
    row: OpenCall['row'],
    fence: number,
    targets: Live['targets'],
    known: Live['known'],
    prompt: string | null,
    command: string | null,
  ): Live {
    const { id, organization, type, assistantId, request } = row;
    const { assistant } = known;
    const target = targets.get('assistant');
    const live: Live = {
      subject: {
        id,
        organization,
        type,
        assistantId,
        request,
        assistant,
        controlUrl: command,
        wanted: wantedMessages(assistant.serverMessages),
      },
      state: startCallState(prompt),
      targets,
      address: target ? { target: target.name, url: target.url, destination: JSON.stringify(target) } : null,
      known,
      fence,
      seq: 0,
      stored: -1,
      recent: [],
      waiters: [],
      ended: false,
    };
    calls.set(id, live);
    return live;
  }

  function take(live: Live, event: CallEvent): void {
    if (event.seq !== live.seq + 1) log.error('journal_gap', { call: event.call, after: live.seq, seq: event.seq });
    live.seq = event.seq;
    live.ended = event.type === 'call.ended';
    live.recent.push(event);
    if (live.recent.length > RECENT) live.recent.shift();
    const { id: call, organization } = live.subject;
    const base = { call, organization, fence: live.fence, events: [event] };
    try {
      foldCall(live.state, event);
      metrics.event(event, live.state);
      writer.put({ append: { ...base, ...consequences(live, event) } });
    } catch (error) {
      // A fold that cannot digest an event must not cost the event.
      log.error('journal_fold_failed', { call, seq: event.seq, type: event.type, detail: String(error) });
      writer.put({ append: { ...base, change: {}, deliveries: [] } });
    }
    wake(call);
  }

  /** What follows from an event: the row as it is now, and the webhooks that tell of it. */
  function consequences(live: Live, event: CallEvent): { change: CallChange; deliveries: NewDelivery[] } {
    const { record } = live.state;
    let facts: CallFacts | undefined;
    const getFacts = () => {
      facts ??= factsOf(live.state, live.known, rates);
      return facts;
    };
    const changed = record.statusSeq === event.seq || record.messagesSeq === event.seq || event.seq === 1;
    const change: CallChange = changed
      ? {
          status: record.status,
          facts: { ...getFacts() },
          ...(record.answeredAt !== null && { startedAt: record.answeredAt }),
          ...(record.endedAt !== null && { endedAt: record.endedAt, endedMessage: record.endedDetail }),
          ...(record.endedReason !== null && { endedReason: record.endedReason }),
        }
      : {};
    const { address } = live;
    if (!address) return { change, deliveries: [] };
    const messages = serverMessages(event, live.state, live.subject, getFacts, publicUrl);
    const deliveries = messages.map((message, part): NewDelivery => ({ seq: event.seq, part, ...address, ...message, dueAt: event.wall }));
    return { change, deliveries };
  }

  function onStored(entries: readonly Entry[]): void {
    let deliveries = 0;
    for (const entry of entries) {
      const live = calls.get('opens' in entry ? entry.opens.id : entry.append.call);
      if ('append' in entry) deliveries += entry.append.deliveries.length;
      if (!live) continue;
      live.stored = Math.max(live.stored, 'opens' in entry ? 0 : (entry.append.events.at(-1)?.seq ?? 0));
      if (live.stored < live.seq) continue;
      for (const resolve of live.waiters.splice(0)) resolve();
      if (live.ended) calls.delete(live.subject.id);
    }
    if (deliveries > 0) deps.onDeliveries();
    for (const entry of entries) if ('append' in entry) wake(entry.append.call);
  }

  function wake(call: string): void {
    for (const follower of followers.get(call) ?? []) follower.wake();
  }

  function recent(call: string, seq: number): readonly CallEvent[] | null {
    const live = calls.get(call);
    if (!live) return null;
    if (seq > live.seq) return [];
    const first = live.recent[0]?.seq;
    return first !== undefined && seq >= first ? live.recent.filter((event) => event.seq >= seq) : null;
  }

  async function stored(call: string, after: number): Promise<CallEvent[]> {
    return (await store.events.read(call, after, 1_000)) as unknown as CallEvent[];
  }
}
