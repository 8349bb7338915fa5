/**
 * The customer's own model server, spoken to as an OpenAI client would: `url` is the base, and facts about the call travel with the
 * request as `metadataSendMode` says. The key goes only where the operator or the credential meant it to go.
 */
import { z } from 'zod';
import { address } from '../address.ts';
import type { ProviderAccess } from '../contract.ts';
import { chatBody, chatCodec, chatSettings } from './chat-completions.ts';
import type { LanguageModel, PromptRequest } from './contract.ts';
import { streamedReply } from './streaming.ts';

const settings = chatSettings.extend({
  model: z.string().min(1).default('custom'),
  url: z.url({ protocol: /^https?$/ }).optional(),
  metadataSendMode: z.enum(['off', 'variable', 'destructured']).default('variable'),
  headers: z.record(z.string(), z.string()).default({}),
  timeoutSeconds: z.number().min(0).max(300).default(20),
});
type Settings = z.infer<typeof settings>;

export const customBrain: LanguageModel<Settings> = {
  kind: 'llm',
  name: 'custom-llm',
  env: 'CUSTOM_LLM',
  origin: '',
  needsKey: false,
  settings,
  reply(request, chosen, access, ctx) {
    const ask = () => {
      const base = (chosen.url ?? access.baseUrl).replace(/\/chat\/completions\/?$/, '');
      return {
        url: address(base, '/chat/completions'),
        headers: { ...ownHeaders(chosen.headers), ...authorization(base, access) },
        body: { ...metadataOf(request, chosen.metadataSendMode), ...chatBody(request, chosen) },
        timeoutMs: chosen.timeoutSeconds * 1_000,
      };
    };
    return streamedReply(customBrain, access, ask, chatCodec(), ctx);
  },
};

/** A key that came with a base URL is for that server alone; one that came without is for the assistant's `url`. */
function authorization(base: string, { apiKey, baseUrl }: ProviderAccess): Record<string, string> {
  if (!apiKey || (baseUrl && originOf(baseUrl) !== originOf(base))) return {};
  return { authorization: `Bearer ${apiKey}` };
}

const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : url);

/** Any header but the one that holds the key. */
function ownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

function metadataOf({ metadata = {} }: PromptRequest, mode: Settings['metadataSendMode']): Record<string, unknown> {
  if (mode === 'off') return {};
  if (mode === 'variable') return { ...metadata };
  const { metadata: own, ...facts } = metadata;
  return { ...(typeof own === 'object' ? own : {}), ...facts };
}
