/**
 * From an assistant to the plan of one call: overrides merged, older fields brought into today's form, variables filled in, tools and
 * providers resolved, every default decided. Pure: what it needs of the outside (provider access, the time) is handed in.
 */
import { AywaError, type FieldFault, isAywaError } from '../kernel/errors.ts';
import type { ProviderChoice, ProviderKind } from '../providers/contract.ts';
import type { Message } from '../providers/llm/contract.ts';
import { type Assistant, type AssistantTool, isObject, mergeOverrides } from './definition.ts';
import { type CallPlan, type Channel, DEFAULT_SPEECH, type IdlePlan, type KeypadPlan, type Opening, type ProviderChain } from './plan.ts';
import { fillAll, filler } from './prompt.ts';
import { planTools } from './tools.ts';
import { planTurns } from './turns.ts';

export interface PlanInput {
  readonly assistant: Assistant;
  /** `assistantOverrides` as it came. */
  readonly overrides?: unknown;
  /** Values for the texts, beside those of `overrides.variableValues`, which win. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly call: {
    readonly id: string;
    readonly organization: string;
    readonly channel: Channel;
    readonly assistantId: string | null;
    readonly from: string | null;
    readonly to: string | null;
    /** The number of ours that is in use, and who calls or is called: for the texts only. */
    readonly number?: Readonly<Record<string, unknown>>;
    readonly customer?: Readonly<Record<string, unknown>>;
  };
  /** What a model server of the customer's is told about the call (`call`, `customer`, `phoneNumber`), in wire form. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Validates a vendor's settings and finds its key; `name` is absent where the assistant names none. Throws `AywaError`. */
  choose(kind: ProviderKind, name: string | undefined, settings: Record<string, unknown>): ProviderChoice;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Spoken when a reply fails and no other provider is left. */
const FALLBACK = 'I am sorry, something went wrong on my side. Could you say that again, please?';
/** Vapi's limits of a call. */
const SILENCE_SECONDS = 30;
/** People who type think longer, and a chat may lie open beside other work. */
const TYPED_SILENCE_SECONDS = 600;
const DURATION_SECONDS = 600;

/** Throws `invalid_request`, `assistant_invalid`, `unsupported` (all with field paths) or what `choose` throws. */
export function makePlan(input: PlanInput, assistant: Assistant = effectiveAssistant(input)): CallPlan {
  const { call } = input;
  const faults: FieldFault[] = [];
  const fault = (found: FieldFault) => void faults.push(found);
  const language = assistant.transcriber?.language ?? 'en';
  const tools = planTools(assistant, language, fault);
  const turns = planTurns(assistant, fault);
  const opening = openingOf(assistant, fault);
  if ((assistant.model?.toolIds?.length ?? 0) > 0 || (assistant.model?.toolRefs?.length ?? 0) > 0)
    fault({ path: 'model.toolIds', message: 'stored tools are not supported; write the tool into model.tools' });
  if (faults.length > 0) throw refused('unsupported', faults);

  const llm = brains(input, assistant);
  // A text line has no sound: the keyless parts stand in, so that nobody is asked for a key that is never used.
  const silent = call.channel === 'text';
  return {
    call: call.id,
    organization: call.organization,
    channel: call.channel,
    from: call.from,
    to: call.to,
    agent: {
      assistantId: call.assistantId,
      name: assistant.name ?? 'Agent',
      language,
      opening,
      screening: null,
      prompt: promptOf(assistant),
      tools,
      stt: silent ? [input.choose('stt', 'lab', {})] : ears(input, assistant),
      llm,
      tts: silent ? [input.choose('tts', 'lab', {})] : voices(input, assistant),
      expected: expectedOf(assistant, llm),
      turns,
      keypad: keypadOf(assistant),
      speech: DEFAULT_SPEECH,
      idle: idleOf(assistant),
      silenceMs: (assistant.silenceTimeoutSeconds ?? (silent ? TYPED_SILENCE_SECONDS : SILENCE_SECONDS)) * 1000,
      endPhrases: assistant.endCallPhrases ?? [],
      farewell: assistant.endCallMessage ?? '',
      fallback: FALLBACK,
    },
    durationMs: (assistant.maxDurationSeconds ?? DURATION_SECONDS) * 1000,
    record: !silent && (assistant.artifactPlan?.recordingEnabled ?? true) && !assistant.compliancePlan?.hipaaEnabled,
    metadata: { ...input.facts, ...(assistant.metadata && { metadata: assistant.metadata }) },
  };
}

