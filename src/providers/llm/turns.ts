/**
 * The conversation for vendors that want strictly alternating turns with the instructions apart (Anthropic, Google): neighbours of
 * the same side are joined, the first turn is the caller's, and tool results are the caller's side of the table.
 */
import type { Message, PromptRequest } from './contract.ts';
import { orderly } from './prompt.ts';

type Spoken = Exclude<Message, { role: 'system' }>;

export interface Turn {
  readonly side: 'user' | 'assistant';
  readonly messages: Spoken[];
}

const BEGINS: Spoken = { role: 'user', content: '[The call begins.]' };
const GOES_ON: Spoken = { role: 'user', content: '[The caller says nothing.]' };

/** System messages before the first word are the instructions; later ones become notes in the caller's turn, in their place. */
export function alternatingTurns(request: PromptRequest): { system: string; turns: readonly Turn[] } {
  const system: string[] = [];
  const turns: Turn[] = [];
  const take = (spoken: Spoken) => {
    const side = spoken.role === 'assistant' ? 'assistant' : 'user';
    const last = turns.at(-1);
    if (last?.side === side) last.messages.push(spoken);
    else turns.push({ side, messages: [spoken] });
  };
  for (const message of orderly(request)) {
    if (message.role === 'system' && turns.length === 0) {
      system.push(message.content);
      continue;
    }
    // An agent that speaks first answers the ringing of the phone.
    if (turns.length === 0 && message.role === 'assistant') take(BEGINS);
    take(message.role === 'system' ? { role: 'user', content: `[Note: ${message.content}]` } : message);
  }
  if (turns.length === 0) take(BEGINS);
  // The last word is the caller's: after the agent's own these vendors go on with its sentence, or refuse.
  if (turns.at(-1)?.side === 'assistant') take(GOES_ON);
  return { system: system.join('\n\n'), turns };
}
