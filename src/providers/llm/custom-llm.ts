/**
 * The customer's own model server, spoken to as an OpenAI client would: `url` is the base, and facts about the call travel with the
 * request as `metadataSendMode` says. Which address and which key go together is decided before the call (`accessOf`).
 */
import { z } from 'zod';
import { address } from '../address.ts';
import { chatBody, chatCodec, chatSettings } from './chat-completions.ts';
import type { LanguageModel, PromptRequest } from './contract.ts';
import { streamedReply } from './streaming.ts';

const settings = chatSettings.extend({
  model: z.string().min(1).default('custom'),
  url: z.url({ protocol: /^https?$/ }).optional(),
  metadataSendMode: z.enum(['off', 'variable', 'destructured']).default('variable'),
  headers: z.record(z.string(), z.string()).default({}),
});
type Settings = z.infer<typeof settings>;

/** Vapi's default for an answer to begin. */
const TIMEOUT_SECONDS = 20;

export const customBrain: LanguageModel<Settings> = {
  kind: 'llm',
  name: 'custom-llm',
  env: 'CUSTOM_LLM',
  origin: '',
  needsKey: false,
  settings,
  addressIn: ({ url }) => url,
  reply(request, chosen, access, ctx) {
    const ask = () => ({
      url: address(access.baseUrl.replace(/\/chat\/completions\/?$/, ''), '/chat/completions'),
      headers: { ...ownHeaders(chosen.headers), ...(access.apiKey && { authorization: `Bearer ${access.apiKey}` }) },
      body: { ...metadataOf(request, chosen.metadataSendMode), ...chatBody(request, chosen) },
      timeoutMs: (chosen.timeoutSeconds ?? TIMEOUT_SECONDS) * 1_000,
    });
    return streamedReply({ vendor: customBrain, access, prompt: request, ask, codec: chatCodec, ctx });
  },
};

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
