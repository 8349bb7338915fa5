/** Vendors whose API is OpenAI's chat completions under another address: one row each. */
import { z } from 'zod';
import { address } from '../address.ts';
import { chatBody, chatCodec, chatSettings } from './chat-completions.ts';
import type { LanguageModel } from './contract.ts';
import { streamedReply } from './streaming.ts';

interface Row {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly env: string;
  readonly origin: string;
  /** Used when the assistant names none. */
  readonly model: string;
  /** `false`: refuses `stream_options`. */
  readonly usage?: boolean;
  /** As in `ChatOptions`. */
  readonly strict?: boolean;
  readonly ids?: RegExp;
}

const ROWS: readonly Row[] = [
  { name: 'groq', env: 'GROQ', origin: 'https://api.groq.com/openai/v1', model: 'llama-3.3-70b-versatile' },
  { name: 'cerebras', env: 'CEREBRAS', origin: 'https://api.cerebras.ai/v1', model: 'llama-3.3-70b' },
  {
    name: 'together-ai',
    aliases: ['together'],
    env: 'TOGETHER',
    origin: 'https://api.together.xyz/v1',
    model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  },
  { name: 'openrouter', env: 'OPENROUTER', origin: 'https://openrouter.ai/api/v1', model: 'openai/gpt-4.1-mini' },
  { name: 'deepinfra', env: 'DEEPINFRA', origin: 'https://api.deepinfra.com/v1/openai', model: 'meta-llama/Llama-3.3-70B-Instruct' },
  { name: 'deep-seek', aliases: ['deepseek'], env: 'DEEPSEEK', origin: 'https://api.deepseek.com/v1', model: 'deepseek-chat' },
  { name: 'xai', env: 'XAI', origin: 'https://api.x.ai/v1', model: 'grok-3-mini' },
  {
    name: 'mistral',
    env: 'MISTRAL',
    origin: 'https://api.mistral.ai/v1',
    model: 'mistral-small-latest',
    usage: false,
    strict: true,
    ids: /^[a-zA-Z0-9]{9}$/,
  },
  {
    name: 'perplexity-ai',
    aliases: ['perplexity'],
    env: 'PERPLEXITY',
    origin: 'https://api.perplexity.ai',
    model: 'sonar',
    usage: false,
    strict: true,
  },
  {
    name: 'anyscale',
    env: 'ANYSCALE',
    origin: 'https://api.endpoints.anyscale.com/v1',
    model: 'meta-llama/Llama-3-70b-chat-hf',
    usage: false,
  },
];

export const compatibleBrains: readonly LanguageModel<z.infer<typeof chatSettings>>[] = ROWS.map(brain);

function brain({ name, aliases = [], env, origin, model, usage = true, ...wire }: Row): LanguageModel<z.infer<typeof chatSettings>> {
  return {
    kind: 'llm',
    name,
    aliases,
    env,
    origin,
    needsKey: true,
    settings: chatSettings.extend({ model: z.string().min(1).default(model) }),
    reply(request, chosen, access, ctx) {
      const ask = () => ({
        url: address(access.baseUrl, '/chat/completions'),
        headers: { authorization: `Bearer ${access.apiKey}` },
        body: chatBody(request, { ...chosen, usage, ...wire }),
      });
      return streamedReply({ vendor: { name, kind: 'llm', env }, access, prompt: request, ask, codec: chatCodec, ctx });
    },
  };
}
