/**
 * Whole JSON objects out of text that comes in pieces: one after another, one a line, or as the entries of one list. What stands between
 * them is passed over and counted; what is no JSON is never handed out.
 */
import { AywaError } from '../../kernel/errors.ts';

export interface JsonValues {
  /** The objects that this piece completes. */
  push(piece: string): unknown[];
  /** Something began that was no JSON or has no end yet; whatever was passed over counts too. */
  readonly unusable: number;
}

const MOST_CHARACTERS = 1024 * 1024;

export function jsonValues(): JsonValues {
  let text = '';
  /** Where the open object begins; -1 between objects. */
  let start = -1;
  let at = 0;
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let junk = false;
  let broken = 0;

  const value = (found: unknown[]) => {
    try {
      found.push(JSON.parse(text.slice(start, at + 1)));
    } catch {
      broken += 1;
    }
    start = -1;
  };
  const between = (character: string) => {
    if (character === '{') {
      start = at;
      depth = 1;
      junk = false;
    } else if (!/[\s,[\]]/.test(character)) {
      if (!junk) broken += 1;
      junk = true;
    }
  };
  const inside = (character: string, found: unknown[]) => {
    if (escaped) escaped = false;
    else if (quoted) {
      if (character === '\\') escaped = true;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) value(found);
    }
  };

  return {
    get unusable() {
      return broken + (start < 0 ? 0 : 1);
    },
    push(piece) {
      text += piece;
      const found: unknown[] = [];
      for (; at < text.length; at += 1) {
        const character = text[at] ?? '';
        if (start < 0) between(character);
        else inside(character, found);
      }
      text = start < 0 ? '' : text.slice(start);
      at = text.length;
      if (start > 0) start = 0;
      if (text.length > MOST_CHARACTERS)
        throw new AywaError('provider_garbage', { detail: 'an object of the answer is longer than 1 MiB.' });
      return found;
    },
  };
}
