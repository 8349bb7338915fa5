/**
 * The tools of an assistant as a call uses them: what the model is told about each, what is spoken around it, who answers it.
 * A tool that this runtime cannot carry out is a fault with its path, never a tool that silently does nothing.
 */
import type { FieldFault } from '../kernel/errors.ts';
import type { ToolSpec } from '../providers/llm/contract.ts';
import type { Assistant, AssistantTool } from './assistant.ts';
import { isObject } from './definition.ts';
import type { ToolMessage, ToolPlan } from './plan.ts';

/** What a caller hears while a tool takes its time, unless the assistant says what: silence for longer is a broken line. */
const WAITING: readonly ToolMessage[] = [
  { when: 'delayed', text: 'One moment, please.', role: 'assistant', delayMs: 1_500, blocking: false, endsCall: false },
];

const KINDS = ['function', 'endCall', 'transferCall', 'dtmf'] as const;
type Kind = (typeof KINDS)[number];

/** Seconds that a tool's webhook may take unless its server says otherwise: Vapi's default. */
const SERVER_SECONDS = 20;

/** The tools of `assistant.model` in order; faults of unsupported ones go to `fault`. `language` chooses among translated messages. */
export function planTools(assistant: Assistant, language: string, fault: (fault: FieldFault) => void): ToolPlan[] {
  return (assistant.model?.tools ?? []).flatMap((tool, index) => {
    const path = `model.tools[${index}]`;
    const kind = KINDS.find((name) => name === tool.type);
    if (!kind) {
      fault({ path: `${path}.type`, message: `is not supported; this server knows ${KINDS.join(', ')}` });
      return [];
    }
    if (kind === 'function' && !tool.function) {
      fault({ path: `${path}.function`, message: 'is required for a function tool' });
      return [];
    }
    if (tool.rejectionPlan) fault({ path: `${path}.rejectionPlan`, message: 'is not supported' });
    const server = tool.server ?? assistant.server;
    return [
      {
        id: typeof tool.id === 'string' ? tool.id : null,
        kind,
        spec: specOf(kind, tool),
        async: tool.async ?? false,
        finishes: tool.finishes ?? false,
        timeoutMs: (server?.timeoutSeconds ?? SERVER_SECONDS) * 1000,
        messages: kind === 'function' && !tool.messages ? WAITING : messagesOf(tool, path, language, fault),
        fixed: Object.fromEntries((tool.parameters ?? []).map(({ key, value }) => [key, value])),
        source: withoutSecrets(tool),
        target: tool.server?.url ? `tool:${index}` : 'assistant',
      },
    ];
  });
}

const object = (properties: Record<string, unknown>, required: readonly string[]) => ({ type: 'object', properties, required });

/** What the model is told when the assistant says nothing: our own words. */
function standard(kind: Kind, tool: AssistantTool): ToolSpec {
  switch (kind) {
    case 'function':
      return { name: '', description: '', parameters: object({}, []) };
    case 'endCall':
      return { name: 'endCall', description: 'Ends the call once the conversation has come to its end.', parameters: object({}, []) };
    case 'dtmf':
      return {
        name: 'dtmf',
        description: 'Presses keys of the telephone, for menus at the other end. `w` is a pause of half a second.',
        parameters: object({ dtmf: { type: 'string', description: 'The keys, of 0-9 * # w' } }, ['dtmf']),
      };
    case 'transferCall': {
      const places = (tool.destinations ?? []).flatMap((place) => placeOf(place) ?? []);
      return {
        name: 'transferCall',
        description: 'Transfers the caller to another person or number, when the caller asks for it or the instructions say so.',
        parameters: object({ destination: { type: 'string', ...(places.length > 0 && { enum: places }) } }, ['destination']),
      };
    }
  }
}

/** Without the parameters whose values the assistant fixes: the model neither sees them nor is asked for them. */
function specOf(kind: Kind, tool: AssistantTool): ToolSpec {
  const base = standard(kind, tool);
  const own = tool.function;
  const fixed = new Set((tool.parameters ?? []).map(({ key }) => key));
  return {
    name: own?.name ?? base.name,
    description: own?.description ?? base.description,
    parameters: fixed.size > 0 ? without(fixed, own?.parameters ?? base.parameters) : (own?.parameters ?? base.parameters),
  };
}

/** A JSON schema of an object without some of its properties, in every place that may name them. */
function without(names: ReadonlySet<string>, schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (['properties', 'dependentRequired', 'dependentSchemas'].includes(keyword) && isObject(value))
        return [keyword, Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)))];
      if (keyword === 'required' && Array.isArray(value)) return [keyword, value.filter((name) => !names.has(name))];
      if (['allOf', 'anyOf', 'oneOf'].includes(keyword) && Array.isArray(value))
        return [keyword, value.map((part) => (isObject(part) ? without(names, part) : part))];
      return [keyword, value];
    }),
  );
}

function placeOf(place: Readonly<Record<string, unknown>>): string | undefined {
  const name = place.number ?? place.sipUri ?? place.assistantName;
  return typeof name === 'string' ? name : undefined;
}

const WHEN: Readonly<Record<string, ToolMessage['when']>> = {
  'request-start': 'start',
  'request-complete': 'complete',
  'request-failed': 'failed',
  'request-response-delayed': 'delayed',
};

function messagesOf(tool: AssistantTool, path: string, language: string, fault: (fault: FieldFault) => void): ToolMessage[] {
  return (tool.messages ?? []).flatMap((message, index) => {
    const when = WHEN[message.type];
    const at = `${path}.messages[${index}]`;
    if (!when) fault({ path: `${at}.type`, message: `is not one of ${Object.keys(WHEN).join(', ')}` });
    if (message.conditions?.length) fault({ path: `${at}.conditions`, message: 'are not supported' });
    if (!when) return [];
    const translated = message.contents?.find((content) => content.language?.slice(0, 2) === language.slice(0, 2)) ?? message.contents?.[0];
    return [
      {
        when,
        text: translated?.text ?? message.content ?? '',
        role: message.role ?? 'assistant',
        delayMs: message.timingMilliseconds ?? 0,
        blocking: message.blocking ?? false,
        endsCall: message.endCallAfterSpokenEnabled ?? false,
      },
    ];
  });
}

/** The tool for webhooks and logs: of its server only what is no secret. */
function withoutSecrets(tool: AssistantTool): Readonly<Record<string, unknown>> {
  const { server, ...rest } = tool;
  return server ? { ...rest, server: { url: server.url, timeoutSeconds: server.timeoutSeconds ?? SERVER_SECONDS } } : rest;
}
