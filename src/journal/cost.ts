/**
 * What a call used and what that costs: counted usage times the operator's rate card, in Vapi's shapes. A price that nobody gave
 * is 0; the counts are always there.
 */

import type { CallEvent, Projection } from '../call/events.ts';
import type { ProviderKind } from '../providers/contract.ts';

/** Prices in USD, by `provider/model`, else by `provider`. */
export interface RateCard {
  readonly sttPerMinute?: Readonly<Record<string, number>>;
  readonly ttsPerMillionCharacters?: Readonly<Record<string, number>>;
  readonly llmPerMillionTokens?: Readonly<Record<string, { prompt: number; cached: number; completion: number }>>;
  /** By carrier name. */
  readonly transportPerMinute?: Readonly<Record<string, number>>;
}

interface Used {
  kind: ProviderKind;
  provider: string;
  model: string;
  /** Seconds, prompt tokens or characters. */
  quantity: number;
  completionTokens: number;
  cachedTokens: number;
}

export interface UsageState {
  used: Used[];
  carrier: string;
}

export const usage: Projection<UsageState> = {
  start: () => ({ used: [], carrier: '' }),
  fold(state, event) {
    if (event.type === 'line.connected') state.carrier = event.carrier;
    if (event.type === 'usage.counted') count(state, event);
    return state;
  },
};

export interface Costs {
  readonly cost: number;
  readonly costs: Record<string, unknown>[];
  readonly costBreakdown: Record<string, unknown>;
}

/** Lines of our own clients, by Vapi's name. */
const OWN_LINES: Readonly<Record<string, string>> = { websocket: 'vapi.websocket', text: 'vapi.websocket' };

/** `durationMs` is the answered time of the call. */
export function costsOf(state: UsageState, durationMs: number, rates: RateCard): Costs {
  const minutes = round(durationMs / 60_000);
  const transport = minutes * (rates.transportPerMinute?.[state.carrier] ?? 0);
  const sum = { stt: 0, llm: 0, tts: 0 };
  const count = { llmPromptTokens: 0, llmCompletionTokens: 0, llmCachedPromptTokens: 0, ttsCharacters: 0 };
  const costs: Record<string, unknown>[] = [];
  if (state.carrier)
    costs.push({ type: 'transport', provider: OWN_LINES[state.carrier] ?? state.carrier, minutes, cost: round(transport) });
  for (const used of state.used) {
    const { provider, model, quantity, completionTokens, cachedTokens } = used;
    const cost = priceOf(used, rates);
    sum[used.kind] += cost;
    const common = { cost: round(cost) };
    switch (used.kind) {
      case 'stt':
        costs.push({ type: 'transcriber', transcriber: { provider, model }, minutes: round(quantity / 60), ...common });
        break;
      case 'llm':
        count.llmPromptTokens += quantity;
        count.llmCompletionTokens += completionTokens;
        count.llmCachedPromptTokens += cachedTokens;
        costs.push({
          type: 'model',
          model: { provider, model },
          promptTokens: quantity,
          completionTokens,
          cachedPromptTokens: cachedTokens,
          ...common,
        });
        break;
      case 'tts':
        count.ttsCharacters += quantity;
        costs.push({ type: 'voice', voice: { provider, model }, characters: quantity, ...common });
        break;
    }
  }
  costs.push({ type: 'vapi', subType: 'normal', minutes, cost: 0 });
  const total = round(transport + sum.stt + sum.llm + sum.tts);
  const costBreakdown = {
    transport: round(transport),
    stt: round(sum.stt),
    llm: round(sum.llm),
    tts: round(sum.tts),
    vapi: 0,
    chat: 0,
    total,
    ...count,
  };
  return { cost: total, costs, costBreakdown };
}

function count(state: UsageState, event: Extract<CallEvent, { type: 'usage.counted' }>): void {
  const { kind, provider, model } = event;
  let used = state.used.find((one) => one.kind === kind && one.provider === provider && one.model === model);
  if (!used) {
    used = { kind, provider, model, quantity: 0, completionTokens: 0, cachedTokens: 0 };
    state.used.push(used);
  }
  used.quantity += event.quantity;
  used.completionTokens += event.completionTokens ?? 0;
  used.cachedTokens += event.cachedTokens ?? 0;
}

function priceOf({ kind, provider, model, quantity, completionTokens, cachedTokens }: Used, rates: RateCard): number {
  const rate = <R>(card: Readonly<Record<string, R>> | undefined) => card?.[`${provider}/${model}`] ?? card?.[provider];
  switch (kind) {
    case 'stt':
      return (quantity / 60) * (rate(rates.sttPerMinute) ?? 0);
    case 'tts':
      return (quantity / 1e6) * (rate(rates.ttsPerMillionCharacters) ?? 0);
    case 'llm': {
      const price = rate(rates.llmPerMillionTokens);
      if (!price) return 0;
      // Cached tokens are part of the prompt's count, at a price of their own.
      const fresh = Math.max(0, quantity - cachedTokens);
      return (fresh * price.prompt + cachedTokens * price.cached + completionTokens * price.completion) / 1e6;
    }
  }
}

/** To a millionth, so that sums of fractions do not show the noise of binary arithmetic. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
