/** Google's brain: Gemini's `streamGenerateContent` as server-sent events. Wire: ai.google.dev/api/generate-content. */
import { z } from 'zod';
import { address } from '../address.ts';
import { type Fields, fieldsOf, listOf, numberOf, type Tally, textOf } from '../fields.ts';
import { type LanguageModel, type Message, type PromptRequest, patience, type ToolCall } from './contract.ts';
import { argumentsOf } from './prompt.ts';
import { type BrainCodec, type Finish, streamedReply } from './streaming.ts';
import { argumentText, toolCall } from './tool-calls.ts';
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
    return streamedReply({ vendor: googleBrain, access, prompt: request, ask, codec, ctx });
  },
};

function bodyOf(request: PromptRequest, chosen: Settings): Record<string, unknown> {
  const { system, turns } = alternatingTurns(request);
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
    const { toolCallId: id, name, content, failed } = message;
    return [{ functionResponse: { id, name, response: failed ? { error: content } : { result: content } } }];
  }
  const text = message.content ? [{ text: message.content }] : [];
  if (message.role === 'user') return text;
  const call = (made: ToolCall) => ({
    functionCall: { id: made.id, name: made.name, args: argumentsOf(made) },
    thoughtSignature: made.signature ?? NO_SIGNATURE,
  });
  return [...text, ...(message.toolCalls ?? []).map(call)];
}

function codec(_prompt: PromptRequest, tally: Tally): BrainCodec {
  let finish: Finish | undefined;
  let usage: Fields | undefined;
  /** The latest chunk had no words: some models call each chunk their last. */
  let silent = true;

  const callOf = (made: Fields, signature: unknown): ToolCall | undefined => {
    const name = textOf(made.name, 'functionCall', tally);
    if (!name) {
      tally.note('functionCall');
      return undefined;
    }
    const call = toolCall(textOf(made.id, 'functionCall', tally), name, argumentText(made.args, tally));
    return typeof signature === 'string' && signature !== '' ? { ...call, signature } : call;
  };

  return {
    get finished() {
      return finish !== undefined && silent;
    },
    read(chunk, _name, find) {
      usage = fieldsOf(chunk.usageMetadata, 'usageMetadata', tally) ?? usage;
      if (fieldsOf(chunk.promptFeedback, 'promptFeedback', tally)?.blockReason) finish = 'filtered';
      silent = true;
      const candidate = listOf(chunk.candidates, 'candidates', tally)[0];
      for (const part of listOf(fieldsOf(candidate?.content, 'content', tally)?.parts, 'parts', tally)) {
        const text = textOf(part.text, 'text', tally);
        if (text !== '') {
          silent = false;
          find({ type: part.thought === true ? 'thought' : 'text', text });
        }
        const made = fieldsOf(part.functionCall, 'functionCall', tally);
        const call = made && callOf(made, part.thoughtSignature);
        if (call) find({ type: 'tool', call });
      }
      const reason = textOf(candidate?.finishReason, 'finishReason', tally);
      if (reason !== '') finish = finishOf(reason);
    },
    end() {
      const count = (name: string) => numberOf(usage?.[name], 'usageMetadata', tally) || undefined;
      const said = count('candidatesTokenCount');
      const thought = count('thoughtsTokenCount');
      return {
        calls: [],
        finish,
        usage: {
          promptTokens: count('promptTokenCount'),
          completionTokens: said || thought ? (said ?? 0) + (thought ?? 0) : undefined,
          cachedPromptTokens: count('cachedContentTokenCount'),
        },
      };
    },
  };
}

function finishOf(reason: string): Finish {
  if (reason === 'MAX_TOKENS') return 'length';
  return ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'].includes(reason) ? 'filtered' : 'stop';
}
