/**
 * What the words themselves say about the turn: how long to wait after them, whether they are only a backchannel, whether they
 * mean "stop", how many there are, in any language. Compiled once per agent; pure, and linear in time, since the patterns come from users.
 */
import { RE2JS } from 're2js';
import type { AgentPlan, EndpointingRule } from '../../agent/plan.ts';
import type { Policy, Wait } from './turn-state.ts';

const DEAF_FAREWELL = 'I am sorry, I cannot hear you at the moment. Please call again later. Goodbye.';
const TRANSFER_FAILED = 'I am sorry, I could not put you through.';

export function compilePolicy(agent: AgentPlan, durationMs: number): Policy {
  const { turns, idle, screening } = agent;
  const rules = turns.rules.map(compileRule);
  const acknowledgements = turns.acknowledgements.map(wordsOf).filter((phrase) => phrase.length > 0);
  const interruptions = turns.interruptions.map(wordsOf).filter((phrase) => phrase.length > 0);
  return {
    waitFor(caller, agent) {
      const rule = rules.find((entry) => entry.matches(caller, agent));
      const [wordsMs, by] = rule ? ([rule.waitMs, 'rule'] as const) : waitByWords(caller, turns);
      return { beforeMs: turns.waitBeforeSpeakingMs, wordsMs, by };
    },
    acknowledges: (text) => isMadeOf(wordsOf(text), acknowledgements),
    interrupts: (text) => hasAny(text, interruptions),
    interruptWords: turns.interruptWords,
    falseAlarmMs: turns.falseAlarmMs,
    holdMs: Math.min(turns.waitCompleteMs, turns.falseAlarmMs),
    backoffMs: turns.backoffMs,
    idleMs: idle.afterMs,
    idleTexts: idle.texts,
    idleMost: idle.most,
    silenceMs: agent.silenceMs,
    durationMs,
    screenMs: screening?.forMs ?? 0,
    voicemail: screening?.message ?? '',
    transferFailed: TRANSFER_FAILED,
    farewell: agent.farewell,
    deafFarewell: DEAF_FAREWELL,
  };
}

/** Scripts that are written without spaces: each of their letters is a unit by itself. In the others, a word is. */
const SCRIPTS = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}`;
const UNSPACED = new RegExp(String.raw`[[${SCRIPTS}]&&[\p{L}\p{N}\p{M}]]`, 'v');
const SPACED = String.raw`[[\p{L}\p{N}\p{M}]--[${SCRIPTS}]]`;
const UNIT = new RegExp(`${UNSPACED.source}|${SPACED}+`, 'gv');
/** The same in a text as it was written. */
const WRITTEN = new RegExp(`${UNSPACED.source}|['’]*(?:${SPACED}['’]*)+`, 'gv');

/** Marks that one writes and another leaves out: apostrophes, the vowel signs of Arabic and Hebrew, the stroke that stretches a word. */
const OPTIONAL = /['’\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]/g;

/** A letter and its accent are one, however they are encoded. */
const plain = (text: string) => text.normalize('NFC').toLowerCase().replace(OPTIONAL, '');

/**
 * The words alone, without case and punctuation: `Mm-hmm.` and `mm hmm` are the same, `don't` and `dont` too. Where no spaces are
 * written, the letters: what is said in a sentence and what stands alone are cut the same way then.
 */
export const wordsOf = (text: string): string[] => plain(text).match(UNIT) ?? [];

/** No space stands before or after it: a letter of such a script, or a full-width stop. */
export const isUnspaced = (letter = ''): boolean => UNSPACED.test(letter) || /[\u3000-\u303f\uff00-\uff65]/.test(letter);

/** How many words a speaker would count. */
export function countWords(text: string): number {
  if (!UNSPACED.test(text)) return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  let count = 0;
  for (const { isWordLike } of segments(text)) if (isWordLike) count += 1;
  return count;
}

/** Is it said in it? `stop` is in `please stop it` and not in `unstoppable`; the same where no spaces are written. */
export const hasPhrase = (text: string, phrase: string): boolean => hasAny(text, [wordsOf(phrase)]);

function hasAny(text: string, phrases: readonly (readonly string[])[]): boolean {
  const bare = plain(text);
  if (!UNSPACED.test(bare)) {
    const words = bare.match(UNIT) ?? [];
    return phrases.some((phrase) => phrase.length > 0 && words.some((_, at) => startsWith(words, at, phrase)));
  }
  const units = [...bare.matchAll(UNIT)];
  const words = units.map(([word]) => word);
  const isCut = cutsBetween(bare, units);
  return phrases.some(
    (phrase) => phrase.length > 0 && words.some((_, at) => startsWith(words, at, phrase) && isCut(at) && isCut(at + phrase.length)),
  );
}

/** Does a word begin with this unit, or end before it? */
function cutsBetween(text: string, units: readonly RegExpExecArray[]): (unit: number) => boolean {
  const starts = new Set(Array.from(segments(text), ({ index }) => index));
  return (unit) => {
    const before = units[unit - 1];
    const here = units[unit];
    return !before || !here || here.index > before.index + before[0].length || starts.has(here.index);
  };
}

let segmenter: Intl.Segmenter | undefined;
/** The dictionaries go by script, whatever the language: one serves all, made when the first such text comes. */
function segments(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
  return segmenter.segment(text);
}

/** The text as it was written, from its unit of this number on; a word that begins before it is left out. */
export function tailOf(text: string, unit: number): string {
  const units = [...text.matchAll(WRITTEN)];
  const isCut = cutsBetween(text, units);
  const first = units.find((_, index) => index >= unit && isCut(index));
  return first ? text.slice(first.index).trim() : '';
}

/** Words after which a sentence goes on: `I want to`, `my number is`, `and`. */
const OPEN_ENDED = new Set(
  'a about an and are at because but by can could for from i if im in is it its ive my of on or our so that the then to was with would um uh er hmm'.split(
    ' ',
  ),
);

/** A number that the assistant names itself is its plan's; the others are guessed from the shape of the words. */
function waitByWords(text: string, { explicit, ...turns }: AgentPlan['turns']): readonly [number, Wait['by']] {
  const by = (named: boolean) => (named ? 'plan' : 'shape');
  const last = wordsOf(text).at(-1) ?? '';
  // A number may go on (a telephone number, a card), whatever punctuation the recogniser set behind it.
  if (/\p{N}/u.test(last)) return [turns.waitNumberMs, by(explicit.number)];
  const complete = [turns.waitCompleteMs, by(explicit.complete)] as const;
  if (/[.!?。！？।؟…]["'”’)]*\s*$/u.test(text)) return complete;
  // Without punctuation the last word decides, unless the assistant has: many recognisers set none at all.
  const goesOn = explicit.incomplete || OPEN_ENDED.has(last) || /[,:;、，：；-]\s*$/.test(text);
  return goesOn ? [turns.waitIncompleteMs, by(explicit.incomplete)] : complete;
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
