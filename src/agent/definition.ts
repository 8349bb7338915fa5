/**
 * The assistant as clients write it: Vapi's field names, the important ones typed and bounded, everything else kept as it came.
 * Turns unknown bodies into assistants and back into precise faults; it never decides what a field means (see `make-plan.ts`).
 */

import { z } from 'zod';
import { AywaError, isAywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf, pathOf } from '../kernel/faults.ts';

/** Objects whose further fields belong to somebody else (a vendor, the user): unknown names in them are no typing errors. */
const openEnded = new WeakSet<z.ZodType>();
function open<T extends z.ZodRawShape>(shape: T) {
  const schema = z.looseObject(shape);
  openEnded.add(schema);
  return schema;
}

const httpUrl = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http(s) URL');
const seconds = (from: number, to: number) => z.number().min(from).max(to);
const anyObject = open({});

const Server = z.looseObject({
  url: httpUrl.optional(),
  timeoutSeconds: seconds(1, 300).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  secret: z.string().optional(),
  credentialId: z.string().optional(),
  backoffPlan: anyObject.optional(),
});

const ToolFunction = z.looseObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'),
  description: z.string().max(1_000).optional(),
  parameters: anyObject.optional(),
  strict: z.boolean().optional(),
});

const ToolMessage = z.looseObject({
  type: z.string(),
  content: z.string().optional(),
  contents: z.array(open({ type: z.string().optional(), text: z.string().optional(), language: z.string().optional() })).optional(),
  role: z.enum(['assistant', 'system']).optional(),
  blocking: z.boolean().optional(),
  endCallAfterSpokenEnabled: z.boolean().optional(),
  timingMilliseconds: z.number().min(100).max(120_000).optional(),
  conditions: z.array(anyObject).optional(),
});

/** Open, because each type has fields of its own. */
const Tool = open({
  type: z.string().min(1),
  function: ToolFunction.optional(),
  messages: z.array(ToolMessage).optional(),
  server: Server.optional(),
  async: z.boolean().optional(),
  /** Ours: runs to its end even when the caller interrupts (a payment). */
  finishes: z.boolean().optional(),
  parameters: z.array(z.looseObject({ key: z.string(), value: z.unknown() })).optional(),
  destinations: z.array(open({ type: z.string() })).optional(),
});

const LegacyFunction = z.looseObject({ ...ToolFunction.shape, async: z.boolean().optional(), serverUrl: httpUrl.optional() });

const Model = open({
  provider: z.string().min(1),
  model: z.string().optional(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'user', 'assistant', 'tool', 'function', 'developer']),
        content: z.string().nullable().optional(),
      }),
    )
    .optional(),
  tools: z.array(Tool).optional(),
  toolIds: z.array(z.string()).optional(),
  toolRefs: z.array(anyObject).optional(),
  functions: z.array(LegacyFunction).optional(),
  systemPrompt: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(50).max(10_000).optional(),
  fallbackModels: z.array(z.string()).optional(),
  fallbackPlan: z.looseObject({ models: z.array(open({ provider: z.string().min(1) })).optional() }).optional(),
  knowledgeBase: anyObject.optional(),
});

const Voice = open({
  provider: z.string().min(1),
  voiceId: z.string().optional(),
  cachingEnabled: z.boolean().optional(),
  chunkPlan: anyObject.optional(),
  fallbackPlan: z.looseObject({ voices: z.array(open({ provider: z.string().min(1) })).optional() }).optional(),
});

const Transcriber = open({
  provider: z.string().min(1),
  model: z.string().optional(),
  language: z.string().optional(),
  keywords: z.array(z.string()).optional(),
  keyterm: z.array(z.string()).optional(),
  fallbackPlan: z.looseObject({ transcribers: z.array(open({ provider: z.string().min(1) })).optional() }).optional(),
});

