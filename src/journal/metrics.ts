/**
 * The numbers of a node for Prometheus: folds of events and a few gauges that are read when somebody asks. Base units, prefix `vr_`;
 * no id, number or address ever becomes a label, and a label that could grow is cut off at a bound.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CallEvent } from '../call/events.ts';
import type { DeliveryState } from '../store/schema.ts';
import type { CallState } from './call-facts.ts';

/** What is asked when the metrics are read. */
interface MetricSources {
  activeCalls(): number;
  spoolBytes(): number;
  /** Entries of the journal that wait in memory. */
  waiting(): number;
}

interface HostLoad {
  readonly calls: number;
  readonly loopP99Ms: number;
  readonly cpu: number;
  readonly rssMb: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** `route` is the pattern, never the path; the time in ms. */
  httpRequest(route: string, status: number, tookMs: number): void;
  /** A request or a socket was turned away at a door of the runtime. */
  refused(door: string, reason: string): void;
  /** A call host as it is doing now; CPU in cores. */
  load(host: string, load: HostLoad): void;
  hostLost(host: string): void;
  webhookAttempt(outcome: 'delivered' | 'failed', tookMs: number): void;
  event(event: CallEvent, state: CallState): void;
  watch(sources: MetricSources): void;
}

/** Seconds; finest where a conversation feels the difference. */
const TURN_BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10];
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1, 2, 5, 15];
/** Most values of a label that comes from outside of this file. */
const LABEL_VALUES = 100;

/** `deliveries` counts the outbox by state; when it fails, the gauge keeps its last values. */
export function createMetrics(deliveries: () => Promise<Readonly<Record<DeliveryState, number>>>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const known = new Map<string, Set<string>>();
  let sources: MetricSources = { activeCalls: () => 0, spoolBytes: () => 0, waiting: () => 0 };
  collectDefaultMetrics({ register: registry, prefix: 'vr_' });

  const counter = <L extends string>(name: string, help: string, labelNames: L[]) => new Counter({ name, help, labelNames, registers });
  const seconds = <L extends string>(name: string, help: string, buckets: number[], labelNames: L[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const bounded = (label: string, value: string) => {
    const values = known.get(label) ?? new Set<string>();
    known.set(label, values);
    if (values.size < LABEL_VALUES) values.add(value);
    return values.has(value) ? value : 'other';
  };

  gauge('vr_calls_active', 'Calls that live on this node.', () => sources.activeCalls());
  gauge('vr_journal_spool_bytes', 'Bytes of events on disk that wait for the database.', () => sources.spoolBytes());
  gauge('vr_journal_waiting', 'Entries of the journal that wait in memory.', () => sources.waiting());
  new Gauge({
    name: 'vr_outbox_deliveries',
    help: 'Webhook deliveries by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await deliveries().catch(() => ({}));
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
  const started = counter('vr_calls_started_total', 'Calls that were opened.', ['channel']);
  const ended = counter('vr_calls_ended_total', 'Calls that ended, by reason.', ['reason']);
  const turn = {
    decideMs: seconds('vr_turn_decide_seconds', 'The caller stopped speaking until the turn was taken.', TURN_BUCKETS),
    thinkMs: seconds('vr_turn_think_seconds', 'Reply begun until the first token of the model.', TURN_BUCKETS),
    voiceMs: seconds('vr_turn_voice_seconds', 'First token until the first sound on the line.', TURN_BUCKETS),
    totalMs: seconds('vr_turn_total_seconds', 'The caller stopped speaking until the first sound on the line.', TURN_BUCKETS),
  };
  const malformed = counter('vr_media_malformed_total', 'Media messages that could not be read.', ['code']);
  const dropped = counter('vr_audio_dropped_seconds_total', 'Audio that a consumer was too slow for.', ['consumer']);
  const failures = counter('vr_provider_failures_total', 'Failures of providers.', ['kind', 'code']);
  const requests = seconds('vr_http_request_seconds', 'Requests to the API.', REQUEST_BUCKETS, ['route', 'status']);
  const refusals = counter('vr_refused_total', 'Requests and sockets that were turned away.', ['door', 'reason']);
  const ofHost = (name: string, help: string) => new Gauge({ name, help, labelNames: ['host'], registers });
  const hosts = {
    calls: ofHost('vr_host_calls', 'Calls that a call host holds.'),
    loop: ofHost('vr_host_loop_delay_p99_seconds', 'Delay of the event loop of a call host, 99th percentile.'),
    cpu: ofHost('vr_host_cpu_cores', 'Processor time that a call host uses.'),
    memory: ofHost('vr_host_resident_bytes', 'Memory of a call host.'),
  };
  const hostsLost = counter('vr_hosts_lost_total', 'Call hosts that died.', []);
  const attempts = seconds('vr_webhook_attempt_seconds', 'Attempts to deliver a webhook.', REQUEST_BUCKETS, ['outcome']);

  return {
    registry,
    httpRequest: (route, status, tookMs) => requests.observe({ route: bounded('route', route), status: String(status) }, tookMs / 1000),
    refused: (door, reason) => refusals.inc({ door: bounded('door', door), reason: bounded('reason', reason) }),
    load(host, { calls, loopP99Ms, cpu, rssMb }) {
      hosts.calls.set({ host }, calls);
      hosts.loop.set({ host }, loopP99Ms / 1000);
      hosts.cpu.set({ host }, cpu);
      hosts.memory.set({ host }, rssMb * 1024 * 1024);
    },
    hostLost(host) {
      hostsLost.inc();
      // Its successor has another name: what is gone must not look alive.
      for (const one of Object.values(hosts)) one.remove({ host });
    },
    webhookAttempt: (outcome, tookMs) => attempts.observe({ outcome }, tookMs / 1000),
    watch(given) {
      sources = given;
    },
    event(event, state) {
      switch (event.type) {
        case 'call.created':
          started.inc({ channel: event.channel });
          break;
        case 'call.ended':
          ended.inc({ reason: event.reason });
          break;
        case 'reply.audible': {
          const of = state.latency.turns.findLast((one) => one.reply === event.reply);
          for (const part of ['decideMs', 'thinkMs', 'voiceMs', 'totalMs'] as const) {
            const ms = of?.[part];
            if (ms !== null && ms !== undefined) turn[part].observe(ms / 1000);
          }
          break;
        }
        case 'line.malformed':
          malformed.inc({ code: bounded('code', event.code) }, event.count);
          break;
        case 'audio.dropped':
          dropped.inc({ consumer: bounded('consumer', event.consumer) }, event.ms / 1000);
          break;
        case 'provider.failed':
          failures.inc({ kind: event.kind, code: bounded('failure', event.code) });
          break;
        default:
      }
    },
  };
}
