/**
 * Outgoing audio of one line, and the only answer to "how much did the caller hear?". Pulls a reply's audio while less than the
 * line's lead lies ahead of the ear, marks it, and places each echoed mark. Never waits, never decides who speaks.
 *
 * Every stretch of audio that the far end may still drop has a generation; marks are named `generation:index`. Clearing begins
 * a new generation, so marks that a carrier echoes for discarded audio count for nothing.
 */
import { FADE_MS, fadeIn } from '../../audio/fade.ts';
import { bytesOf, bytesPerSample, FRAME_MS } from '../../audio/format.ts';
import { tape } from '../../audio/tape.ts';
import type { Line } from '../../carriers/carrier.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { heardWords } from './heard-text.ts';

/** Told synchronously: post, do not work. */
export interface PlayoutListener {
  /** The first sound of the reply went to the line. */
  audible(): void;
  /** While it is heard, every second or so: the words since the last time, and the milliseconds of sound so far. */
  heard?(text: string, ms: number): void;
  /** Everything was heard: the last mark came back, or its time passed where there are none. Not told after a cut. */
  ended(): void;
}

export interface HeardText {
  /** The words that were heard, up to the end of a word. */
  readonly text: string;
  /** Milliseconds of this reply's audio that were heard. */
  readonly ms: number;
  readonly complete: boolean;
}

/** The audio of one reply. After `cut` or `ended` everything but `heard` does nothing. */
export interface Track {
  /** Audio in the line's format, any length; copied. */
  write(bytes: Uint8Array): void;
  /** Text whose audio follows. */
  text(piece: string): void;
  /** Text whose audio has not come will have none: its voice is gone. Gives that text. `pace` of the voice, where it is known: ms per character. */
  lose(pace?: number): string;
  /** A spoken word: milliseconds from the first byte of this track. */
  word(text: string, atMs: number, endAtMs: number): void;
  /** No more audio will come. */
  end(): void;
  /** Silence at once: the far end forgets what was not heard, the track keeps it. */
  duck(): void;
  /** Goes on where the caller stopped hearing. */
  resume(): void;
  /** Stops for good and gives what was heard. */
  cut(): HeardText;
  heard(): HeardText;
  /** Milliseconds of this track's audio that went to the line. */
  readonly sentMs: number;
}

export interface Playout {
  /** Begins a reply; one that is still open is cut. */
  open(reply: number, listener: PlayoutListener): Track;
  /** A mark that the line echoed. */
  mark(name: string): void;
  close(): void;
}

export interface PlayoutOptions {
  readonly line: Line;
  readonly clock: Clock;
  /** The agent's side of the recording, placed where it is heard; taken back from a moment on when it never was. */
  readonly record?: (bytes: Uint8Array, atMs: number) => void;
  readonly erase?: (fromMs: number) => void;
  /** The caller's media time now. */
  readonly mediaMs: () => number;
}

/** The largest message after the first: larger ones save little, and a smaller buffer at the far end is cleared sooner. */
const PIECE_MS = 120;
/** With less than this ahead of the ear anything is sent; with more, whole pieces only. */
const LOW_MS = 60;
/** Between two marks the clock tells the position as well; each one costs a message there and one back. */
const MARK_EVERY_MS = 400;
/** The first one after silence comes soon: its echo tells how far away the ear is. */
const FIRST_MARK_MS = 100;
/** So much sound lies between two reports of what was heard. */
const REPORT_EVERY_MS = 1_000;
/** A mark that is later than this is given up, and the clock tells the position. */
const MARK_LATE_MS = 1_000;
/** Audio kept per reply: what comes beyond is lost and the reply counts as incomplete. No spoken reply is that long. */
const KEEP_MS = 300_000;

export function createPlayout(options: PlayoutOptions): Playout {
  let generation = 0;
  let current: OpenTrack | undefined;
  /** Where the agent's audio ends in the recording, in media time. */
  const recorded = { endMs: 0 };
  return {
    open(_reply, listener) {
      current?.cut();
      current = openTrack(options, listener, () => ++generation, recorded);
      return current;
    },
    mark(name) {
      const [of, index] = name.split(':').map(Number);
      if (of === generation && index !== undefined) current?.mark(index);
    },
    close() {
      generation += 1;
      current?.close();
      current = undefined;
    },
  };
}

