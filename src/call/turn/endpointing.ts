const DEAF_FAREWELL = 'I am sorry, I cannot hear you at the moment. Please call again later. Goodbye.';

/**
 * What the words themselves say about the turn: how long to wait after them, whether they are only a backchannel, whether they
 * mean "stop". Compiled once per call from the agent's policy; pure, and linear in time, since the patterns come from users.
 */
import { RE2JS } from 're2js';
import type { AgentPlan, EndpointingRule } from '../../agent/plan.ts';
import type { Policy } from './turn-state.ts';

export function compilePolicy(agent: AgentPlan, durationMs: number): Policy {
  const { turns, idle } = agent;
  const rules = turns.rules.map(compileRule);
  const acknowledgements = turns.acknowledgements.map(wordsOf).filter((phrase) => phrase.length > 0);
  const interruptions = turns.interruptions.map(wordsOf).filter((phrase) => phrase.length > 0);
  return {
    waitMs(caller, agent) {
      const rule = rules.find((entry) => entry.matches(caller, agent));
      return (rule ? rule.waitMs : waitByShape(caller, turns)) + turns.waitBeforeSpeakingMs;
    },
    acknowledges: (text) => isMadeOf(wordsOf(text), acknowledgements),
    interrupts(text) {
      const words = wordsOf(text);
      return interruptions.some((phrase) => words.some((_, at) => startsWith(words, at, phrase)));
    },
    interruptWords: turns.interruptWords,
    falseAlarmMs: turns.falseAlarmMs,
    holdMs: Math.min(turns.waitCompleteMs, turns.falseAlarmMs),
    backoffMs: turns.backoffMs,
    idleMs: idle.afterMs,
    idleTexts: idle.texts,
    idleMost: idle.most,
    silenceMs: agent.silenceMs,
    durationMs,
    farewell: agent.farewell,
    deafFarewell: DEAF_FAREWELL,
  };
}

/** The words alone, without case and punctuation: `Mm-hmm.` and `mm hmm` are the same, `don't` and `dont` too. */
export function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/['’]/g, '')
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter(Boolean);
}

/** Words after which a sentence goes on: `I want to`, `my number is`, `and`. */
const OPEN_ENDED = new Set(
  'a about an and are at because but by can could for from i if im in is it its ive my of on or our so that the then to was with would um uh er hmm'.split(
    ' ',
  ),
);

function waitByShape(text: string, turns: AgentPlan['turns']): number {
  const last = wordsOf(text).at(-1) ?? '';
  // A number may go on (a telephone number, a card), whatever punctuation the recogniser set behind it.
  if (/\p{N}/u.test(last)) return turns.waitNumberMs;
  if (/[.!?。！？।؟…]["'”’)]*\s*$/u.test(text)) return turns.waitCompleteMs;
  // Without punctuation the last word decides: many recognisers set none at all.
  return OPEN_ENDED.has(last) || /[,:;-]\s*$/.test(text) ? turns.waitIncompleteMs : turns.waitCompleteMs;
}

interface CompiledRule {
  readonly waitMs: number;
  matches(caller: string, agent: string): boolean;
}

function compileRule(rule: EndpointingRule): CompiledRule {
  const agent = compilePattern(rule.agentPattern, rule.ignoreCase);
  const caller = compilePattern(rule.callerPattern, rule.ignoreCase);
  return {
    waitMs: rule.waitMs,
    matches: (callerText, agentText) => (rule.of === 'caller' || agent(agentText)) && (rule.of === 'agent' || caller(callerText)),
  };
}

/** A pattern that RE2 does not know (a look-behind, a back reference) matches nothing: the plan's maker has refused it before. */
function compilePattern(pattern: string, ignoreCase: boolean): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    return (text) => compiled.matcher(text).find();
  } catch {
    return () => false;
  }
}

const startsWith = (words: readonly string[], at: number, phrase: readonly string[]) => phrase.every((word, i) => words[at + i] === word);

/** Do the phrases, in any order and number, make up all the words? Nothing at all is not made of them. */
function isMadeOf(words: readonly string[], phrases: readonly (readonly string[])[]): boolean {
  const reachable = [true];
  for (let at = 0; at < words.length; at++) {
    if (!reachable[at]) continue;
    for (const phrase of phrases) if (startsWith(words, at, phrase)) reachable[at + phrase.length] = true;
  }
  return words.length > 0 && reachable[words.length] === true;
}
