/** What the caller hears of a model's text: the kinds of marks, in tables, and the law that how the text was cut into deltas changes nothing. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SPEECH, FORMATTERS, SPEECH_LIMITS, type SpeechPlan } from '../../src/agent/plan.ts';
import { speakable, spoken } from '../../src/call/answer/speech/speakable.ts';

const say = (text: string, language = 'en', plan: Partial<SpeechPlan> = {}) =>
  spoken({ ...DEFAULT_SPEECH, ...plan }, language, text).trim();
const streamed = (deltas: readonly string[], language: string, prefers: 'tokens' | 'clauses', plan: SpeechPlan = DEFAULT_SPEECH) => {
  const stream = speakable(plan, language, prefers);
  return [...deltas.flatMap((delta) => stream.push(delta)), ...stream.flush()];
};

/** Marks for eyes, by kind: written, heard. Without numbers, so that every language has them. */
const MARKS: readonly (readonly [written: string, heard: string])[] = [
  // Headings and rulers
  ['# Title', 'Title'],
  ['## Prices\n\nWe have two.', 'Prices.\nWe have two.'],
  ['###No space\nText', 'No space.\nText'],
  ['## Closed ##\nText', 'Closed \nText'],
  ['Title\n=====\nText', 'Title.\nText'],
  ['Above\n\n---\n\nBelow', 'Above.\nBelow'],
  ['Above\n* * *\nBelow', 'Above.\nBelow'],
  // Emphasis
  ['**bold** and *italic* and ***both***', 'bold and italic and both'],
  ['__bold__ and _italic_ and ~~gone~~ and ==marked==', 'bold and italic and gone and marked'],
  ['a**b**c', 'abc'],
  ['**Price:** low', 'Price. low'],
  ['An open **end', 'An open end'],
  // Lists
  ['- one\n- two', 'one.\ntwo'],
  ['* one\n* two', 'one.\ntwo'],
  ['+ one\n• two\n– three', 'one.\ntwo.\nthree'],
  ['- one\n  - nested\n    * deeper', 'one.\nnested.\ndeeper'],
  ['- [ ] open\n- [x] done', 'open.\ndone'],
  ['> quoted\n> again', 'quoted.\nagain'],
  // Links, pictures, notes
  ['[Premium](https://example.com/p?id=1) is good', 'Premium is good'],
  ['[**Bold** link](http://x.y/(a)_b "title") end', 'Bold link end'],
  ['See [the page][ref].\n\n[ref]: https://example.com', 'See the page.'],
  ['![A shop](https://x.y/z.png) here', 'A shop here'],
  ['True[1], and so[^note] it is【4†source】.', 'True, and so it is.'],
  ['Well [laughs] yes', 'Well [laughs] yes'],
  ['An open [bracket', 'An open [bracket'],
  // Code
  ['Press `Enter` now', 'Press Enter now'],
  ['Look:\n```js\nconst x = 1;\n```\nThat is it.', 'Look.\nThat is it.'],
  ['~~~\ncode\n~~~\nDone', 'Done'],
  ['```text\nOnly words\n```\nDone', 'Only words.\nDone'],
  ['```\nOnly words\n```', 'Only words'],
  ['snake_case_name', 'snake case name'],
  // Tables
  ['| Name | Use |\n|------|:---:|\n| Basic | home |\n| Pro | work |', 'Name, Use.\nBasic, home.\nPro, work'],
  // Tags and characters by name
  ['A <b>bold</b> word<br>and <a href="x">more</a>', 'A bold word.\nand more'],
  ['Salt &amp; pepper &quot;here&quot;', 'Salt and pepper here'],
  ['Hi &#x1F600;&#xE001;there', 'Hi there'],
  ['It&#39;s here&nbsp;now<!-- not this -->', "It's here now"],
  ['Wait <break time="1s"/> here', 'Wait <break time="1s"/> here'],
  ['a < b and c', 'a < b and c'],
  // Pictures and what cannot be seen
  ['Great! 😀 Yes 👨‍👩‍👧 and 🇩🇪 ok', 'Great! Yes and ok'],
  ['❤️‍🔥 warm ✅ done ™', 'warm done'],
  ['in\u200Bvis\u00ADible\u0007 \uFEFFtext', 'invisible text'],
  ['Done → next', 'Done next'],
  // Lines and escapes
  ['One\nTwo!\nThree', 'One.\nTwo!\nThree'],
  ['\\*not emphasis\\* and \\_this\\_', 'not emphasis and this'],
  ['well -- yes — no – maybe - so', 'well — yes — no — maybe — so'],
  ['He said "yes" and “no”', 'He said yes and no'],
];

