import { describe, expect, it } from 'vitest';
import { clauses } from '../../src/call/answer/clauses.ts';

const cut = (prefers: 'tokens' | 'clauses', pieces: readonly string[]) => {
  const cutter = clauses(prefers);
  return [...pieces.flatMap((piece) => cutter.push(piece)), ...cutter.flush()];
};
const letters = (text: string) => [...text];

describe('clauses', () => {
  it('gives the first clause early and whole sentences after it', () => {
    const text = 'It left this morning, and travels by train. You get it on Thursday, at noon. Anything else?';
    expect(cut('clauses', letters(text))).toEqual([
      'It left this morning, ',
      'and travels by train. ',
      'You get it on Thursday, at noon. ',
      'Anything else?',
    ]);
  });

  it('gives the first words even without punctuation', () => {
    expect(cut('clauses', letters('one two three four five six seven eight'))).toEqual(['one two three four five six ', 'seven eight']);
  });

  it('does not take a short form, a number or a short greeting for an end', () => {
    expect(cut('clauses', letters('You see Dr. Smith at 3.30, not before.'))).toEqual(['You see Dr. Smith at 3.30, ', 'not before.']);
    expect(cut('clauses', letters('Yes, it is ready.'))).toEqual(['Yes, it is ready.']);
  });

  it('hands over whole words to a voice that buffers itself', () => {
    expect(cut('tokens', ['Hel', 'lo the', 're, friend'])).toEqual(['Hello ', 'there, friend']);
  });

  it('lets the first words go at once and more and more of the later ones share a message, up to the end of a sentence', () => {
    const words = 'one two three four five six seven. eight nine ten eleven twelve thirteen '.match(/\S+ /g) ?? [];
    expect(cut('tokens', words)).toEqual(['one ', 'two three ', 'four five six ', 'seven. ', 'eight nine ten eleven twelve ', 'thirteen ']);
  });

  it('never loses or adds a character, and never says white space alone', () => {
    const text = '  Well.\n\nOkay — "fine." (really)  yes!';
    for (const prefers of ['tokens', 'clauses'] as const) {
      expect(cut(prefers, letters(text)).join('')).toBe(text);
      expect(cut(prefers, [' ', '\n', '  '])).toEqual([]);
    }
  });
});
