/**
 * What the carriers' callbacks of running calls are judged by: which account's secret signs them, and which news are old. In memory,
 * because a call does not outlive the node that placed it; bounded, because a carrier may never send its last word.
 */
import type { CarrierAccount, CarrierStatus } from '../carriers/carrier.ts';

const MOST = 10_000;
const FINAL: readonly CarrierStatus['state'][] = ['completed', 'busy', 'no-answer', 'failed', 'canceled'];

export interface CarrierCalls {
  /** Remembers the account that a call was placed with. */
  placed(call: string, account: CarrierAccount): void;
  accountOf(call: string): CarrierAccount | undefined;
  /** Callbacks overtake each other: `false` for one that is older than what was said already. The last word always counts. */
  isNews(call: string, status: CarrierStatus): boolean;
}

export function createCarrierCalls(): CarrierCalls {
  const calls = new Map<string, { account?: CarrierAccount; sequence: number }>();
  const at = (call: string) => {
    const entry = calls.get(call) ?? { sequence: -1 };
    calls.delete(call);
    calls.set(call, entry);
    for (const oldest of calls.keys()) {
      if (calls.size <= MOST) break;
      calls.delete(oldest);
    }
    return entry;
  };
  return {
    placed(call, account) {
      at(call).account = account;
    },
    accountOf: (call) => calls.get(call)?.account,
    isNews(call, { sequence, state }) {
      const entry = at(call);
      if (sequence <= entry.sequence && !FINAL.includes(state)) return false;
      entry.sequence = sequence;
      return true;
    },
  };
}
