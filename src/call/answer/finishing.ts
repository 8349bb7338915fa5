/**
 * Tools that run to their end whatever the caller does (a payment), kept apart from the replies that asked for them. What runs, or has
 * ended without the model knowing, is not asked again by the next reply: that one joins it.
 */
import type { ToolResult } from '../../agent/desk.ts';
import type { ToolCall } from '../../providers/llm/contract.ts';

/** One model answer's tool calls. What one answer asks for twice is meant twice. */
export type Round = symbol;

interface Run {
  readonly name: string;
  readonly round: Round;
  readonly result: Promise<ToolResult>;
  /** When the result was told to the model's memory; clock time. */
  endedAt: number | undefined;
}

export interface Finishing {
  /** The same request of an earlier answer, as long as a prompt made at `askedAt` did not hold its result. */
  same(call: ToolCall, round: Round, askedAt: number): Promise<ToolResult> | undefined;
  /** Resolves when no other request of an earlier answer to this tool runs any more. */
  others(call: ToolCall, round: Round): Promise<unknown>;
  /** `result` never rejects. */
  add(call: ToolCall, round: Round, result: Promise<ToolResult>): { ended(at: number): void /** It never began. */; dropped(): void };
}

export function createFinishing(): Finishing {
  /** The last run of each request. */
  const runs = new Map<string, Run>();
  return {
    same(call, round, askedAt) {
      const run = runs.get(keyOf(call));
      const known = run?.endedAt !== undefined && run.endedAt <= askedAt;
      return run && run.round !== round && !known ? run.result : undefined;
    },
    others: (call, round) =>
      Promise.all(
        [...runs.values()]
          .filter((run) => run.name === call.name && run.round !== round && run.endedAt === undefined)
          .map((run) => run.result),
      ),
    add(call, round, result) {
      const key = keyOf(call);
      const run: Run = { name: call.name, round, result, endedAt: undefined };
      runs.set(key, run);
      return {
        ended(at) {
          run.endedAt = at;
        },
        dropped() {
          if (runs.get(key) === run) runs.delete(key);
        },
      };
    },
  };
}

/** The same request, however the model writes it: order of keys, empty arguments and outer white space do not count. */
function keyOf({ name, arguments: given }: ToolCall): string {
  return `${name} ${JSON.stringify(plain(given))}`;
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.trim();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null && inner !== '');
  entries.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}
