/** How many tokens a text has, roughly, where no vendor counted them: for the record of answers that were cut. It is never a bill. */

/** What tokenizers of today make of text in alphabets; characters. */
const CHARACTERS_A_TOKEN = 4;

/** About one token for each Chinese, Japanese or Korean character, one for four others. */
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at += 1) if (isWide(text.charCodeAt(at))) wide += 1;
  return wide + Math.ceil((text.length - wide) / CHARACTERS_A_TOKEN);
}

/** Blocks of Unicode: Hangul Jamo; radicals, kana and ideographs; Hangul syllables; compatibility ideographs; full-width forms. */
function isWide(unit: number): boolean {
  if (unit < 0x1100) return false;
  return (
    unit <= 0x11ff ||
    (unit >= 0x2e80 && unit <= 0x9fff) ||
    (unit >= 0xac00 && unit <= 0xd7af) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xff00 && unit <= 0xffef)
  );
}
