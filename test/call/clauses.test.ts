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

  it.each([
    [
      'Chinese',
      '您好，感谢您的来电。我们的营业时间是早上九点到晚上六点！请问？',
      ['您好，感谢您的来电。', '我们的营业时间是早上九点到晚上六点！', '请问？'],
    ],
    ['Japanese', 'はい、承知しました。少々お待ちください。', ['はい、承知しました。', '少々お待ちください。']],
    ['quoted', '他说：“我们今天不营业。”然后走了。', ['他说：“我们今天不营业。”', '然后走了。']],
    ['Hindi', 'आपका ऑर्डर आज सुबह निकला।वह कल आएगा।', ['आपका ऑर्डर आज सुबह निकला।', 'वह कल आएगा।']],
    ['Arabic', 'هل يمكنني مساعدتك اليوم؟نعم، بالطبع.', ['هل يمكنني مساعدتك اليوم؟', 'نعم، بالطبع.']],
    ['Urdu', 'آپ کا آرڈر آج نکل گیا۔کل ملے گا۔', ['آپ کا آرڈر آج نکل گیا۔', 'کل ملے گا۔']],
    ['Armenian', 'Ձեր պատվերը ճանապարհին է։Վաղը կլինի։', ['Ձեր պատվերը ճանապարհին է։', 'Վաղը կլինի։']],
    ['English', 'Thank you for calling.We are open.Can I help?', ['Thank you for calling.', 'We are open.', 'Can I help?']],
  ])('ends sentences without a space: %s', (_, text, pieces) => {
    expect(cut('clauses', [text])).toEqual(pieces);
    expect(cut('clauses', letters(text)).join('')).toBe(text);
    expect(cut('tokens', letters(text)).join('')).toBe(text);
  });

  it('counts the words of scripts without spaces by their dictionary', () => {
    const thai = 'สวัสดีครับผมสามารถช่วยคุณได้อย่างไรวันนี้กรุณาบอกหมายเลขคำสั่งซื้อ';
    for (const prefers of ['tokens', 'clauses'] as const) {
      const cutter = clauses(prefers);
      const [first = '', ...more] = letters(thai).flatMap((letter) => cutter.push(letter));
      expect(thai.startsWith(first)).toBe(true);
      expect([...new Intl.Segmenter('th', { granularity: 'word' }).segment(first)].length).toBeLessThanOrEqual(6);
      expect([first, ...more, ...cutter.flush()].join('')).toBe(thai);
    }
  });

  it('lets punctuation alone wait for the words behind it', () => {
    for (const prefers of ['tokens', 'clauses'] as const)
      for (const piece of cut(prefers, ['— ', '... ', '"', ' Yes, ', 'it is ready', '. ', '...'])) expect(piece).toMatch(/\p{L}|^\.\.\.$/u);
  });

  it('holds no more than a bounded piece of a text without ends', () => {
    for (const prefers of ['tokens', 'clauses'] as const)
      for (const unit of ['a', '中', '😀', 'ก', '-']) {
        const text = unit.repeat(3_000);
        const cutter = clauses(prefers);
        const pieces = (text.match(/.{1,7}/gs) ?? []).flatMap((part) => cutter.push(part));
        expect(pieces.join('').length, unit).toBeGreaterThan(text.length - 450);
        expect([...pieces, ...cutter.flush()].join('')).toBe(text);
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(400);
      }
  });
});
