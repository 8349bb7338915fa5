/** The scripted model and voice that every subject in process is given: the same times and the same sounds for all. */
import { SCRIPT } from '../lib/speech.ts';

const now = () => performance.now();

/** Scripted model: one token after another on an absolute schedule. Returns the cancel. */
export function scriptedModel(tokens: readonly string[], onToken: (token: string) => void, onDone: () => void): () => void {
  let stopped = false;
  let index = 0;
  const start = now();
  const step = () => {
    if (stopped) return;
    onToken(tokens[index++] ?? '');
    if (index < tokens.length) setTimeout(step, Math.max(0, start + SCRIPT.firstToken + index * SCRIPT.perToken - now()));
    else onDone();
  };
  setTimeout(step, SCRIPT.firstToken);
  return () => {
    stopped = true;
  };
}

export interface ScriptedVoice {
  say(text: string): void;
  end(): void;
  cancel(): void;
}

/** Scripted voice: 20 ms frames of PCM at `rate`, five times faster than real time, the first 80 ms after the first text. */
export function scriptedVoice(rate: number, onFrame: (frame: Int16Array) => void, onDone: () => void): ScriptedVoice {
  let owed = 0;
  let next = 0;
  let ended = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    timer ??= setTimeout(pump, Math.max(0, next - now()));
  };
  const pump = () => {
    timer = undefined;
    while (!stopped && owed >= 20 && next <= now()) {
      owed -= 20;
      next += 20 * SCRIPT.realTimeFactor;
      onFrame(new Int16Array(rate / 50).fill(3_000));
    }
    if (stopped) return;
    if (owed >= 20) arm();
    else if (ended) onDone();
  };
  return {
    say(text) {
      if (!next) next = now() + SCRIPT.firstAudio;
      else if (owed < 20) next = Math.max(next, now());
      owed += text.length * SCRIPT.msPerChar;
      arm();
    },
    end() {
      ended = true;
      arm();
    },
    cancel() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