const regexOptions = z.array(z.looseObject({ type: z.string(), enabled: z.boolean() })).optional();
const StartSpeakingPlan = z.looseObject({
  waitSeconds: seconds(0, 5).optional(),
  smartEndpointingPlan: open({ provider: z.string() }).optional(),
  smartEndpointingEnabled: z.union([z.boolean(), z.literal('livekit')]).optional(),
  customEndpointingRules: z
    .array(
      z.looseObject({
        type: z.enum(['assistant', 'customer', 'both']),
        regex: z.string().optional(),
        regexOptions,
        assistantRegex: z.string().optional(),
        assistantRegexOptions: regexOptions,
        customerRegex: z.string().optional(),
        customerRegexOptions: regexOptions,
        timeoutSeconds: seconds(0, 15),
      }),
    )
    .optional(),
  transcriptionEndpointingPlan: z
    .looseObject({
      onPunctuationSeconds: seconds(0, 3).optional(),
      onNoPunctuationSeconds: seconds(0, 3).optional(),
      onNumberSeconds: seconds(0, 3).optional(),
    })
    .optional(),
});

const StopSpeakingPlan = z.looseObject({
  numWords: z.int().min(0).max(10).optional(),
  voiceSeconds: seconds(0, 0.5).optional(),
  backoffSeconds: seconds(0, 10).optional(),
  acknowledgementPhrases: z.array(z.string().max(240)).optional(),
  interruptionPhrases: z.array(z.string().max(240)).optional(),
});

const Hook = open({
  on: z.string(),
  options: anyObject.optional(),
  do: z.array(open({ type: z.string() })).optional(),
});

const filters = z.union([z.string(), z.array(z.string())]);

export const Assistant = z.looseObject({
  name: z.string().max(40).optional(),
  model: Model.optional(),
  voice: Voice.optional(),
  transcriber: Transcriber.optional(),
  firstMessage: z.string().optional(),
  firstMessageMode: z
    .enum(['assistant-speaks-first', 'assistant-waits-for-user', 'assistant-speaks-first-with-model-generated-message'])
    .optional(),
  firstMessageInterruptionsEnabled: z.boolean().optional(),
  voicemailDetection: z.union([z.literal('off'), anyObject]).optional(),
  voicemailMessage: z.string().max(1_000).optional(),
  endCallMessage: z.string().max(1_000).optional(),
  endCallPhrases: z.array(z.string().min(2).max(140)).optional(),
  maxDurationSeconds: seconds(10, 43_200).optional(),
  silenceTimeoutSeconds: seconds(10, 3_600).optional(),
  backgroundSound: z.string().optional(),
  backgroundSpeechDenoisingPlan: anyObject.optional(),
  modelOutputInMessagesEnabled: z.boolean().optional(),
  clientMessages: filters.optional(),
  serverMessages: filters.optional(),
  server: Server.optional(),
  transportConfigurations: z.array(anyObject).optional(),
  startSpeakingPlan: StartSpeakingPlan.optional(),
  stopSpeakingPlan: StopSpeakingPlan.optional(),
  analysisPlan: anyObject.optional(),
  artifactPlan: open({ recordingEnabled: z.boolean().optional() }).optional(),
  monitorPlan: anyObject.optional(),
  compliancePlan: open({ hipaaEnabled: z.boolean().optional() }).optional(),
  observabilityPlan: anyObject.optional(),
  hooks: z.array(Hook).optional(),
  keypadInputPlan: z
    .looseObject({ enabled: z.boolean().optional(), timeoutSeconds: seconds(0, 10).optional(), delimiters: filters.optional() })
    .optional(),
  credentialIds: z.array(z.string()).optional(),
  credentials: z.array(anyObject).optional(),
  metadata: anyObject.optional(),

  // Older fields that stored configurations still hold.
  serverUrl: httpUrl.optional(),
  serverUrlSecret: z.string().optional(),
  messagePlan: open({
    idleMessages: z.array(z.string().max(1_000)).optional(),
    idleMessageMaxSpokenCount: z.int().min(1).max(10).optional(),
    idleTimeoutSeconds: seconds(1, 60).optional(),
  }).optional(),
  recordingEnabled: z.boolean().optional(),
  hipaaEnabled: z.boolean().optional(),
  endCallFunctionEnabled: z.boolean().optional(),
  dialKeypadFunctionEnabled: z.boolean().optional(),
  forwardingPhoneNumber: z.string().optional(),
  backgroundDenoisingEnabled: z.boolean().optional(),
  customerJoinTimeoutSeconds: seconds(1, 60).optional(),
  numWordsToInterruptAssistant: z.int().min(0).max(10).optional(),
  responseDelaySeconds: seconds(0, 5).optional(),
  llmRequestDelaySeconds: seconds(0, 5).optional(),
});
export type Assistant = z.infer<typeof Assistant>;
export type AssistantTool = z.infer<typeof Tool>;

