/**
 * The caller's audio as a stream that never stands still: while frames are missing (muted, lost, not sent in silence), silence takes their
 * place by the clock, so that ears, recording and limits go on. Audio that was only late is still passed on; what time ran ahead by it is
 * given back in the next silence. A sender whose clock is off is not corrected: only a gap is filled.
 */
import { decoder, encoder } from '../../audio/convert.ts';
import { type AudioFormat, bytesOf, bytesPerSample, msOf } from '../../audio/format.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';

export interface SteadyAudio {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** No line that delivers is this irregular; ms. */
const GAP_MS = 200;
/** Silence is fed in steps of this size; ms. */
const STEP_MS = 100;
/** Frames come this much before their time without having been late; ms. */
const JITTER_MS = 60;
/** A stall that is over delivers what it held back within this time; ms. */
const BURST_MS = 2_000;
/** A frame without a sample above this is silence: about -50 dB. */
const QUIET = 100;

/** `take` gets the frames as they are and silence in between; the bytes are valid during the call. Begins with the first frame. */
export function steadyAudio(format: AudioFormat, clock: Clock, take: (bytes: Uint8Array) => void): SteadyAudio {
  const count = bytesOf(format, STEP_MS) / bytesPerSample(format);
  const silence = encoder(format).encode(new Int16Array(count), count).slice();
  const samples = decoder(format);
  let timer: Timer | undefined;
  let closed = false;
  let cameAt = 0;
  /** Silence fed in the present gap, and in earlier ones whose audio may still come; ms. */
  let gapMs = 0;
  let filledMs = 0;
  /** Since audio came again: when, and how much of it. */
  let resumedAt = 0;
  let resumedMs = 0;

  const wake = (ms: number) => {
    if (!closed) timer = clock.timer(ms, look);
  };
  const look = () => {
    const missing = clock.now() - cameAt;
    if (missing < GAP_MS) return wake(GAP_MS - missing);
    for (; missing - gapMs >= STEP_MS; gapMs += STEP_MS) take(silence);
    wake(STEP_MS);
  };
  const isQuiet = (bytes: Uint8Array) => {
    const length = samples.decode(bytes);
    for (let i = 0; i < length; i++) if (Math.abs(samples.samples[i] ?? 0) > QUIET) return false;
    return true;
  };
  /** Is this frame silence that was fed already, while it was on its way? */
  const isRepeated = (bytes: Uint8Array, now: number): boolean => {
    const ms = msOf(format, bytes.length);
    resumedMs += ms;
    const aheadMs = Math.min(filledMs, resumedMs - (now - resumedAt) - JITTER_MS);
    if (aheadMs < ms) {
      // What has not come by now will not: the gap was a real one, or it is made up for.
      if (now - resumedAt > BURST_MS) filledMs = 0;
      return false;
    }
    if (!isQuiet(bytes)) return false;
    filledMs -= ms;
    resumedMs -= ms;
    return true;
  };

  return {
    write(bytes) {
      if (closed) return;
      const now = clock.now();
      if (gapMs > 0) {
        filledMs += gapMs;
        gapMs = 0;
        resumedAt = now;
        resumedMs = 0;
      }
      cameAt = now;
      if (!timer) wake(GAP_MS);
      if (filledMs === 0 || !isRepeated(bytes, now)) take(bytes);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
