/**
 * The conversation for vendors that want strictly alternating turns with the instructions apart (Anthropic, Google): neighbours of
 * the same side are joined, the first turn is the caller's, and tool results are the caller's side of the table.
 */
import type { Message } from './contract.ts';

type Spoken = Exclude<Message, { role: 'system' }>;

export interface Turn {
  readonly side: 'user' | 'assistant';
  readonly messages: Spoken[];
}

/** System messages before the first word are the instructions; later ones become notes in the caller's turn, in their place. */
export function alternatingTurns(messages: readonly Message[]): { system: string; turns: readonly Turn[] } {
  const system: string[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === 'system' && turns.length === 0) {
      system.push(message.content);
      continue;
    }
    const spoken: Spoken = message.role === 'system' ? { role: 'user', content: `[Note: ${message.content}]` } : message;
    if ('content' in spoken && !spoken.content && !(spoken.role === 'tool') && !(spoken.role === 'assistant' && spoken.toolCalls?.length))
      continue;
    const side = spoken.role === 'assistant' ? 'assistant' : 'user';
    // An agent that speaks first answers the ringing of the phone.
    if (turns.length === 0 && side === 'assistant')
      turns.push({ side: 'user', messages: [{ role: 'user', content: '[The call begins.]' }] });
    const last = turns.at(-1);
    if (last?.side === side) last.messages.push(spoken);
    else turns.push({ side, messages: [spoken] });
  }
  if (turns.length === 0) turns.push({ side: 'user', messages: [{ role: 'user', content: '[The call begins.]' }] });
  return { system: system.join('\n\n'), turns };
}
