/**
 * The product's own engine: a real `Call` with its turn table, playout, listening, Silero and recording on a mu-law line, fed by the
 * scripted providers. Events are made and end here: the journal and PostgreSQL are part of the figures over sockets only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MULAW_8K } from '../../../src/audio/format.ts';
import { encodeG711, MULAW } from '../../../src/audio/g711.ts';
import { startCall } from '../../../src/call/call.ts';
import type { Line, LineListener } from '../../../src/carriers/carrier.ts';
import { noVerbs } from '../../../src/carriers/connector.ts';
import { channel } from '../../../src/kernel/channel.ts';
import { realClock } from '../../../src/kernel/clock.ts';
import { createEgress } from '../../../src/kernel/egress.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { rootScope } from '../../../src/kernel/scope.ts';
import type { ProviderSet } from '../../../src/providers/contract.ts';
import type { Said } from '../../../src/providers/llm/contract.ts';
import type { EarsListener } from '../../../src/providers/stt/contract.ts';
import { createSilero } from '../../../src/providers/vad/silero.ts';
import { parseControl } from '../../../src/wire/control.ts';
import { type OurSettings, planOf } from '../../lib/plan.ts';
import { type BenchCall, type Subject, scriptedModel, scriptedVoice } from '../scenario.ts';

const RATE = 24_000;

export async function ours(settings: OurSettings): Promise<Subject> {
  const scope = rootScope('bench');
  const folder = mkdtempSync(join(tmpdir(), 'aywa-bench-'));
  const detector = createSilero();
  const egress = createEgress('any');
  return {
    rate: 8_000,
    async create(bench) {
      let ears: EarsListener | undefined;
      const line = benchLine(bench);
      const call = startCall({
        plan: planOf(settings),
        clock: realClock,
        scope: scope.child(`call-${bench.id}`),
        providers: scripted((listener) => {
          ears = listener;
        }),
        egress,
        log: silentLog,
        vad: detector.open,
        recordingsDir: folder,
        desk: { ask: () => Promise.reject(new Error('no tools in this bench')) },
        readControl: parseControl,
        node: 'bench',
        host: 'bench',
        arriveWithinMs: 10_000,
        onEvent(event) {
          if (event.type === 'reply.audible') bench.replyAudible();
          if (event.type === 'reply.ended' && event.outcome === 'complete') bench.agentDone = true;
        },
      });
      call.attach(line);
      const bytes = new Uint8Array(160);
      let mediaMs = 0;
      return {
        push(frame) {
          encodeG711(MULAW, frame, 160, bytes);
          mediaMs += 20;
          line.caller?.audio(bytes);
        },
        stt(kind, text) {
          const span = { from: Math.max(0, mediaMs - 1_600), to: mediaMs };
          if (kind === 'final') ears?.recognised({ type: 'final', text, ...span, confidence: 0.95 });
          else if (kind !== 'start') ears?.recognised({ type: 'partial', text, ...span });
        },
      };
    },
    async close() {
      await scope.close('bench over');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A phone leg that plays in real time: marks come back when their audio was heard, or at a clear. */
function benchLine(bench: BenchCall): Line & { caller: LineListener | undefined } {
  let playedAt = 0;
  let marks: { name: string; timer: NodeJS.Timeout }[] = [];
  const line: Line & { caller: LineListener | undefined } = {
    ...noVerbs('bench'),
    id: 'bench.1',
    carrier: 'bench',
    format: MULAW_8K,
    can: { clear: true, mark: true, dtmf: false, press: false, hold: false, transfer: false, bridge: false, audio: true, leadMs: 400 },
    facts: {},
    caller: undefined,
    listen(listener) {
      line.caller = listener;
    },
    send(audio) {
      playedAt = Math.max(playedAt, performance.now()) + audio.length / 8;
      bench.mediaOut();
    },
    mark(name) {
      const entry = { name, timer: setTimeout(() => honour(), Math.max(0, playedAt - performance.now())) };
      const honour = () => {
        marks = marks.filter((mark) => mark !== entry);
        line.caller?.signal({ type: 'mark', name });
      };
      marks.push(entry);
    },
    clear() {
      playedAt = performance.now();
      bench.cleared();
      for (const { name, timer } of marks.splice(0)) {
        clearTimeout(timer);
        queueMicrotask(() => line.caller?.signal({ type: 'mark', name }));
      }
    },
    tell() {},
    async hangUp() {},
  };
  return line;
}

function scripted(onEars: (listener: EarsListener) => void): ProviderSet {
  const description = { name: 'scripted', env: 'SCRIPTED', origin: '', needsKey: false, settings: undefined as never };
  return {
    stt: () => ({
      ...description,
      kind: 'stt',
      listen(_options, _settings, _access, listener) {
        onEars(listener);
        return { write() {}, flush() {} };
      },
    }),
    llm: () => ({
      ...description,
      kind: 'llm',
      async *reply(_request, _settings, _access, ctx): AsyncIterable<Said> {
        const tokens = channel<string>(ctx.scope);
        const stop = scriptedModel(
          (token) => tokens.push(token),
          () => tokens.close(),
        );
        try {
          for await (const text of tokens) yield { type: 'text', text };
          yield { type: 'done', usage: { promptTokens: 100, completionTokens: 40 }, finish: 'stop' };
        } finally {
          stop();
        }
      },
    }),
    tts: () => ({
      ...description,
      kind: 'tts',
      open: () => ({
        format: { encoding: 'pcm16', rate: RATE },
        prefers: 'tokens',
        speak(listener) {
          return scriptedVoice(
            RATE,
            (frame) => listener.audio(new Uint8Array(frame.buffer)),
            () => listener.done(),
          );
        },
      }),
    }),
  };
}
