/** Which words a position stands for. */
import { describe, expect, it } from 'vitest';
import { heardWords } from '../../src/call/play/heard-text.ts';

describe('heard text by word timings', () => {
  const words = heardWords();
  words.say('Your order, number 42, ', undefined);
  words.say('left this morning.', undefined);
  for (const [i, word] of ['Your', 'order', 'number', 'forty-two', 'left', 'this', 'morning'].entries()) words.word(word, (i + 1) * 300);

  it.each([
    [0, ''],
    [299, ''],
    [300, 'Your'],
    [650, 'Your order,'],
    [900, 'Your order, number'],
    // The voice says "forty-two" for "42"; the text goes on with the next word that is found.
    [1_200, 'Your order, number'],
    [1_500, 'Your order, number 42, left'],
    [2_100, 'Your order, number 42, left this morning.'],
  ])('%i ms: "%s"', (ms, text) => {
    expect(words.upTo(ms, 2_100, false)).toBe(text);
  });

  it('is the whole text when everything was heard, whatever the timings say', () => {
    expect(words.upTo(2_000, 2_000, true)).toBe('Your order, number 42, left this morning.');
  });

  it('is made of the words alone when no text was given', () => {
    const spoken = heardWords();
    spoken.word('hello', 200);
    spoken.word('there', 400);
    expect(spoken.upTo(250, 400, false)).toBe('hello');
    expect(spoken.upTo(400, 400, true)).toBe('hello there');
  });
});

describe('heard text by share of characters', () => {
  it('divides the audio when its length is known, at the ends of words', () => {
    const words = heardWords();
    words.say('alpha beta gamma delta', undefined);
    expect(words.upTo(500, 1_000, true)).toBe('alpha beta');
    expect(words.upTo(1_000, 1_000, true)).toBe('alpha beta gamma delta');
    expect(words.upTo(0, 1_000, true)).toBe('');
  });

  it('estimates while the voice is still speaking', () => {
    const words = heardWords();
    words.say('one two three four five six seven eight nine ten', undefined);
    // 48 characters are about three seconds; one second of them was heard.
    expect(words.upTo(1_000, 1_200, false)).toBe('one two three');
  });

  it('begins anew where the audio of the next piece begins', () => {
    const words = heardWords();
    words.say('Let me look. ', undefined);
    words.say('It left this morning.', 700);
    expect(words.upTo(700, 700, false)).toBe('Let me look.');
    expect(words.upTo(1_200, 1_700, true)).toBe('Let me look. It left');
  });

  it('takes a voice that has fallen silent near the end as having said everything', () => {
    const words = heardWords();
    words.say('Let me look that up for you.', undefined);
    expect(words.upTo(1_600, 1_600, false)).toBe('Let me look that up for you.');
    expect(words.upTo(900, 900, false)).toBe('Let me look');
  });

  it('says nothing was heard of a voice that made no sound', () => {
    const words = heardWords();
    words.say('Hello.', undefined);
    expect(words.upTo(0, 0, true)).toBe('');
  });
});

describe('heard text of voices that followed one another', () => {
  /** A voice says the text at `pace` ms per character and breaks off after `ms`; the next one says the rest. */
  const broken = (text: string, ms: number, pace: number | undefined) => {
    const words = heardWords();
    words.say(text, undefined);
    const rest = words.lose(ms, pace);
    words.say(rest, undefined);
    return { words, rest };
  };
  const TEXT = 'one two three four five six';

  it.each([
    [0, 100, TEXT],
    [100, 100, TEXT],
    [300, 100, 'two three four five six'],
    [1_200, 100, 'three four five six'],
    [1_300, 100, 'four five six'],
    [2_700, 100, ''],
    [9_000, 100, ''],
    [845, undefined, 'four five six'],
  ])('after %i ms at %s ms a character "%s" is left', (ms, pace, rest) => {
    expect(broken(TEXT, ms, pace).rest).toBe(rest);
  });

  it('a place in the first voice, and one in the second', () => {
    const { words } = broken(TEXT, 1_300, 100);
    expect(words.upTo(700, 2_600, true)).toBe('one two');
    expect(words.upTo(1_300, 2_600, true)).toBe('one two three');
    expect(words.upTo(2_000, 2_600, true)).toBe('one two three four');
    expect(words.upTo(2_600, 2_600, true)).toBe(TEXT);
  });

  it('word times of a voice that is gone do not reach beyond its sound', () => {
    const words = heardWords();
    words.say(TEXT, undefined);
    for (const [index, word] of TEXT.split(' ').entries()) words.word(word, (index + 1) * 400);
    expect(words.lose(900)).toBe('three four five six');
    words.say('three four five six', undefined);
    for (const [index, word] of ['three', 'four', 'five', 'six'].entries()) words.word(word, 900 + (index + 1) * 400);
    expect(words.upTo(900, 1_000, false)).toBe('one two');
    expect(words.upTo(1_299, 2_500, false)).toBe('one two');
    expect(words.upTo(1_700, 2_500, true)).toBe('one two three four');
  });
});

describe('languages without spaces', () => {
  it.each([
    ['您好，我可以帮您查询订单。', 500, '您好，我可以'],
    ['สวัสดีครับ ผมช่วยอะไรได้บ้าง', 500, 'สวัสดีครับ ผม'],
  ])('%s is cut at the end of a word', (text, ms, heard) => {
    const words = heardWords();
    words.say(text, undefined);
    expect(words.upTo(ms, 1_000, true)).toBe(heard);
  });
});
