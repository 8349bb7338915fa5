/**
 * Brackets in a model's text: links, pictures, references, footnote marks, tags, comments, characters by name. Pure: each function looks at
 * the text from an opening character on and says what it is; none waits longer than its bound.
 */
import { SILENT, TAG_SPACE } from './characters.ts';

export type Bracket =
  /** Drop so many characters; `say` is heard in their place. */
  | { readonly kind: 'take'; readonly take: number; readonly say: string }
  /** Drop so many characters and what follows, up to the end of an address in round brackets, a comment, or the line. */
  | { readonly kind: 'skip'; readonly take: number; readonly until: 'target' | 'comment' | 'line' }
  /** A tag that begins a new line or cell; or one that asks for everything before it to be sent. */
  | { readonly kind: 'break' | 'cell' | 'send'; readonly take: number }
  | { readonly kind: 'more' }
  /** The opening character is a character. */
  | { readonly kind: 'plain' };

const MORE: Bracket = { kind: 'more' };
const PLAIN: Bracket = { kind: 'plain' };

/** The text of a link that is worth waiting for: a second of a slow model; characters. */
const LONGEST_LINK = 160;
const LONGEST_TAG = 200;
const LONGEST_SOURCE = 60;

/** `[1]`, `[^note]`, `[2, 3]`, `[x]`: marks of footnotes, sources and lists. */
const MARK = /^(?:\^[^\s\]]+|[\d\s,;–-]*|[xX✓])$/;
const REFERENCE = /\]\[[^\]\n]{0,60}\]/y;
const REFERENCE_SO_FAR = /\]\[[^\]\n]{0,60}$/y;

/** At `[`. `lineHead`: nothing of the line was heard before it. */
export function squareBracket(text: string, at: number, lineHead: boolean, final: boolean): Bracket {
  const close = closing(text, at, LONGEST_LINK);
  if (close === undefined) return text.length - at <= LONGEST_LINK && !final && !text.slice(at).includes('\n') ? MORE : PLAIN;
  if (close + 1 >= text.length && !final) return MORE;
  const inner = text.slice(at + 1, close);
  const behind = text.charAt(close + 1);
  if (lineHead && behind === ':') {
    return inner.startsWith('^') ? { kind: 'take', take: close + 2 - at, say: '' } : { kind: 'skip', take: close + 2 - at, until: 'line' };
  }
  if (MARK.test(inner)) {
    return behind === '(' ? { kind: 'skip', take: close + 2 - at, until: 'target' } : { kind: 'take', take: close + 1 - at, say: '' };
  }
  // The text of a link is read on like any other; its end is met at the closing bracket.
  return behind === '(' || behind === '[' ? { kind: 'take', take: 1, say: '' } : PLAIN;
}

/** At `]`: the end of a link's text, or a character. */
export function squareEnd(text: string, at: number, final: boolean): Bracket {
  const behind = text.charAt(at + 1);
  if (behind === '' && !final) return MORE;
  if (behind === '(') return { kind: 'skip', take: 2, until: 'target' };
  if (behind !== '[') return PLAIN;
  REFERENCE.lastIndex = at;
  const found = REFERENCE.exec(text);
  if (found) return { kind: 'take', take: found[0].length, say: '' };
  REFERENCE_SO_FAR.lastIndex = at;
  return !final && REFERENCE_SO_FAR.test(text) ? MORE : PLAIN;
}

/** At `【`: sources as some models mark them (`【4†source】`); other such brackets hold words. */
export function sourceBracket(text: string, at: number, final: boolean): Bracket {
  const near = text.slice(at, at + LONGEST_SOURCE);
  const close = near.indexOf('】');
  if (close < 0) return near.length < LONGEST_SOURCE && !final ? MORE : PLAIN;
  const inner = near.slice(1, close);
  return inner.includes('†') || /^[\d:,\s]*$/.test(inner) ? { kind: 'take', take: close + 1, say: '' } : PLAIN;
}

/** Tags that voices themselves understand reach them. */
const VOICE_TAGS = new Set([
  'break',
  'spell',
  'phoneme',
  'say-as',
  'sub',
  'prosody',
  'emphasis',
  'speak',
  'lang',
  'voice',
  'emotion',
  'speed',
  'volume',
]);
const LINE_TAGS = new Set([
  'br',
  'p',
  'li',
  'ul',
  'ol',
  'div',
  'tr',
  'table',
  'hr',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'section',
  'blockquote',
]);
const TAG_NAME = /^<\s*\/?\s*([a-z][a-z0-9-]*)/i;

