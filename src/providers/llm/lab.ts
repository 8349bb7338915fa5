/**
 * The lab's brain: a model that follows a script and needs no key. It answers the caller's last words by the rule that fits them
 * best, calls tools and speaks their results; what no rule fits it says it did not get. The same conversation gives the same answers.
 */
import { z } from 'zod';
import { matchPhrase } from '../spoken.ts';
import type { LanguageModel, Message, Said, ToolCall, ToolSpec } from './contract.ts';
import { RECEPTIONIST } from './receptionist.ts';

const Rule = z
  .looseObject({
    /** Sentences or phrases of the caller; `<digits>`, `<date>`, `<yes>` and `<no>` stand for what they say. */
    when: z.union([z.string(), z.array(z.string())]),
    /** Only after the agent has said something that contains these words. */
    after: z.string().optional(),
    say: z.string().optional(),
    /** Called after `say`; texts in the arguments may hold `{digits}` and `{date}`. Its name, or a part of it. */
    tool: z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()).optional() }).optional(),
    /** Said when the tool has answered: `{result}`, or a field of a JSON result, `{result.status}`. */
    answered: z.string().optional(),
    /** Said when there is no such tool, or its answer lacks a field that `answered` needs. */
    failed: z.string().optional(),
    /** Ends the call after `say`. */
    end: z.boolean().optional(),
  })
  .refine(({ say, tool, end }) => say || tool || end, 'must have `say`, `tool` or `end`');
export type Rule = z.infer<typeof Rule>;

const Settings = z
  .looseObject({
    script: z.array(Rule).max(500).default(RECEPTIONIST),
    otherwise: z.string().default('Sorry, I did not get that.'),
    /** Said when the model makes the first sentence. */
    opening: z.string().default('Hello, how can I help you?'),
    /** A pause before the first word, as a model on a network would have. */
    delayMs: z.number().min(0).max(10_000).default(0),
    /** Made of the script, see `expectedOf`: whoever plans a call hands them to the recogniser. */
    expects: z.array(z.string()).default([]),
  })
  .overwrite((settings) => ({ ...settings, expects: expectedOf(settings) }));
type Settings = z.infer<typeof Settings>;

const FAILED = 'I am sorry, I could not look that up just now.';

/** What callers can say to a script: the recogniser's grammar. */
export function expectedOf(settings: { readonly script: readonly Rule[] }): string[] {
  return [...new Set(settings.script.flatMap((rule) => rule.when))];
}

export const labBrain: LanguageModel<Settings> = {
  name: 'lab',
  kind: 'llm',
  env: 'LAB',
  origin: '',
  needsKey: false,
  settings: Settings,
  async *reply({ messages, tools }, settings, _access, ctx) {
    if (settings.delayMs > 0) await ctx.scope.clock.sleep(settings.delayMs, ctx.scope);
    const { say, calls } = answer(messages, tools, settings);
    const words = say.match(/\S+\s*/g) ?? [];
    for (const word of words) yield { type: 'text', text: word };
    for (const call of calls) yield { type: 'tool', call };
    yield done(messages, words.length, calls.length);
  },
};

interface Answer {
  readonly say: string;
  readonly calls: readonly ToolCall[];
}

function answer(messages: readonly Message[], tools: readonly ToolSpec[], settings: Settings): Answer {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const question = messages[asked];
  if (!question) return { say: settings.opening, calls: [] };
  const found = choose(settings.script, question.content, lastWordsOfAgent(messages.slice(0, asked)));
  if (!found) return { say: settings.otherwise, calls: [] };
  const { rule, slots } = found;
  const last = messages[messages.length - 1];
  if (last?.role === 'tool') return { say: last.failed ? (rule.failed ?? FAILED) : resulting(rule, last.content), calls: [] };

  const id = `lab_${messages.length}`;
  const calls: ToolCall[] = [];
  if (rule.tool) {
    const tool = toolNamed(tools, rule.tool.name);
    if (!tool) return { say: rule.failed ?? FAILED, calls: [] };
    calls.push({ id, name: tool.name, arguments: filled(rule.tool.arguments ?? {}, slots) });
  }
  if (rule.end) {
    const tool = toolNamed(tools, 'endCall');
    if (tool) calls.push({ id: `${id}_end`, name: tool.name, arguments: {} });
  }
  return { say: insert(rule.say ?? '', slots) ?? '', calls };
}

/** The rule whose phrase says most of what the caller said; of equals the first. */
function choose(script: readonly Rule[], words: string, before: string): { rule: Rule; slots: Record<string, string> } | undefined {
  let best: { rule: Rule; slots: Record<string, string>; length: number } | undefined;
  for (const rule of script) {
    if (rule.after && !matchPhrase(rule.after, before)) continue;
    for (const phrase of [rule.when].flat()) {
      const slots = matchPhrase(phrase, words);
      // A rule for this moment goes before one for any.
      const length = phrase.length + (rule.after ? 1_000 : 0);
      if (slots && length > (best?.length ?? 0)) best = { rule, slots, length };
    }
  }
  return best;
}

function lastWordsOfAgent(messages: readonly Message[]): string {
  return messages.findLast(({ role, content }) => role === 'assistant' && content.trim() !== '')?.content ?? '';
}

/** The tool with this name, or the first whose name contains it (`order` finds `lookup_order`). */
function toolNamed(tools: readonly ToolSpec[], name: string): ToolSpec | undefined {
  const wanted = name.toLowerCase();
  return tools.find((tool) => tool.name === name) ?? tools.find((tool) => tool.name.toLowerCase().includes(wanted));
}

function resulting(rule: Rule, content: string): string {
  let result: unknown = content;
  try {
    result = JSON.parse(content);
  } catch {
    // A plain text is a result too.
  }
  return insert(rule.answered ?? '{result}', { result }) ?? rule.failed ?? FAILED;
}

/** `{name}` and `{name.field}` replaced; `undefined` when one of them has no value. */
function insert(text: string, values: Readonly<Record<string, unknown>>): string | undefined {
  let missing = false;
  const out = text.replace(/\{(\w+(?:\.\w+)*)\}/g, (_, path: string) => {
    const value = path
      .split('.')
      .reduce<unknown>(
        (part, key) => (typeof part === 'object' && part !== null ? Object.entries(part).find(([name]) => name === key)?.[1] : undefined),
        values,
      );
    if (value === undefined || value === null) missing = true;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
  return missing ? undefined : out;
}

function filled(values: Readonly<Record<string, unknown>>, slots: Readonly<Record<string, string>>): Record<string, unknown> {
  const pairs = Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? (insert(value, slots) ?? '') : value]);
  return Object.fromEntries(pairs);
}

/** Words stand for tokens: the lab costs nothing, but its calls count like others. */
function done(messages: readonly Message[], completionTokens: number, calls: number): Said {
  const promptTokens = messages.reduce((sum, { content }) => sum + content.split(' ').length, 0);
  return { type: 'done', usage: { promptTokens, completionTokens }, finish: calls > 0 ? 'tools' : 'stop' };
}
