/** The journal over a real database: one transaction for an event and all that follows from it, and followers that miss nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallEvent } from '../../src/call/events.ts';
import type { CallFacts } from '../../src/journal/call-facts.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';
import { type LabStore, openLabStore } from '../store/lab-store.ts';
import { created, ended, stamped } from './a-call.ts';
import { beginCall, listeningLog, openCall, openLabJournal } from './lab-journal.ts';

let lab: LabStore;
beforeAll(async () => {
  lab = await openLabStore();
});
afterAll(() => lab.stop());

const HOOK = { url: 'https://hook.example', secret: 'shh' };

describe('the journal', () => {
  it('stores a call, its row and its webhooks', async () => {
    let bells = 0;
    const { journal, scope } = await openLabJournal(lab, { onDeliveries: () => (bells += 1) });
    const { id, events } = beginCall(lab, journal, { server: HOOK, serverMessages: ['status-update', 'end-of-call-report'] });
    journal.append(events);
    await journal.settled(id);

    const row = await lab.store.calls.get(lab.organization, id);
    expect(row).toMatchObject({ status: 'ended', endedReason: 'customer-ended-call', lastSeq: events.length, name: 'a test' });
    expect(row?.endedAt?.getTime()).toBe(events.at(-1)?.wall);
    const facts = row?.facts as unknown as CallFacts;
    expect(facts.transcript).toContain('User: Where is my order?\n');
    expect(facts).toMatchObject({ recording: { file: 'a.wav' }, turns: [{ totalMs: 1300 }], costBreakdown: { ttsCharacters: 36 } });
    expect(JSON.stringify(row)).not.toContain('shh');
    expect(await lab.store.events.read(id)).toEqual(events);

    const deliveries = await lab.store.outbox.list(lab.organization, { call: id });
    expect(deliveries.map(({ type, seq, state }) => `${seq} ${type} ${state}`).sort()).toEqual([
      `${events.length} end-of-call-report pending`,
      `${events.length} status-update pending`,
      '3 status-update pending',
    ]);
    expect(bells).toBeGreaterThan(0);
    expect(journal.live).toEqual([]);
    await scope.close('test over');
  });

  it('writes a report that integrations can read', async () => {
    const { journal, scope } = await openLabJournal(lab);
    const { id, events } = beginCall(lab, journal, { server: HOOK });
    journal.append(events);
    await journal.settled(id);
    const claimed = [];
    for (let found = await claim(); found.length > 0; found = await claim()) {
      claimed.push(...found);
      for (const one of found) {
        await lab.store.outbox.record('t', one, { status: 200, error: null, tookMs: 1, response: null }, { state: 'delivered' });
      }
    }
    const bodies = claimed.filter((one) => one.call === id).map((one) => JSON.parse(one.body).message);
    expect(bodies.map((body) => body.seq)).toEqual(bodies.map((body) => body.seq).toSorted((a, b) => a - b));
    expect([...new Set(bodies.map((body) => body.type))].sort()).toEqual([
      'assistant.started',
      'conversation-update',
      'end-of-call-report',
      'speech-update',
      'status-update',
    ]);
    const report = bodies.at(-1);
    const route = `https://runtime.example/call/${id}/recording`;
    expect(report).toMatchObject({
      type: 'end-of-call-report',
      timestamp: events.at(-1)?.wall,
      call: { id, orgId: lab.organization, type: 'vapi.websocketCall', status: 'ended' },
      assistant: { name: 'Ada', server: { url: HOOK.url } },
      endedReason: 'customer-ended-call',
      transcript: 'AI: Hello, this is Ada.\nUser: Where is my order?\nAI: It is on its way.\n',
      recordingUrl: route,
      stereoRecordingUrl: `${route}/stereo`,
      durationMs: 9000,
      durationSeconds: 9,
      durationMinutes: 0.15,
      cost: 0,
      costBreakdown: { llmPromptTokens: 1200 },
      artifact: { recordingUrl: route, performanceMetrics: { turnLatencyAverage: 1300 } },
    });
    expect(report.messages).toHaveLength(6);
    expect(JSON.stringify(report)).not.toContain('shh');
    await scope.close('test over');

    function claim() {
      return lab.store.outbox.claim({ node: 't', now: 8.64e15 / 2, leaseMs: 60_000, limit: 50 });
    }
  });

  it('passes over what it has, and survives what it does not know', async () => {
    const { log, said } = listeningLog();
    const { journal, scope } = await openLabJournal(lab, { log });
    const { id, events } = beginCall(lab, journal);
    journal.append(stamped(uuidv7(0), [[0, created]]));
    await said('journal_unknown_call');
    journal.append(events.slice(0, 5));
    journal.append(events.slice(0, 8));
    journal.append(events);
    await journal.settled(id);
    expect(await lab.store.events.read(id)).toEqual(events);
    await scope.close('test over');
  });

  it('gives followers every event once, from any point', async () => {
    const { journal, scope } = await openLabJournal(lab);
    const { id, events } = beginCall(lab, journal);
    const seqs = (from: number) => events.slice(from).map((event) => event.seq);
    const follow = (after: number) => {
      const got: number[] = [];
      return new Promise<number[]>((resolve) => {
        journal.subscribe(id, after, (event: CallEvent) => {
          got.push(event.seq);
          if (event.type === 'call.ended') resolve(got);
        });
      });
    };
    const fromStart = follow(0);
    journal.append(events.slice(0, 10));
    await journal.settled(id);
    const fromThird = follow(3);
    for (const event of events.slice(10, -1)) {
      journal.append([event]);
      if (event.seq % 4 === 0) await journal.settled(id);
    }
    const fromAhead = follow(events.length - 2);
    journal.append(events.slice(-1));
    await journal.settled(id);
    expect(await fromStart).toEqual(seqs(0));
    expect(await fromThird).toEqual(seqs(3));
    expect(await fromAhead).toEqual(seqs(events.length - 2));
    // The call is not in memory any more.
    expect(await follow(7)).toEqual(seqs(7));
    await scope.close('test over');
  });

  it('gives a follower that memory cannot serve the stored events', async () => {
    const { journal, scope } = await openLabJournal(lab);
    const id = uuidv7(Date.now());
    journal.open(openCall(lab, id));
    const many = stamped(
      id,
      [
        [0, created] as const,
        ...Array.from({ length: 2_000 }, (_, i) => [i, { type: 'caller.started' }] as const),
        [2_001, ended()] as const,
      ],
      Date.now(),
    );
    const got: number[] = [];
    const over = new Promise<void>((resolve) => {
      journal.append(many.slice(0, 1_000));
      journal.subscribe(id, 0, (event) => {
        got.push(event.seq);
        if (event.type === 'call.ended') resolve();
      });
      journal.append(many.slice(1_000));
    });
    await over;
    expect(got).toEqual(many.map((event) => event.seq));
    await scope.close('test over');
  });

  it('writes nothing under a fence that another node has raised', async () => {
    const { log, said } = listeningLog();
    const { journal, scope } = await openLabJournal(lab, { log });
    const { id, events } = beginCall(lab, journal);
    journal.append(events.slice(0, 5));
    await journal.settled(id);
    await lab.store.calls.takeOver(id, 1, { node: 'node-2', boot: uuidv7(0) });
    journal.append(events.slice(5));
    await said('journal_refused');
    await journal.settled(id);
    expect(await lab.store.calls.get(lab.organization, id)).toMatchObject({ lastSeq: 5, status: 'in-progress', fence: 2 });
    await scope.close('test over');
  });

  it('ends a call that another process began', async () => {
    const first = await openLabJournal(lab);
    const { id, events } = beginCall(lab, first.journal, { server: HOOK, serverMessages: ['end-of-call-report'] });
    first.journal.append(events.slice(0, 18));
    await first.journal.settled(id);
    await first.scope.close('the node is gone');

    const { journal, scope } = await openLabJournal(lab);
    const row = await lab.store.calls.get(lab.organization, id);
    if (!row) throw new Error('no row');
    await journal.adopt(row, await lab.store.calls.takeOver(id, row.fence, { node: 'node-1', boot: uuidv7(1) }));
    journal.append(
      stamped(id, [[12_000, { type: 'call.ended', reason: 'node-lost', detail: null, durationMs: 11_900 }]], events[0]?.wall, 18),
    );
    await journal.settled(id);
    expect(await lab.store.calls.get(lab.organization, id)).toMatchObject({
      status: 'ended',
      endedReason: 'call.in-progress.error-vapifault-worker-died',
      lastSeq: 19,
    });
    const [report] = await lab.store.outbox.list(lab.organization, { call: id });
    expect(report).toMatchObject({ type: 'end-of-call-report', url: HOOK.url });
    await scope.close('test over');
  });
});

describe('metrics', () => {
  it('fold the calls', async () => {
    const { journal, scope } = await openLabJournal(lab);
    const { id, events } = beginCall(lab, journal);
    journal.append(events);
    journal.metrics.httpRequest('/call/:id', 200, 12);
    journal.metrics.refused('media', 'media_token_unknown');
    await journal.settled(id);
    const text = await journal.metrics.registry.metrics();
    for (const line of [
      'vr_calls_ended_total{reason="caller-hung-up"} 1',
      'vr_turn_total_seconds_sum 1.3',
      'vr_turn_decide_seconds_count 1',
      'vr_calls_active 0',
      'vr_refused_total{door="media",reason="media_token_unknown"} 1',
      'vr_http_request_seconds_count{route="/call/:id",status="200"} 1',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/vr_outbox_deliveries\{state="pending"\} \d/);
    expect(text).toContain('vr_nodejs_eventloop_lag_seconds');
    expect(text).not.toContain(id);
    await scope.close('test over');
  });
});
