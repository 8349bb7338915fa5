/**
 * The tool calls of one model answer: they run side by side, each within its own deadline, and the model goes on when all have
 * answered. Whatever happens, each call gets exactly one result in the log; what it costs the caller to wait is covered by words.
 */
import type { Desk, ToolResult } from '../../agent/desk.ts';
import type { AgentPlan, ToolMessage, ToolPlan } from '../../agent/plan.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asAywaError } from '../../kernel/errors.ts';
import { isCancelled, type Scope, withDeadline } from '../../kernel/scope.ts';
import type { ToolCall } from '../../providers/llm/contract.ts';
import type { CallEventBody } from '../events.ts';

interface RoundOutcome {
  /** The call ends when the reply was heard. */
  readonly endsCall: boolean;
  /** The caller was told the result: the model is not asked again. */
  readonly answered: boolean;
}

export interface Tools {
  /** `say` speaks inside the reply. Rejects only when `scope` closes. */
  run(reply: number, calls: readonly ToolCall[], say: (text: string) => void, scope: Scope): Promise<RoundOutcome>;
  /** The reply is cut: its tools are answered for, except those that must run to their end. */
  abandon(reply: number): void;
  /** The call is over: nothing is left unanswered. */
  abandonAll(): void;
}

export interface ToolParts {
  readonly call: string;
  readonly agent: () => AgentPlan;
  readonly desk: Desk;
  readonly clock: Clock;
  /** The call's own, for tools that outlive their reply. */
  readonly scope: Scope;
  tell(event: CallEventBody): void;
}

const INTERRUPTED = 'Interrupted by the caller before there was a result.';

export function createTools({ call: callId, agent, desk, clock, scope: callScope, tell }: ToolParts): Tools {
  const open = new Map<string, { reply: number; name: string; since: number; finishes: boolean }>();

  const settle = (id: string, ok: boolean, result: string) => {
    const entry = open.get(id);
    if (!entry || !open.delete(id)) return;
    tell({ type: 'tool.answered', reply: entry.reply, id, name: entry.name, ok, result, tookMs: clock.now() - entry.since });
  };

  const ask = async (tool: ToolPlan, call: ToolCall, scope: Scope): Promise<ToolResult> => {
    const question = { ...call, arguments: { ...call.arguments, ...tool.fixed }, target: tool.target, source: tool.source };
    try {
      const { results } = await withDeadline(scope, `tool ${tool.spec.name}`, tool.timeoutMs, (inner) =>
        desk.ask({ type: 'tool-calls', call: callId, calls: [question], timeoutMs: tool.timeoutMs }, inner),
      );
      return results.find((result) => result.id === call.id) ?? { id: call.id, ok: false, result: 'The tool gave no result.' };
    } catch (error) {
      if (scope.closed || isCancelled(error)) throw error;
      return { id: call.id, ok: false, result: asAywaError(error, 'tool_failed').message };
    }
  };

  const perform = async (tool: ToolPlan, call: ToolCall, say: (text: string) => void, scope: Scope): Promise<RoundOutcome> => {
    if (tool.async) {
      callScope.spawn(`tool ${call.id}`, async (inner) => void (await ask(tool, call, inner)));
      settle(call.id, true, 'The request was sent; there will be no result.');
      return conclude(tool.messages.find(of('complete')), say);
    }
    speak(tool.messages.find(of('start')), say);
    const delayed = tool.messages.filter(of('delayed')).map((message) => clock.timer(message.delayMs, () => speak(message, say)));
    const stop = () => {
      for (const timer of delayed) timer.cancel();
    };
    const release = () => stop();
    scope.signal.addEventListener('abort', release, { once: true });
    try {
      const result = await answerOf(tool, call, scope);
      const done = conclude(tool.messages.find(of(result.ok ? 'complete' : 'failed')), say);
      if (result.say) say(result.say);
      return { endsCall: done.endsCall || result.endsCall === true, answered: done.answered || result.say !== undefined };
    } finally {
      stop();
      scope.signal.removeEventListener('abort', release);
    }
  };

  /** Asks and settles; a tool that finishes does both in the call's scope, so that a cut of the reply does not reach it. */
  const answerOf = async (tool: ToolPlan, call: ToolCall, scope: Scope): Promise<ToolResult> => {
    if (!tool.finishes) {
      const result = await ask(tool, call, scope);
      settle(call.id, result.ok, result.result);
      return result;
    }
    const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
    callScope.spawn(`tool ${call.id}`, async (inner) => {
      try {
        const result = await ask(tool, call, inner);
        settle(call.id, result.ok, result.result);
        resolve(result);
      } catch (error) {
        reject(error);
        throw error;
      }
    });
    return scope.wait(promise);
  };

  const conclude = (message: ToolMessage | undefined, say: (text: string) => void): RoundOutcome => {
    if (!message) return { endsCall: false, answered: false };
    if (message.role === 'system') tell({ type: 'memory.added', role: 'system', text: message.text });
    else speak(message, say);
    return { endsCall: message.endsCall, answered: message.role === 'assistant' && message.text !== '' };
  };

  const runOne = async (call: ToolCall, say: (text: string) => void, scope: Scope): Promise<RoundOutcome> => {
    const tool = agent().tools.find((entry) => entry.spec.name === call.name);
    const refuse = (result: string): RoundOutcome => {
      settle(call.id, false, result);
      return { endsCall: false, answered: false };
    };
    if (!tool) return refuse(`There is no tool named "${call.name}".`);
    if (call.malformed !== undefined) return refuse('The arguments were not valid JSON. Call the tool again with correct arguments.');
    if (tool.kind === 'endCall') {
      speak(tool.messages.find(of('start')), say);
      settle(call.id, true, 'The call ends.');
      return { endsCall: true, answered: true };
    }
    if (tool.kind !== 'function') return refuse('This line cannot do that.');
    return perform(tool, call, say, scope);
  };

  return {
    async run(reply, calls, say, scope) {
      for (const call of calls) {
        const finishes = agent().tools.some((tool) => tool.spec.name === call.name && tool.finishes);
        open.set(call.id, { reply, name: call.name, since: clock.now(), finishes });
        tell({ type: 'tool.called', reply, id: call.id, name: call.name, arguments: { ...call.arguments } });
      }
      const outcomes = await scope.wait(Promise.all(calls.map((call) => runOne(call, say, scope))));
      return {
        endsCall: outcomes.some((outcome) => outcome.endsCall),
        answered: outcomes.every((outcome) => outcome.answered) || outcomes.some((outcome) => outcome.endsCall),
      };
    },
    abandon(reply) {
      for (const [id, entry] of open) if (entry.reply === reply && !entry.finishes) settle(id, false, INTERRUPTED);
    },
    abandonAll() {
      for (const id of [...open.keys()]) settle(id, false, 'The call ended before there was a result.');
    },
  };
}

const of = (when: ToolMessage['when']) => (message: ToolMessage) => message.when === when;

function speak(message: ToolMessage | undefined, say: (text: string) => void): void {
  if (message && message.text !== '') say(message.text);
}