interface OpenTrack extends Track {
  mark(index: number): void;
  close(): void;
}

function openTrack(
  { line, clock, record, erase, mediaMs }: PlayoutOptions,
  listener: PlayoutListener,
  nextGeneration: () => number,
  recorded: { endMs: number },
): OpenTrack {
  const { format, can } = line;
  const bytesPerMs = bytesOf(format, 1_000) / 1_000;
  const sample = bytesPerSample(format);
  const whole = (bytes: number) => Math.floor(bytes / sample) * sample;
  const inFrames = (ms: number) => Math.max(FRAME_MS, Math.floor(ms / FRAME_MS) * FRAME_MS);
  const pieceMs = inFrames(Math.min(PIECE_MS, can.leadMs / 3));
  const lowMs = Math.min(LOW_MS, pieceMs);

  const keepBytes = bytesOf(format, KEEP_MS);
  const audio = tape(bytesOf(format, 2_000));
  const words = heardWords();
  let generation = nextGeneration();
  let state: 'open' | 'ducked' | 'done' = 'open';
  let ended = false;
  let lost = false;
  let audible = false;
  /** Position of the next byte to send. */
  let sent = 0;
  /** When the far end will have played everything that was sent, if it began at once; clock time. */
  let emptyAt = clock.now();
  /** The heard position never goes back; it stands still while ducked and afterwards. */
  let floor = 0;
  /** From here the clock counts: the last honoured mark, or the start after silence. */
  let known = { position: 0, at: clock.now() };
  let marks: { index: number; position: number; dueAt: number }[] = [];
  let markIndex = 0;
  let marked = 0;
  let markEvery = 0;
  let reportedMs = 0;
  let timer: Timer | undefined;
  /** When the timer fires; clock time. */
  let wakesAt = 0;

  const aheadMs = () => Math.max(0, emptyAt - clock.now());

  const position = (): number => {
    if (state !== 'open') return floor;
    const next = marks[0];
    const late = next !== undefined && clock.now() > next.dueAt + MARK_LATE_MS;
    const byClock = sent - aheadMs() * bytesPerMs;
    // The clock alone never reaches a mark: only its echo says that the far end is through.
    const bound = next ? next.position - sample : sent;
    const byMarks = Math.min(bound, known.position + (clock.now() - known.at) * bytesPerMs);
    floor = Math.max(floor, Math.min(sent, whole(can.mark && !late ? byMarks : byClock)));
    return floor;
  };

  const placeMark = () => {
    marks.push({ index: ++markIndex, position: sent, dueAt: emptyAt });
    marked = sent;
    markEvery = MARK_EVERY_MS * bytesPerMs;
    line.mark(`${generation}:${markIndex}`);
  };

  const send = (bytes: number) => {
    const dry = aheadMs() === 0;
    if (dry) {
      known = { position: position(), at: clock.now() };
      emptyAt = clock.now();
      recorded.endMs = Math.max(recorded.endMs, mediaMs());
      markEvery = FIRST_MARK_MS * bytesPerMs;
    }
    const piece = audio.read(sent, sent + bytes);
    line.send(piece);
    record?.(piece, recorded.endMs);
    recorded.endMs += bytes / bytesPerMs;
    emptyAt += bytes / bytesPerMs;
    sent += bytes;
    if (can.mark && sent - marked >= markEvery) placeMark();
    if (audible) return;
    audible = true;
    listener.audible();
  };

  const fire = () => {
    timer = undefined;
    pump();
  };
  /** Whole milliseconds, never none: a timer that fires a hair early must not spin. One that fires before that stands, and sees then. */
  const wake = (ms: number) => {
    const due = Math.max(1, Math.ceil(ms));
    if (timer && wakesAt <= clock.now() + due) return;
    timer?.cancel();
    timer = clock.timer(due, fire);
    wakesAt = clock.now() + due;
  };
  const sleep = () => {
    timer?.cancel();
    timer = undefined;
  };

  const report = (heardMs: number) => {
    if (!listener.heard || heardMs - reportedMs < REPORT_EVERY_MS) return;
    reportedMs = heardMs;
    const text = words.progress(heardMs, whole(audio.end) / bytesPerMs);
    if (text !== '') listener.heard(text, heardMs);
  };

  /** Sends what is due, then sleeps until the next piece is, or until everything has been heard. */
  const pump = () => {
    const at = position();
    audio.release(at);
    report(at / bytesPerMs);
    const piece = bytesOf(format, pieceMs);
    while (state === 'open' && sent < whole(audio.end)) {
      const size = Math.min(whole(audio.end) - sent, piece);
      const ahead = aheadMs();
      const over = ahead + size / bytesPerMs - can.leadMs;
      if (size < piece && !ended && ahead >= lowMs) return wake(ahead - lowMs);
      if (ahead > 0 && over > 0) return wake(over);
      send(size);
    }
    if (state === 'open' && ended) awaitEnd();
    else sleep();
  };

  const awaitEnd = () => {
    if (can.mark && marked < sent) placeMark();
    const last = marks.at(-1);
    const doneAt = !can.mark ? emptyAt : last ? last.dueAt + MARK_LATE_MS : clock.now();
    if (doneAt > clock.now()) return wake(doneAt - clock.now());
    floor = sent;
    finish();
    listener.ended();
  };

  /** Fixes the position. What the far end can still drop counts as unheard; what it cannot will be heard. */
  const freeze = () => {
    sleep();
    position();
    // First of all: what the line echoes while it clears was never heard.
    generation = nextGeneration();
    marks = [];
    if (can.clear && floor < sent) {
      line.clear();
      recorded.endMs -= (sent - floor) / bytesPerMs;
      erase?.(recorded.endMs);
      sent = floor;
      emptyAt = clock.now();
    }
    floor = sent;
    marked = sent;
  };

  const finish = () => {
    sleep();
    state = 'done';
  };

  const heard = (): HeardText => {
    const audioMs = whole(audio.end) / bytesPerMs;
    const ms = position() / bytesPerMs;
    return { text: words.upTo(ms, audioMs, ended && !lost), ms, complete: ended && !lost && ms >= audioMs };
  };

  return {
    get sentMs() {
      return sent / bytesPerMs;
    },
    write(bytes) {
      if (state === 'done' || ended) return;
      if (audio.end - audio.start + bytes.length > keepBytes) {
        lost = true;
        return;
      }
      audio.append(bytes);
      if (state === 'open') pump();
    },
    text(piece) {
      const caughtUp = audio.end > 0 && position() >= whole(audio.end);
      if (state !== 'done') words.say(piece, caughtUp ? whole(audio.end) / bytesPerMs : undefined);
    },
    lose: (pace) => (state === 'done' ? '' : words.lose(whole(audio.end) / bytesPerMs, pace)),
    word(text, _atMs, endAtMs) {
      if (state !== 'done') words.word(text, endAtMs);
    },
    end() {
      if (state === 'done' || ended) return;
      ended = true;
      if (state === 'open') pump();
    },
    duck() {
      if (state !== 'open') return;
      freeze();
      state = 'ducked';
    },
    resume() {
      if (state !== 'ducked') return;
      state = 'open';
      known = { position: sent, at: clock.now() };
      if (sent > 0) fadeIn(format, audio.read(sent, Math.min(whole(audio.end), sent + bytesOf(format, FADE_MS))));
      pump();
    },
    cut() {
      if (state === 'open') freeze();
      finish();
      return heard();
    },
    heard,
    mark(index) {
      const at = marks.findIndex((mark) => mark.index === index);
      const mark = marks[at];
      if (state !== 'open' || !mark) return;
      known = { position: mark.position, at: clock.now() };
      floor = Math.max(floor, mark.position);
      marks.splice(0, at + 1);
      pump();
    },
    close: finish,
  };
}
