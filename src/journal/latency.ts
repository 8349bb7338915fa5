/**
 * How long the caller waited in each turn, read from the events alone: nobody starts a stopwatch. All times are ms since the call's
 * first event. It never guesses: what did not happen is `null`.
 */
import type { CallEvent, Projection } from '../call/events.ts';

export interface VapiTurnLatency {
  modelLatency?: number;
  voiceLatency?: number;
  transcriberLatency?: number;
  endpointingLatency?: number;
  turnLatency?: number;
}

/** One turn as the timeline shows it; milliseconds from the call's start, `null` where it did not happen. */
export interface TurnLatency {
  turn: number;
  reply: number | null;
  caller: string;
  agent: string;
  /** The caller stopped speaking. */
  stoppedAt: number | null;
  decidedAt: number;
  audibleAt: number | null;
  /** stopped -> decided, begun -> first token, first token -> audible, stopped -> audible. */
  decideMs: number | null;
  thinkMs: number | null;
  voiceMs: number | null;
  totalMs: number | null;
  /** The reply was adopted from a draft, or cut by the caller. */
  adopted: boolean;
  cut: boolean;
}

interface Turn extends TurnLatency {
  begunAt: number | null;
  firstTokenAt: number | null;
  /** The last words of the turn became known. */
  wordsAt: number | null;
}

export interface LatencyState {
  turns: Turn[];
  stoppedAt: number | null;
  wordsAt: number | null;
  talking: boolean;
  /** Times the caller cut the agent off, and the agent began while the caller was talking. */
  agentInterrupted: number;
  callerInterrupted: number;
}

export const latency: Projection<LatencyState> = {
  start: () => ({ turns: [], stoppedAt: null, wordsAt: null, talking: false, agentInterrupted: 0, callerInterrupted: 0 }),
  fold(state, event) {
    take(state, event);
    return state;
  },
};

/** The turns as the timeline shows them. */
export function turnsOf(state: LatencyState): TurnLatency[] {
  return state.turns.map(({ begunAt: _, firstTokenAt: __, wordsAt: ___, ...turn }) => turn);
}

/** Vapi's `performanceMetrics`; all ms. Turns without an audible reply do not count. */
export function performanceMetrics(state: LatencyState): Record<string, unknown> & { turnLatencies: VapiTurnLatency[] } {
  const turnLatencies = state.turns.flatMap((turn) => (turn.audibleAt === null ? [] : [vapiLatency(turn)]));
  const average = (of: keyof VapiTurnLatency) => {
    const known = turnLatencies.flatMap((turn) => turn[of] ?? []);
    return known.length === 0 ? 0 : Math.round(known.reduce((sum, ms) => sum + ms, 0) / known.length);
  };
  return {
    turnLatencies,
    modelLatencyAverage: average('modelLatency'),
    voiceLatencyAverage: average('voiceLatency'),
    transcriberLatencyAverage: average('transcriberLatency'),
    endpointingLatencyAverage: average('endpointingLatency'),
    turnLatencyAverage: average('turnLatency'),
    numUserInterrupted: state.callerInterrupted,
    numAssistantInterrupted: state.agentInterrupted,
  };
}

function take(state: LatencyState, event: CallEvent): void {
  switch (event.type) {
    case 'caller.started':
      state.talking = true;
      break;
    case 'caller.stopped':
      state.talking = false;
      state.stoppedAt = event.at - (event.silentMs ?? 0);
      break;
    case 'caller.words':
      if (event.rejected) break;
      state.wordsAt = event.at;
      // Who types stops when the words arrive.
      if (event.typed) state.stoppedAt = event.at;
      break;
    case 'caller.turn': {
      // A turn that comes again replaces the one whose reply nobody heard.
      const again = state.turns.at(-1)?.turn === event.turn ? state.turns.pop() : undefined;
      state.stoppedAt ??= again?.stoppedAt ?? null;
      state.wordsAt ??= again?.wordsAt ?? null;
      state.turns.push(begin(state, event.turn, event.text, event.at));
      state.stoppedAt = null;
      state.wordsAt = null;
      break;
    }
    case 'reply.begun': {
      const turn = event.turn === null ? undefined : state.turns.findLast((one) => one.turn === event.turn);
      // A reply that was superseded before its first sound makes room for the next one.
      if (!turn || turn.audibleAt !== null) break;
      Object.assign(turn, { reply: event.reply, begunAt: event.at, adopted: event.adopted, firstTokenAt: null, thinkMs: null });
      break;
    }
    case 'reply.first_token':
      change(state, event.reply, (turn) => {
        if (turn.firstTokenAt !== null || turn.begunAt === null) return;
        turn.firstTokenAt = event.at;
        turn.thinkMs = event.at - turn.begunAt;
      });
      break;
    case 'reply.audible':
      if (state.talking) state.callerInterrupted += 1;
      change(state, event.reply, (turn) => {
        turn.audibleAt = event.at;
        turn.voiceMs = turn.firstTokenAt === null ? null : event.at - turn.firstTokenAt;
        turn.totalMs = turn.stoppedAt === null ? null : event.at - turn.stoppedAt;
      });
      break;
    case 'reply.cut':
      if (event.by !== 'caller') break;
      state.agentInterrupted += 1;
      change(state, event.reply, (turn) => {
        turn.cut = true;
      });
      break;
    case 'agent.said':
      change(state, event.reply, (turn) => {
        turn.agent = event.text;
      });
      break;
    default:
  }
}

function begin(state: LatencyState, turn: number, caller: string, decidedAt: number): Turn {
  const { stoppedAt, wordsAt } = state;
  return {
    turn,
    reply: null,
    caller,
    agent: '',
    stoppedAt,
    decidedAt,
    audibleAt: null,
    decideMs: stoppedAt === null ? null : decidedAt - stoppedAt,
    thinkMs: null,
    voiceMs: null,
    totalMs: null,
    adopted: false,
    cut: false,
    begunAt: null,
    firstTokenAt: null,
    wordsAt,
  };
}

function change(state: LatencyState, reply: number, how: (turn: Turn) => void): void {
  const turn = state.turns.findLast((one) => one.reply === reply);
  if (turn) how(turn);
}

/** Vapi splits *decide* into the wait for the recogniser's last words and the wait that turn-taking adds. */
function vapiLatency(turn: Turn): VapiTurnLatency {
  const out: VapiTurnLatency = {};
  if (turn.thinkMs !== null) out.modelLatency = Math.round(turn.thinkMs);
  if (turn.voiceMs !== null) out.voiceLatency = Math.round(turn.voiceMs);
  if (turn.totalMs !== null) out.turnLatency = Math.round(turn.totalMs);
  if (turn.decideMs !== null && turn.stoppedAt !== null) {
    const words = turn.wordsAt === null ? 0 : Math.min(Math.max(0, turn.wordsAt - turn.stoppedAt), turn.decideMs);
    out.transcriberLatency = Math.round(words);
    out.endpointingLatency = Math.round(turn.decideMs - words);
  }
  return out;
}
