/**
 * From an assistant to the plan of one call: overrides merged, older fields brought into today's form, variables filled in, tools and
 * providers resolved, every default decided. Pure: what it needs of the outside (provider access, the time) is handed in.
 */
import { AywaError, type FieldFault, isAywaError } from '../kernel/errors.ts';
import type { ProviderChoice, ProviderKind } from '../providers/contract.ts';
import type { Message } from '../providers/llm/contract.ts';
import type { Assistant, AssistantTool } from './assistant.ts';
import { isObject, mergeOverrides } from './definition.ts';
import type { CallPlan, Channel, IdlePlan, KeypadPlan, Opening, ProviderChain } from './plan.ts';
import { fillAll, filler } from './prompt.ts';
import { planSpeech } from './speech.ts';
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
  const { language, tools, turns, opening, speech, faults } = ownParts(assistant);
  if (faults.length > 0) throw refused('unsupported', faults);

  const llm = chain(input, brains(assistant));
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
      stt: silent ? [input.choose('stt', 'lab', {})] : chain(input, ears(assistant)),
      llm,
      tts: silent ? [input.choose('tts', 'lab', {})] : chain(input, voices(assistant)),
      expected: expectedOf(assistant, llm),
      turns,
      keypad: keypadOf(assistant),
      speech,
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

/** What an assistant says by itself, without a provider being asked, and what this runtime cannot do of it. */
function ownParts(assistant: Assistant) {
  const faults: FieldFault[] = [];
  const fault = (found: FieldFault) => void faults.push(found);
  const language = assistant.transcriber?.language ?? 'en';
  const parts = {
    language,
    tools: planTools(assistant, language, fault),
    turns: planTurns(assistant, fault),
    opening: openingOf(assistant, fault),
    speech: planSpeech(assistant, fault),
  };
  if ((assistant.model?.toolIds?.length ?? 0) > 0 || (assistant.model?.toolRefs?.length ?? 0) > 0)
    fault({ path: 'model.toolIds', message: 'stored tools are not supported; write the tool into model.tools' });
  return { ...parts, faults };
}

/**
 * Could this assistant hold a call? The judgement of `makePlan`, for those who only save one: throws the same faults, all at once. What
 * a variable will fill in is judged when it is filled. `lacking`: sentences about keys that a call would miss today.
 */
export function judge(stored: Assistant, choose: PlanInput['choose']): { readonly lacking: readonly string[] } {
  const assistant = modern(stored);
  const { faults } = ownParts(assistant);
  const lacking = new Set<string>();
  let code: AywaError['code'] | undefined = faults.length > 0 ? 'unsupported' : undefined;
  for (const part of [...brains(assistant), ...ears(assistant), ...voices(assistant)]) {
    try {
      chosen(choose, part);
    } catch (error) {
      if (!isAywaError(error)) throw error;
      if (error.code === 'credential_missing') lacking.add(`${part.path}: ${error.detail ?? error.message}`);
      else if (error.faults.length === 0) throw error;
      else {
        code ??= error.code;
        faults.push(...error.faults);
      }
    }
  }
  const certain = faults.filter(({ path }) => !isTemplate(valueAt(assistant, path)));
  if (certain.length > 0) throw refused(code ?? 'unsupported', certain);
  return { lacking: [...lacking] };
}

const isTemplate = (value: unknown) => typeof value === 'string' && /\{\{|\{%/.test(value);

/** The value at `model.tools[0].type`. */
function valueAt(value: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>(
      (node, step) => (typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[step] : undefined),
      value,
    );
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
  const hook = assistant.hooks?.find(speaksIntoSilence);
  if (!hook) return { afterMs: 0, texts: [], most: 0 };
  const { timeoutSeconds = 7.5, triggerMaxCount = 3 } = hook.options ?? {};
  return { afterMs: timeoutSeconds * 1000, texts: saidBy(hook), most: triggerMaxCount };
}

type Hook = NonNullable<Assistant['hooks']>[number];

/** The first such hook is the agent's idle plan; a name may stand behind the event in brackets. */
export function speaksIntoSilence(hook: Hook): boolean {
  return /^customer\.speech\.timeout(\[.*\])?$/.test(hook.on) && saidBy(hook).length > 0;
}

function saidBy({ do: actions = [] }: Hook): string[] {
  return [actions.find(({ type }) => type === 'say')?.exact ?? []].flat().filter((text) => text !== '');
}

/** Digits reach the model only where the assistant asks for them. Vapi's defaults: two seconds, `#`. */
function keypadOf({ keypadInputPlan: plan }: Assistant): KeypadPlan | null {
  if (!plan?.enabled) return null;
  const { delimiters: named = '#' } = plan;
  const delimiters = (typeof named === 'string' ? [named] : named).filter((key) => key !== '');
  return { timeoutMs: (plan.timeoutSeconds ?? 2) * 1000, delimiters };
}

/** A provider that the assistant names, and where. */
interface Part {
  readonly kind: ProviderKind;
  readonly path: string;
  readonly named: { readonly provider: string; readonly [setting: string]: unknown };
}
/** The first choice, then the fallbacks in order. */
type Parts = readonly [Part, ...Part[]];

function brains(assistant: Assistant): Parts {
  const { messages, tools, toolIds, toolRefs, functions, systemPrompt, knowledgeBase, fallbackModels, fallbackPlan, ...first } =
    assistant.model ?? { provider: '' };
  return [
    { kind: 'llm', path: 'model', named: first },
    ...(fallbackModels ?? []).map(
      (model, index): Part => ({ kind: 'llm', path: `model.fallbackModels[${index}]`, named: { ...first, model } }),
    ),
    ...(fallbackPlan?.models ?? []).map((named, index): Part => ({ kind: 'llm', path: `model.fallbackPlan.models[${index}]`, named })),
  ];
}

function ears(assistant: Assistant): Parts {
  const { fallbackPlan, ...first } = assistant.transcriber ?? { provider: '' };
  const others = fallbackPlan?.transcribers ?? [];
  return [
    { kind: 'stt', path: 'transcriber', named: first },
    ...others.map((named, index): Part => ({ kind: 'stt', path: `transcriber.fallbackPlan.transcribers[${index}]`, named })),
  ];
}

function voices(assistant: Assistant): Parts {
  const { fallbackPlan, chunkPlan, cachingEnabled, inputPunctuationBoundaries, ...first } = assistant.voice ?? { provider: '' };
  const others = fallbackPlan?.voices ?? [];
  return [
    { kind: 'tts', path: 'voice', named: first },
    ...others.map((named, index): Part => ({ kind: 'tts', path: `voice.fallbackPlan.voices[${index}]`, named })),
  ];
}

function chain({ choose }: Pick<PlanInput, 'choose'>, [first, ...others]: Parts): ProviderChain {
  return [chosen(choose, first), ...others.map((part) => chosen(choose, part))];
}

/** Asks for a provider; its faults get the path of the part that named it. An empty name leaves the choice to the runtime. */
function chosen(choose: PlanInput['choose'], { kind, path, named }: Part): ProviderChoice {
  const { provider, ...settings } = named;
  try {
    return choose(kind, provider || undefined, settings);
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
