/**
 * The tool calls of one model answer: they run side by side, each within its own deadline, and the model goes on when all have
 * answered. Whatever happens, each call gets exactly one result in the log; what it costs the caller to wait is covered by words.
 */
import type { Desk, ToolResult } from '../../agent/desk.ts';
import { schemaFaults } from '../../agent/json-schema.ts';
import type { AgentPlan, ToolMessage, ToolPlan } from '../../agent/plan.ts';
import type { LineAbilities } from '../../carriers/carrier.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asAywaError, type FieldFault } from '../../kernel/errors.ts';
import { isCancelled, type Scope, withDeadline } from '../../kernel/scope.ts';
import type { ToolCall } from '../../providers/llm/contract.ts';
import type { CallEventBody } from '../events.ts';
import { createFinishing, type Round } from './finishing.ts';
import { isOffered, specOf } from './offered.ts';

interface CallOutcome {
  /** The call ends when the reply was heard. */
  readonly endsCall: boolean;
  /** The caller was told the result: the model is not asked again. */
  readonly answered: boolean;
}

interface RoundOutcome extends CallOutcome {
  /** The calls under the ids that they have in the conversation. */
  readonly calls: readonly ToolCall[];
}

export interface Tools {
  /**
   * `say` speaks inside the reply. `askedAt`: when the prompt was made, so that what the model could not know is told from what it wants
   * once more. Rejects only when `scope` closes.
   */
  run(reply: number, calls: readonly ToolCall[], say: (text: string) => void, scope: Scope, askedAt?: number): Promise<RoundOutcome>;
  /** The reply is cut: its tools are answered for, except those that must run to their end. */
  abandon(reply: number): void;
  /** The call is over: nothing is left unanswered. */
  abandonAll(): void;
}

export interface ToolParts {
  readonly call: string;
  readonly agent: () => AgentPlan;
  /** What the line can do, once it is there. */
  readonly can: () => LineAbilities | undefined;
  readonly desk: Desk;
  readonly clock: Clock;
  /** The call's own, for tools that outlive their reply. */
  readonly scope: Scope;
  /** Is this the id of a tool call in the conversation? */
  known(id: string): boolean;
  tell(event: CallEventBody): void;
}

/** What one call runs in. */
interface Running {
  readonly reply: number;
  readonly round: Round;
  readonly askedAt: number;
  readonly scope: Scope;
  say(text: string): void;
}

const INTERRUPTED = 'Interrupted by the caller before there was a result.';
const SENT = 'The request was sent; there will be no result.';
const SENT_BEFORE = 'The same request was sent before, and not once more; there will be no result.';
const DONE: CallOutcome = { endsCall: false, answered: false };