/** English numbers and what belongs to them. */
const WORDS: readonly (readonly [written: string, heard: string])[] = [
  ['$42.50', 'forty two dollars and fifty cents'],
  ['$1, $0.99 and -$5', 'one dollar, ninety nine cents and minus five dollars'],
  ['$1,234.05', 'one thousand two hundred thirty four dollars and five cents'],
  ['$5 million, $3.2k', 'five million dollars, three point two thousand dollars'],
  ['10 €, £7, 3 USD', 'ten euros, seven pounds, three dollars'],
  ['JOHN.DOE@example.com', 'JOHN dot DOE at example dot com'],
  ['john_doe+x@mail.example.org.', 'john underscore doe plus x at mail dot example dot org.'],
  ['https://www.example.com/a/b?c=d.', 'example dot com.'],
  ['Go to example.com/pricing or <https://shop.example.net>!', 'Go to example dot com or shop dot example dot net!'],
  ['on 2023-05-10 or 05/10/2023', 'on Wednesday, May 10, 2023 or Wednesday, May 10, 2023'],
  ['May 10, 2023 and 3 June', 'May 10, 2023 and 3 June'],
  ['May I help?', 'May I help?'],
  ['at 14:00, 14:30, 9:00 or 2:30 pm', "at 2 PM, 2:30 PM, 9 o'clock or 2:30 PM"],
  ['5 km, 43 lb, 1 kg, 20°C', 'five kilometers, forty three pounds, one kilogram, twenty degrees Celsius'],
  ['50%, 2.5 %', 'fifty percent, two point five percent'],
  ['123-456-7890', '1 2 3 4 5 6 7 8 9 0'],
  ['+1 (555) 123-4567', 'plus 1 5 5 5 1 2 3 4 5 6 7'],
  ['-9, 2.5, 2023', 'minus nine, two point five, 2023'],
  ['12345 and 007', '1 2 3 4 5 and 0 0 7'],
  ['1200 and 1,000,000', 'twelve hundred and one million'],
  ['5-10 days, 24/7', 'five to ten days, twenty four seven'],
  ['3 * 4 is 3*4', 'three times four is three times four'],
  ['#5, ~5 and #topic', 'number five, about five and topic'],
  ['1st, 1990s, 5G, 3.5.1, B2B', '1st, 1990s, 5G, 3.5.1, B2B'],
  ['1. First\n2. Second', 'one, First.\ntwo, Second'],
  ['NASA, SQL, CEO, TVs at 5 PM', 'nasa, S Q L, CEO, T Vs at 5 PM'],
  ['Thank you for calling.We are open.Can I help?', 'Thank you for calling. We are open. Can I help?'],
  ['Node.JS and e.g. this', 'Node.JS and e.g. this'],
];

