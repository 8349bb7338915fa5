/** What happens to a call, as events: what the ears hear, what a command asks for. Pure; the call puts them on record. */
import type { AgentPlan } from '../agent/plan.ts';
import type { ControlCommand } from './control.ts';
import type { CallEventBody } from './events.ts';
import type { Perceived } from './hear/listening.ts';
import { VOICE_GONE_MS } from './hear/voice-gate.ts';
import { openingOf } from './turn/inputs.ts';

/** What a recogniser's "there was speech, but nothing that I know" becomes: the caller did say something. */
const NOT_UNDERSTOOD = '[inaudible]';

/** `null` for a final without any words. */
export function perceivedEvent(told: Perceived): CallEventBody | null {
  switch (told.type) {
    case 'started':
      return { type: 'caller.started' };
    case 'stopped':
      return { type: 'caller.stopped', silentMs: VOICE_GONE_MS };
    case 'partial':
      return { type: 'caller.partial', text: told.text, from: told.from, to: told.to };
    case 'final': {
      const { from, to, confidence = null, language = null, rejected = false, interim, replaces } = told;
      const text = told.text.trim() || (rejected ? NOT_UNDERSTOOD : '');
      if (text === '') return null;
      const about = { ...(interim && { interim }), ...(replaces !== undefined && { replaces }) };
      return { type: 'caller.words', text, from, to, confidence, language, rejected, typed: false, ...about };
    }
    case 'turnEnd':
      return { type: 'caller.turn_end', probability: told.probability };
    case 'failed': {
      const { provider, error, final } = told;
      return { type: 'provider.failed', kind: 'stt', provider, code: error.code, detail: error.message, final };
    }
    case 'switched':
      return { type: 'provider.switched', kind: 'stt', from: told.from, to: told.to };
    case 'dropped':
      return { type: 'audio.dropped', consumer: 'stt', ms: told.ms };
    case 'usage': {
      const { provider, model, seconds } = told;
      return { type: 'usage.counted', kind: 'stt', provider, model, quantity: seconds, completionTokens: null, cachedTokens: null };
    }
    default:
      return told satisfies never;
  }
}

/** Words that need no recogniser: typed, or keyed in. */
export function typedEvent(text: string, atMs: number): CallEventBody {
  return { type: 'caller.words', text, from: atMs, to: atMs, confidence: null, language: null, rejected: false, typed: true };
}

export function commandEvents(command: ControlCommand, agent: AgentPlan, atMs: number): CallEventBody[] {
  const received = (name: string, text: string | null = null, options: Record<string, boolean> = {}): CallEventBody => ({
    type: 'control.received',
    command: name,
    text,
    options,
  });
  switch (command.type) {
    case 'say': {
      const { interruptible, interrupt, endAfter } = command;
      return [received('say', command.text, { interruptible, interrupt, endAfter })];
    }
    case 'say-first-message':
      return [received('say-first-message', openingOf(agent)?.text ?? null)];
    case 'add-message': {
      const added: CallEventBody = { type: 'memory.added', role: command.role, text: command.text };
      return command.respond ? [added, received('respond')] : [added];
    }
    case 'mute':
      return [received(`mute-${command.who}`, null, { on: command.on })];
    case 'end':
      return [received('end'), { type: 'call.closing', reason: 'api', detail: null }];
    case 'type':
      return [typedEvent(command.text, atMs)];
    default:
      return command satisfies never;
  }
}
