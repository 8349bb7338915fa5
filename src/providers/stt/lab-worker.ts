/**
 * The thread of the lab's ears: decodes one utterance against a grammar of expected sentences, then against bare phones. Words
 * are believed only when they explain the sound clearly better than any sequence of phones does; a grammar alone always guesses.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import createModule from 'soundswallower';
import { serve } from '../thread.ts';
import { grammarOf } from './grammar.ts';

export interface Utterance {
  readonly expected: readonly string[];
  /** Mono samples at 16 kHz; none: only get ready for these sentences. */
  readonly pcm: Int16Array;
}
export interface Understood {
  /** `null`: speech, but nothing that was expected. */
  readonly text: string | null;
  /** How much better the words fit than bare phones, squeezed into 0 to 1. */
  readonly confidence: number;
  /** Words of the expected sentences that the dictionary lacks. */
  readonly unknown: readonly string[];
}

const RATE = 16_000;
/** The decoder wants silence around the words. */
const MARGIN = RATE / 10;
/** Believed when the words fit at least this much better per frame; measured with four voices and foreign sentences over mu-law. */
const CLEARLY_BETTER = 1;
/** A fit this good needs no comparison: bare phones, freely chosen, do not reach it. */
const CERTAIN = 21;
/** Share of the speech that the words must cover: a short answer found inside a long sentence is none. */
const COVERED = 0.6;
/** A single word that fits this badly is another word. */
const WORST = 75;

let decoder: Promise<Decoder> | undefined;
let latest: { key: string; grammar: string; unknown: readonly string[] } | undefined;
serve<Utterance, Understood>(async ({ expected, pcm }) => {
  decoder ??= load();
  const ready = await decoder;
  const key = expected.join('\n');
  if (latest?.key !== key) latest = { key, ...grammarOf(expected, (word) => ready.lookup_word(word) !== null) };
  return { ...understand(ready, latest.grammar, pcm), unknown: latest.unknown };
});

type Decoder = InstanceType<Awaited<ReturnType<typeof createModule>>['Decoder']>;

/** About 0.2 s and 110 MB, once per process. */
async function load(): Promise<Decoder> {
  const folder = `${dirname(createRequire(import.meta.url).resolve('soundswallower'))}/model/`;
  const library = await createModule({ modelBase: folder } as object);
  const made = new library.Decoder({ loglevel: 'FATAL', samprate: RATE });
  await made.initialize();
  const phones = Object.keys(JSON.parse(readFileSync(`${folder}en-us/phoneset.json`, 'utf8')) as object);
  const spoken = phones.filter((phone) => /^[A-Z]+$/.test(phone) && phone !== 'SIL');
  made.add_words(...spoken.map((phone): [string, string] => [`phone_${phone.toLowerCase()}`, phone]));
  barePhones = `#JSGF V1.0; grammar g; public <s> = <p> | <p> <s>; <p> = ${spoken.map((p) => `phone_${p.toLowerCase()}`).join(' | ')};`;
  return made;
}

let barePhones = '';

function understand(decoder: Decoder, grammar: string, pcm: Int16Array): Omit<Understood, 'unknown'> {
  const { samples, speechMs } = framed(pcm);
  const nothing = { text: null, confidence: 0 };
  if (speechMs === 0) return nothing;
  const words = decode(decoder, grammar, samples);
  if (!words.text || words.worst > WORST || words.coveredMs < speechMs * COVERED) return nothing;
  if (words.loss <= CERTAIN) return { text: words.text, confidence: 0.95 };
  const better = decode(decoder, barePhones, samples).loss - words.loss;
  return better < CLEARLY_BETTER ? nothing : { text: words.text, confidence: Math.min(0.95, 0.5 + better / 20) };
}

/**
 * Losses are the model's scores per frame of 10 ms, relative to the best sound of each frame: 15 to 30 for what was said.
 * The library tells them as probabilities (of 1.0001 to the power of the negated score).
 */
function decode(
  decoder: Decoder,
  grammar: string,
  samples: Float32Array,
): { text: string; loss: number; worst: number; coveredMs: number } {
  decoder.set_grammar(grammar);
  decoder.start();
  decoder.process_audio(samples, false, true);
  decoder.stop();
  const text = decoder.get_text().trim();
  const none = { text: '', loss: Number.POSITIVE_INFINITY, worst: 0, coveredMs: 0 };
  if (!text) return none;
  let loss = 0;
  let frames = 0;
  let worst = 0;
  for (const { t, p, d } of decoder.get_alignment().w ?? []) {
    // Silence, noise and empty transitions are in brackets.
    if (/^[<[(]/.test(t)) continue;
    const score = -Math.log(Math.max(p, 0.0005)) * 10_000;
    loss += score;
    frames += d * 100;
    worst = Math.max(worst, score / (d * 100));
  }
  return frames === 0 ? none : { text, loss: loss / frames, worst, coveredMs: frames * 10 };
}

/** Samples as the decoder wants them: evenly loud, trimmed to the speech, with silence around it. */
function framed(pcm: Int16Array): { samples: Float32Array; speechMs: number } {
  const step = RATE / 100;
  let peak = 1;
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample));
  // 26 dB below the peak: the weakest consonants of a sentence, above the noise of a telephone.
  const loud = peak / 20;
  let first = -1;
  let last = -1;
  for (let at = 0; at < pcm.length; at += step) {
    let top = 0;
    for (let i = at; i < Math.min(at + step, pcm.length); i++) top = Math.max(top, Math.abs(pcm[i] ?? 0));
    if (top < loud) continue;
    if (first < 0) first = at;
    last = at + step;
  }
  if (first < 0) return { samples: new Float32Array(0), speechMs: 0 };
  const from = Math.max(0, first - MARGIN);
  const to = Math.min(pcm.length, last + MARGIN);
  const samples = new Float32Array(to - from + 2 * MARGIN);
  for (let i = from; i < to; i++) samples[i - from + MARGIN] = ((pcm[i] ?? 0) / peak) * 0.9;
  return { samples, speechMs: ((last - first) / RATE) * 1000 };
}
