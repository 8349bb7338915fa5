/**
 * The caller's audio at the pace of the clock. Where frames are missing (mute, silence that is not sent, loss) it feeds silence of that
 * length, so that voice activity, recogniser, recording and media time go on. It never holds audio back and never delays a frame.
 *
 * Audio that was only late arrives after the silence that stood in for it and is passed on all the same: no word is lost, and media time
 * is that much ahead of the clock: a debt. It is paid back in the next long quiet, by leaving out frames without sound, and in the next gap,
 * by feeding less. What the sender's clock gains or loses (1 %) is neither a gap nor a debt.
 */
import { type AudioFormat, bytesOf, FRAME_MS, msOf } from '../../audio/format.ts';
import { ALAW, MULAW } from '../../audio/g711.ts';
import type { Timer } from '../../kernel/clock.ts';
import type { Scope } from '../../kernel/scope.ts';

export interface SteadyAudio {
  /** A piece of the caller's audio, as it arrives. */
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface SteadyAudioOptions {
  readonly format: AudioFormat;
  readonly scope: Scope;
  /** Synchronous; the bytes are valid during the call. */
  take(bytes: Uint8Array): void;
  /** So much more was sent than time has passed that it was left out, sound or not. */
  dropped?(ms: number): void;
}

/** No line's jitter is longer: so far behind the clock, frames are missing. */
const GAP_MS = 200;
const STEP_MS = 100;
/** Silence that is fed at once: time that passed while this process stood still was nobody's call. */
const MOST_FED_MS = 1_000;
/** A timer that fires so late says that this process was busy; the frames of that time wait in the socket. */
const BUSY_MS = 100;
/** What was late comes in a burst, at once; what arrives later than this after a gap is the sender's pace. */
const BURST_MS = 2_000;
/** So much quiet is passed on before any is left out: the ends of voice, words and turns are measured in it. */
const QUIET_MS = 1_500;
/** A line that is never quiet and stalls again and again pays in the stall itself. */
const MOST_DEBT_MS = 3_000;
/** So far ahead of the clock nothing is taken: a sender that floods, not one that is late. */
const MOST_AHEAD_MS = 10_000;
/** Clocks of senders are wrong by less than this share. */
const DRIFT = 0.012;
/** No sample of a frame without sound is louder; of 32,767. Quiet lines hiss at 20 to 100. */
const SOUNDLESS = 200;

/** The byte of silence in each encoding. */
export const SILENCE: Readonly<Record<AudioFormat['encoding'], number>> = { pcm16: 0, mulaw: 0xff, alaw: 0xd5 };

export function steadyAudio({ format, scope, take, dropped }: SteadyAudioOptions): SteadyAudio {
  const { clock } = scope;
  const stepBytes = bytesOf(format, STEP_MS);
  let silence: Uint8Array | undefined;
  /** Audio that came, or stood in, minus time that passed, up to `lastAt`: below zero it is missing. What was late is in the debt. */
  let leadMs = 0;
  let lastAt = clock.now();
  let inGap = false;
  /** The latest gap: when it began, the time that silence or a debt covered, the audio that came since, and the debt that it made. */
  let gapAt = lastAt;
  let coveredMs = 0;
  let sinceMs = 0;
  let lateMs = 0;
  let debtMs = 0;
  let quietMs = 0;
  let refusedMs = 0;
  let timer: Timer | undefined;
  let dueAt = 0;
  let closed = false;

  const pass = (now: number) => {
    leadMs -= now - lastAt;
    lastAt = now;
  };
  /** Takes note of audio that came. A lead or a lag that a clock's drift explains goes away with it. */
  const count = (ms: number) => {
    leadMs += ms;
    leadMs = leadMs > 0 ? Math.max(0, leadMs - ms * DRIFT) : Math.min(0, leadMs + ms * DRIFT);
  };
  const arm = (ms: number) => {
    dueAt = clock.now() + ms;
    timer = clock.timer(ms, look);
  };
  /** Silence for what is missing, but for the last `spared` ms of it: they are in the frame that comes, or may be. */
  const fill = (spared: number) => {
    const missingMs = Math.min(-leadMs - spared, MOST_FED_MS);
    if (missingMs <= 0) return;
    coveredMs += missingMs;
    quietMs += missingMs;
    leadMs = -spared;
    // Media that is ahead has had this time already.
    const paidMs = quietMs > QUIET_MS || debtMs > MOST_DEBT_MS ? Math.min(debtMs, missingMs) : 0;
    debtMs -= paidMs;
    silence ??= new Uint8Array(stepBytes).fill(SILENCE[format.encoding]);
    for (let left = bytesOf(format, missingMs - paidMs); left > 0 && !closed; left -= stepBytes) {
      take(left < stepBytes ? silence.subarray(0, left) : silence);
    }
  };
  const look = () => {
    if (closed) return;
    const now = clock.now();
    if (now - dueAt > BUSY_MS) return arm(STEP_MS);
    pass(now);
    const needed = inGap ? STEP_MS : GAP_MS;
    // A timer may be early by the fraction of a millisecond.
    if (-leadMs < needed - 1) return arm(needed + leadMs);
    if (!inGap) {
      inGap = true;
      gapAt = now + leadMs;
      coveredMs = 0;
      sinceMs = 0;
      lateMs = 0;
    }
    arm(STEP_MS);
    fill(FRAME_MS);
  };
  arm(GAP_MS);
  const close = () => {
    closed = true;
    timer?.cancel();
  };
  scope.defer(close);
  /** Audio that comes faster than time passes after a gap is late, up to what stood in for it. */
  const owe = (now: number, ms: number) => {
    if (coveredMs === 0 || now - gapAt > coveredMs + GAP_MS + BURST_MS) return;
    sinceMs += ms;
    const late = Math.min(coveredMs, coveredMs + sinceMs - (now - gapAt));
    if (late <= lateMs) return;
    debtMs += late - lateMs;
    leadMs -= late - lateMs;
    lateMs = late;
  };
  /** A flood is told in pieces of a second, not frame by frame. */
  const refuse = (ms: number) => {
    refusedMs += ms;
    if (refusedMs < 1_000) return;
    dropped?.(Math.round(refusedMs));
    refusedMs = 0;
  };

  return {
    write(bytes) {
      if (closed) return;
      const now = clock.now();
      const ms = msOf(format, bytes.length);
      pass(now);
      if (inGap) fill(ms);
      inGap = false;
      if (leadMs + debtMs + ms > MOST_AHEAD_MS) return refuse(ms);
      count(ms);
      owe(now, ms);
      if (debtMs < ms) {
        quietMs = 0;
        return take(bytes);
      }
      quietMs = soundless(format, bytes) ? quietMs + ms : 0;
      if (quietMs <= QUIET_MS) return take(bytes);
      debtMs -= ms;
    },
    close,
  };
}

/** Asked only while there is a debt. */
function soundless({ encoding }: AudioFormat, bytes: Uint8Array): boolean {
  if (encoding === 'pcm16') {
    for (let i = 1; i < bytes.length; i += 2) {
      const sample = (((bytes[i] ?? 0) << 24) >> 16) | (bytes[i - 1] ?? 0);
      if (Math.abs(sample) > SOUNDLESS) return false;
    }
    return true;
  }
  const { toLinear } = encoding === 'mulaw' ? MULAW : ALAW;
  for (const code of bytes) if (Math.abs(toLinear[code] ?? 0) > SOUNDLESS) return false;
  return true;
}
