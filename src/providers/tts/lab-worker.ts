/** The thread of the lab's voice: a text in, its sound in the line's own format out. Flite makes the speech, `audio/` the format. */
import type { AudioFormat } from '../../audio/format.ts';
import { ALAW, encodeG711, MULAW } from '../../audio/g711.ts';
import { resampler } from '../../audio/resample.ts';
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
  const native = rate === 8000 ? 8000 : 16_000;
  if (native === format.rate) return encoded(speech, speech.length, format);
  const change = resampler(native, format.rate);
  const first = change.process(speech, speech.length);
  const body = change.output.slice(0, first);
  const rest = change.flush();
  const whole = new Int16Array(first + rest);
  whole.set(body);
  whole.set(change.output.subarray(0, rest), first);
  return encoded(whole, whole.length, format);
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

function encoded(samples: Int16Array, length: number, { encoding }: AudioFormat): Uint8Array {
  const out = new Uint8Array(encoding === 'pcm16' ? length * 2 : length);
  if (encoding === 'pcm16') {
    const view = new DataView(out.buffer);
    for (let i = 0; i < length; i++) view.setInt16(2 * i, samples[i] ?? 0, true);
  } else encodeG711(encoding === 'mulaw' ? MULAW : ALAW, samples, length, out);
  return out;
}
