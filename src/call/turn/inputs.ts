/** Which events are inputs of the turn table, and what they say to it: the same for a live call and for a log that is played again. */
import type { AgentPlan } from '../../agent/plan.ts';
import type { CallEvent, CallEventBody, EventOf } from '../events.ts';
import type { Input, Saying, TimerName, Words } from './turn-state.ts';

export function inputOf(event: CallEvent, agent: AgentPlan): Input | null {
  const { at } = event;
  switch (event.type) {
    case 'line.connected':
      return { at, type: 'connected', saying: openingOf(agent) };
    case 'line.ended':
      return { at, type: 'gone' };
    case 'line.held':
      return { at, type: 'hold', on: event.on, why: event.why };
    case 'transfer.begun':
      return { at, type: 'transfer', destination: event.destination };
    case 'transfer.ended':
      return { at, type: 'transferred', ok: event.ok, detail: event.detail };
    case 'screening.decided':
      return { at, type: 'screened', by: event.by };
    case 'caller.started':
      return { at, type: 'started' };
    case 'caller.stopped':
      return { at, type: 'stopped', silentMs: event.silentMs ?? 0 };
    case 'caller.partial':
      // A partial without words says nothing.
      return event.text.trim() === '' ? null : { at, type: 'partial', text: event.text };
    case 'caller.words': {
      const { text, from, to, typed, rejected, interim, replaces } = event;
      const words: Words = {
        at,
        text,
        from,
        to,
        typed,
        rejected,
        ...(interim && { interim }),
        ...(replaces !== undefined && { replaces }),
      };
      return { at, type: 'words', words };
    }
    case 'wait.asked':
      return { at, type: 'wait', ms: event.waitMs };
    case 'caller.turn_end':
      return { at, type: 'turnEnd', probability: event.probability };
    case 'timer.fired':
      return { at, type: 'timer', timer: event.name as TimerName };
    case 'control.received':
      return controlInput(event);
    case 'reply.audible':
      return { at, type: 'audible', reply: event.reply };
    case 'agent.said':
      return { at, type: 'said', text: event.text };
    case 'reply.ended':
      return { at, type: 'ended', reply: event.reply, failed: event.outcome === 'failed' };
    case 'provider.failed':
      return event.final ? { at, type: 'broken', kind: event.kind } : null;
    case 'call.closing':
      return { at, type: 'close', reason: event.reason };
    default:
      return null;
  }
}

/** Does the turn table decide about it? */
export function isInput(body: CallEventBody, agent: AgentPlan): boolean {
  return inputOf({ ...body, call: '', seq: 0, at: 0, wall: 0 }, agent) !== null;
}

/** What the agent says first; `null` when it waits for the caller. */
export function openingOf({ opening }: AgentPlan): Saying | null {
  if (opening.mode === 'caller' || (opening.mode === 'agent-text' && opening.text === '')) return null;
  const text = opening.mode === 'agent-text' ? opening.text : null;
  return { cause: 'first-message', text, interruptible: opening.interruptible, interrupt: false, endAfter: false };
}

function controlInput({ at, command, text, options = {} }: EventOf<'control.received'>): Input | null {
  switch (command) {
    case 'say':
    case 'say-first-message':
    case 'respond': {
      const saying: Saying = {
        cause: command === 'respond' ? 'turn' : command === 'say' ? 'say' : 'first-message',
        text,
        interruptible: options.interruptible ?? true,
        interrupt: options.interrupt ?? false,
        endAfter: options.endAfter ?? false,
      };
      return { at, type: 'say', saying };
    }
    case 'mute-agent':
      return { at, type: 'mute', on: options.on ?? true };
    default:
      return null;
  }
}
