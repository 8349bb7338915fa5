/**
 * The agent's voices, in order. The first is open from the start of the call; one that refuses, breaks or makes no sound in time is
 * left for the next, which says what had no sound yet and stays for the call. What each one was given is counted as its own.
 */
import type { AgentPlan, ProviderChain } from '../../agent/plan.ts';
import { type Converter, converter } from '../../audio/convert.ts';
import { type AudioFormat, msOf, sameFormat } from '../../audio/format.ts';
import { AywaError } from '../../kernel/errors.ts';
import { createPatience } from '../../kernel/patience.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { ProviderChoice, ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Speech, Voice } from '../../providers/tts/contract.ts';
import type { CallEventBody } from '../events.ts';
import { modelOf } from './model-chain.ts';
import { type TurnBudget, turnBudget } from './turn-budget.ts';

/** Text is there, sound has begun and stops without an end: the voice has died. */
const STALL_MS = 1_500;
/** No voice speaks faster: text with less sound than this has not been spoken; ms per character. */
const LEAST_PACE = 26;
/** How much a voice must have said before its pace is known; characters. */
const PACE_FROM = 20;
/** Enough for a voice that buffers by itself to begin: five words, a sentence, or as much without spaces. */
const SPEAKABLE = /^\s*(?:\S+\s+){5}|[.!?。！？।…]["'”’)]*\s*$|\S{40}/u;

/** Where one reply's sound goes; called synchronously, in order. Exactly one of `done` and `failed` comes last. */
export interface VoiceSink {
  audio(bytes: Uint8Array): void;
  /** Milliseconds from the first sound, or from the first one after `lost`. */
  word(text: string, atMs: number, endAtMs: number): void;
  /** The voice broke off and another one goes on: gives the text that had no sound. `pace` of the one that broke, where it is known: ms per character. */
  lost(pace: number | undefined): string;
  done(): void;
  /** No voice can go on. */
  failed(pace: number | undefined): void;
}

export interface Voices {
  readonly format: AudioFormat;
  readonly prefers: 'tokens' | 'clauses';
  /** `budget`: how long the caller's patience is before the first sound. */
  speak(sink: VoiceSink, budget?: TurnBudget): Speech;
  /** Another agent has entered: its voice, where that is another one. What is being said is said to its end. */
  agentChanged(): void;
  close(): void;
}

export interface VoiceParts {
  readonly agent: () => AgentPlan;
  readonly format: AudioFormat;
  readonly providers: ProviderSet;
  readonly ctx: ProviderContext;
  tell(event: CallEventBody): void;
}

/** A voice that was opened, with its place in the chain. */
interface Station {
  readonly chain: ProviderChain;
  readonly index: number;
  readonly choice: ProviderChoice;
  readonly language: string;
  readonly scope: Scope;
  readonly voice: Voice | undefined;
  /** Speeches that use it; it is closed after the last one when it was left. */
  speeches: number;
  left: boolean;
  /** What stands in its place since it failed. */
  next: Station | undefined;
  /** What it has said to the end. */
  readonly spoken: { characters: number; ms: number };
}

/** One voice's part of a speech. */
interface Part {
  readonly station: Station;
  speech: Speech | undefined;
  characters: number;
  soundMs: number;
  /** Where text and sound met last: everything before has been spoken. */
  readonly even: { characters: number; soundMs: number };
  /** It was told to speak what it holds back. */
  urged: boolean;
}

export function openVoices({ agent, format, providers, ctx, tell }: VoiceParts): Voices {
  const { clock } = ctx.scope;

  const open = (chain: ProviderChain, index: number, language: string): Station => {
    const choice = chain[index] ?? chain[0];
    const scope = ctx.scope.child('voice');
    const voice = providers.tts(choice.provider)?.open({ format, language }, choice.settings, choice.access, { ...ctx, scope });
    const spoken = { characters: 0, ms: 0 };
    return { chain, index, choice, language, scope, voice, speeches: 0, left: false, next: undefined, spoken };
  };
  const leave = (station: Station) => {
    station.left = true;
    if (station.speeches === 0) void station.scope.close('replaced');
  };
  const release = (station: Station) => {
    station.speeches -= 1;
    if (station.left) leave(station);
  };
  let current = open(agent().tts, 0, agent().language);

  /** Gives up on a voice; what stands in its place, for all speeches alike. */
  const successor = (failing: Station, error: AywaError): Station | undefined => {
    const { chain, index, choice, language } = failing;
    const next = chain[index + 1];
    tell({ type: 'provider.failed', kind: 'tts', provider: choice.provider, code: error.code, detail: error.message, final: !next });
    if (!next) return undefined;
    if (!failing.next) {
      tell({ type: 'provider.switched', kind: 'tts', from: choice.provider, to: next.provider });
      failing.next = open(chain, index + 1, language);
      if (current === failing) current = failing.next;
      else failing.next.left = true;
    }
    leave(failing);
    let place = failing.next;
    while (place.left && place.next) place = place.next;
    return place;
  };

  const speak: Voices['speak'] = (sink, budget = turnBudget(clock, true)) => {
    /** What the present voice is to say, from its first word on. */
    let pending: string[] = [];
    let part: Part | undefined;
    let ended = false;
    let flushed = false;
    let over = false;

    const watch = createPatience(clock, () => part && late(part));

    const finish = (tellSink?: () => void) => {
      if (over) return;
      over = true;
      watch.stop();
      if (part) account(part);
      tellSink?.();
    };
    /** Counts what the voice was given, and lets go of it. */
    const account = ({ station, characters }: Part) => {
      const { provider } = station.choice;
      const usage = { provider, model: modelOf(station.choice), quantity: characters, completionTokens: null, cachedTokens: null };
      if (characters > 0) tell({ type: 'usage.counted', kind: 'tts', ...usage });
      release(station);
    };
    const late = (mine: Part) => {
      const { speech, even, characters, soundMs } = mine;
      const sounded = soundMs > 0;
      const owes = ended || !sounded || soundMs - even.soundMs < LEAST_PACE * (characters - even.characters);
      if (!owes) {
        even.characters = characters;
        even.soundMs = soundMs;
        return;
      }
      // A voice that buffers may wait for more than the model has written.
      const waits = !ended && !flushed && !mine.urged && (sounded || !SPEAKABLE.test(pending.join('')));
      if (!waits) return fail(mine, new AywaError('provider_timeout', { detail: `${mine.station.choice.provider} made no sound.` }));
      mine.urged = true;
      watch.extend(sounded ? STALL_MS : firstMs(mine));
      speech?.flush?.();
    };
    const fail = (mine: Part, error: AywaError) => {
      if (over || part !== mine) return;
      const { station, soundMs } = mine;
      const pace = station.spoken.characters >= PACE_FROM ? station.spoken.ms / station.spoken.characters : undefined;
      mine.speech?.cancel();
      watch.stop();
      const next = successor(station, error);
      if (!next) {
        // One that made no sound is not paid.
        if (soundMs === 0) mine.characters = 0;
        return finish(() => sink.failed(pace));
      }
      part = undefined;
      if (soundMs > 0) {
        account(mine);
        const rest = sink.lost(pace);
        pending = rest.trim() === '' ? [] : [rest];
        if (ended && pending.length === 0) return finish(sink.done);
      } else release(station);
      begin(next);
    };
    const firstMs = ({ station }: Part) => budget.soundMs(station.chain.length - station.index);

    const give = (mine: Part, text: string) => {
      mine.characters += text.length;
      mine.urged = false;
      if (!watch.running) watch.extend(mine.soundMs > 0 ? STALL_MS : firstMs(mine));
      mine.speech?.say(text);
    };
    const begin = (station: Station) => {
      const mine: Part = { station, speech: undefined, characters: 0, soundMs: 0, even: { characters: 0, soundMs: 0 }, urged: false };
      part = mine;
      station.speeches += 1;
      const live = () => !over && part === mine;
      const { voice, choice } = station;
      if (!voice)
        return fail(mine, new AywaError('provider_invalid', { detail: `This build has no voice provider "${choice.provider}".` }));
      const convert: Converter | undefined = sameFormat(voice.format, format) ? undefined : converter(voice.format, format);
      const sound = (bytes: Uint8Array) => {
        if (bytes.length === 0) return;
        mine.soundMs += msOf(format, bytes.length);
        mine.urged = false;
        watch.extend(STALL_MS);
        sink.audio(bytes);
      };
      const speech = voice.speak({
        audio: (bytes) => live() && sound(convert ? convert.convert(bytes) : bytes),
        word: (text, at, endAt) => live() && sink.word(text, at, endAt),
        done() {
          if (!live()) return;
          const tail = convert?.flush();
          if (tail) sound(tail);
          if (mine.soundMs === 0)
            return fail(mine, new AywaError('provider_garbage', { detail: `${choice.provider} gave no sound for the text.` }));
          station.spoken.characters += mine.characters;
          station.spoken.ms += mine.soundMs;
          finish(sink.done);
        },
        failed: (error) => live() && fail(mine, error),
      });
      // A voice may fail inside any of these calls, and then another one has taken all of it over.
      if (!live()) return speech.cancel();
      mine.speech = speech;
      for (const text of pending) {
        give(mine, text);
        if (!live()) return;
      }
      if (flushed) speech.flush?.();
      if (ended && live()) speech.end();
    };
    begin(current);

    return {
      say(text) {
        if (over || !part) return;
        pending.push(text);
        flushed = false;
        give(part, text);
      },
      flush() {
        if (over || flushed) return;
        flushed = true;
        part?.speech?.flush?.();
      },
      end() {
        if (over) return;
        ended = true;
        if (part && part.soundMs > 0) watch.extend(STALL_MS);
        part?.speech?.end();
      },
      cancel() {
        part?.speech?.cancel();
        finish();
      },
    };
  };

  return {
    format,
    get prefers() {
      return current.voice?.prefers ?? 'clauses';
    },
    speak,
    agentChanged() {
      const { tts, language } = agent();
      if (same(tts, current.chain) && language === current.language) return;
      leave(current);
      current = open(tts, 0, language);
    },
    close: () => void current.scope.close('closed'),
  };
}

function same(one: ProviderChain, other: ProviderChain): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
