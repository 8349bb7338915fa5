/**
 * What the model remembers: the prompt of the agent that speaks now, then the conversation as a fold of the call's events, those of a past
 * that is taken up again included. The caller's turns are there once, the agents' words as far as they were heard, nothing else.
 * Append-only apart from the turn that is being answered, so that a provider's prompt cache keeps hitting.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import type { Message } from '../../providers/llm/contract.ts';
import type { CallEvent } from '../events.ts';

export interface Conversation {
  take(event: CallEvent): void;
  /** The prompt for the next answer; with the caller's words that are not a turn yet, for a draft. */
  messages(asked?: string): Message[];
  /** Grows whenever anything but the open turn changes: a draft made at another version answers another conversation. */
  readonly version: number;
  /** Was there a tool call of this id? */
  knows(toolCallId: string): boolean;
}

/** Where in the conversation an agent's own part begins. */
export interface Part {
  readonly agent: string;
  readonly from: number;
}

/** What the agent of the last part sees of the conversation, before the turn that is being answered. */
export type View = (past: readonly Message[], parts: readonly Part[]) => readonly Message[];
const EVERYTHING: View = (past) => past;

/** What a model reads as the result of a tool that has not answered. */
const PENDING = 'No result yet.';

export function createConversation(agent: () => AgentPlan, view: View = EVERYTHING): Conversation {
  const past: Message[] = [];
  const parts: Part[] = [];
  const toolCalls = new Set<string>();
  /** The turn that is being answered, as far as it is not in `past`. */
  let turn = '';
  /** What is in `past` of a turn that was not answered audibly: it was put there for a tool, and comes back when the reply is cut. */
  let settled = '';
  /** The open reply was asked with the turn: a given text in between leaves it as it is. */
  let answers = false;
  let version = 0;

  const add = (message: Message) => {
    past.push(message);
    version += 1;
  };
  const settle = () => {
    if (turn === '') return;
    add({ role: 'user', content: turn });
    settled = `${settled} ${turn}`.trim();
    turn = '';
  };
  const unsettled = (text: string) => (text.startsWith(settled) ? text.slice(settled.length).trim() : text);
  const answer = (id: string, content: string, failed: boolean) => {
    const at = past.findIndex((message) => message.role === 'tool' && message.toolCallId === id && message.content === PENDING);
    const pending = past[at];
    if (pending?.role !== 'tool') return;
    past[at] = { ...pending, content, ...(failed && { failed }) };
    version += 1;
  };

  return {
    get version() {
      return version;
    },
    take(event) {
      switch (event.type) {
        case 'call.created':
          parts.push({ agent: event.agent, from: 0 });
          break;
        case 'agent.entered':
          parts.push({ agent: event.agent, from: past.length });
          version += 1;
          break;
        case 'caller.turn':
          turn = unsettled(event.text);
          break;
        case 'reply.begun':
          answers = event.turn !== null;
          break;
        case 'reply.audible':
          if (!answers) break;
          settle();
          settled = '';
          break;
        case 'agent.said':
          if (event.text.trim() !== '') add({ role: 'assistant', content: event.text.trim() });
          break;
        case 'tool.called': {
          settle();
          toolCalls.add(event.id);
          const call = { id: event.id, name: event.name, arguments: event.arguments };
          const before = past.findLastIndex((message) => message.role === 'assistant');
          const round = past[before];
          // Calls of one round stand together in one message, as models demand.
          if (
            round?.role === 'assistant' &&
            round.toolCalls &&
            past.slice(before + 1).every((m) => m.role === 'tool' && m.content === PENDING)
          )
            past[before] = { ...round, toolCalls: [...round.toolCalls, call] };
          else past.push({ role: 'assistant', content: '', toolCalls: [call] });
          add({ role: 'tool', toolCallId: event.id, name: event.name, content: PENDING });
          break;
        }
        case 'tool.answered':
          answer(event.id, event.result, !event.ok);
          break;
        case 'transfer.ended':
          if (!event.ok) add({ role: 'system', content: `The transfer did not succeed: the caller is still here. ${event.detail}`.trim() });
          break;
        case 'memory.added':
          add(event.role === 'tool' ? { role: 'system', content: event.text } : { role: event.role, content: event.text });
          break;
      }
    },
    knows: (id) => toolCalls.has(id),
    messages(asked) {
      const text = asked === undefined ? turn : unsettled(asked);
      return [...agent().prompt, ...view(past, parts), ...(text ? [{ role: 'user', content: text } as const] : [])];
    },
  };
}
