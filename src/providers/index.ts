import type { Reach } from '../kernel/addresses.ts';
import { AywaError } from '../kernel/errors.ts';
import { faultLine, faultsOf } from '../kernel/faults.ts';
import type { ProviderAccess, ProviderChoice, ProviderKind, ProviderSet, ProviderSpec } from './contract.ts';
import { FIELD_OF } from './faults.ts';
import { anthropicBrain } from './llm/anthropic.ts';
import { compatibleBrains } from './llm/compatible.ts';
import type { LanguageModel } from './llm/contract.ts';
import { customBrain } from './llm/custom-llm.ts';
import { googleBrain } from './llm/google.ts';
import { labBrain } from './llm/lab.ts';
import { openaiBrain } from './llm/openai.ts';
import type { SpeechToText } from './stt/contract.ts';
import { deepgramEars } from './stt/deepgram.ts';
import { labEars } from './stt/lab.ts';
import { openaiEars } from './stt/openai.ts';
import { cartesiaVoice } from './tts/cartesia.ts';
import type { TextToSpeech } from './tts/contract.ts';
import { deepgramVoice } from './tts/deepgram.ts';
import { elevenlabsVoice } from './tts/elevenlabs.ts';
import { labVoice } from './tts/lab.ts';
import { openaiVoice } from './tts/openai.ts';

/** In the order in which a default is chosen: of each kind, the first whose key is set. */
const EARS: readonly SpeechToText[] = [deepgramEars, openaiEars, labEars];
const BRAINS: readonly LanguageModel[] = [openaiBrain, anthropicBrain, googleBrain, ...compatibleBrains, customBrain, labBrain];
const VOICES: readonly TextToSpeech[] = [elevenlabsVoice, cartesiaVoice, deepgramVoice, openaiVoice, labVoice];

export const PROVIDERS: readonly (SpeechToText | LanguageModel | TextToSpeech)[] = [...EARS, ...BRAINS, ...VOICES];

const named = <P extends ProviderSpec<unknown>>(vendors: readonly P[], name: string): P | undefined =>
  vendors.find((vendor) => vendor.name === name || vendor.aliases?.includes(name));

export const providerSet: ProviderSet = {
  stt: (name) => named(EARS, name),
  llm: (name) => named(BRAINS, name),
  tts: (name) => named(VOICES, name),
};

const OF_KIND = { stt: EARS, llm: BRAINS, tts: VOICES } as const;

type Variables = Readonly<Record<string, string>>;

/** What an organisation's credentials set, under the names of the environment, and which addresses it may name. */
export interface Tenant {
  readonly variables: Variables;
  readonly reach: Reach;
}

const NOBODY: Tenant = { variables: {}, reach: 'any' };

/**
 * The key and address of a vendor: the tenant's, else the operator's environment. `named` is an address in the assistant, which is the
 * tenant's too. Throws `credential_missing` when a key is needed.
 */
export function accessOf(
  { name, env, origin, needsKey }: Pick<ProviderSpec<unknown>, 'name' | 'env' | 'origin' | 'needsKey'>,
  operator: Variables,
  tenant: Tenant = NOBODY,
  named?: string,
): ProviderAccess {
  const [keyName, addressName] = [`${env}_API_KEY`, `${env}_BASE_URL`];
  const given = named ?? tenant.variables[addressName];
  // The operator's key never goes to an address that somebody else chose.
  const foreign = given !== undefined && originOf(given) !== originOf(operator[addressName] ?? '');
  const apiKey = tenant.variables[keyName] ?? (foreign ? '' : (operator[keyName] ?? ''));
  if (needsKey && !apiKey) {
    throw new AywaError('credential_missing', { detail: `Set ${keyName}, or create a ${name} credential with POST /credential.` });
  }
  const baseUrl = given ?? operator[addressName] ?? origin;
  return { apiKey, baseUrl, ...(foreign && tenant.reach === 'public' && { reach: tenant.reach }) };
}

const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : url);

/**
 * A provider as an assistant names it, ready for a call. Throws `unsupported` for a name that this build does not know,
 * `assistant_invalid` with the path of every wrong setting, and `credential_missing`. Paths begin inside the provider's own part.
 */
export function chooseProvider(
  kind: ProviderKind,
  name: string,
  settings: unknown,
  operator: Variables,
  tenant: Tenant = NOBODY,
): ProviderChoice {
  const vendor = named<ProviderSpec<Record<string, unknown>>>(OF_KIND[kind], name);
  if (!vendor) {
    const known = OF_KIND[kind].map((one) => one.name).join(', ');
    const message = `is not known here. Known are: ${known}.`;
    throw new AywaError('unsupported', { detail: `provider ${message}`, faults: [{ path: 'provider', message }] });
  }
  const parsed = vendor.settings.safeParse(settings ?? {});
  if (!parsed.success) {
    const faults = faultsOf(parsed.error);
    throw new AywaError('assistant_invalid', { detail: faultLine(faults), faults });
  }
  const access = accessOf(vendor, operator, tenant, vendor.addressIn?.(parsed.data));
  if (!access.baseUrl && vendor.addressIn) {
    const faults = [{ path: 'url', message: `must be given, because ${vendor.env}_BASE_URL is not set` }];
    throw new AywaError('assistant_invalid', { detail: faultLine(faults), faults });
  }
  return { provider: vendor.name, settings: parsed.data, access };
}

/** Do these variables set a vendor up: by its key, or by the address of a server that needs none? */
export function isSetUp({ name, env, needsKey }: Pick<ProviderSpec<unknown>, 'name' | 'env' | 'needsKey'>, variables: Variables): boolean {
  return name !== 'lab' && Boolean(variables[`${env}_${needsKey ? 'API_KEY' : 'BASE_URL'}`]);
}

/** What an assistant that names no provider gets: the first vendor of the kind that is set up, else the lab's. */
export function defaultChoice(kind: ProviderKind, variables: Variables): { provider: string; settings: Record<string, unknown> } {
  const vendor = OF_KIND[kind].find((one) => isSetUp(one, variables));
  return { provider: vendor?.name ?? 'lab', settings: {} };
}

/** Every variable that the vendors of this build read, once, for the documentation. */
export function environmentNames(): { name: string; what: string }[] {
  const outside = PROVIDERS.filter(({ name }) => name !== 'lab');
  return [...Map.groupBy(outside, ({ env }) => env)].flatMap(([env, [first, ...others]]) => {
    if (!first) return [];
    const kinds = [first, ...others].map(({ kind }) => FIELD_OF[kind]).join(', ');
    const otherwise = first.origin ? `\`${first.origin}\`` : "the assistant's `url`";
    return [
      { name: `${env}_API_KEY`, what: `Key for ${first.name} (${kinds})${first.addressIn ? `; sent to \`${env}_BASE_URL\` alone` : ''}.` },
      { name: `${env}_BASE_URL`, what: `Address of ${first.name}; ${otherwise} unless set.` },
    ];
  });
}
