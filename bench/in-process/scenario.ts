/**
 * N simulated calls against one subject, scripted providers, everything in one process. Per call, for ever: 1.6 s of recorded speech,
 * the scripted final 200 ms after its last frame, first token +100 ms, first audio +80 ms, and a barge-in after 1.5 s of reply.
 * Every figure is taken from the moment the stimulus was really given.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { OTHER_WORDS, quietFrames, recordedSpeech, SCRIPT, WORDS } from '../lib/speech.ts';
import { machineBusy, type Summary, summary } from '../lib/stats.ts';

const now = () => performance.now();

/** One conversation of the subject. */
export interface Session {
  /** 20 ms of 8 kHz PCM (16 kHz where the subject asked for it). */
  push(frame: Int16Array): void;
  stt(kind: 'start' | 'interim' | 'preflight' | 'final', text: string): void;
}

export interface Subject<Watcher = BenchCall> {
  readonly rate: 8000 | 16000;
  create(call: Watcher): Promise<Session>;
  close(): Promise<void>;
}

interface ScenarioOptions {
  calls: number;
  seconds: number;
  /** A stable transcript 60 ms after speech, before the final. */
  preflight?: boolean;
  /** The share of turns whose final says something else than that transcript. */
  revised?: number;
  /** Delay of the final after the last speech frame; a function for finals in any order with the end of voice. */
  finalDelay?: () => number;
}

export interface ScenarioResult {
  calls: number;
  turns: number;
  unanswered: number;
  doubled: number;
  leaked: number;
  /** Requests to the model, and replies to words that the caller's final did not say. */
  asked: number;
  wrong: number;
  corePercent: number;
  perCallPercent: number;
  rssPerCallMb: number;
  othersCores: number;
  added: Summary;
  gap: Summary;
  barge: Summary;
  /** First token -> first text at the voice. */
  textFirst: Summary;
}

/** The measuring side of one call; a subject reports what it does through these. */
export class BenchCall {
  readonly id: number;
  phase: 'idle' | 'speech' | 'wait' = 'idle';
  session: Session | undefined;
  position = 0;
  startAt = 0;
  speechEnd = 0;
  finalAt = 0;
  mediaAt = 0;
  bargeAt = 0;
  agentDone = false;
  clearedAt = 0;
  replies = 0;
  /** What the caller's final says, and the reply that was heard. */
  words = WORDS;
  tokenAt = 0;
  measuring = false;
  readonly added: number[] = [];
  readonly gap: number[] = [];
  readonly barge: number[] = [];
  readonly textFirst: number[] = [];
  leaked = 0;
  doubled = 0;
  asked = 0;
  wrong = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** A reply became audible: more than one in a turn is a double answer. */
  replyAudible(): void {
    this.replies += 1;
  }

  modelAsked(): void {
    if (this.measuring) this.asked += 1;
  }

  tokenOut(): void {
    this.tokenAt ||= now();
  }

  /** The voice of a new reply got its first text. */
  firstText(): void {
    if (this.tokenAt && this.measuring) this.textFirst.push(now() - this.tokenAt);
  }

  /** The caller heard this much of a reply to `asked`. */
  heardReplyTo(asked: string): void {
    if (this.measuring && asked !== this.words) this.wrong += 1;
  }

  /** The subject gave audio to the line. */
  mediaOut(): void {
    const t = now();
    if (this.clearedAt > 0 && this.phase === 'speech') this.leaked += 1;
    if (this.mediaAt || this.phase !== 'wait') return;
    this.mediaAt = t;
    this.clearedAt = 0;
    if (!this.measuring) return;
    if (this.finalAt) this.added.push(t - this.finalAt - SCRIPT.firstToken - SCRIPT.firstAudio);
    this.gap.push(t - this.speechEnd);
  }

  /** The subject emptied the line's buffer. */
  cleared(): void {
    if (!this.bargeAt) return;
    if (this.measuring) this.barge.push(now() - this.bargeAt);
    this.clearedAt = now();
    this.bargeAt = 0;
  }
}

