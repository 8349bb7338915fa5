/** OpenAI's brain: chat completions with the two fields that only OpenAI knows. */
import { z } from 'zod';
import { address } from '../address.ts';
import { chatBody, chatCodec, chatSettings } from './chat-completions.ts';
import type { LanguageModel } from './contract.ts';
import { streamedReply } from './streaming.ts';

const settings = chatSettings.extend({
  model: z.string().min(1).default('gpt-4.1-mini'),
  reasoningEffort: z.enum(['minimal', 'none', 'low', 'medium', 'high', 'xhigh']).optional(),
  promptCacheKey: z.string().optional(),
});

export const openaiBrain: LanguageModel<z.infer<typeof settings>> = {
  kind: 'llm',
  name: 'openai',
  env: 'OPENAI',
  origin: 'https://api.openai.com/v1',
  needsKey: true,
  settings,
  reply(request, chosen, access, ctx) {
    const ask = () => ({
      url: address(access.baseUrl, '/chat/completions'),
      headers: { authorization: `Bearer ${access.apiKey}` },
      body: {
        ...chatBody(request, { ...chosen, limitName: 'max_completion_tokens' }),
        reasoning_effort: chosen.reasoningEffort,
        prompt_cache_key: chosen.promptCacheKey,
      },
    });
    return streamedReply({ vendor: openaiBrain, access, prompt: request, ask, codec: chatCodec, ctx });
  },
};
