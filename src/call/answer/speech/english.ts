/**
 * English numbers as they are said: `1200` is twelve hundred, `2.5` two point five, `12345` its digits. Only arithmetic on
 * strings of digits; what a number means is decided by the rules that use it.
 */

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES = ['', ' thousand', ' million', ' billion', ' trillion'] as const;
/** Beyond trillions there are only digits. */
const MOST_DIGITS = 15;

/** A whole number of at most 15 digits in words; a longer one by its digits. */
export function cardinal(digits: string): string {
  const plain = digits.replace(/^0+(?=\d)/, '');
  if (plain.length > MOST_DIGITS) return digitByDigit(plain);
  const groups: string[] = [];
  for (let end = plain.length, scale = 0; end > 0; end -= 3, scale++) {
    const group = Number(plain.slice(Math.max(0, end - 3), end));
    if (group > 0) groups.unshift(`${belowThousand(group)}${SCALES[scale] ?? ''}`);
  }
  return groups.join(' ') || 'zero';
}

function belowThousand(n: number): string {
  const hundreds = Math.floor(n / 100);
  const below = n % 100;
  const words = hundreds > 0 ? [`${ONES[hundreds] ?? ''} hundred`] : [];
  if (below > 0) words.push(below < 20 ? (ONES[below] ?? '') : belowHundred(below));
  return words.join(' ');
}

function belowHundred(n: number): string {
  const tens = TENS[Math.floor(n / 10)] ?? '';
  return n % 10 === 0 ? tens : `${tens} ${ONES[n % 10] ?? ''}`;
}

export function digitByDigit(text: string): string {
  return text.replace(/\D/g, '').split('').join(' ');
}

/** An amount: always words, never digits. Thousands may be grouped by commas. */
export function amount(text: string): string {
  const [whole = '', fraction] = text.replace(/,/g, '').split('.');
  const words = cardinal(whole === '' ? '0' : whole);
  return fraction ? `${words} point ${spelled(fraction)}` : words;
}

const spelled = (digits: string) => [...digits].map((digit) => ONES[Number(digit)] ?? '').join(' ');

/** A number that may be an amount, a year or a code: years stay, codes (above `digitsAbove`, or with a zero in front) are read by their digits. */
export function number(text: string, digitsAbove: number): string {
  if (/[,.]/.test(text)) return amount(text);
  const value = Number(text);
  if (value > digitsAbove || (text.length > 1 && text.startsWith('0'))) return digitByDigit(text);
  if (text.length !== 4) return cardinal(text);
  if (value % 100 !== 0) return value > 1100 && value < 2100 ? text : cardinal(text);
  return value % 1000 === 0 ? cardinal(text) : `${cardinal(text.slice(0, 2))} hundred`;
}
