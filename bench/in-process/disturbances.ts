/**
 * Sounds over a reply that must not interrupt it: how often the line was cleared, how long the caller heard nothing because of it, and how
 * many answers did not go on. Real time, all classes beside each other; speech that must interrupt is one of them.
 */
import { CLASSES, makeSound, type Sound, type SoundClass } from '../lib/sounds.ts';
import { quietFrames, recordedSpeech, SCRIPT, WORDS } from '../lib/speech.ts';
import { type Summary, summary } from '../lib/stats.ts';
import type { Session, Subject } from './scenario.ts';
import type { Watcher } from './subjects/ours.ts';

export interface DisturbedClass {
  trials: number;
  /** Trials in which the line was cleared, and in which nothing more of the answer came. */
  cleared: number;
  lost: number;
  /** Of the cleared ones that went on: clear -> next media, ms. */
  silence: Summary;
}
export type DisturbedResult = Record<SoundClass, DisturbedClass>;

/** After this much of a reply the sound comes; then the reply is watched for so long. Ms. */
const SOUND_AFTER_MS = 1_500;
const WATCH_MS = 3_500;
const FRAME = 160;

const now = () => performance.now();

interface Trial {
  session: Session | undefined;
  readonly kind: SoundClass;
  phase: 'idle' | 'asking' | 'waiting' | 'sound' | 'watching';
  frame: number;
  startAt: number;
  mediaAt: number;
  sound: Sound;
  soundEnd: number;
  clearedAt: number;
  resumedAt: number;
}

export async function disturbances(
  subject: Subject<Watcher>,
  options: { callsPerClass: number; trials: number },
): Promise<DisturbedResult> {
  const asking = recordedSpeech().slice(0, SCRIPT.speechMs / 20);
  const quiet = quietFrames(16);
  const result = Object.fromEntries(CLASSES.map((kind) => [kind, { trials: 0, cleared: 0, lost: 0, silence: [] as number[] }])) as Record<
    SoundClass,
    Omit<DisturbedClass, 'silence'> & { silence: number[] }
  >;
  const lanes: Trial[] = [];
  let seed = 0;
  for (let i = 0; i < options.callsPerClass * CLASSES.length; i++) {
    const kind = CLASSES[i % CLASSES.length] ?? 'cough';
    const lane: Trial = {
      session: undefined,
      kind,
      phase: 'idle',
      frame: 0,
      startAt: now() + 1_000 + Math.random() * 2_000,
      mediaAt: 0,
      sound: makeSound(kind, seed++),
      soundEnd: 0,
      clearedAt: 0,
      resumedAt: 0,
    };
    lane.session = await subject.create(watcher(lane));
    lanes.push(lane);
  }
  const conclude = (lane: Trial) => {
    const class_ = result[lane.kind];
    class_.trials += 1;
    if (lane.clearedAt > 0) {
      class_.cleared += 1;
      if (lane.resumedAt > 0) class_.silence.push(lane.resumedAt - lane.clearedAt);
      else class_.lost += 1;
    }
    lane.sound = makeSound(lane.kind, seed++);
    lane.phase = 'asking';
    lane.frame = lane.mediaAt = lane.clearedAt = lane.resumedAt = 0;
  };
  const step = (lane: Trial) => {
    const t = now();
    const { session, sound } = lane;
    const silent = () => session?.push(quiet[Math.trunc(t) & 15] ?? new Int16Array(FRAME));
    switch (lane.phase) {
      case 'idle':
        if (t >= lane.startAt) lane.phase = 'asking';
        return silent();
      case 'asking':
        session?.push(asking[lane.frame++] ?? new Int16Array(FRAME));
        if (lane.frame < asking.length) return;
        lane.phase = 'waiting';
        setTimeout(() => session?.stt('final', WORDS), SCRIPT.sttDelay);
        return;
      case 'waiting':
        if (lane.mediaAt > 0 && t - lane.mediaAt > SOUND_AFTER_MS) {
          lane.phase = 'sound';
          lane.frame = 0;
        }
        return silent();
      case 'sound': {
        const piece = sound.pcm.subarray(lane.frame * FRAME, (lane.frame + 1) * FRAME);
        lane.frame += 1;
        if (piece.length === FRAME) return session?.push(piece);
        lane.phase = 'watching';
        lane.soundEnd = t;
        if (sound.words) setTimeout(() => session?.stt('final', sound.words), SCRIPT.sttDelay);
        return silent();
      }
      case 'watching':
        if (t - lane.soundEnd > WATCH_MS) conclude(lane);
        return silent();
    }
  };
  let slot = 0;
  const origin = now();
  const most = options.trials * options.callsPerClass;
  await new Promise<void>((resolve) => {
    const wheel = () => {
      for (; origin + (slot + 1) * 5 <= now() + 0.5; slot++) for (let i = slot & 3; i < lanes.length; i += 4) step(lanes[i] as Trial);
      if (CLASSES.every((kind) => result[kind].trials >= most)) resolve();
      else setTimeout(wheel, Math.max(0, origin + (slot + 1) * 5 - now()));
    };
    wheel();
  });
  await subject.close();
  return Object.fromEntries(
    CLASSES.map((kind) => [kind, { ...result[kind], silence: summary(result[kind].silence) }]),
  ) as unknown as DisturbedResult;
}

function watcher(lane: Trial): Watcher {
  return {
    agentDone: false,
    replyAudible() {},
    modelAsked() {},
    tokenOut() {},
    firstText() {},
    heardReplyTo() {},
    mediaOut() {
      const t = now();
      if (lane.phase === 'waiting') lane.mediaAt ||= t;
      else if (lane.clearedAt > 0) lane.resumedAt ||= t;
    },
    cleared() {
      if (lane.phase === 'sound' || lane.phase === 'watching') lane.clearedAt ||= now();
    },
  };
}
