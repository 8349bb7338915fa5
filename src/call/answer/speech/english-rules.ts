/**
 * What English text with numbers in it sounds like: amounts of money, dates, times, telephone numbers, measures. One table of rules in
 * the order in which they are tried at a place; each looks at a short text only and changes nothing that it is not sure of.
 */
import type { Formatter } from '../../../agent/plan.ts';
import { amount, digitByDigit, number } from './english.ts';

export interface Rule {
  readonly formatter: Formatter;
  /** Sticky; tried where a word begins. */
  readonly pattern: RegExp;
  /** What is said; `undefined`: it is something else. */
  say(found: RegExpExecArray, context: Context): string | undefined;
}

interface Context {
  readonly digitsAbove: number;
  /** `5/10` is the tenth of May. */
  readonly monthFirst: boolean;
}

const NUM = '(?:\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d+)?|\\.\\d+)';
const END = '(?![\\p{L}\\p{N}]|[.,:/-]\\d)';
const rule = (formatter: Formatter, pattern: string, say: Rule['say']): Rule => ({ formatter, pattern: new RegExp(pattern, 'uyi'), say });
const plural = (text: string, one: string, many: string) => (/^0*1$/.test(text) ? one : many);

const MONTH_NAMES = 'January February March April May June July August September October November December'.split(' ');
const MONTH = `(?:${[...MONTH_NAMES, 'Jan', 'Feb', 'Mar', 'Apr', 'Jun', 'Jul', 'Aug', 'Sept?', 'Oct', 'Nov', 'Dec'].join('|')})\\.?`;
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const CURRENCIES: Readonly<Record<string, readonly [one: string, many: string, cent: string, cents: string]>> = {
  $: ['dollar', 'dollars', 'cent', 'cents'],
  USD: ['dollar', 'dollars', 'cent', 'cents'],
  '€': ['euro', 'euros', 'cent', 'cents'],
  EUR: ['euro', 'euros', 'cent', 'cents'],
  '£': ['pound', 'pounds', 'penny', 'pence'],
  GBP: ['pound', 'pounds', 'penny', 'pence'],
  '¥': ['yen', 'yen', '', ''],
  JPY: ['yen', 'yen', '', ''],
  '₹': ['rupee', 'rupees', 'paisa', 'paise'],
  INR: ['rupee', 'rupees', 'paisa', 'paise'],
};
const SCALE_NAMES: Readonly<Record<string, string>> = { k: 'thousand', m: 'million', mn: 'million', b: 'billion', bn: 'billion' };
const SCALE = '(?:\\s?(k|mn?|bn?)|\\s(thousand|million|billion|trillion))?';

function money(minus: string, sign: string, value: string, scale: string | undefined): string | undefined {
  const names = CURRENCIES[sign.toUpperCase()];
  if (!names) return undefined;
  const [one, many, cent, cents] = names;
  const front = minus === '' ? '' : 'minus ';
  if (scale) return `${front}${amount(value)} ${SCALE_NAMES[scale.toLowerCase()] ?? scale.toLowerCase()} ${many}`;
  const [whole = '', fraction = ''] = value.replace(/,/g, '').split('.');
  if (fraction !== '' && (fraction.length !== 2 || cents === '')) return `${front}${amount(value)} ${many}`;
  const small = Number(fraction) === 0 ? '' : `${amount(fraction)} ${plural(fraction, cent, cents)}`;
  if (small !== '' && Number(whole) === 0) return front + small;
  const large = `${front}${amount(whole)} ${plural(whole, one, many)}`;
  return small === '' ? large : `${large} and ${small}`;
}

function date(year: string, month: string, day: string): string | undefined {
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (at.getUTCMonth() !== Number(month) - 1 || at.getUTCDate() !== Number(day)) return undefined;
  return `${WEEKDAYS[at.getUTCDay()] ?? ''}, ${MONTH_NAMES[at.getUTCMonth()] ?? ''} ${Number(day)}, ${year}`;
}

function time(hours: string, minutes: string, half: string): string | undefined {
  const hour = Number(hours);
  if (hour > 23 || Number(minutes) > 59) return undefined;
  const given = half.replace(/[.\s]/g, '').toUpperCase();
  const name = given || (hour > 12 || hours === '00' ? (hour > 12 ? 'PM' : 'AM') : '');
  const clock = given === '' && name !== '' ? (hour === 0 ? 12 : hour - (hour > 12 ? 12 : 0)) : hour;
  if (Number(minutes) !== 0) return `${clock}:${minutes}${name && ` ${name}`}`;
  return name === '' ? `${clock} o'clock` : `${clock} ${name}`;
}

const DISTANCES = 'km kilometer, m meter, cm centimeter, mm millimeter, mi mile, ft foot feet, yd yard';
const UNITS =
  'kg kilogram, g gram, mg milligram, lb pound, lbs pound, oz ounce, l liter, ml milliliter, gb gigabyte, mb megabyte, tb terabyte, kb kilobyte, ' +
  'kw kilowatt, kwh kilowatt-hour, mph mile-per-hour miles per hour, kmh kilometer-per-hour kilometers per hour, km/h kilometer-per-hour kilometers per hour, ' +
  'hrs hour, hr hour, h hour, mins minute, min minute, secs second, sec second, s second, sqft square-foot square feet, °c degree-Celsius degrees Celsius, ' +
  '°f degree-Fahrenheit degrees Fahrenheit, ° degree';

