/**
 * The agent's side of the conversation: opens replies when the turn table says so, gives them a track, and reports what was heard of
 * them. At most one reply is open. It decides nothing; the table does.
 */
import type { Line } from '../carriers/carrier.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { Drafts } from './answer/draft.ts';
import type { Compose, Reply } from './answer/reply.ts';
import type { CallEventBody, EventOf } from './events.ts';
import type { HeardText, Playout, PlayoutListener, Track } from './play/playout.ts';
import { openTextTrack } from './play/text-track.ts';
import { type CutBy, type Effect, type Turn, textOf } from './turn/turn-state.ts';

export interface FloorParts {
  readonly clock: Clock;
  readonly line: Line;
  /** `null` on a line without audio. */
  readonly playout: Playout | null;
  readonly drafts: Drafts;
  readonly compose: Compose;
  /** The first message, made while the line was on its way. */
  takePrepared(text: string): Reply | undefined;
  readonly mediaMs: () => number;
  /** The agent begins or ceases to be audible. */
  speaking(on: boolean): void;
  post(event: CallEventBody): void;
  record(event: CallEventBody): void;
}

export interface Floor {
  begin(effect: Extract<Effect, { type: 'begin' }>): void;
  cut(by: CutBy): void;
  duck(): void;
  resume(): void;
  /** Puts what the caller heard on record before `reply.ended` is; `false` for a reply that is not open any more. */
  conclude(event: Pick<EventOf<'reply.ended'>, 'reply'>): boolean;
  /** Notes the first sound; `false` for a reply that is not open any more. */
  audible(reply: number): boolean;
}

interface Open {
  readonly number: number;
  readonly reply: Reply;
  readonly track: Track;
  audibleFrom: number | undefined;
  /** The voice broke off: runs until what there is has been heard. */
  rest: Timer | undefined;
}

export function createFloor(parts: FloorParts): Floor {
  const { line, playout, drafts, record, post } = parts;
  let open: Open | undefined;

  /** Puts on record what was heard of it. */
  const commit = ({ number, audibleFrom }: Open, heard: HeardText) => {
    if (audibleFrom === undefined) return;
    record({ type: 'agent.said', reply: number, text: heard.text, complete: heard.complete, from: audibleFrom, to: parts.mediaMs() });
  };

  return {
    begin({ reply: number, saying, turn }) {
      if (turn) record(turnEvent(turn));
      const asked = turn ? textOf(turn.words) : undefined;
      const ready =
        saying.text === null ? (asked === undefined ? undefined : drafts.adopt(asked, number)) : parts.takePrepared(saying.text);
      if (!ready) drafts.discard();
      record({ type: 'reply.begun', reply: number, cause: saying.cause, turn: turn?.number ?? null, adopted: ready !== undefined });
      const script = saying.text === null ? { asked } : { text: saying.text, endAfter: saying.endAfter };
      const reply = ready ?? parts.compose(script);
      let sounded = false;
      const ended = () =>
        post({
          type: 'reply.ended',
          reply: number,
          outcome: reply.failed ? 'failed' : sounded ? 'complete' : 'empty',
        });
      const listener: PlayoutListener = {
        audible() {
          sounded = true;
          post({ type: 'reply.audible', reply: number });
        },
        heard: (text, ms) => record({ type: 'reply.heard', reply: number, text, ms: Math.round(ms) }),
        ended,
      };
      const track = playout ? playout.open(number, listener) : openTextTrack(line, number, listener);
      open = { number, reply, track, audibleFrom: undefined, rest: undefined };
      reply.adopt(number, track, (soundMs) => {
        const restMs = soundMs - track.heard().ms;
        if (restMs <= 0) ended();
        else if (open?.number === number) open.rest = parts.clock.timer(restMs, ended);
      });
    },
    audible(reply) {
      if (open?.number !== reply) return false;
      open.audibleFrom = parts.mediaMs();
      drafts.renew();
      parts.speaking(true);
      return true;
    },
    cut(by) {
      const cut = open;
      if (!cut) return;
      open = undefined;
      const heard = cut.track.cut();
      cut.reply.cancel(heard);
      record({ type: 'reply.cut', reply: cut.number, by });
      cut.rest?.cancel();
      commit(cut, heard);
      record({ type: 'reply.ended', reply: cut.number, outcome: 'cut' });
      parts.speaking(false);
    },
    duck() {
      if (!open) return;
      open.track.duck();
      record({ type: 'reply.ducked', reply: open.number });
    },
    resume() {
      if (!open) return;
      record({ type: 'reply.resumed', reply: open.number });
      open.track.resume();
    },
    conclude({ reply }) {
      if (open?.number !== reply) return false;
      const done = open;
      const heard = done.track.cut();
      commit(done, heard);
      // Before the end itself, so that nothing else is begun in between.
      if (done.reply.closes) record({ type: 'call.closing', reason: done.reply.closes, detail: null });
      open = undefined;
      done.reply.cancel(heard);
      parts.speaking(false);
      return true;
    },
  };
}

function turnEvent(turn: Turn): CallEventBody {
  const from = Math.min(...turn.words.map((words) => words.from));
  const to = Math.max(...turn.words.map((words) => words.to));
  return { type: 'caller.turn', turn: turn.number, text: textOf(turn.words), from, to, waitedMs: turn.waitedMs };
}
