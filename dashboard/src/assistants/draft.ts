/**
 * An assistant as the editor holds it: every field a string, as inputs have it; and the way back. Only what was changed is sent, so that
 * fields which this editor does not know stay as they are.
 */
import type { Assistant } from '../../../src/api/contract.ts';
import type { AssistantPatch } from '../requests.ts';

export interface Draft {
  name: string;
  firstMessageMode: string;
  firstMessage: string;
  systemPrompt: string;
  modelProvider: string;
  model: string;
  voiceProvider: string;
  voiceId: string;
  transcriberProvider: string;
  transcriberModel: string;
  language: string;
  endCallPhrases: string;
  endCallMessage: string;
  silenceTimeoutSeconds: string;
  maxDurationSeconds: string;
}
export type DraftField = keyof Draft;

export const SPEAKS_FIRST = 'assistant-speaks-first';

export function draftOf(assistant: Partial<Assistant>): Draft {
  const { model, voice, transcriber } = assistant;
  const phrases = assistant.endCallPhrases;
  return {
    name: text(assistant.name),
    firstMessageMode: text(assistant.firstMessageMode) || SPEAKS_FIRST,
    firstMessage: text(assistant.firstMessage),
    systemPrompt: model?.messages?.find((message) => message.role === 'system')?.content ?? text(model?.systemPrompt),
    modelProvider: text(model?.provider),
    model: text(model?.model),
    voiceProvider: text(voice?.provider),
    voiceId: text(voice?.voiceId),
    transcriberProvider: text(transcriber?.provider),
    transcriberModel: text(transcriber?.model),
    language: text(transcriber?.language),
    endCallPhrases: Array.isArray(phrases) ? phrases.join('\n') : '',
    endCallMessage: text(assistant.endCallMessage),
    silenceTimeoutSeconds: text(assistant.silenceTimeoutSeconds),
    maxDurationSeconds: text(assistant.maxDurationSeconds),
  };
}

/** What turns `assistant` into `draft`: whole top-level fields, `null` where one was emptied. */
export function patchOf(assistant: Partial<Assistant>, draft: Draft): AssistantPatch {
  const before = draftOf(assistant);
  const patch: AssistantPatch = {};
  const changed = (...fields: DraftField[]) => fields.some((field) => draft[field] !== before[field]);

  for (const field of ['name', 'firstMessageMode', 'firstMessage', 'endCallMessage'] as const)
    if (changed(field)) patch[field] = draft[field].trim() || null;
  for (const field of ['silenceTimeoutSeconds', 'maxDurationSeconds'] as const)
    if (changed(field)) patch[field] = draft[field].trim() === '' ? null : Number(draft[field]);
  if (changed('endCallPhrases')) patch.endCallPhrases = linesOf(draft.endCallPhrases);
  if (changed('modelProvider', 'model', 'systemPrompt')) patch.model = modelOf(assistant, draft);
  if (changed('voiceProvider', 'voiceId'))
    patch.voice = part(before.voiceProvider === draft.voiceProvider ? assistant.voice : {}, draft.voiceProvider, {
      voiceId: draft.voiceId,
    });
  if (changed('transcriberProvider', 'transcriberModel', 'language')) {
    const kept = before.transcriberProvider === draft.transcriberProvider ? assistant.transcriber : {};
    patch.transcriber = part(kept, draft.transcriberProvider, { model: draft.transcriberModel, language: draft.language });
  }
  return patch;
}

/** The editor's field for a path in the server's words (`model.messages[0].content`), if it has one. */
export function fieldOf(path: string): DraftField | undefined {
  return FIELDS.find(([start]) => path.startsWith(start))?.[1];
}

const FIELDS: readonly (readonly [string, DraftField])[] = [
  ['model.provider', 'modelProvider'],
  ['model.messages', 'systemPrompt'],
  ['model', 'model'],
  ['voice.provider', 'voiceProvider'],
  ['voice', 'voiceId'],
  ['transcriber.provider', 'transcriberProvider'],
  ['transcriber.language', 'language'],
  ['transcriber', 'transcriberModel'],
  ['name', 'name'],
  ['firstMessageMode', 'firstMessageMode'],
  ['firstMessage', 'firstMessage'],
  ['endCallPhrases', 'endCallPhrases'],
  ['endCallMessage', 'endCallMessage'],
  ['silenceTimeoutSeconds', 'silenceTimeoutSeconds'],
  ['maxDurationSeconds', 'maxDurationSeconds'],
];

/** The stored model with the system message replaced in its place; tools, examples and settings stay. */
function modelOf(assistant: Partial<Assistant>, draft: Draft): Record<string, unknown> {
  const { systemPrompt: _older, ...stored } = assistant.model ?? { provider: '' };
  const others = (stored.messages ?? []).filter((message) => message.role !== 'system');
  const system = draft.systemPrompt.trim() ? [{ role: 'system', content: draft.systemPrompt }] : [];
  const { model: _model, ...rest } = stored;
  return {
    ...rest,
    provider: draft.modelProvider,
    ...(draft.model.trim() && { model: draft.model.trim() }),
    messages: [...system, ...others],
  };
}

/** A provider with its settings; without a provider the runtime chooses, which `null` says. */
function part(
  kept: Record<string, unknown> | undefined,
  provider: string,
  settings: Record<string, string>,
): Record<string, unknown> | null {
  if (provider === '') return null;
  const out: Record<string, unknown> = { ...kept, provider };
  for (const [name, value] of Object.entries(settings)) {
    if (value.trim()) out[name] = value.trim();
    else delete out[name];
  }
  return out;
}

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