/**
 * The assistant as the call uses it, in today's form and with its texts filled in: what webhooks show, and what the `target` of a
 * tool (`tool:<index>` of `model.tools`, or `assistant`) refers to. Throws `invalid_request`.
 */
export function effectiveAssistant(input: Pick<PlanInput, 'assistant' | 'overrides' | 'variables' | 'call' | 'now'>): Assistant {
  const { call, overrides } = input;
  const merged = modern(mergeOverrides(input.assistant, overrides));
  const given = isObject(overrides) && isObject(overrides.variableValues) ? overrides.variableValues : {};
  const variables = {
    call: { id: call.id, type: call.channel, assistantId: call.assistantId },
    assistant: { id: call.assistantId, name: merged.name },
    customer: call.customer ?? { number: call.channel === 'phone-outbound' ? call.to : call.from },
    phoneNumber: call.number ?? { number: call.channel === 'phone-outbound' ? call.from : call.to },
    ...input.variables,
    ...given,
  };
  return fillAll(merged, filler(variables, input.now, 'UTC'));
}

/** Older fields, still found in stored configurations, in the place where today's have it. Today's win. */
function modern(old: Assistant): Assistant {
  const { model } = old;
  const tools: AssistantTool[] = [...(model?.tools ?? [])];
  const has = (type: string) => tools.some((tool) => tool.type === type);
  for (const { serverUrl, async, ...rest } of model?.functions ?? [])
    tools.push({ type: 'function', function: rest, async: async ?? false, ...(serverUrl && { server: { url: serverUrl } }) });
  if (old.endCallFunctionEnabled && !has('endCall')) tools.push({ type: 'endCall' });
  if (old.dialKeypadFunctionEnabled && !has('dtmf')) tools.push({ type: 'dtmf' });
  if (old.forwardingPhoneNumber && !has('transferCall'))
    tools.push({ type: 'transferCall', destinations: [{ type: 'number', number: old.forwardingPhoneNumber }] });
  const messages = model?.messages ?? [];
  const system = model?.systemPrompt ? [{ role: 'system' as const, content: model.systemPrompt }] : [];
  return {
    ...old,
    ...((model || tools.length > 0) && {
      model: {
        provider: '',
        ...model,
        tools,
        messages: messages.some(({ role }) => role === 'system') ? messages : [...system, ...messages],
      },
    }),
    ...(old.serverUrl && { server: { url: old.serverUrl, ...(old.serverUrlSecret && { secret: old.serverUrlSecret }), ...old.server } }),
    artifactPlan: { ...(old.recordingEnabled !== undefined && { recordingEnabled: old.recordingEnabled }), ...old.artifactPlan },
    compliancePlan: { ...(old.hipaaEnabled !== undefined && { hipaaEnabled: old.hipaaEnabled }), ...old.compliancePlan },
  };
}

function openingOf(assistant: Assistant, fault: (fault: FieldFault) => void): Opening {
  const text = assistant.firstMessage ?? '';
  const interruptible = assistant.firstMessageInterruptionsEnabled ?? false;
  if (/^https?:\/\/\S+$/.test(text)) fault({ path: 'firstMessage', message: 'an audio file is not supported; write the words' });
  switch (assistant.firstMessageMode) {
    case 'assistant-waits-for-user':
      return { mode: 'caller', text, interruptible };
    case 'assistant-speaks-first-with-model-generated-message':
      return { mode: 'agent-model', text, interruptible };
    default:
      return { mode: text ? 'agent-text' : 'caller', text, interruptible };
  }
}

function promptOf(assistant: Assistant): Message[] {
  return (assistant.model?.messages ?? []).flatMap(({ role, content }): Message[] => {
    if (!content) return [];
    if (role === 'user' || role === 'assistant') return [{ role, content }];
    return role === 'system' || role === 'developer' ? [{ role: 'system', content }] : [];
  });
}

