/**
 * Control messages as clients send them, read into commands. The control URL's `content` and the web SDK's `message` are both in use.
 * It decides nothing about a call.
 */
import { z } from 'zod';
import type { ControlCommand } from '../call/control.ts';
import { AywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf } from '../kernel/faults.ts';

const spoken = z.string().trim().min(1).max(5_000);
const Say = z.object({
  type: z.literal('say'),
  content: spoken.optional(),
  message: spoken.optional(),
  endCallAfterSpoken: z.boolean().default(false),
  interruptionsEnabled: z.boolean().default(true),
  interruptAssistantEnabled: z.boolean().default(false),
});
const AddMessage = z.object({
  type: z.literal('add-message'),
  message: z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: spoken }),
  triggerResponseEnabled: z.boolean().default(true),
});
const Control = z.object({
  type: z.literal('control'),
  control: z.enum(['mute-assistant', 'unmute-assistant', 'mute-customer', 'unmute-customer', 'say-first-message']),
});
const End = z.object({ type: z.enum(['end-call', 'hangup', 'end']) });
const Typed = z.object({ type: z.literal('text'), text: spoken });
const Wire = z.discriminatedUnion('type', [Say, AddMessage, Control, End, Typed]);

/** Throws `invalid_request` with field paths, or `unsupported` for a type that this server does not know. */
export function parseControl(message: unknown): ControlCommand {
  const parsed = Wire.safeParse(message);
  if (!parsed.success) {
    const faults = faultsOf(parsed.error).map(({ path, message }) => ({ path: path || 'type', message }));
    const known = parsed.error.issues.every((issue) => issue.code !== 'invalid_union');
    throw new AywaError(known ? 'invalid_request' : 'unsupported', {
      detail: faultLine(faults),
      faults,
    });
  }
  const wire = parsed.data;
  switch (wire.type) {
    case 'say': {
      const text = wire.content ?? wire.message;
      if (!text)
        throw new AywaError('invalid_request', { detail: 'content: is required', faults: [{ path: 'content', message: 'is required' }] });
      return {
        type: 'say',
        text,
        endAfter: wire.endCallAfterSpoken,
        interruptible: wire.interruptionsEnabled,
        interrupt: wire.interruptAssistantEnabled,
      };
    }
    case 'add-message':
      return { type: 'add-message', role: wire.message.role, text: wire.message.content, respond: wire.triggerResponseEnabled };
    case 'control':
      if (wire.control === 'say-first-message') return { type: 'say-first-message' };
      return { type: 'mute', who: wire.control.endsWith('assistant') ? 'agent' : 'caller', on: wire.control.startsWith('mute') };
    case 'text':
      return { type: 'type', text: wire.text };
    default:
      return { type: 'end' };
  }
}
