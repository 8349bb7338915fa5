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