/** Other scripts: their words stay, their lines end in their own way, their numbers are their voice's. */
const SCRIPTS: readonly (readonly [language: string, written: string, heard: string])[] = [
  ['zh', '**价格**\n- 基本：10元\n- [高级](http://x.y)：20元。', '价格。\n基本：10元。\n高级：20元。'],
  ['ja', '## 料金\n- 基本は*10*円です', '料金。\n基本は10円です'],
  ['th', '**สวัสดี**\n- ครับ', 'สวัสดี\nครับ'],
  ['hi', '**नमस्ते**\n- आप कैसे हैं?', 'नमस्ते।\nआप कैसे हैं?'],
  ['ar', '**مرحبا**، كيف حالك؟ 😀', 'مرحبا، كيف حالك؟'],
  ['fa', 'می‌خواهم', 'می‌خواهم'],
  ['de', '**Preis:** 10 € und 3 * 4, ~5 Minuten', 'Preis. 10 € und 3 mal 4, etwa 5 Minuten'],
  ['de', 'max@beispiel.de', 'max at beispiel Punkt de'],
  ['en', '我们有 10 个', '我们有 10 个'],
];

describe('text for the voice', () => {
  it.each(MARKS)('%j is heard as %j', (written, heard) => expect(say(written)).toBe(heard));
  it.each(WORDS)('English: %j is heard as %j', (written, heard) => expect(say(written)).toBe(heard));
  it.each(SCRIPTS)('%s: %j is heard as %j', (language, written, heard) => expect(say(written, language)).toBe(heard));

  it('is the same at whatever place a delta ends', () => {
    for (const [language, written] of [...[...MARKS, ...WORDS].map(([text]) => ['en', text] as const), ...SCRIPTS]) {
      const whole = streamed([written], language, 'clauses').join('').trim();
      expect(whole, written).toBe(say(written, language));
      for (const prefers of ['tokens', 'clauses'] as const) {
        for (let at = 1; at < written.length; at++)
          expect(
            streamed([written.slice(0, at), written.slice(at)], language, prefers)
              .join('')
              .trim(),
            `${written} at ${at}`,
          ).toBe(whole);
        expect(streamed(written.split(''), language, prefers).join('').trim(), `${written}, letter by letter`).toBe(whole);
      }
    }
  });

  it('is the same for random cuts of random compositions', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const all = [...MARKS, ...WORDS].map(([text]) => text);
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 4 }, () => all[random(all.length)] ?? '').join(['\n\n', ' ', '. '][random(3)]);
      const deltas: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + random(12);
        deltas.push(text.slice(at, at + length));
        at += length;
      }
      const prefers = random(2) ? 'tokens' : 'clauses';
      expect(streamed(deltas, 'en', prefers).join('').trim(), JSON.stringify(deltas)).toBe(say(text));
    }
  });

  it('goes out as early as it can be said', () => {
    const stream = speakable(DEFAULT_SPEECH, 'en', 'clauses');
    expect(stream.push('It left this **morning**, and')).toEqual(['It left this morning, ']);
    const words = speakable(DEFAULT_SPEECH, 'en', 'tokens');
    expect(words.push('Hello ')).toEqual(['Hello ']);
    expect(words.push('there, my ')).toEqual(['there, my ']);
  });

  it('holds what is undecided only up to a bound', () => {
    for (const opening of ['[', '<a ', '【', '&', '*', '`', 'https://', '| ', '```']) {
      const stream = speakable(DEFAULT_SPEECH, 'en', 'tokens');
      const text = `${opening}${'some words of it '.repeat(60)}`;
      const said = text
        .split('')
        .flatMap((letter) => stream.push(letter))
        .join('');
      expect(said.length, opening).toBeGreaterThan(opening === '```' ? -1 : 500);
    }
  });

  it('sends what stands before a flush tag at once', () => {
    const stream = speakable(DEFAULT_SPEECH, 'en', 'clauses');
    expect(stream.push('One moment <flush /> and')).toEqual(['One moment ']);
    expect(stream.flush()).toEqual(['and']);
  });

  it('keeps the space in front of words that follow others', () => {
    const stream = speakable(DEFAULT_SPEECH, 'en', 'clauses');
    expect([...stream.push(' It is booked.'), ...stream.flush()]).toEqual([' It is booked.']);
    expect([...stream.push('\n '), ...stream.push('**And** paid.'), ...stream.flush()]).toEqual([' And paid.']);
  });

  it('gives no piece without a sound', () => {
    for (const text of ['...', '😀', '**', '- ', '!?', '—'])
      for (const prefers of ['tokens', 'clauses'] as const) {
        expect(streamed(text.split(''), 'en', prefers), text).toEqual([]);
        expect(
          streamed([text, ' Yes, it is.'], 'en', prefers).every((piece) => /\p{L}/u.test(piece)),
          text,
        ).toBe(true);
      }
  });
});

