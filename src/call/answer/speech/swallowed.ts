/**
 * What is taken from a model's text without being read as it stands, however long it is: addresses, of which the host is heard, and
 * blocks of code, which are not. Both keep a bounded part only.
 */
import { type SymbolWords, sayHost } from './symbols.ts';

const SCHEMES = ['https://', 'http://', 'www.', 'mailto:'] as const;
/** Ends an address in running text. */
const ADDRESS_END = /[\s<>"“”„`)\]}|*\p{Script=Han}。，、！？；：（）]/u;
/** Behind an address these belong to the sentence. */
const ADDRESS_TAIL = /[.,;:!?'’_]/;
/** What is kept of an address, to read its host; characters. */
const LONGEST_HOST = 256;

/** Does an address begin at this place? `undefined` while it may. */
export function addressAt(text: string, at: number, final: boolean): boolean | undefined {
  const head = text.slice(at, at + 8).toLowerCase();
  if (SCHEMES.some((name) => head.startsWith(name))) return true;
  return !final && at + head.length >= text.length && SCHEMES.some((name) => name.startsWith(head)) ? undefined : false;
}

export interface Address {
  /** `false`: the character does not belong to it. */
  take(character: string): boolean;
  /** What is heard of it, with the punctuation behind it; afterwards it begins anew. */
  end(): string;
}

export function address(words: SymbolWords): Address {
  let kept = '';
  let tail = '';
  return {
    take(c) {
      if (ADDRESS_END.test(c)) return false;
      if (ADDRESS_TAIL.test(c)) tail = (tail + c).slice(-LONGEST_HOST);
      else {
        if (kept.length < LONGEST_HOST) kept += tail + c;
        tail = '';
      }
      return true;
    },
    end() {
      const bare = kept.replace(/^(?:https?:\/\/|mailto:)/i, '');
      const isMail = /^mailto:/i.test(kept);
      const host = (bare.split(isMail ? '?' : /[/?#:]/, 1)[0] ?? '').replace(/^www\./i, '');
      const said = isMail ? host : sayHost(host.slice(host.indexOf('@') + 1), words);
      const behind = tail;
      kept = '';
      tail = '';
      return said + behind;
    },
  };
}

/** Code that is read after all when an answer is nothing else; characters. */
const LAST_RESORT = 600;
/** A closing fence is shorter; characters. */
const LONGEST_FENCE = 80;
/** Blocks that hold words. */
const TEXT_LABEL = /^(?:te?xt|plain|plaintext|markdown|md)$/i;

export interface CodeBlock {
  /** `false`: the block holds words and is read. */
  open(fence: string, label: string): boolean;
  /** Takes from this place on; gives how much, and whether the block has ended. */
  take(text: string, at: number): { readonly taken: number; readonly over: boolean };
  /** What is left of blocks without a language. */
  rest(): string;
}

export function codeBlock(): CodeBlock {
  let fence = '';
  let line = '';
  let kept = '';
  let keeps = false;
  return {
    open(marks, label) {
      if (TEXT_LABEL.test(label)) return false;
      fence = marks;
      line = '';
      keeps = label === '';
      return true;
    },
    take(text, at) {
      const end = text.indexOf('\n', at);
      const part = text.slice(at, end < 0 ? text.length : end);
      if (line.length < LONGEST_FENCE) line += part.slice(0, LONGEST_FENCE);
      if (end < 0) {
        if (keeps && kept.length < LAST_RESORT) kept += part.slice(0, LAST_RESORT);
        return { taken: part.length, over: false };
      }
      const closing = line.trim();
      const over = closing.startsWith(fence) && closing === fence.charAt(0).repeat(closing.length);
      if (keeps && kept.length < LAST_RESORT) kept += over ? '' : `${part.slice(0, LAST_RESORT)} `;
      line = '';
      return { taken: part.length + 1, over };
    },
    rest() {
      // A closing fence without a line behind it was taken as code.
      const said = kept
        .replace(/[`~]{3,}\s*$/, '')
        .replace(/\s+/g, ' ')
        .trim();
      kept = '';
      return said;
    },
  };
}
