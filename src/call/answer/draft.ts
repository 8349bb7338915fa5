/**
 * Drafts: answers that are begun before the caller's turn is certain. A draft has no path to the line; it becomes the reply when the
 * words and the conversation are still the ones that it answers, and is closed otherwise.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import type { CallEventBody } from '../events.ts';
import { wordsOf } from '../turn/endpointing.ts';
import { type TurnState, textOf } from '../turn/turn-state.ts';
import type { Conversation } from './conversation.ts';
import { type Compose, NOTHING_HEARD, type Reply } from './reply.ts';

/** Each one costs a model call, most of them for nothing. */
const MOST_PER_TURN = 3;

export interface Drafts {
  /** After each event: begins an answer to final words always, to words that may still change only when they look stable. */
  follow(event: CallEventBody, state: TurnState): void;
  /** The draft that answers exactly these words, to be heard as `reply`; closes any other. */
  adopt(text: string, reply: number): Reply | undefined;
  discard(): void;
  /** A turn was answered: the next one has its own drafts. */
  renew(): void;
}

export function createDrafts(
  agent: () => AgentPlan,
  compose: Compose,
  conversation: Conversation,
  tell: (event: CallEventBody) => void,
): Drafts {
  let current: { number: number; key: string; reply: Reply } | undefined;
  let made = 0;
  let left = MOST_PER_TURN;

  const keyOf = (text: string) => `${conversation.version} ${wordsOf(text).join(' ')}`;
  const discard = () => {
    if (!current) return;
    current.reply.cancel(NOTHING_HEARD);
    tell({ type: 'draft.discarded', draft: current.number });
    current = undefined;
  };
  /** The caller seems to have said this: an answer to it, unless there is one to the same words. */
  const consider = (text: string) => {
    const key = keyOf(text);
    if (text === '' || current?.key === key) return;
    discard();
    if (left === 0) return;
    left -= 1;
    made += 1;
    tell({ type: 'draft.begun', draft: made, text });
    current = { number: made, key, reply: compose({ asked: text }) };
  };
  return {
    discard,
    follow(event, { phase, muted, talking, waiting }) {
      if (muted || (phase !== 'listening' && phase !== 'deciding')) return;
      const said = textOf(waiting);
      if (event.type === 'caller.partial') {
        const stable = !talking || /[.!?]\s*$/.test(event.text);
        if (agent().turns.drafts && stable) consider(`${said} ${event.text}`.trim());
      } else if (phase === 'deciding' || (agent().turns.drafts && event.type === 'caller.words')) consider(said);
    },
    adopt(text, reply) {
      const draft = current;
      if (draft?.key !== keyOf(text) || draft.reply.failed) {
        discard();
        return undefined;
      }
      current = undefined;
      tell({ type: 'draft.adopted', draft: draft.number, reply });
      return draft.reply;
    },
    renew() {
      left = MOST_PER_TURN;
    },
  };
}
