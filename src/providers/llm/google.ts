/** Google's brain: Gemini's `streamGenerateContent` as server-sent events. Wire: ai.google.dev/api/generate-content. */
import { z } from 'zod';
import { address } from '../address.ts';
import { reported } from '../faults.ts';
import { type LanguageModel, type Message, type PromptRequest, patience, type Said, type ToolCall } from './contract.ts';
import { type BrainCodec, callId, streamedReply } from './streaming.ts';
import { alternatingTurns } from './turns.ts';

const settings = z.object({
  model: z.string().min(1).default('gemini-2.5-flash'),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.number().int().min(1).max(10_000).default(250),
  timeoutSeconds: patience,
});
type Settings = z.infer<typeof settings>;

export const googleBrain: LanguageModel<Settings> = {
  kind: 'llm',
  name: 'google',
  aliases: ['gemini'],
  env: 'GOOGLE',
  origin: 'https://generativelanguage.googleapis.com/v1beta',
  needsKey: true,
  settings,
  reply(request, chosen, access, ctx) {
    const ask = () => ({
      url: address(access.baseUrl, `/models/${encodeURIComponent(chosen.model)}:streamGenerateContent`, { alt: 'sse' }),
      headers: { 'x-goog-api-key': access.apiKey },
      body: bodyOf(request, chosen),
    });
    return streamedReply(googleBrain, access, ask, codec(), ctx);
  },
};

function bodyOf(request: PromptRequest, chosen: Settings): Record<string, unknown> {
  const { system, turns } = alternatingTurns(request.messages);
  const declarations = request.tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    parametersJsonSchema: tool.parameters,
  }));
  return {
    ...(system ? { systemInstruction: { parts: [{ text: system }] } } : {}),
    contents: turns.map((turn) => ({ role: turn.side === 'user' ? 'user' : 'model', parts: turn.messages.flatMap(partsOf) })),
    ...(declarations.length > 0 ? { tools: [{ functionDeclarations: declarations }] } : {}),
    generationConfig: {
      maxOutputTokens: chosen.maxTokens,
      ...(chosen.temperature === undefined ? {} : { temperature: chosen.temperature }),
      // Silent thinking is time in which the caller hears nothing; of the models that think, these can be told not to.
      ...(/^gemini-2\.5-flash/.test(chosen.model) ? { thinkingConfig: { thinkingBudget: 0 } } : {}),
    },
  };
}

/** Gemini 3 refuses a function call of its own without its signature; this value stands in where none was kept. */
const NO_SIGNATURE = 'skip_thought_signature_validator';

function partsOf(message: Exclude<Message, { role: 'system' }>): Record<string, unknown>[] {
  if (message.role === 'tool') {
    const { toolCallId: id, name, content } = message;
    return [{ functionResponse: { id, name, response: { result: content } } }];
  }
  const text = message.content ? [{ text: message.content }] : [];
  if (message.role === 'user') return text;
  const call = ({ id, name, arguments: args, signature }: ToolCall) => ({
    functionCall: { id, name, args },
    thoughtSignature: signature ?? NO_SIGNATURE,
  });
  return [...text, ...(message.toolCalls ?? []).map(call)];
}

const Part = z.object({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  functionCall: z.object({ id: z.string().optional(), name: z.string(), args: z.record(z.string(), z.unknown()).optional() }).optional(),
});
const Chunk = z.object({
  error: z.object({ message: z.string().default(''), status: z.string().default('') }).optional(),
  candidates: z
    .array(z.object({ content: z.object({ parts: z.array(Part).optional() }).optional(), finishReason: z.string().optional() }))
    .optional(),
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  usageMetadata: z
    .object({
      promptTokenCount: z.number().default(0),
      candidatesTokenCount: z.number().default(0),
      thoughtsTokenCount: z.number().default(0),
      cachedContentTokenCount: z.number().default(0),
    })
    .optional(),
});

function codec(): BrainCodec {
  let finish: 'stop' | 'length' | 'filtered' | undefined;
  let usage: z.infer<typeof Chunk>['usageMetadata'];
  let calls = 0;

  return {
    *read(json): Generator<Said> {
      const chunk = Chunk.parse(json);
      if (chunk.error) throw reported(`${chunk.error.status} ${chunk.error.message}`, 'provider_network');
      usage = chunk.usageMetadata ?? usage;
      if (chunk.promptFeedback?.blockReason) finish = 'filtered';
      const candidate = chunk.candidates?.[0];
      for (const { text, thought, thoughtSignature, functionCall } of candidate?.content?.parts ?? []) {
        if (text && !thought) yield { type: 'text', text };
        if (!functionCall) continue;
        calls += 1;
        const signature = thoughtSignature ? { signature: thoughtSignature } : {};
        const { id = callId(), name, args = {} } = functionCall;
        yield { type: 'tool', call: { id, name, arguments: args, ...signature } };
      }
      if (candidate?.finishReason) finish = finishOf(candidate.finishReason);
    },
    end() {
      if (!finish) return undefined;
      const cached = usage?.cachedContentTokenCount;
      return [
        {
          type: 'done',
          finish: calls > 0 ? 'tools' : finish,
          usage: {
            promptTokens: usage?.promptTokenCount ?? 0,
            completionTokens: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
            ...(cached ? { cachedPromptTokens: cached } : {}),
          },
        },
      ];
    },
  };
}

function finishOf(reason: string): 'stop' | 'length' | 'filtered' {
  if (reason === 'MAX_TOKENS') return 'length';
  return ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'].includes(reason) ? 'filtered' : 'stop';
}