export async function runScenario(subject: Subject, options: ScenarioOptions): Promise<ScenarioResult> {
  const speech = recordedSpeech().map((frame) => (subject.rate === 8000 ? frame : doubled(frame)));
  const quiet = quietFrames(16, subject.rate / 50);
  const rss0 = process.memoryUsage().rss;
  const calls: BenchCall[] = [];
  for (let i = 0; i < options.calls; i++) {
    const call = new BenchCall(i);
    call.session = await subject.create(call);
    call.startAt = now() + 500 + (i * 3_500) / options.calls;
    calls.push(call);
  }
  let running = true;
  let measuring = false;
  let turns = 0;
  let unanswered = 0;

  const speak = (call: BenchCall) => {
    call.phase = 'speech';
    call.position = 0;
    call.bargeAt = call.mediaAt && !call.agentDone ? now() : 0;
    call.clearedAt = 0;
  };
  const endSpeech = (call: BenchCall) => {
    call.phase = 'wait';
    call.speechEnd = now();
    call.finalAt = 0;
    call.mediaAt = 0;
    call.replies = 0;
    call.agentDone = false;
    call.tokenAt = 0;
    call.words = Math.random() < (options.revised ?? 0) ? OTHER_WORDS : WORDS;
    call.measuring = measuring;
    if (measuring) turns += 1;
    if (options.preflight) setTimeout(() => running && call.session?.stt('preflight', WORDS), 60);
    setTimeout(() => {
      if (!running) return;
      if (!options.preflight) call.finalAt = now();
      call.session?.stt('final', call.words);
    }, options.finalDelay?.() ?? SCRIPT.sttDelay);
  };
  const step = (call: BenchCall) => {
    const t = now();
    if (call.phase === 'speech') {
      call.session?.push(speech[call.position++ % speech.length] as Int16Array);
      if (call.position === 10) call.session?.stt('start', '');
      // Interim texts never look finished: what begins before the final would hide what the runtime adds after it.
      if (call.position % 15 === 0) call.session?.stt('interim', WORDS.slice(0, call.position).replace('.', ''));
      if (call.position * 20 >= SCRIPT.speechMs) endSpeech(call);
      return;
    }
    call.session?.push(quiet[Math.trunc(t) & 15] as Int16Array);
    if (call.phase === 'idle') {
      if (t >= call.startAt) speak(call);
    } else if (call.mediaAt && t - call.mediaAt > SCRIPT.bargeAfter) {
      if (call.replies > 1 && call.measuring) call.doubled += 1;
      speak(call);
    } else if (!call.mediaAt && t - call.speechEnd > 8_000) {
      unanswered += call.measuring ? 1 : 0;
      speak(call);
    }
  };
  // A wheel of 5 ms slots on an absolute schedule, a quarter of the calls in each, so that nothing is in step.
  let slot = 0;
  const origin = now();
  const wheel = () => {
    for (; origin + (slot + 1) * 5 <= now() + 0.5; slot++) for (let i = slot & 3; i < calls.length; i += 4) step(calls[i] as BenchCall);
    if (running) setTimeout(wheel, Math.max(0, origin + (slot + 1) * 5 - now()));
  };
  wheel();
  await wait(6_000);
  measuring = true;
  const [cpu0, busy0, t0] = [process.cpuUsage(), machineBusy(), now()];
  await wait(options.seconds * 1_000);
  const cpu = process.cpuUsage(cpu0);
  const seconds = (now() - t0) / 1_000;
  const cores = (cpu.user + cpu.system) / 1e6 / seconds;
  const others = (machineBusy() - busy0) / seconds - cores;
  const rss = process.memoryUsage().rss;
  running = false;
  await subject.close();
  return {
    calls: options.calls,
    turns,
    unanswered,
    doubled: calls.reduce((sum, call) => sum + call.doubled, 0),
    leaked: calls.reduce((sum, call) => sum + call.leaked, 0),
    asked: calls.reduce((sum, call) => sum + call.asked, 0),
    wrong: calls.reduce((sum, call) => sum + call.wrong, 0),
    corePercent: cores * 100,
    perCallPercent: (cores * 100) / options.calls,
    rssPerCallMb: (rss - rss0) / 1e6 / options.calls,
    othersCores: others,
    added: summary(calls.flatMap((call) => call.added)),
    gap: summary(calls.flatMap((call) => call.gap)),
    barge: summary(calls.flatMap((call) => call.barge)),
    textFirst: summary(calls.flatMap((call) => call.textFirst)),
  };
}

function doubled(frame: Int16Array): Int16Array {
  const out = new Int16Array(frame.length * 2);
  for (let i = 0; i < frame.length; i++) {
    out[2 * i] = frame[i] ?? 0;
    out[2 * i + 1] = ((frame[i] ?? 0) + (frame[i + 1] ?? frame[i] ?? 0)) >> 1;
  }
  return out;
}
