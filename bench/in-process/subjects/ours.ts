/**
 * The product's own engine: a real `Call` with its turn table, playout, listening, Silero and recording on a mu-law line, fed by the
 * scripted providers. Its events go in batches to a journal over PostgreSQL in a process of its own, as a call host's do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MULAW_8K } from '../../../src/audio/format.ts';
import { encodeG711, MULAW } from '../../../src/audio/g711.ts';
import { startCall } from '../../../src/call/call.ts';
import type { Line, LineListener } from '../../../src/carriers/carrier.ts';
import { CANNOT, noVerbs } from '../../../src/carriers/connector.ts';
import { eventBatch } from '../../../src/host/event-batch.ts';
import { channel } from '../../../src/kernel/channel.ts';
import { realClock } from '../../../src/kernel/clock.ts';
import { createEgress } from '../../../src/kernel/egress.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { rootScope } from '../../../src/kernel/scope.ts';
import type { ProviderSet } from '../../../src/providers/contract.ts';
import type { PromptRequest, Said } from '../../../src/providers/llm/contract.ts';
import type { EarsListener } from '../../../src/providers/stt/contract.ts';
import { createSilero } from '../../../src/providers/vad/silero.ts';
import { parseControl } from '../../../src/wire/control.ts';
import { type OurSettings, planOf } from '../../lib/plan.ts';
import { OTHER_WORDS, REPLIES, TOKENS, WORDS } from '../../lib/speech.ts';
import { startKeeper } from '../journal-keeper.ts';
import type { BenchCall, Subject } from '../scenario.ts';
import { scriptedModel, scriptedVoice } from '../scripted.ts';

/** What a subject tells its bench. */
export type Watcher = Pick<
  BenchCall,
  'replyAudible' | 'mediaOut' | 'cleared' | 'modelAsked' | 'tokenOut' | 'firstText' | 'heardReplyTo'
> & {
  agentDone: boolean;
};

export interface OurOptions {
  readonly settings: OurSettings;
  /** The voice takes every token, or clauses. */
  readonly voice?: 'tokens' | 'clauses';
  readonly voiceSeconds?: number;
  /** The model has four replies instead of one. */
  readonly variety?: boolean;
}

export async function ours({ settings, voice = 'tokens', voiceSeconds, variety = false }: OurOptions): Promise<Subject<Watcher>> {
  const scope = rootScope('bench');
  const folder = mkdtempSync(join(tmpdir(), 'aywa-bench-'));
  const detector = createSilero();
  const egress = createEgress('any');
  const keeper = await startKeeper();
  const events = eventBatch(realClock, (batch) => keeper.events(batch));
  return {
    rate: 8_000,
    async create(bench) {
      let ears: EarsListener | undefined;
      const line = benchLine(bench);
      const plan = planOf(settings, keeper.organization, voiceSeconds);
      keeper.open(plan.call);
      const call = startCall({
        plan,
        clock: realClock,
        scope: scope.child(`call ${plan.call}`),
        providers: scripted(bench, voice, variety, (listener) => {
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
          events.push(event);
          if (event.type === 'reply.audible') bench.replyAudible();
          else if (event.type === 'agent.said' && event.text)
            bench.heardReplyTo(event.text.startsWith(CANCELLED.slice(0, 1)) ? OTHER_WORDS : WORDS);
          else if (event.type === 'reply.ended' && event.outcome === 'complete') bench.agentDone = true;
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
      events.flush();
      await keeper.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A phone leg that plays in real time: marks come back when their audio was heard, or at a clear. */
function benchLine(bench: Watcher): Line & { caller: LineListener | undefined } {
  let playedAt = 0;
  let marks: { name: string; timer: NodeJS.Timeout }[] = [];
  const line: Line & { caller: LineListener | undefined } = {
    carrier: 'bench',
    format: MULAW_8K,
    ...noVerbs('bench'),
    id: 'bench.1',
    can: {
      clear: true,
      mark: true,
      dtmf: false,
      ...CANNOT,
      audio: true,
      leadMs: 400,
    },
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

const RATE = 24_000;
/** How the reply to the other words begins: no reply to the usual ones has its first letter, so that the shortest part of it tells. */
const CANCELLED = 'Cancelled.';

function scripted(bench: Watcher, prefers: 'tokens' | 'clauses', variety: boolean, onEars: (listener: EarsListener) => void): ProviderSet {
  const description = { name: 'scripted', env: 'SCRIPTED', origin: '', needsKey: false, settings: undefined as never };
  let replies = 0;
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
      async *reply(request, _settings, _access, ctx): AsyncIterable<Said> {
        bench.modelAsked();
        const tokens = channel<string>(ctx.scope);
        const text = variety ? (REPLIES[replies++ % REPLIES.length] ?? []) : TOKENS;
        const stop = scriptedModel(
          saysCancel(request) ? [CANCELLED, ...text] : text,
          (token) => {
            bench.tokenOut();
            tokens.push(token);
          },
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
        prefers,
        speak(listener) {
          let begun = false;
          const voice = scriptedVoice(
            RATE,
            (frame) => listener.audio(new Uint8Array(frame.buffer)),
            () => listener.done(),
          );
          return {
            ...voice,
            say(text) {
              if (!begun) bench.firstText();
              begun = true;
              voice.say(text);
            },
          };
        },
      }),
    }),
  };
}

/** The latest words of the caller ask for the other thing. */
const saysCancel = ({ messages }: PromptRequest) =>
  messages.findLast((message) => message.role === 'user')?.content.includes(OTHER_WORDS) ?? false;