/**
 * A body as an assistant; `null` fields count as absent, unknown ones are kept.
 * Throws `invalid_request` with the path of each fault (`model.messages[0].role`).
 */
export function validateAssistant(body: unknown): Assistant {
  const parsed = Assistant.safeParse(isObject(body) ? present(body) : body);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error).map(({ path, message }) => ({ path: path || 'body', message }));
  throw new AywaError('invalid_request', { detail: faultLine(faults), faults });
}

/** Paths of fields that no part of the product knows: stored and given back, but named in a warning. */
export function unknownFields(body: unknown): string[] {
  const found: string[] = [];
  walk(Assistant, body, [], found);
  return found;
}

/**
 * Vapi's PATCH: only the top-level fields that were sent change, and each is replaced whole. An object that lacks the `provider` or
 * `type` that the stored one has is a correction of it and merged one level. `null` clears. Throws like `validateAssistant`.
 */
export function patchAssistant(stored: Assistant, patch: unknown): Assistant {
  if (!isObject(patch)) return validateAssistant(patch);
  const merged = Object.entries(patch).map(([key, value]) => {
    const old = stored[key];
    if (!isObject(value) || !isObject(old)) return [key, value];
    const discriminator = ['provider', 'type'].find((name) => name in old);
    return [key, discriminator && !(discriminator in value) ? present({ ...old, ...value }) : value];
  });
  return validateAssistant({ ...stored, ...Object.fromEntries(merged) });
}

/**
 * The assistant of one call: objects are merged deeply, arrays replaced, `tools:append` is added to the model's tools, `null`
 * overrides nothing. `variableValues` is not part of the assistant. Throws like `validateAssistant`.
 */
export function mergeOverrides(assistant: Assistant, overrides: unknown): Assistant {
  if (overrides === undefined || overrides === null) return assistant;
  if (!isObject(overrides)) throw fault('assistantOverrides', 'must be an object');
  const { variableValues: _, 'tools:append': append, ...rest } = overrides;
  const merged = merge(assistant, rest) as Record<string, unknown>;
  if (append === undefined) return overridden(merged);
  if (!Array.isArray(append)) throw fault('assistantOverrides.tools:append', 'must be a list of tools');
  const model = isObject(merged.model) ? merged.model : {};
  return overridden({ ...merged, model: { ...model, tools: [...(Array.isArray(model.tools) ? model.tools : []), ...append] } });
}

/** The assistant itself was valid before: what is wrong now came with the overrides. */
function overridden(merged: Record<string, unknown>): Assistant {
  return underPath('assistantOverrides', () => validateAssistant(merged));
}

/** Runs `work`; its faults get the path of the part of a body that they lie in. */
export function underPath<T>(part: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isAywaError(error) || error.faults.length === 0) throw error;
    const faults = error.faults.map(({ path, message }) => ({ path: path === 'body' ? part : `${part}.${path}`, message }));
    throw new AywaError(error.code, { detail: faultLine(faults), faults });
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(path: string, message: string): AywaError {
  return new AywaError('invalid_request', { detail: `${path}: ${message}`, faults: [{ path, message }] });
}

function present(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function merge(base: unknown, over: unknown): unknown {
  if (over === null || over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const changed = Object.entries(over).map(([key, value]) => [key, merge(Object.hasOwn(base, key) ? base[key] : undefined, value)]);
  return { ...base, ...Object.fromEntries(changed) };
}

function walk(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[], found: string[]): void {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) walk(schema.unwrap(), value, path, found);
  else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    value.forEach((item, index) => {
      walk(schema.element, item, [...path, index], found);
    });
  } else if (schema instanceof z.ZodObject && isObject(value)) {
    const shape: z.core.$ZodLooseShape = schema.shape;
    for (const [key, inner] of Object.entries(value)) {
      const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (known) walk(known, inner, [...path, key], found);
      else if (!openEnded.has(schema)) found.push(pathOf([...path, key]));
    }
  }
}