/** What the recogniser may expect: the vendor's own hints, and the sentences of a model that can answer only certain ones. */
function expectedOf(assistant: Assistant, [llm]: ProviderChain): string[] {
  const { keyterm = [], keywords = [] } = assistant.transcriber ?? {};
  const { expects } = llm.settings;
  return [
    ...(Array.isArray(expects) ? expects.filter((text) => typeof text === 'string') : []),
    ...keyterm,
    // `word:boost`
    ...keywords.map((keyword) => keyword.replace(/:-?[\d.]+$/, '')),
  ];
}

/** Vapi's two ways to speak into silence: the older message plan, and a hook that says something. */
function idleOf(assistant: Assistant): IdlePlan {
  const plan = assistant.messagePlan;
  if (plan?.idleMessages?.length)
    return { afterMs: (plan.idleTimeoutSeconds ?? 10) * 1000, texts: plan.idleMessages, most: plan.idleMessageMaxSpokenCount ?? 3 };
  for (const { on, do: actions = [], options = {} } of assistant.hooks ?? []) {
    const exact = actions.find((action) => action.type === 'say')?.exact;
    const texts = (Array.isArray(exact) ? exact : [exact]).filter((text) => typeof text === 'string');
    if (!on.startsWith('customer.speech.timeout') || texts.length === 0) continue;
    const { timeoutSeconds = 7.5, triggerMaxCount = 3 } = options;
    return { afterMs: Number(timeoutSeconds) * 1000 || 7_500, texts, most: Number(triggerMaxCount) || 3 };
  }
  return { afterMs: 0, texts: [], most: 0 };
}

/** Digits reach the model only where the assistant asks for them. Vapi's defaults: two seconds, `#`. */
function keypadOf({ keypadInputPlan: plan }: Assistant): KeypadPlan | null {
  if (!plan?.enabled) return null;
  const { delimiters: named = '#' } = plan;
  const delimiters = (typeof named === 'string' ? [named] : named).filter((key) => key !== '');
  return { timeoutMs: (plan.timeoutSeconds ?? 2) * 1000, delimiters };
}

function brains(input: PlanInput, assistant: Assistant): ProviderChain {
  const { messages, tools, toolIds, toolRefs, functions, systemPrompt, knowledgeBase, fallbackModels, fallbackPlan, ...first } =
    assistant.model ?? { provider: '' };
  return [
    chosen(input, 'llm', first, 'model'),
    ...(fallbackModels ?? []).map((model, index) => chosen(input, 'llm', { ...first, model }, `model.fallbackModels[${index}]`)),
    ...(fallbackPlan?.models ?? []).map((part, index) => chosen(input, 'llm', part, `model.fallbackPlan.models[${index}]`)),
  ];
}

function ears(input: PlanInput, assistant: Assistant): ProviderChain {
  const { fallbackPlan, ...first } = assistant.transcriber ?? { provider: '' };
  const others = fallbackPlan?.transcribers ?? [];
  return [
    chosen(input, 'stt', first, 'transcriber'),
    ...others.map((part, index) => chosen(input, 'stt', part, `transcriber.fallbackPlan.transcribers[${index}]`)),
  ];
}

function voices(input: PlanInput, assistant: Assistant): ProviderChain {
  const { fallbackPlan, chunkPlan, cachingEnabled, ...first } = assistant.voice ?? { provider: '' };
  const others = fallbackPlan?.voices ?? [];
  return [
    chosen(input, 'tts', first, 'voice'),
    ...others.map((part, index) => chosen(input, 'tts', part, `voice.fallbackPlan.voices[${index}]`)),
  ];
}

/** Asks for a provider; its faults get the path of the part that named it. An empty name leaves the choice to the runtime. */
function chosen(input: PlanInput, kind: ProviderKind, part: { provider: string; [key: string]: unknown }, path: string): ProviderChoice {
  const { provider, ...settings } = part;
  try {
    return input.choose(kind, provider || undefined, settings);
  } catch (error) {
    if (!isAywaError(error) || error.faults.length === 0) throw error;
    throw refused(
      error.code,
      error.faults.map((found) => ({ path: `${path}.${found.path}`, message: found.message })),
    );
  }
}

function refused(code: AywaError['code'], faults: readonly FieldFault[]): AywaError {
  return new AywaError(code, { detail: faults.map(({ path, message }) => `${path}: ${message}.`).join(' '), faults });
}
