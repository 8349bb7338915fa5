/**
 * Which fields of an assistant ask for something that this runtime does not do: what a client is warned of when it saves or calls. Reads
 * the table of fields and the settings that each vendor takes; pure, and it refuses nothing (see `make-plan.ts`).
 */
import type { ProviderKind } from '../providers/contract.ts';
import type { Assistant } from './assistant.ts';
import { isObject } from './definition.ts';
import { speaksIntoSilence } from './make-plan.ts';
import { FIELDS, type Row } from './obedience-table.ts';
import { VENDOR_LIMITS } from './vendor-limits.ts';

/** The names of the settings that a vendor reads; `undefined` for a vendor that is not known. */
export type SettingsOf = (
  kind: ProviderKind,
  vendor: string,
) => { readonly vendor: string; readonly names: ReadonlySet<string> } | undefined;

/** The parts whose further fields are a vendor's settings. */
const VENDORS: Readonly<Record<string, ProviderKind>> = {
  model: 'llm',
  'model.fallbackPlan.models[]': 'llm',
  voice: 'tts',
  'voice.fallbackPlan.voices[]': 'tts',
  transcriber: 'stt',
  'transcriber.fallbackPlan.transcribers[]': 'stt',
};

/** Paths of the fields of `sent` that are not obeyed, in the order in which they stand there. `sent` may be a part of an assistant. */
export function notObeyed(sent: Partial<Assistant>, settingsOf: SettingsOf): string[] {
  const found: string[] = [];
  const language = sent.transcriber?.language ?? 'en';
  const visit = (value: unknown, at: string, path: string): void => {
    const row = FIELDS[at];
    const kind = VENDORS[at];
    if (row) {
      if (!obeyed(row, value, language)) found.push(path);
    } else if (Array.isArray(value)) {
      for (const [index, entry] of value.entries()) visit(entry, `${at}[]`, `${path}[${index}]`);
    } else if (isObject(value)) {
      for (const [name, inner] of Object.entries(value)) {
        const [innerAt, innerPath] = at === '' ? [name, name] : [`${at}.${name}`, `${path}.${name}`];
        // What the first choice of a kind does not obey, its fallbacks do not either.
        const shared = FIELDS[`${at.split('.')[0]}.${name}`];
        if (kind && shared?.state === 'later') visit(inner, `${at.split('.')[0]}.${name}`, innerPath);
        else if (kind && (FIELDS[innerAt]?.state ?? 'vendor') === 'vendor' && !isPart(innerAt)) {
          if (asks(inner) && !reaches(kind, value, name, settingsOf)) found.push(innerPath);
        } else visit(inner, innerAt, innerPath);
      }
    }
  };
  const { hooks, ...rest } = sent;
  visit(rest, '', '');
  if (Array.isArray(hooks)) {
    const heard = sent.messagePlan?.idleMessages?.length ? -1 : hooks.findIndex(speaksIntoSilence);
    for (const [index, hook] of hooks.entries()) {
      const path = `hooks[${index}]`;
      if (index !== heard) {
        found.push(path);
        continue;
      }
      visit(hook, 'hooks[]', path);
      // Of its deeds the first words are said.
      const said = hook.do?.findIndex(({ type }) => type === 'say');
      hook.do?.forEach((_, deed) => void (deed === said || found.push(`${path}.do[${deed}]`)));
    }
  }
  return found;
}

/** Is this object a part of the assistant of its own (`voice.chunkPlan`), and no setting of a vendor? */
const isPart = (at: string) => PARTS.has(at);
const PARTS: ReadonlySet<string> = new Set(
  Object.keys(FIELDS).flatMap((path) => [...path.matchAll(/[.[]/g)].map(({ index }) => path.slice(0, index))),
);

function obeyed(row: Row, value: unknown, language: string): boolean {
  switch (row.state) {
    case 'obeyed':
      return row.only === undefined || value === undefined || value === null || row.only(value, language);
    case 'later':
      return value === undefined || value === null || row.anyway.includes(value) || (row.always && !asks(value));
    case 'refused':
    case 'vendor':
      return true;
  }
}

/** Does a value ask for anything? Not `false`, nor what is empty, nor a plan that is not enabled. */
function asks(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  if (!isObject(value)) return true;
  return value.enabled !== false && Object.values(value).some(asks);
}

/** Does a setting reach the vendor that the part names? A part without a vendor gets the one of this server, and is not judged. */
function reaches(kind: ProviderKind, part: Readonly<Record<string, unknown>>, name: string, settingsOf: SettingsOf): boolean {
  const known = typeof part.provider === 'string' ? settingsOf(kind, part.provider) : undefined;
  if (!known) return true;
  return known.names.has(name) && (VENDOR_LIMITS[`${kind}.${known.vendor}.${name}`]?.only(part) ?? true);
}
