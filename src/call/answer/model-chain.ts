/**
 * The agent's models, in order: the first that speaks answers. One that refuses, breaks or stays silent is left for the next, which goes
 * on with the answer where it was broken off. A model that shows that it works is not silent. What each one used is counted, by
 * estimate where the vendor could not say it.
 */
import type { ProviderChain } from '../../agent/plan.ts';
import { AywaError, asAywaError } from '../../kernel/errors.ts';
import { createPatience } from '../../kernel/patience.ts';
import { isCancelled } from '../../kernel/scope.ts';
import type { ProviderChoice, ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { PromptRequest, Said, ToolCall, Usage } from '../../providers/llm/contract.ts';
import { estimatePrompt } from '../../providers/llm/prompt.ts';
import { estimateTokens } from '../../providers/llm/tokens.ts';
import type { CallEventBody } from '../events.ts';
import { type Continuation, continuation } from './continuation.ts';
import { type TurnBudget, turnBudget } from './turn-budget.ts';

/** A stream that stops for this long inside an answer has died. */
const STALL_MS = 1_500;
/** After a sign of life nothing but the next one is waited for, and servers give one every second or two. */
const ALIVE_MS = 3_000;
/** A model that thinks before its first word has so long, however alive it is: no words of ours cover the silence. */
const THINKING_MS = 8_000;
/** A model that works inside its answer (tools of its own, thoughts) has so long for the next word. */
const WORKING_MS = 30_000;

export interface ModelChain {
  /**
   * Rejects with the last model's error when there is no other to go on. Tool calls come when their answer is whole. A model's own
   * `timeoutSeconds` overrules all waits.
   */
  answer(
    request: PromptRequest,
    ctx: ProviderContext,
    tell: (event: CallEventBody) => void,
    budget?: TurnBudget,
  ): AsyncGenerator<Said, void>;
}

export function createModelChain(chosen: () => ProviderChain, providers: ProviderSet): ModelChain {
  return {
    async *answer(request, ctx, tell, budget = turnBudget(ctx.scope.clock, true)) {
      const chain = chosen();
      let written = '';
      let goesOn: Continuation | undefined;
      for (const [index, choice] of chain.entries()) {
        const next = chain[index + 1];
        const attempt = begin(choice, goesOn?.request ?? request, chain.length - index, budget, ctx, tell);
        const calls: ToolCall[] = [];
        try {
          for await (const said of attempt.said(providers)) {
            if (said.type === 'tool') calls.push(said.call);
            else if (said.type === 'alive') yield said;
            else {
              const text = said.type === 'text' ? (goesOn?.push(said.text) ?? said.text) : (goesOn?.flush() ?? '');
              written += text;
              if (text !== '') yield { type: 'text', text };
            }
            if (said.type !== 'done') continue;
            for (const call of calls) yield { type: 'tool', call };
            attempt.count(said.usage);
            yield said;
          }
          return;
        } catch (error) {
          if (ctx.scope.closed || isCancelled(error)) throw error;
          const fault = asAywaError(error, 'provider_network');
          tell({ type: 'provider.failed', kind: 'llm', provider: choice.provider, code: fault.code, detail: fault.message, final: !next });
          if (!next) throw fault;
          tell({ type: 'provider.switched', kind: 'llm', from: choice.provider, to: next.provider });
          if (attempt.renews) budget.renew();
          goesOn = continuation(request, written);
        } finally {
          attempt.close();
        }
      }
    },
  };
}

interface Attempt {
  /** The model's answer, read with a watch on its silences. Throws `provider_timeout` when it has been silent for too long. */
  said(providers: ProviderSet): AsyncGenerator<Said, void>;
  /** The caller heard something of it, or waited by somebody's leave: what comes after it has a patience of its own. */
  readonly renews: boolean;
  count(usage: Usage): void;
  close(): void;
}

/** One model's answer to one request; `candidates`: how many models there are from this one on. */
function begin(
  choice: ProviderChoice,
  request: PromptRequest,
  candidates: number,
  budget: TurnBudget,
  ctx: ProviderContext,
  tell: (event: CallEventBody) => void,
): Attempt {
  const { clock } = ctx.scope;
  const scope = ctx.scope.child(`model ${choice.provider}`);
  const { timeoutSeconds } = choice.settings;
  const givenMs = typeof timeoutSeconds === 'number' ? timeoutSeconds * 1_000 : undefined;
  const stallMs = Math.max(STALL_MS, givenMs ?? 0);
  let spoke = false;
  let worked = false;
  let silent = false;
  /** Somebody waits for the next item; while the reader is busy with the last one nothing is anybody's silence. */
  let reading = false;
  /** Signs of life are believed until then. */
  let believedUntil = clock.now() + (givenMs ?? THINKING_MS);
  let produced = '';
  let counted = false;

  const watch = createPatience(clock, () => {
    if (!reading) return watch.extend(stallMs);
    // The last model has all that is left, and a draft that became the reply in the meantime has more.
    const moreMs = spoke || worked || candidates > 1 || givenMs !== undefined ? 0 : budget.leftMs;
    if (moreMs > 0) return watch.extend(moreMs);
    silent = true;
    void scope.close('silent');
  });
  const alive = () => {
    worked = true;
    const wantedMs = Math.max(ALIVE_MS, givenMs ?? (spoke ? 0 : budget.wordMs(candidates)));
    const believedMs = believedUntil - clock.now();
    if (believedMs > 0) watch.extend(Math.min(wantedMs, believedMs));
  };
  const word = () => {
    // Behind a wait that was granted the voice has its usual time.
    if (!spoke && (worked || givenMs !== undefined)) budget.renew();
    spoke = true;
    believedUntil = clock.now() + Math.max(WORKING_MS, givenMs ?? 0);
    watch.extend(stallMs);
  };
  const count = ({ promptTokens, completionTokens, cachedPromptTokens, estimated }: Usage) => {
    if (counted) return;
    counted = true;
    tell({
      type: 'usage.counted',
      kind: 'llm',
      provider: choice.provider,
      model: modelOf(choice),
      quantity: promptTokens,
      completionTokens,
      cachedTokens: cachedPromptTokens ?? null,
      ...(estimated && { estimated }),
    });
  };
  const estimate = () => {
    if (!counted) count({ promptTokens: estimatePrompt(request), completionTokens: estimateTokens(produced), estimated: true });
  };
  // A cut is counted before anything else is noted of it.
  ctx.scope.signal.addEventListener('abort', estimate, { once: true });

  return {
    get renews() {
      return spoke || worked || givenMs !== undefined;
    },
    count,
    async *said(providers) {
      const model = providers.llm(choice.provider);
      if (!model) throw new AywaError('provider_invalid', { detail: `This build has no model provider "${choice.provider}".` });
      watch.extend(givenMs ?? budget.wordMs(candidates));
      const stream = model.reply(request, choice.settings, choice.access, { ...ctx, scope })[Symbol.asyncIterator]();
      try {
        while (true) {
          reading = true;
          const item = await scope.wait(stream.next());
          reading = false;
          if (item.done) throw new AywaError('provider_network', { detail: `${choice.provider} closed the answer without finishing it.` });
          const said = item.value;
          if (said.type === 'alive') alive();
          else if (said.type !== 'done') {
            word();
            produced += said.type === 'text' ? said.text : said.call.name + JSON.stringify(said.call.arguments);
          }
          yield said;
          if (said.type === 'done') return;
        }
      } catch (error) {
        if (silent) throw new AywaError('provider_timeout', { detail: `${choice.provider} was silent for too long.` });
        throw error;
      } finally {
        watch.stop();
        void scope.close('done');
      }
    },
    close() {
      ctx.scope.signal.removeEventListener('abort', estimate);
      // One that never worked is not paid.
      if (spoke || worked) estimate();
      watch.stop();
      void scope.close('done');
    },
  };
}

/** The model's name for the record. */
export function modelOf({ settings }: ProviderChoice): string {
  return typeof settings.model === 'string' ? settings.model : '';
}