export function createTools({ call: callId, agent, can, desk, clock, scope: callScope, known, tell }: ToolParts): Tools {
  const open = new Map<string, { reply: number; name: string; since: number; finishes: boolean }>();
  const finishing = createFinishing();

  const settle = (id: string, ok: boolean, result: string) => {
    const entry = open.get(id);
    if (!entry || !open.delete(id)) return;
    tell({ type: 'tool.answered', reply: entry.reply, id, name: entry.name, ok, result, tookMs: clock.now() - entry.since });
  };
  const refuse = (call: ToolCall, result: string): CallOutcome => {
    settle(call.id, false, result);
    return DONE;
  };

  /** The one deadline of a tool: whoever answers for it outside is told how long that is worth while, and is not waited for beyond. */
  const ask = async (tool: ToolPlan, call: ToolCall, scope: Scope): Promise<ToolResult> => {
    const question = { ...call, arguments: { ...call.arguments, ...tool.fixed }, target: tool.target, source: tool.source };
    try {
      const { results } = await withDeadline(scope, `tool ${tool.spec.name}`, tool.timeoutMs, (inner) =>
        desk.ask({ type: 'tool-calls', call: callId, calls: [question], timeoutMs: tool.timeoutMs }, inner),
      );
      return results.find((result) => result.id === call.id) ?? failure(call, 'The tool gave no result.');
    } catch (error) {
      if (scope.closed || isCancelled(error)) throw error;
      return failure(call, asAywaError(error, 'tool_failed').message);
    }
  };

  /** Asks in the call's scope, after what runs already, so that a cut of the reply does not reach it; settled there, too. */
  const askToTheEnd = (tool: ToolPlan, call: ToolCall, { round, scope }: Running): Promise<ToolResult> => {
    const { promise, resolve } = Promise.withResolvers<ToolResult>();
    const others = finishing.others(call, round);
    const run = finishing.add(call, round, promise);
    callScope.spawn(`tool ${call.id}`, async (inner) => {
      await inner.wait(others);
      // What has not begun is not begun for a caller who does not want it any more.
      const begins = !scope.closed;
      const result = begins ? await ask(tool, call, inner) : failure(call, INTERRUPTED);
      if (!tool.async) settle(call.id, result.ok, result.result);
      if (begins) run.ended(clock.now());
      else run.dropped();
      resolve(result);
    });
    return promise;
  };
  /** Waits for what an earlier reply has asked for already. */
  const join = (call: ToolCall, running: Promise<ToolResult>): Promise<ToolResult> => {
    const { promise, resolve } = Promise.withResolvers<ToolResult>();
    callScope.spawn(`join ${call.id}`, async (inner) => {
      const result = await inner.wait(running);
      settle(call.id, result.ok, `This was under way already and was done once, not twice. Its result: ${result.result}`);
      resolve(result);
    });
    return promise;
  };

  const send = (tool: ToolPlan, call: ToolCall, running: Running): CallOutcome => {
    const again = tool.finishes && finishing.same(call, running.round, running.askedAt) !== undefined;
    if (tool.finishes && !again) void askToTheEnd(tool, call, running);
    if (!tool.finishes) callScope.spawn(`tool ${call.id}`, async (inner) => void (await ask(tool, call, inner)));
    settle(call.id, true, again ? SENT_BEFORE : SENT);
    return conclude(tool.messages.find(of('complete')), running.say);
  };

  const perform = async (tool: ToolPlan, call: ToolCall, running: Running): Promise<CallOutcome> => {
    if (tool.async) return send(tool, call, running);
    const { scope, say } = running;
    const under = tool.finishes ? finishing.same(call, running.round, running.askedAt) : undefined;
    if (!under) speak(tool.messages.find(of('start')), say);
    const delayed = tool.messages.filter(of('delayed')).map((message) => clock.timer(message.delayMs, () => speak(message, say)));
    const stop = () => {
      for (const timer of delayed) timer.cancel();
    };
    scope.signal.addEventListener('abort', stop, { once: true });
    try {
      const result = tool.finishes
        ? await scope.wait(under ? join(call, under) : askToTheEnd(tool, call, running))
        : await ask(tool, call, scope);
      settle(call.id, result.ok, result.result);
      const done = conclude(tool.messages.find(of(result.ok ? 'complete' : 'failed')), say);
      if (result.say) say(result.say);
      return { endsCall: done.endsCall || result.endsCall === true, answered: done.answered || result.say !== undefined };
    } finally {
      stop();
      scope.signal.removeEventListener('abort', stop);
    }
  };

  const conclude = (message: ToolMessage | undefined, say: (text: string) => void): CallOutcome => {
    if (!message) return DONE;
    if (message.role === 'system') tell({ type: 'memory.added', role: 'system', text: message.text });
    else speak(message, say);
    return { endsCall: message.endsCall, answered: message.role === 'assistant' && message.text !== '' };
  };

  /** The conversation decides about it when the reply was heard to its end. */
  const transfer = (tool: ToolPlan, call: ToolCall, { say }: Running): CallOutcome => {
    const { destination } = call.arguments;
    if (typeof destination !== 'string' || destination === '') return refuse(call, 'There is no destination.');
    speak(tool.messages.find(of('start')), say);
    settle(call.id, true, 'The caller is being transferred.');
    tell({ type: 'transfer.begun', destination });
    return { endsCall: false, answered: true };
  };

  const runOne = async (call: ToolCall, running: Running): Promise<CallOutcome> => {
    const tool = agent().tools.find((entry) => entry.spec.name === call.name);
    if (!tool) return refuse(call, `There is no tool named "${call.name}".`);
    if (call.malformed !== undefined) return refuse(call, 'The arguments were not valid JSON. Call the tool again with correct arguments.');
    if (!isOffered(tool, can())) return refuse(call, 'This line cannot do that.');
    if (tool.kind === 'endCall') {
      speak(tool.messages.find(of('start')), running.say);
      settle(call.id, true, 'The call ends.');
      return { endsCall: true, answered: true };
    }
    const faults = schemaFaults(specOf(tool).parameters, call.arguments);
    if (faults.length > 0) return refuse(call, sentenceOf(faults));
    if (tool.kind === 'function') return perform(tool, call, running);
    return tool.kind === 'transferCall' ? transfer(tool, call, running) : refuse(call, 'This line cannot do that.');
  };

  /** Two calls are two, whatever they are called: an id that the conversation knows already is made another one. */
  const named = (call: ToolCall): ToolCall => {
    const taken = (id: string) => id === '' || open.has(id) || known(id);
    if (!taken(call.id)) return call;
    for (let count = 2; ; count += 1) {
      const id = `${call.id || 'call'}-${count}`;
      if (!taken(id)) return { ...call, id };
    }
  };
  const begin = (reply: number, given: ToolCall): ToolCall => {
    const call = named(given);
    const finishes = agent().tools.some((tool) => tool.spec.name === call.name && tool.finishes);
    open.set(call.id, { reply, name: call.name, since: clock.now(), finishes });
    tell({ type: 'tool.called', reply, id: call.id, name: call.name, arguments: { ...call.arguments } });
    return call;
  };

  return {
    async run(reply, given, say, scope, askedAt = clock.now()) {
      const calls = given.map((call) => begin(reply, call));
      const running: Running = { reply, round: Symbol('round'), askedAt, scope, say };
      const outcomes = await scope.wait(Promise.all(calls.map((call) => runOne(call, running))));
      const endsCall = outcomes.some((outcome) => outcome.endsCall);
      return { calls, endsCall, answered: endsCall || outcomes.every((outcome) => outcome.answered) };
    },
    abandon(reply) {
      for (const [id, entry] of open) if (entry.reply === reply && !entry.finishes) settle(id, false, INTERRUPTED);
    },
    abandonAll() {
      for (const id of [...open.keys()]) settle(id, false, 'The call ended before there was a result.');
    },
  };
}

function failure({ id }: ToolCall, result: string): ToolResult {
  return { id, ok: false, result };
}

function sentenceOf(faults: readonly FieldFault[]): string {
  const list = faults.map(({ path, message }) => `${path || 'the arguments'} ${message}`).join('; ');
  return `The arguments do not fit: ${list}. Call the tool again with correct arguments.`;
}

const of = (when: ToolMessage['when']) => (message: ToolMessage) => message.when === when;

function speak(message: ToolMessage | undefined, say: (text: string) => void): void {
  if (message && message.text !== '') say(message.text);
}
