/** The voice of the fake caller: sentences as a telephone would carry them. */
import { MULAW_8K } from '../audio/format.ts';
import type { VoiceName } from '../providers/tts/flite.ts';
import { spoken } from '../providers/tts/lab.ts';

/** A sentence as 8 kHz mu-law, without silence before it. */
export function say(text: string, voice: VoiceName = 'rms'): Promise<Uint8Array> {
  return spoken(voice, text, MULAW_8K);
}
