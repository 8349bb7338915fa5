/** Makes the grammar of what callers may say: the agent's expected sentences, and answers that anyone may give anywhere. */
import { PARTS, plainWords, SLOTS } from '../spoken.ts';

/** JSGF. Sentences with a word that the recogniser does not know could never be heard: they are left out, and their words told. */
export function grammarOf(expected: readonly string[], knows: (word: string) => boolean): { grammar: string; unknown: string[] } {
  const unknown = new Set<string>();
  const sentences = new Set<string>();
  for (const sentence of expected) {
    const words = plainWords(sentence).split(' ').filter(Boolean);
    const missing = words.filter((word) => (word.startsWith('<') ? !(word.slice(1, -1) in SLOTS) : !knows(word)));
    for (const word of missing) unknown.add(word);
    if (words.length > 0 && missing.length === 0) sentences.add(words.join(' '));
  }
  const rules = Object.entries({ ...SLOTS, ...PARTS }).map(([name, right]) => `<${name}> = ${right};`);
  const anyone = Object.keys(SLOTS).map((name) => `<${name}>`);
  const grammar = ['#JSGF V1.0;', 'grammar caller;', `public <said> = ${[...sentences, ...anyone].join(' | ')};`, ...rules].join('\n');
  return { grammar, unknown: [...unknown] };
}
