/**
 * The recognisers of one call: the first choice, then its fallbacks, one at a time. One that is lost is replaced by the next; one that may
 * be deaf is put to the test beside fresh ones, and keeps its place unless one of them hears words. Words come out in the call's media
 * time. Never touches voice activity.
 */
import type { AgentPlan, ProviderChain } from '../../agent/plan.ts';
import { type AudioFormat, bytesOf, msOf } from '../../audio/format.ts';
import type { Tape } from '../../audio/tape.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Ears, HeardAudio, Recognised } from '../../providers/stt/contract.ts';
import type { Perceived } from './listening.ts';

type Words = Extract<Recognised, { type: 'partial' | 'final' | 'turnEnd' }>;

export interface RecogniserChain {
  /** Gives every open recogniser the audio that it has not had. */
  forward(): void;
  flush(): void;
  /** No audio follows: asks for the last words. What it returns resolves when there are none left, where the recogniser says so. */
  finish(): Promise<void> | undefined;
  /** Fresh ears beside the present ones: the same choice and the next one, from this media time on. */
  audition(fromMs: number): void;
  /** Nobody heard anything: the present ones keep their place. */
  dismiss(): void;
  /** How long a final of the present ones, and of those in audition, may take; ms. */
  readonly finalWithinMs: number;
  /** Another agent listens: other ears where its choice is another one. */
  agentChanged(): void;
  /** Ends the recognition and tells what was used. */
  close(): void;
}

export interface RecogniserChainOptions {
  readonly format: AudioFormat;
  readonly agent: () => AgentPlan;
  readonly providers: ProviderSet;
  perceived(told: Perceived): void;
  readonly ctx: ProviderContext;
}

export interface ChainListener {
  words(words: Words): void;
  /** A recogniser begins in the place of another: the media time from which on it must hear. */
  rewind(): number;
  /** Nobody talks: what a new one is given is all that there is to hear for now. */
  quiet(): boolean;
  talking(): boolean;
  /** The present ears lost what they were hearing: a new connection of theirs, or the next ones, will hear it again. */
  broke(): void;
}

/** One open recognition. */
interface Seat {
  readonly index: number;
  readonly scope: Scope;
  readonly finalWithinMs: number;
  /** Everything before this byte has gone to it. */
  sent: number;
  ears: Ears | undefined;
  over: boolean;
}

/** Audio that nobody waits for, and what a new recogniser is given at once, goes out in pieces of this size; ms. */
export const PIECE_MS = 80;
/** A streaming recogniser that does not say how long its finals take. */
const FINAL_WITHIN_MS = 1_000;

