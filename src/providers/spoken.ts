/**
 * English as it is spoken, for the keyless lab: texts reduced to plain words, and the slots that an expected sentence may hold.
 * The recogniser makes its grammar of them, the scripted model reads the caller's words by them.
 */

/** The words of a text in lower case, without punctuation; digits are spelled one by one. `<slot>` names stay. */
export function plainWords(text: string): string {
  return text
    .toLowerCase()
    .replace(/[’‘]/g, "'")
    .replace(/\d/g, (digit) => ` ${DIGIT_WORDS[Number(digit)] ?? ''} `)
    .replace(/[^a-z'<>\s]|'(?![a-z])|(?<![a-z])'/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

const DIGIT_WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'] as const;
const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');
const ORDINALS = (
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth ' +
  'seventeenth eighteenth nineteenth twentieth thirtieth'
).split(' ');

/** What callers say without being asked in these words: each is a slot `<name>` and an answer by itself. JSGF right-hand sides. */
export const SLOTS: Readonly<Record<string, string>> = {
  yes: 'yes | yes please | yeah | sure',
  no: 'no | no thank you | no thanks',
  digits: '<digit> | <digit> <digits>',
  date: '<day> | [on] <weekday> | [on] [the] <ordinal> [of] <month> | [on] <month> [the] <ordinal>',
};

/** Rules that the slots need. */
export const PARTS: Readonly<Record<string, string>> = {
  digit: ['oh', ...DIGIT_WORDS].join(' | '),
  day: 'today | tomorrow | the day after tomorrow',
  weekday: WEEKDAYS.join(' | '),
  month: MONTHS.join(' | '),
  ordinal: [...ORDINALS, 'twenty <unit>', 'thirty first'].join(' | '),
  unit: ORDINALS.slice(0, 9).join(' | '),
};

const DIGIT = `(?:oh|${DIGIT_WORDS.join('|')})`;
const DATE_WORD = `(?:${['today', 'tomorrow', 'the', 'day', 'after', 'on', 'of', 'twenty', 'thirty', ...MONTHS, ...WEEKDAYS, ...ORDINALS].join('|')})`;
const PATTERNS: Readonly<Record<string, string>> = {
  yes: 'yes please|yes|yeah|sure',
  no: 'no thank you|no thanks|no',
  digits: `${DIGIT}(?: ${DIGIT})*`,
  date: `${DATE_WORD}(?: ${DATE_WORD})*`,
};

/**
 * Does the caller's text contain the phrase, word by word? Gives what its slots held (`digits` as digits), else `undefined`.
 */
export function matchPhrase(phrase: string, text: string): Record<string, string> | undefined {
  const names: string[] = [];
  // Letters, spaces, apostrophes and slots are all that plain words hold: nothing in them means anything to a pattern.
  const pattern = plainWords(phrase).replace(/<(\w+)>/g, (slot, name: string) => {
    names.push(name);
    return PATTERNS[name] ? `(${PATTERNS[name]})` : slot;
  });
  if (!pattern) return undefined;
  const found = new RegExp(`(?:^| )${pattern}(?: |$)`).exec(plainWords(text));
  if (!found) return undefined;
  return Object.fromEntries(
    names.map((name, index) => [name, name === 'digits' ? digitsOf(found[index + 1] ?? '') : (found[index + 1] ?? '')]),
  );
}

function digitsOf(words: string): string {
  return words
    .split(' ')
    .map((word) => (word === 'oh' ? 0 : (DIGIT_WORDS as readonly string[]).indexOf(word)))
    .join('');
}

/** May more words still come after these, in the sense of a caller who pauses between digits? */
export function endsInDigit(text: string): boolean {
  return new RegExp(`(?:^| )${DIGIT}$`).test(text);
}