describe('the plan of the text', () => {
  it('leaves the text alone when it is switched off', () => {
    const text = '## A **b** 😀 $5 [c](d).';
    expect(streamed([text], 'en', 'tokens', { ...DEFAULT_SPEECH, format: false }).join('')).toBe(text);
    expect(say(text, 'en', { format: false })).toBe(text);
  });

  it('obeys each formatter by itself', () => {
    const only = (...formatters: SpeechPlan['formatters']) => ({ formatters });
    const text = '*waves* **Hi**: "SQL" _is_ 50% - ok\nyes 5 km';
    const table: readonly (readonly [SpeechPlan['formatters'], string])[] = [
      [[], '*waves* **Hi**: "SQL" _is_ 50% - ok\nyes 5 km'],
      [['markdown'], 'waves Hi: "SQL" is 50% - ok\nyes 5 km'],
      [['stripAsterisk'], 'waves Hi: "SQL" _is_ 50% - ok\nyes 5 km'],
      [['asterisk'], ': "SQL" _is_ 50% - ok\nyes 5 km'],
      [['quote'], '*waves* **Hi**: SQL _is_ 50% - ok\nyes 5 km'],
      [['dash'], '*waves* **Hi**: "SQL" _is_ 50% — ok\nyes 5 km'],
      [['newline'], '*waves* **Hi**: "SQL" _is_ 50% - ok.\nyes 5 km'],
      [['acronym'], '*waves* **Hi**: "S Q L" _is_ 50% - ok\nyes 5 km'],
      [['percentage'], '*waves* **Hi**: "SQL" _is_ fifty percent - ok\nyes 5 km'],
      [['distance'], '*waves* **Hi**: "SQL" _is_ 50% - ok\nyes five kilometers'],
    ];
    for (const [formatters, heard] of table) expect(say(text, 'en', only(...formatters)), formatters.join()).toBe(heard);
    expect(say('Price: low', 'en', only('colon'))).toBe('Price. low');
    expect(FORMATTERS.filter((name) => !DEFAULT_SPEECH.formatters.includes(name))).toEqual(['asterisk']);
  });

  it('reads numbers by their digits above the cutoff', () => {
    expect(say('12345 and 900', 'en', { digitsAbove: 300_000 })).toBe('twelve thousand three hundred forty five and nine hundred');
    expect(say('900', 'en', { digitsAbove: 100 })).toBe('9 0 0');
  });

  it('makes the replacements of the user, whatever the deltas', () => {
    const exact = (key: string, value: string, all = false) => ({ type: 'exact', key, value, all }) as const;
    const regex = (pattern: string, value: string, more = {}) =>
      ({ type: 'regex', pattern, value, ignoreCase: false, wholeWord: false, multiLine: false, ...more }) as const;
    const table: readonly (readonly [SpeechPlan['replacements'], string, string])[] = [
      [[exact('hello', 'hi')], 'hello world, hello universe', 'hi world, hello universe'],
      [[exact('hello', 'hi', true)], 'hello world, hello universe', 'hi world, hi universe'],
      [[exact('Aywa', 'Eye-wah')], 'This is **Aywa**. Aywa is good.', 'This is Eye-wah. Eye-wah is good.'],
      [[exact('SQL', 'sequel')], 'My SQL', 'My sequel'],
      [[exact('front desk', 'reception')], 'The front desk, the front', 'The reception, the front'],
      [[exact('24/7', 'around the clock')], 'We are open 24/7 here', 'We are open around the clock here'],
      [[exact('a', 'b', true), exact('b', 'c', true)], 'a b', 'c c'],
      [[exact('$', '$&')], 'a $ b', 'a $& b'],
      [[regex('\\b[a-zA-Z]{5}\\b', 'hi')], 'hello there, my world', 'hi hi, my hi'],
      [[regex('(\\w+)@(\\w+)', '$2 of $1')], 'me@home now', 'home of me now'],
      [[regex('hello', 'hi', { ignoreCase: true })], 'Hello HELLO', 'hi hi'],
      [[regex('cat', 'dog', { wholeWord: true })], 'cat concat', 'dog concat'],
      [[regex('(?<=x)y', 'z'), exact('a', 'b')], 'a xy', 'b xy'],
      [[regex('x*', '-')], 'ab', '-a-b-'],
      [[exact('您好', '你好', true)], '您好，您好。', '你好，你好。'],
    ];
    for (const [replacements, written, heard] of table) {
      expect(say(written, 'en', { replacements }), written).toBe(heard);
      for (const prefers of ['tokens', 'clauses'] as const)
        for (let at = 0; at <= written.length; at++)
          expect(
            streamed([written.slice(0, at), written.slice(at)], 'en', prefers, { ...DEFAULT_SPEECH, replacements })
              .join('')
              .trim(),
            `${written} at ${at}`,
          ).toBe(heard);
    }
  });

  it('cuts at the sizes and marks of the user', () => {
    const pieces = (plan: Partial<SpeechPlan>) =>
      streamed('One two, three four. Five six; seven eight. Nine ten.'.split(''), 'en', 'tokens', { ...DEFAULT_SPEECH, ...plan });
    expect(pieces({ minCharacters: 15 })).toEqual(['One two, three four. ', 'Five six; seven eight. ', 'Nine ten.']);
    expect(pieces({ boundaries: [';'] })).toEqual(['One two, three four. Five six; ', 'seven eight. Nine ten.']);
    expect(streamed(['甲乙，丙丁。戊己'], 'zh', 'clauses', { ...DEFAULT_SPEECH, boundaries: ['。'] })).toEqual(['甲乙，丙丁。', '戊己']);
  });

  it('names what it does not obey', () => {
    for (const path of Object.keys(SPEECH_LIMITS))
      expect(path).toMatch(new RegExp(`^(enabled|formatPlan\\.(numberToDigitsCutoff|formattersEnabled\\.(${FORMATTERS.join('|')})))$`));
  });
});

