/**
 * What every provider has in common: what it may touch, how its settings and keys are described, how its faults are told.
 * A vendor is one file: a pure codec between the vendor's wire and the port of its kind, plus this description.
 */
import type { z } from 'zod';
import type { Reach } from '../kernel/addresses.ts';
import type { Egress } from '../kernel/egress.ts';
import type { Log } from '../kernel/log.ts';
import type { Scope } from '../kernel/scope.ts';
import type { LanguageModel } from './llm/contract.ts';
import type { SpeechToText } from './stt/contract.ts';
import type { TextToSpeech } from './tts/contract.ts';

/** Everything that a vendor may touch. The scope is the reply's, the listening's or the call's; closing it ends the work. */
export interface ProviderContext {
  readonly scope: Scope;
  readonly egress: Egress;
  readonly log: Log;
}

/** How a vendor is addressed and paid: resolved before the call from a credential or the environment. */
export interface ProviderAccess {
  /** `<VENDOR>_API_KEY`; empty where the vendor needs none. */
  readonly apiKey: string;
  /** `<VENDOR>_BASE_URL`; the vendor's public origin unless set. For OpenAI and compatibles it ends in `/v1`. */
  readonly baseUrl: string;
  /** `public`: the address is a tenant's, and only public ones are allowed. Absent: the operator's or the vendor's own. */
  readonly reach?: Reach;
}

/** Ears, brain, voice: the one list of what a vendor can be to an agent. */
export const PROVIDER_KINDS = ['stt', 'llm', 'tts'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** The description from which validation, masking, documentation and environment names follow. */
export interface ProviderSpec<Settings> {
  /** The name in an assistant: `deepgram`, `11labs`, `custom-llm`. */
  readonly name: string;
  /** Other names that mean the same vendor in stored assistants. */
  readonly aliases?: readonly string[];
  readonly kind: ProviderKind;
  /** Prefix of the environment names: `DEEPGRAM` gives `DEEPGRAM_API_KEY` and `DEEPGRAM_BASE_URL`. */
  readonly env: string;
  /** The vendor's public address, used when no base URL is set. */
  readonly origin: string;
  readonly needsKey: boolean;
  /** The vendor's part of the assistant, without `provider`; unknown fields are kept by the assistant, ignored here. */
  readonly settings: z.ZodType<Settings>;
  /** Where the assistant itself names the server: an address that the tenant chose. */
  addressIn?(settings: Settings): string | undefined;
}

/** One provider as a call uses it: the name, validated settings and the way in. Plain data, crosses the process wall. */
export interface ProviderChoice {
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly access: ProviderAccess;
}

/** All vendors that this build knows, by name or alias. A call gets this set injected; it never names a vendor itself. */
export interface ProviderSet {
  stt(name: string): SpeechToText | undefined;
  llm(name: string): LanguageModel | undefined;
  tts(name: string): TextToSpeech | undefined;
}
