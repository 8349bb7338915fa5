/** Base64 (RFC 4648 §4) from a byte buffer into another one: no string, no allocation, and a strict answer where the platform is lenient. */

const CHARACTERS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1');
const VALUE = new Uint8Array(256).fill(255);
for (const [value, character] of CHARACTERS.entries()) VALUE[character] = value;
const PAD = '='.charCodeAt(0);

/**
 * Decodes `source[from, to)` into the start of `target`. Returns the number of bytes, or -1 when the text is not whole base64
 * (a foreign character, a length that is no multiple of four, padding in the middle) or does not fit.
 */
export function decodeBase64(source: Uint8Array, from: number, to: number, target: Uint8Array): number {
  const length = to - from;
  if (length % 4 !== 0 || (length / 4) * 3 > target.length) return -1;
  if (length === 0) return 0;
  const pads = source[to - 1] !== PAD ? 0 : source[to - 2] !== PAD ? 1 : 2;
  const whole = pads === 0 ? to : to - 4;
  let at = 0;
  let seen = 0;
  for (let i = from; i < whole; i += 4) {
    const a = VALUE[source[i] ?? 0] ?? 255;
    const b = VALUE[source[i + 1] ?? 0] ?? 255;
    const c = VALUE[source[i + 2] ?? 0] ?? 255;
    const d = VALUE[source[i + 3] ?? 0] ?? 255;
    seen |= a | b | c | d;
    target[at++] = (a << 2) | (b >> 4);
    target[at++] = (b << 4) | (c >> 2);
    target[at++] = (c << 6) | d;
  }
  if (pads > 0) {
    const a = VALUE[source[whole] ?? 0] ?? 255;
    const b = VALUE[source[whole + 1] ?? 0] ?? 255;
    const c = pads === 1 ? (VALUE[source[whole + 2] ?? 0] ?? 255) : 0;
    seen |= a | b | c;
    target[at++] = (a << 2) | (b >> 4);
    if (pads === 1) target[at++] = (b << 4) | (c >> 2);
  }
  // A value has six bits; 255 marks a foreign character and sets the two above.
  return seen > 63 ? -1 : at;
}

/** How many characters `bytes` bytes become. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Writes `source` into `target` from `at` on. Returns the position after it. */
export function encodeBase64(source: Uint8Array, target: Uint8Array, at: number): number {
  const whole = source.length - (source.length % 3);
  let to = at;
  for (let i = 0; i < whole; i += 3) {
    const bits = ((source[i] ?? 0) << 16) | ((source[i + 1] ?? 0) << 8) | (source[i + 2] ?? 0);
    target[to++] = CHARACTERS[bits >> 18] ?? 0;
    target[to++] = CHARACTERS[(bits >> 12) & 63] ?? 0;
    target[to++] = CHARACTERS[(bits >> 6) & 63] ?? 0;
    target[to++] = CHARACTERS[bits & 63] ?? 0;
  }
  if (whole < source.length) {
    const two = whole + 1 < source.length;
    const bits = ((source[whole] ?? 0) << 16) | ((two ? (source[whole + 1] ?? 0) : 0) << 8);
    target[to++] = CHARACTERS[bits >> 18] ?? 0;
    target[to++] = CHARACTERS[(bits >> 12) & 63] ?? 0;
    target[to++] = two ? (CHARACTERS[(bits >> 6) & 63] ?? 0) : PAD;
    target[to++] = PAD;
  }
  return to;
}