describe('the price of the text', () => {
  const HOSTILE: Readonly<Record<string, string>> = {
    letters: 'a',
    stars: '*',
    brackets: '[',
    tags: '<a',
    names: '&a',
    dots: 'a.',
    digits: '1',
    numbers: '12 ',
    quotes: 'a"',
    bullets: '- ',
    cells: '|a',
    mails: 'a@',
    links: '[a](b',
    months: 'May 10 ',
    han: '中',
    thai: 'ก',
    pictures: '😀',
    marks: '\u0301',
  };
  it('does not grow faster than the text', () => {
    const costMs = (text: string, prefers: 'tokens' | 'clauses') => {
      const stream = speakable(DEFAULT_SPEECH, 'en', prefers);
      const from = performance.now();
      for (let at = 0; at < text.length; at += 4) stream.push(text.slice(at, at + 4));
      stream.flush();
      return performance.now() - from;
    };
    // Far above what a token costs on a busy machine, far below what a part that looks at all of it again would.
    for (const [name, unit] of Object.entries(HOSTILE))
      for (const prefers of ['tokens', 'clauses'] as const)
        expect(costMs(unit.repeat(Math.ceil(20_000 / unit.length)), prefers), `${name} for ${prefers}`).toBeLessThan(2_500);
  });
});