/** At `<`: a tag, a comment, an address, or less than. */
export function angleBracket(text: string, at: number, final: boolean): Bracket {
  const next = text.charAt(at + 1);
  if (next === '' && !final) return MORE;
  if (next === '!') {
    if (text.startsWith('<!--', at)) return { kind: 'skip', take: 4, until: 'comment' };
    if (!final && '<!--'.startsWith(text.slice(at))) return MORE;
  }
  if (!/[a-z/!?]/i.test(next) && !/^<\s{1,3}\/?\s{0,3}flush/i.test(text.slice(at, at + 16))) return PLAIN;
  const near = text.slice(at, at + LONGEST_TAG);
  const close = near.indexOf('>');
  const again = near.indexOf('<', 1);
  if (close < 0) return again < 0 && near.length < LONGEST_TAG && !final ? MORE : PLAIN;
  if (again >= 0 && again < close) return PLAIN;
  const tag = near.slice(0, close + 1);
  const take = tag.length;
  // `<https://example.com>` and `<me@example.com>`: what is inside is read like any address.
  if (/^<[a-z]+:\/\//i.test(tag) || /^<[^\s@]+@[^\s@]+>$/.test(tag)) return { kind: 'take', take: 1, say: '' };
  const name = TAG_NAME.exec(tag)?.[1]?.toLowerCase() ?? '';
  if (name === 'flush') return { kind: 'send', take };
  if (VOICE_TAGS.has(name)) return { kind: 'take', take, say: tag.replace(/\s/g, TAG_SPACE) };
  if (LINE_TAGS.has(name)) return { kind: 'break', take };
  if (name === 'td' || name === 'th') return { kind: 'cell', take };
  return { kind: 'take', take, say: '' };
}

/** Names with their characters; a name alone stands for nothing that is heard. */
const NAMED: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'amp& lt< gt> quot" apos\' hellip… mdash— ndash– lsquo‘ rsquo’ ldquo“ rdquo” laquo« raquo» euro€ pound£ yen¥ cent¢ deg° times× divide÷ ' +
    'copy reg trade shy zwj middot bull frac12½ frac14¼ auml=ä ouml=ö uuml=ü Auml=Ä Ouml=Ö Uuml=Ü szlig=ß eacute=é egrave=è agrave=à ' +
    'ccedil=ç ntilde=ñ aacute=á iacute=í oacute=ó uacute=ú nbsp=\u00A0 ensp=\u00A0 emsp=\u00A0 thinsp=\u00A0'
  )
    .split(' ')
    .map((entry) => {
      const [name = ''] = /^[a-zA-Z]+\d*/.exec(entry) ?? [];
      return [
        name,
        entry
          .slice(name.length)
          .replace(/^=(?=.)/, '')
          .replace('\u00A0', ' '),
      ];
    }),
);
const ENTITY = /&(?:#(\d{1,6})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,7}));/y;
const ENTITY_SO_FAR = /&#?[a-zA-Z0-9]{0,8}$/y;

/** At `&`: a character by its name or number, dropped where the character itself would be. `unquoted`: quotation marks are. */
export function entity(text: string, at: number, unquoted: boolean, final: boolean): Bracket {
  ENTITY.lastIndex = at;
  const found = ENTITY.exec(text);
  if (found) {
    const [whole, decimal, hex, name] = found;
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : undefined;
    const say = name ? NAMED[name] : code !== undefined && code <= 0x10ffff ? String.fromCodePoint(code) : '';
    if (say === undefined) return PLAIN;
    return { kind: 'take', take: whole.length, say: SILENT.test(say) || (unquoted && /["“”„«»]/.test(say)) ? '' : say };
  }
  ENTITY_SO_FAR.lastIndex = at;
  return !final && ENTITY_SO_FAR.test(text) ? MORE : PLAIN;
}

/** The bracket that closes the one at this place, on the same line and not too far. */
function closing(text: string, at: number, most: number): number | undefined {
  let depth = 0;
  for (let index = at; index < text.length && index - at <= most; index++) {
    const c = text[index];
    if (c === '\n') return undefined;
    if (c === '[') depth++;
    else if (c === ']' && --depth === 0) return index;
  }
  return undefined;
}