export function recogniserChain(recent: Tape, options: RecogniserChainOptions, listener: ChainListener): RecogniserChain {
  const { format, providers, perceived, ctx } = options;
  const most = bytesOf(format, PIECE_MS);
  let chain: ProviderChain = options.agent().stt;
  let heardBy = keyOf(options.agent());
  /** Bytes that each choice was given. */
  let given = chain.map(() => 0);
  let current: Seat | undefined;
  let trials: Seat[] = [];
  let closed = false;

  const feed = (seat: Seat) => {
    while (seat.sent < recent.end && seat.ears) {
      const from = Math.max(seat.sent, recent.start);
      seat.sent = Math.min(recent.end, from + most);
      given[seat.index] = (given[seat.index] ?? 0) + seat.sent - from;
      seat.ears.write(recent.read(from, seat.sent));
    }
  };
  const leave = (seat: Seat, reason: string) => {
    seat.over = true;
    seat.ears = undefined;
    void seat.scope.close(reason);
  };
  /** Takes a seat and gives it what it missed, the request for a final included. `heard` and `failed` are told of this seat only. */
  const sit = (
    index: number,
    fromMs: number,
    heard: (words: Words, seat: Seat) => void,
    failed: (seat: Seat, error: AywaError) => void,
  ) => {
    const choice = chain[index];
    const stt = choice && providers.stt(choice.provider);
    const scope = ctx.scope.child(`stt/${choice?.provider}`);
    const sent = Math.max(recent.start, Math.min(recent.end, bytesOf(format, Math.max(0, fromMs))));
    const startMs = msOf(format, sent);
    const seat: Seat = { index, scope, finalWithinMs: finalWithin(stt, choice?.settings), sent, ears: undefined, over: false };
    const history = historyOf(seat, recent);
    if (!choice || !stt) {
      const name = choice?.provider ?? '';
      failed(seat, new AywaError('provider_invalid', { detail: `This build has no speech recognition "${name}".` }));
      return seat;
    }
    const { language, expected } = options.agent();
    const ears = stt.listen(
      { format, language, expected, history, talking: listener.talking },
      choice.settings,
      choice.access,
      {
        recognised(words) {
          if (seat.over || words.type === 'speech') return;
          heard(words.type === 'turnEnd' ? words : { ...words, from: words.from + startMs, to: words.to + startMs }, seat);
        },
        failed(error) {
          if (!seat.over) failed(seat, error);
        },
        reconnecting() {
          if (seat === current) listener.broke();
        },
      },
      { ...ctx, scope },
    );
    // It may have failed already.
    if (seat.over) return seat;
    seat.ears = ears;
    feed(seat);
    if (listener.quiet()) ears.flush();
    return seat;
  };

  const lose = (seat: Seat, error: AywaError) => {
    const from = chain[seat.index];
    const successor = chain[seat.index + 1];
    leave(seat, error.code);
    if (current === seat) current = undefined;
    if (!from) return;
    perceived({ type: 'failed', provider: from.provider, error, final: successor === undefined });
    // Whoever hears of it may end the call.
    if (!successor || closed) return;
    perceived({ type: 'switched', from: from.provider, to: successor.provider });
    listener.broke();
    if (!closed) replace(seat.index + 1, listener.rewind());
  };
  const replace = (index: number, fromMs: number) => {
    const seat = sit(index, fromMs, listener.words, lose);
    if (!seat.over) current = seat;
  };

  const dismiss = () => {
    for (const seat of trials.splice(0)) leave(seat, 'nothing heard');
  };
  /** A fresh one hears words that the present one did not: it takes its place. */
  const promote = (seat: Seat) => {
    const deaf = current;
    trials = trials.filter((other) => other !== seat);
    dismiss();
    current = seat;
    if (!deaf) return;
    leave(deaf, 'deaf');
    const [from, to] = [chain[deaf.index]?.provider ?? '', chain[seat.index]?.provider ?? ''];
    const error = new AywaError('timeout', { detail: 'The caller spoke, but no words came; another connection heard them.' });
    perceived({ type: 'failed', provider: from, error, final: false });
    if (seat.index !== deaf.index) perceived({ type: 'switched', from, to });
  };
  const tryOut = (index: number, fromMs: number) => {
    const heard = (words: Words, mine: Seat) => {
      if (current !== mine) {
        if (words.type === 'turnEnd') return;
        promote(mine);
      }
      listener.words(words);
    };
    const failed = (mine: Seat, error: AywaError) => {
      if (mine === current) return lose(mine, error);
      leave(mine, error.code);
      trials = trials.filter((other) => other !== mine);
    };
    const seat = sit(index, fromMs, heard, failed);
    if (!seat.over) trials.push(seat);
  };

  const tellUsage = () => {
    chain.forEach((choice, index) => {
      const bytes = given[index] ?? 0;
      const model = choice.settings.model;
      if (bytes === 0) return;
      const seconds = Math.round(msOf(format, bytes)) / 1_000;
      perceived({ type: 'usage', provider: choice.provider, model: typeof model === 'string' ? model : '', seconds });
    });
  };

  replace(0, listener.rewind());

  return {
    get finalWithinMs() {
      return Math.max(current?.finalWithinMs ?? 0, ...trials.map((seat) => seat.finalWithinMs));
    },
    forward() {
      if (current) feed(current);
      for (const seat of trials) feed(seat);
    },
    flush() {
      current?.ears?.flush();
      for (const seat of trials) seat.ears?.flush();
    },
    finish() {
      for (const seat of trials) seat.ears?.flush();
      const ears = current?.ears;
      if (ears?.finish) return ears.finish();
      ears?.flush();
      return undefined;
    },
    audition(fromMs) {
      const index = current?.index ?? 0;
      dismiss();
      tryOut(index, fromMs);
      if (chain[index + 1]) tryOut(index + 1, fromMs);
    },
    dismiss,
    agentChanged() {
      const key = keyOf(options.agent());
      if (key === heardBy) return;
      heardBy = key;
      dismiss();
      if (current) leave(current, 'another agent listens');
      tellUsage();
      chain = options.agent().stt;
      given = chain.map(() => 0);
      replace(0, listener.rewind());
    },
    close() {
      closed = true;
      dismiss();
      if (current) leave(current, 'closed');
      tellUsage();
    },
  };
}

/** What a seat was given, of what the call keeps. */
function historyOf(seat: Seat, recent: Tape): HeardAudio {
  const first = seat.sent;
  return {
    get start() {
      return Math.max(0, Math.min(seat.sent, recent.start) - first);
    },
    get end() {
      return seat.sent - first;
    },
    read: (from, to) => recent.read(first + from, Math.min(first + to, seat.sent)),
  };
}

/** What makes two agents' ears the same. */
function keyOf({ stt, language, expected }: AgentPlan): string {
  return JSON.stringify([stt, language, expected]);
}

function finalWithin(stt: ReturnType<ProviderSet['stt']>, settings: Readonly<Record<string, unknown>> = {}): number {
  const declared = stt?.finalWithinMs;
  return (typeof declared === 'function' ? declared(settings) : declared) ?? FINAL_WITHIN_MS;
}
