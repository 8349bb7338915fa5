/** The thread of the lab's voice: a text in, its sound in the line's own format out. Flite makes the speech, `audio/` the format. */
import { converter } from '../../audio/convert.ts';
import type { AudioFormat } from '../../audio/format.ts';
import { serve } from '../thread.ts';
import { synthesise, type VoiceName } from './flite.ts';

export interface Line {
  readonly voice: VoiceName;
  readonly text: string;
  readonly format: AudioFormat;
}

serve<Line, Uint8Array>(({ voice, text, format }) => {
  const { pcm, rate } = synthesise(voice, text);
  const speech = trimmed(pcm, rate, /[.?!]["')]*\s*$/.test(text) ? SENTENCE_REST_MS : CLAUSE_REST_MS);
  const { convert, flush } = converter({ encoding: 'pcm16', rate }, format);
  const bytes = new Uint8Array(speech.buffer, speech.byteOffset, speech.byteLength);
  const body = convert(bytes).slice();
  const rest = flush();
  const whole = new Uint8Array(body.length + rest.length);
  whole.set(body);
  whole.set(rest, body.length);
  return whole;
});

/** Silence before and after the words: flite puts a quarter of a second on both sides, which is a stammer between clauses. */
const LEAD_MS = 20;
const CLAUSE_REST_MS = 90;
const SENTENCE_REST_MS = 240;
/** Samples below this are silence: flite's own is exact. */
const SILENT = 60;

function trimmed(pcm: Int16Array, rate: number, restMs: number): Int16Array {
  const first = pcm.findIndex((sample) => Math.abs(sample) > SILENT);
  const last = pcm.findLastIndex((sample) => Math.abs(sample) > SILENT);
  if (first < 0) return pcm;
  const from = Math.max(0, first - (LEAD_MS * rate) / 1000);
  const speech = new Int16Array(last + 1 - from + Math.round((restMs * rate) / 1000));
  speech.set(pcm.subarray(from, last + 1));
  return speech;
}
