/**
 * The sentence for the moment when every voice is gone: "I am sorry, I am having trouble. One moment please." It lies on the local
 * disk and needs no provider. Made by tools/apology.ts.
 */
import { readFileSync } from 'node:fs';
import { converter } from '../../audio/convert.ts';
import { type AudioFormat, MULAW_8K } from '../../audio/format.ts';

export const APOLOGY_TEXT = 'I am sorry, I am having trouble. One moment please.';

const made = new Map<string, Uint8Array>();

/** The whole sentence in a line's format, about four seconds. */
export function apology(format: AudioFormat): Uint8Array {
  const key = `${format.encoding}/${format.rate}`;
  const ready = made.get(key);
  if (ready) return ready;
  const { convert } = converter(MULAW_8K, format);
  const audio = convert(readFileSync(new URL('apology.mulaw', import.meta.url))).slice();
  made.set(key, audio);
  return audio;
}
