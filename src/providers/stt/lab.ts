/**
 * The lab's ears: a real recogniser that needs no key. It hears the sentences that the agent expects, digits, dates, yes and no,
 * and says of anything else that it was not understood. It collects each utterance and decodes it in a thread; it never guesses.
 */
import { z } from 'zod';
import { decoder } from '../../audio/convert.ts';
import { bytesOf } from '../../audio/format.ts';
import { asAywaError } from '../../kernel/errors.ts';
import { isCancelled } from '../../kernel/scope.ts';
import { endsInDigit, plainWords } from '../spoken.ts';
import { thread } from '../thread.ts';
import type { Ears, EarsListener, HearingOptions, SpeechToText } from './contract.ts';
import type { Understood, Utterance } from './lab-worker.ts';

const Settings = z.looseObject({});

/** The recogniser's rate. */
const RATE = 16_000;
const PER_MS = RATE / 1000;
/** The piece whose loudness is judged. */
const BLOCK = 20 * PER_MS;
/** Kept from before the first loud block: soft consonants begin there. */
const LEAD = 300 * PER_MS;
/** Quiet after which an utterance is over, whatever it holds. */
const PAUSE_MS = 500;
/** Quiet after which words are believed that could go on (digits in groups, a sentence that begins a longer one). */
const OPEN_PAUSE_MS = 350;
/** An utterance is decoded at this length at the latest. */
const LONGEST = 15_000 * PER_MS;
/** Loudness (root mean square of 16-bit samples) that is speech on any line, however noisy it was so far. */
const LEAST_LOUD = 200;

/** How sure a turn is over when a sentence that nothing can follow was heard. */
const WHOLE = 0.8;

const recognise = thread<Utterance, Understood>('lab recogniser', new URL('./lab-worker.ts', import.meta.url));

export const labEars: SpeechToText = {
  name: 'lab',
  kind: 'stt',
  env: 'LAB',
  origin: '',
  needsKey: false,
  settings: Settings,
  listen(options, _settings, _access, listener, ctx) {
    const attempt = (pcm: Int16Array, take: (understood: Understood) => void) =>
      ctx.scope.spawn('lab recogniser', async (scope) => {
        try {
          take(await scope.wait(recognise({ expected: options.expected, pcm })));
        } catch (error) {
          if (!isCancelled(error)) listener.failed(asAywaError(error));
        }
      });
    attempt(new Int16Array(0), ({ unknown }) => {
      if (unknown.length > 0) ctx.log.warn('lab.words_unknown', { words: unknown });
    });
    return utterances(options, listener, attempt);
  },
};

/** Cuts the stream into utterances. All times are samples at `RATE` since the first byte. */
function utterances(
  { format, expected }: HearingOptions,
  listener: EarsListener,
  attempt: (pcm: Int16Array, take: (understood: Understood) => void) => void,
): Ears {
  const line = decoder(format, RATE);
  const buffer = new Int16Array(LONGEST + LEAD + RATE);
  const PIECE = bytesOf(format, 1_000);
  /** Samples in `buffer`, and the time of its first one. */
  let held = 0;
  let origin = 0;
  let judged = 0;
  let floor = LEAST_LOUD / 4;
  /** Time of the utterance's first and last loud block; no utterance is open without them. */
  let from: number | undefined;
  let lastLoud = 0;
  /** What the decoder said of the utterance up to a loud block: valid until a later one comes. */
  let verdict: { upTo: number; understood: Understood } | undefined;
  let asking = false;
  /** Somebody wanted to know while the decoder was at an earlier part. */
  let askAgain = false;

  const forget = (until: number) => {
    const gone = Math.min(held, Math.max(0, until - origin));
    buffer.copyWithin(0, gone, held);
    held -= gone;
    origin += gone;
  };

  const sentences = expected.map(plainWords);
  const goesOn = (text: string) => endsInDigit(text) || sentences.some((sentence) => sentence.startsWith(`${text} `));

  const finish = (understood: Understood) => {
    const times = { from: ((from ?? 0) / RATE) * 1000, to: (lastLoud / RATE) * 1000 };
    from = undefined;
    verdict = undefined;
    forget(lastLoud);
    if (understood.text === null) listener.recognised({ type: 'final', text: '', rejected: true, ...times });
    else {
      listener.recognised({ type: 'final', text: understood.text, confidence: understood.confidence, ...times });
      // A whole sentence of the script is a whole turn, whatever its last word looks like.
      if (!goesOn(understood.text)) listener.recognised({ type: 'turnEnd', probability: WHOLE });
    }
  };

  /** Believes the verdict when enough quiet has followed it. */
  const consider = () => {
    if (from === undefined || verdict === undefined || verdict.upTo !== lastLoud) return;
    const { understood } = verdict;
    const quietMs = (judged - lastLoud) / PER_MS;
    const needed = understood.text === null ? PAUSE_MS : goesOn(understood.text) ? OPEN_PAUSE_MS : 0;
    if (quietMs >= needed || held > LONGEST) finish(understood);
  };

  const ask = () => {
    if (from === undefined || verdict?.upTo === lastLoud) return;
    askAgain = asking;
    if (asking) return;
    asking = true;
    const upTo = lastLoud;
    attempt(buffer.slice(0, held), (understood) => {
      asking = false;
      verdict = { upTo, understood };
      if (askAgain) ask();
      consider();
    });
  };

  const judge = (start: number) => {
    let energy = 0;
    for (let i = start; i < start + BLOCK; i++) energy += (buffer[i] ?? 0) ** 2;
    const level = Math.sqrt(energy / BLOCK);
    judged += BLOCK;
    // The floor follows the noise down at once and up slowly: in 3 s, or in 40 s while somebody speaks, who must not become the floor.
    floor = level < floor ? level : floor + (level - floor) * (from === undefined ? 0.007 : 0.0005);
    if (level > Math.max(LEAST_LOUD, floor * 3)) {
      from ??= judged - BLOCK;
      lastLoud = judged;
    } else if (from === undefined) {
      forget(judged - LEAD);
    } else {
      if (judged - lastLoud >= PAUSE_MS * PER_MS) ask();
      consider();
    }
    if (held > LONGEST) ask();
  };

  return {
    write(audio) {
      // In pieces of a second at most: a replay after a lost recogniser brings many seconds at once.
      if (audio.length > PIECE) {
        for (let at = 0; at < audio.length; at += PIECE) this.write(audio.subarray(at, at + PIECE));
        return;
      }
      const count = line.decode(audio);
      // A decoder that takes too long while the caller goes on: the oldest sound gives way.
      if (held + count > buffer.length) forget(origin + held + count - buffer.length);
      buffer.set(line.samples.subarray(0, count), held);
      held += count;
      while (judged + BLOCK <= origin + held) judge(judged - origin);
    },
    flush: ask,
  };
}