/** `ft foot feet` is a row: as it is written, one, many (with an `s` where nothing else is said). */
function measures(formatter: 'distance' | 'unit', table: string): Rule {
  const names = new Map(
    table.split(', ').map((row): [string, [string, string]] => {
      const [written = '', one = '', ...many] = row.split(' ');
      const single = one.replaceAll('-', ' ');
      return [written, [single, many.length > 0 ? many.join(' ') : `${single}s`]];
    }),
  );
  const written = [...names.keys()].sort((a, b) => b.length - a.length).join('|');
  return rule(formatter, `(-?)(${NUM})(\\s?)(${written})(?![\\p{L}\\p{N}/])`, ([, minus = '', value = '', space = '', unit = '']) => {
    // `5G` is no weight, `4 M` no length, and the `90s` are years.
    const name = /^[A-Z]$/.test(unit) || (unit === 's' && space === '') ? undefined : names.get(unit.toLowerCase());
    return name && `${minus && 'minus '}${amount(value)} ${plural(value, ...name)}`;
  });
}

const GROUPED =
  '\\+\\d{1,3}(?:[ .-]?\\(?\\d{1,4}\\)?){2,5}|(?:1[ .-])?\\(?\\d{3}\\)?[ .-]\\d{3}[ .-]\\d{4}|\\d{3}[-.]\\d{4}|0\\d{2,4}[ -]\\d{3,4}[ -]\\d{3,4}|1?\\d{10}|(?:\\d{4}[ -]){2,}\\d{1,4}|\\d{3}-\\d{2}-\\d{4}';

export const ENGLISH_RULES: readonly Rule[] = [
  rule(
    'dollarAmount',
    `(-?)(?:US|CA|AU)?([$€£¥₹])\\s?(${NUM})${SCALE}(?![\\p{L}\\p{N}])`,
    ([, minus = '', sign = '', value = '', short, long]) => money(minus, sign, value, short ?? long),
  ),
  rule(
    'dollarAmount',
    `(-?)(${NUM})${SCALE}\\s?([$€£¥₹]|(?:USD|EUR|GBP|JPY|INR)(?!\\p{L}))`,
    ([, minus = '', value = '', short, long, sign = '']) => money(minus, sign, value, short ?? long),
  ),
  rule('date', `(\\d{4})([-/. ])(\\d{1,2})\\2(\\d{1,2})${END}`, ([, year = '', , month = '', day = '']) => date(year, month, day)),
  rule('date', `(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4})${END}`, ([, a = '', , b = '', year = ''], { monthFirst }) =>
    monthFirst ? (date(year, a, b) ?? date(year, b, a)) : (date(year, b, a) ?? date(year, a, b)),
  ),
  // Dates in words are read well as they are; their numbers are no amounts.
  rule('date', `${MONTH} \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?${END}|${MONTH},? \\d{4}${END}`, ([found]) => found),
  rule('date', `\\d{1,2}(?:st|nd|rd|th)? (?:of )?${MONTH}(?:,? \\d{4})?${END}`, ([found]) => found),
  rule(
    'time',
    `(\\d{1,2}):(\\d{2})(?:\\s?([ap]\\.m\\.|[ap]m(?!\\p{L})))?(?![\\p{L}\\p{N}]|:\\d)`,
    ([, hours = '', minutes = '', half = '']) => time(hours, minutes, half),
  ),
  rule('time', `(\\d{1,2})\\s?([ap]\\.m\\.|[ap]m(?!\\p{L}))`, ([, hours = '', half = '']) => time(hours, '00', half)),
  rule('phoneNumber', `(?:${GROUPED})${END}`, ([found]) => `${found.startsWith('+') ? 'plus ' : ''}${digitByDigit(found)}`),
  rule('percentage', `(-?)(${NUM})\\s?%`, ([, minus = '', value = '']) => `${minus && 'minus '}${amount(value)} percent`),
  measures('distance', DISTANCES),
  measures('unit', UNITS),
  rule('number', `24/7${END}`, () => 'twenty four seven'),
  rule('number', `(\\d{1,4})\\s?[–-]\\s?(\\d{1,4})${END}`, ([, from = '', to = ''], { digitsAbove }) =>
    Number(from) < Number(to) && !/^0/.test(from) ? `${number(from, digitsAbove)} to ${number(to, digitsAbove)}` : undefined,
  ),
  rule(
    'number',
    `(-?)(${NUM})${END}`,
    ([, minus = '', value = ''], { digitsAbove }) => `${minus && 'minus '}${number(value, digitsAbove)}`,
  ),
];

/** Words that belong to the number before them. */
export const ENGLISH_BEHIND = new RegExp(
  `^(?:${[
    'thousand|million|billion|trillion|k|mn?|bn?|usd|eur|gbp|jpy|inr|[ap]m|[ap]\\.m\\.?',
    ...[DISTANCES, UNITS].flatMap((table) => table.split(', ').map((row) => row.split(' ')[0] ?? '')),
    MONTH,
    'of',
  ].join('|')})[.,;:!?]*$`,
  'i',
);
/** May begin a date. */
export const ENGLISH_MONTH = new RegExp(`^${MONTH}$`);
