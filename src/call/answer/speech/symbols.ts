/**
 * Signs that stand for words, by language. A language that is not here keeps the sign: its voice knows it better than a wrong word.
 */
export interface SymbolWords {
  readonly dot: string;
  readonly at: string;
  readonly underscore: string;
  readonly dash: string;
  readonly plus: string;
  readonly times: string;
  readonly about: string;
  readonly and: string;
  /** `#5`; empty: the number alone. */
  readonly number: string;
}

type Row = readonly [
  dot: string,
  at: string,
  underscore: string,
  dash: string,
  plus: string,
  times: string,
  about: string,
  and: string,
  number: string,
];

const ROWS: Readonly<Record<string, Row>> = {
  en: ['dot', 'at', 'underscore', 'dash', 'plus', 'times', 'about', 'and', 'number'],
  de: ['Punkt', 'at', 'Unterstrich', 'Minus', 'plus', 'mal', 'etwa', 'und', 'Nummer'],
  fr: ['point', 'arobase', 'tiret bas', 'tiret', 'plus', 'fois', 'environ', 'et', 'numéro'],
  es: ['punto', 'arroba', 'guion bajo', 'guion', 'más', 'por', 'unos', 'y', 'número'],
  it: ['punto', 'chiocciola', 'trattino basso', 'trattino', 'più', 'per', 'circa', 'e', 'numero'],
  pt: ['ponto', 'arroba', 'sublinhado', 'hífen', 'mais', 'vezes', 'cerca de', 'e', 'número'],
  nl: ['punt', 'apenstaartje', 'laag streepje', 'streepje', 'plus', 'keer', 'ongeveer', 'en', 'nummer'],
};

const KEPT: SymbolWords = { dot: '.', at: '@', underscore: '_', dash: '-', plus: '+', times: '×', about: '', and: '&', number: '' };

/** By the first part of a language tag: `en-GB` is `en`. */
export function symbolWords(language: string): SymbolWords {
  const row = ROWS[primary(language)];
  if (!row) return KEPT;
  const [dot, at, underscore, dash, plus, times, about, and, number] = row;
  return { dot, at, underscore, dash, plus, times, about, and, number };
}

export function primary(language: string): string {
  return language.toLowerCase().split(/[-_]/, 1)[0] ?? '';
}

/** `shop.example.com` as words; a language without words keeps it as it is written. */
export function sayHost(host: string, words: SymbolWords): string {
  return words.dot === '.' ? host : host.split('.').join(` ${words.dot} `);
}
