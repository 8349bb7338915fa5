/**
 * The agent's models, in order: the first that speaks answers. A model that refuses, breaks or stays silent before its first word is
 * left for the next one; after its first word it is never replaced, since half an answer by another model is a different answer.
 */
import type { ProviderChain } from '../../agent/plan.ts';
import { AywaError, asAywaError } from '../../kernel/errors.ts';
import { isCancelled } from '../../kernel/scope.ts';
import type { ProviderChoice, ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { PromptRequest, Said } from '../../providers/llm/contract.ts';
import type { CallEventBody } from '../events.ts';

/** A caller takes about 3 s of silence for a broken line; what is left after this speaks the fallback sentence. `timeoutSeconds` of a model overrules it. */
const FIRST_TOKEN_MS = 2_300;
/** With another model to turn to, a slower one is not waited for: nine of ten answers start sooner. */
const HURRIED_MS = 1_300;
const LAST_LEAST_MS = 1_000;
/** A stream that stops for this long inside an answer has died. */
const STALL_MS = 1_500;

export interface ModelChain {
  /** Rejects with the last model's error when none of them says anything, or when the one that spoke breaks off. */
  answer(request: PromptRequest, ctx: ProviderContext, tell: (event: CallEventBody) => void): AsyncGenerator<Said, void>;
}

export function createModelChain(chosen: () => ProviderChain, providers: ProviderSet): ModelChain {
  return {
    async *answer(request, ctx, tell) {
      const chain = chosen();
      let left = FIRST_TOKEN_MS;
      for (const [index, choice] of chain.entries()) {
        const next = chain[index + 1];
        const given = choice.settings.timeoutSeconds;
        const otherwise = next ? Math.min(HURRIED_MS, left) : Math.max(LAST_LEAST_MS, left);
        const budget = typeof given === 'number' ? given * 1_000 : otherwise;
        const startedAt = ctx.scope.clock.now();
        let spoke = false;
        try {
          for await (const said of ask(choice, providers, request, budget, ctx)) {
            spoke ||= said.type !== 'done';
            if (said.type === 'done') tell(usageOf(choice, said));
            yield said;
          }
          return;
        } catch (error) {
          if (ctx.scope.closed || isCancelled(error)) throw error;
          const fault = asAywaError(error, 'provider_network');
          const final = spoke || next === undefined;
          tell({ type: 'provider.failed', kind: 'llm', provider: choice.provider, code: fault.code, detail: fault.message, final });
          if (spoke || !next) throw fault;
          tell({ type: 'provider.switched', kind: 'llm', from: choice.provider, to: next.provider });
        }
        left -= ctx.scope.clock.now() - startedAt;
      }
    },
  };
}

/** One model's answer, read with a watch on its silences. Throws `provider_timeout` when a watch expires. */
async function* ask(
  choice: ProviderChoice,
  providers: ProviderSet,
  request: PromptRequest,
  firstTokenMs: number,
  ctx: ProviderContext,
): AsyncGenerator<Said, void> {
  const model = providers.llm(choice.provider);
  if (!model) throw new AywaError('provider_invalid', { detail: `This build has no model provider "${choice.provider}".` });
  const scope = ctx.scope.child(`model ${choice.provider}`);
  let silent = false;
  const watch = (ms: number) =>
    ctx.scope.clock.timer(ms, () => {
      silent = true;
      void scope.close('silent');
    });
  let timer = watch(firstTokenMs);
  const stream = model.reply(request, choice.settings, choice.access, { ...ctx, scope })[Symbol.asyncIterator]();
  try {
    while (true) {
      const item = await scope.wait(stream.next());
      timer.cancel();
      if (item.done) throw new AywaError('provider_network', { detail: `${choice.provider} closed the answer without finishing it.` });
      yield item.value;
      if (item.value.type === 'done') return;
      timer = watch(STALL_MS);
    }
  } catch (error) {
    if (silent) throw new AywaError('provider_timeout', { detail: `${choice.provider} was silent for too long.` });
    throw error;
  } finally {
    timer.cancel();
    void scope.close('done');
  }
}

function usageOf(choice: ProviderChoice, { usage }: Extract<Said, { type: 'done' }>): CallEventBody {
  return {
    type: 'usage.counted',
    kind: 'llm',
    provider: choice.provider,
    model: modelOf(choice),
    quantity: usage.promptTokens,
    completionTokens: usage.completionTokens,
    cachedTokens: usage.cachedPromptTokens ?? null,
  };
}

/** The model's name for the record. */
export function modelOf({ settings }: ProviderChoice): string {
  return typeof settings.model === 'string' ? settings.model : '';
}
