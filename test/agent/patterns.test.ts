/** Patterns of users: usable, or refused before they cost anything. */
import { describe, expect, it } from 'vitest';
import { patternFault } from '../../src/agent/patterns.ts';

describe('a pattern', () => {
  it.each([
    'number',
    '(?i)first name|last name',
    '^\\d{3}[- ]?\\d{3}[- ]?\\d{4}$',
    '\\b[A-Z]{2}\\d{6}\\b',
    '(?:yes|no){1,3}',
    '[]{1000}]',
    '\\{1000\\}{2}',
    'a{,5}',
    '\\p{L}+',
    '[^\\]]{20}',
    'x'.repeat(1_000),
    `(?:${Array.from({ length: 60 }, (_, i) => `phrase ${i}`).join('|')})`,
    '',
  ])('%j can be used', (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  });

  it.each(['(', ')', '[', 'a**', '(?=a)', '(?<!a)b', '\\1', 'a{2,1}', '\\'])('%j is not one', (pattern) => {
    expect(patternFault(pattern)).toMatch(/RE2/);
  });

  it.each([
    'a{1000}'.repeat(100),
    '(a|b){1000}',
    '(((a{10}){10}){10})'.repeat(50),
    '((((a{1000}){1000}){1000}){1000})',
    '\\p{L}{1000}',
    '\\pL'.repeat(300),
    '[a-z]{500}',
    'a{0,1000}b{1000,}',
    '(?:ab){600}',
  ])('%j is too heavy', (pattern) => {
    const from = performance.now();
    expect(patternFault(pattern)).toMatch(/repeats too much/);
    expect(performance.now() - from).toBeLessThan(50);
  });
});
