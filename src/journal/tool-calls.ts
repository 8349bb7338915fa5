/**
 * Asks a webhook for the results of tool calls while the caller waits: one request per server, within the call's budget, repeated
 * only when it certainly never left this machine. Every call gets a result: a failure is a sentence that the model can work with.
 */
import type { ToolAnswer, ToolQuestion, ToolResult } from '../agent/desk.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Egress } from '../kernel/egress.ts';
import { type AywaError, asAywaError } from '../kernel/errors.ts';
import { uuidv7 } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import { isCancelled, type Scope, withDeadline } from '../kernel/scope.ts';
import type { Store } from '../store/store.ts';
import { messagesOpenAIFormatted, toolCallOnWire, transcriptOf } from '../wire/messages.ts';
import type { Journal, LiveCall } from './journal.ts';
import { type Posted, post } from './post.ts';
import { envelope } from './server-messages.ts';
import type { Target } from './targets.ts';
import { toolResults } from './tool-results.ts';

export interface ToolDeps {
  readonly journal: Pick<Journal, 'about'>;
  readonly store: Pick<Store, 'outbox'>;
  readonly egress: Egress;
  /** Signs for targets without a signing secret of their own. */
  readonly secret: string;
  readonly clock: Clock;
  /** The process: what is written down about an attempt outlives the question. */
  readonly scope: Scope;
  readonly log: Log;
}

type Call = ToolQuestion['calls'][number];
export type AnswerTools = (question: ToolQuestion, scope: Scope) => Promise<ToolAnswer>;

/** Kept back from the budget for the way through the wall; ms. */
const MARGIN_MS = 200;

/** The function that it gives rejects with `cancelled` when `scope` closes, and never otherwise. */
export function createAnswerTools(deps: ToolDeps): AnswerTools {
  const { clock, log } = deps;
  return async (question, scope) => {
    const live = deps.journal.about(question.call);
    const budgetMs = Math.max(MARGIN_MS, question.timeoutMs - MARGIN_MS);
    const groups = [...Map.groupBy(question.calls, (call) => targetOf(live, call))];
    const answers = groups.map(([target, calls]): Promise<readonly ToolResult[]> => {
      if (!live || !target) return Promise.resolve(failed(calls, 'The tool has no server to answer it.'));
      return withDeadline(scope, 'the tool', budgetMs, (within) => ask(live, target, calls, budgetMs, within)).catch((error) => {
        if (isCancelled(error) && scope.closed) throw error;
        const known = asAywaError(error);
        note(live, target, calls, {
          status: null,
          error: `${known.code}: ${known.detail ?? known.message}`,
          tookMs: budgetMs,
          response: null,
        });
        return failed(calls, sentenceFor(known));
      });
    });
    return { type: 'tool-calls', results: (await scope.wait(Promise.all(answers))).flat() };
  };

  async function ask(
    live: LiveCall,
    target: Target,
    calls: readonly Call[],
    budgetMs: number,
    scope: Scope,
  ): Promise<readonly ToolResult[]> {
    const since = clock.now();
    const message = { id: uuidv7(clock.wall()), timestamp: Math.floor(clock.wall() / 1000), body: bodyOf(live, calls, clock.wall()) };
    const posting = { egress: deps.egress, target, message, secret: deps.secret, timeoutMs: budgetMs, bodyMs: budgetMs, clock };
    const answer = await post(posting, scope).catch((error) => {
      if (!unsent(error)) throw error;
      return post(posting, scope);
    });
    const error = answer.ok ? null : `answered ${answer.status}`;
    note(live, target, calls, { status: answer.status, error, tookMs: clock.now() - since, response: answer.text });
    return read(answer, calls);
  }

  function read(answer: Posted, calls: readonly Call[]): readonly ToolResult[] {
    if (!answer.whole) return failed(calls, 'The tool gave an answer that could not be read.');
    // A failed tool may say why in the usual form; the page of an error that some proxy made is not for the model.
    if (!answer.ok && !/^\s*[{[]/.test(answer.body)) return failed(calls, `The tool answered with the error ${answer.status}.`);
    const { results, guessed } = toolResults(answer.body, calls);
    if (guessed) log.warn('tool_answer_guessed', { names: calls.map((call) => call.name) });
    return calls.map(({ id }) => {
      const result = results.get(id) ?? { id, ok: true, result: 'No result returned.' };
      return answer.ok ? result : { ...result, ok: false };
    });
  }

  function note(
    { subject }: LiveCall,
    { url }: Target,
    calls: readonly Call[],
    attempt: { status: number | null; error: string | null; tookMs: number; response: string | null },
  ): void {
    const { id, organization } = subject;
    if (attempt.error) log.warn('tool_call_failed', { call: id, names: calls.map((call) => call.name), detail: attempt.error });
    deps.scope.spawn('note the tool call', async (scope) => {
      const noted = deps.store.outbox.note({ organization, call: id, type: 'tool-calls', url, ...attempt });
      await scope.wait(noted.catch((error) => log.warn('tool_call_note_failed', { call: id, detail: String(error) })));
    });
  }
}

/** The tool's own server, else the assistant's. */
function targetOf(live: LiveCall | undefined, call: Call): Target | undefined {
  return live?.targets.get(call.target ?? 'assistant') ?? live?.targets.get('assistant');
}

function bodyOf({ subject, state }: LiveCall, calls: readonly Call[], now: number): string {
  const onWire = calls.map(toolCallOnWire);
  const { messages } = state.record;
  const fields = {
    toolCalls: onWire,
    toolCallList: onWire,
    toolWithToolCallList: calls.map((call) => ({
      ...call.source,
      toolCall: { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } },
    })),
    assistant: subject.assistant,
    artifact: { messages, messagesOpenAIFormatted: messagesOpenAIFormatted(messages), transcript: transcriptOf(state.record) },
  };
  return JSON.stringify(envelope('tool-calls', now, state, subject, fields));
}

function failed(calls: readonly Call[], why: string): ToolResult[] {
  return calls.map(({ id }) => ({ id, ok: false, result: why }));
}

/** For the model, which may repeat it to the caller: no address, no cause. */
function sentenceFor(error: AywaError): string {
  if (error.kind === 'timeout') return 'The tool did not answer in time.';
  if (error.code === 'egress_denied') return 'The tool has an address that is not allowed.';
  return 'The tool could not be reached.';
}

/** Did the request certainly not leave? Only then may it be made again: a tool may move money. */
function unsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}
