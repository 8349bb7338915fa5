/**
 * Signs inside a line that are marks in one place and words in another: emphasis, code, numbers, strokes and dashes. Pure: what is heard of a
 * run of one sign follows from what stands on both sides of it.
 */
import type { Formatter } from '../../../agent/plan.ts';
import { ALPHANUMERIC, UNSPACED } from './characters.ts';
import type { SymbolWords } from './symbols.ts';

export interface SignPlace {
  readonly sign: string;
  /** How often it is repeated. */
  readonly length: number;
  /** The characters on both sides; empty at the end of the text. */
  readonly previous: string;
  readonly next: string;
}

/** Text that is heard; or a space, a pause, the border of two cells. */
export type SignHeard = { readonly say: string } | 'space' | 'pause' | 'border';

const SILENCE: SignHeard = { say: '' };

export function heardSign(
  { sign, length, previous, next }: SignPlace,
  on: Partial<Record<Formatter, boolean>>,
  words: SymbolWords,
): SignHeard {
  const asWritten: SignHeard = { say: sign.repeat(length) };
  const single = length === 1;
  if (sign === '—' || (sign === '-' && !single)) return on.dash ? dash(previous, next) : asWritten;
  if (sign === '-') return on.dash && /\s/.test(previous) && /[ \t]/.test(next) ? { say: '—' } : asWritten;
  if (!on.markdown) return asWritten;
  switch (sign) {
    case '_':
      // Inside a word it is part of a name.
      return single && ALPHANUMERIC.test(previous) && ALPHANUMERIC.test(next) ? asWritten : SILENCE;
    case '~':
      return single && /\d/.test(next) && words.about !== '' ? { say: `${words.about} ` } : SILENCE;
    case '=':
      return single ? asWritten : SILENCE;
    case '#':
      if (single && ALPHANUMERIC.test(previous)) return asWritten;
      return single && /\d/.test(next) && words.number !== '' ? { say: `${words.number} ` } : SILENCE;
    case '|':
      return /\s/.test(previous) && /\s/.test(next) ? 'border' : 'space';
    default:
      return SILENCE;
  }
}

/** Between words it is a pause, however it was written; between numbers it is a range. */
function dash(previous: string, next: string): SignHeard {
  if (/\d/.test(previous) && /\d/.test(next)) return { say: '–' };
  return UNSPACED.test(previous) ? { say: '—' } : 'pause';
}
