/** The first message, made while the line is still on its way, so that the caller hears it with the first frame. It is said when the table says so. */
import type { AgentPlan } from '../agent/plan.ts';
import { NOTHING_HEARD, type Reply } from './answer/reply.ts';
import { openingOf } from './turn/inputs.ts';

export interface Opening {
  /** Begins to make it, when there is a given text and a voice for it. */
  prepare(): void;
  /** What was made, when it is these words and did not fail. */
  take(text: string): Reply | undefined;
  drop(): void;
}

/** `speak` begins a reply of given words; absent while there is no voice. */
export function createOpening(agent: () => AgentPlan, speak: () => ((text: string) => Reply) | undefined): Opening {
  let prepared: { text: string; reply: Reply } | undefined;
  const drop = () => {
    prepared?.reply.cancel(NOTHING_HEARD);
    prepared = undefined;
  };
  return {
    prepare() {
      const text = openingOf(agent())?.text;
      const reply = text && !prepared ? speak()?.(text) : undefined;
      if (text && reply) prepared = { text, reply };
    },
    take(text) {
      const ready = prepared;
      if (ready?.text !== text || ready.reply.failed) return void drop();
      prepared = undefined;
      return ready.reply;
    },
    drop,
  };
}
