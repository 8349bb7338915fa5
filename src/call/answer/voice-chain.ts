/**
 * The agent's voices, in order. The first is open from the start of the call; one that refuses, breaks or makes no sound in time is
 * left for the next, which stays for the call. A voice that has begun a reply is never replaced inside it.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import { type Converter, converter } from '../../audio/convert.ts';
import { type AudioFormat, sameFormat } from '../../audio/format.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Speech, Voice } from '../../providers/tts/contract.ts';
import type { CallEventBody } from '../events.ts';
import { modelOf } from './model-chain.ts';

/** From the last text to the first sound: four times what a good voice needs, and short enough to try another one. */
const FIRST_AUDIO_MS = 1_200;
/** Behind the last voice there is only the recorded apology: it gets what the caller's 3 s leave. */
const LAST_FIRST_AUDIO_MS = 1_600;
/** All text is there, sound has begun and stops without an end: the voice has died. */
const STALL_MS = 1_500;

/** Where one reply's sound goes; called synchronously, in order. Exactly one of `done` and `failed` comes last. */
interface VoiceSink {
  audio(bytes: Uint8Array): void;
  word(text: string, atMs: number, endAtMs: number): void;
  done(): void;
  /** No voice could say it, or the one that began broke off. */
  failed(): void;
}

export interface Voices {
  readonly format: AudioFormat;
  readonly prefers: 'tokens' | 'clauses';
  speak(sink: VoiceSink): Speech;
  close(): void;
}

export interface VoiceParts {
  readonly agent: () => AgentPlan;
  readonly format: AudioFormat;
  readonly providers: ProviderSet;
  readonly ctx: ProviderContext;
  tell(event: CallEventBody): void;
}

export function openVoices({ agent: current, format, providers, ctx, tell }: VoiceParts): Voices {
  const agent = current();
  let index = 0;
  let scope: Scope = ctx.scope.child('voice');
  const chosen = () => agent.tts[index] ?? agent.tts[0];
  const open = (): Voice | undefined => {
    const choice = chosen();
    return providers.tts(choice.provider)?.open({ format, language: agent.language }, choice.settings, choice.access, { ...ctx, scope });
  };
  let voice = open();

  /** Gives up on the current voice, if it is still the one that failed; `false` when none is left. */
  const advance = (failing: number, error: AywaError): boolean => {
    const from = agent.tts[failing] ?? chosen();
    const next = agent.tts[failing + 1];
    tell({ type: 'provider.failed', kind: 'tts', provider: from.provider, code: error.code, detail: error.message, final: !next });
    if (!next) return false;
    if (index > failing) return true;
    tell({ type: 'provider.switched', kind: 'tts', from: from.provider, to: next.provider });
    void scope.close('replaced');
    scope = ctx.scope.child('voice');
    index = failing + 1;
    voice = open();
    return true;
  };

  return {
    format,
    get prefers() {
      return voice?.prefers ?? 'clauses';
    },
    close: () => void scope.close('closed'),
    speak(sink) {
      const said: string[] = [];
      let ended = false;
      let over = false;
      let sounded = false;
      let using = index;
      let current: Speech | undefined;
      let watch = { cancel() {} };

      const finish = (tellSink?: () => void) => {
        if (over) return;
        over = true;
        watch.cancel();
        const quantity = said.reduce((sum, text) => sum + text.length, 0);
        const usage = { provider: chosen().provider, model: modelOf(chosen()), quantity, completionTokens: null, cachedTokens: null };
        if (quantity > 0) tell({ type: 'usage.counted', kind: 'tts', ...usage });
        tellSink?.();
      };
      const arm = (ms: number) => {
        watch.cancel();
        watch = ctx.scope.clock.timer(ms, () => fail(new AywaError('provider_timeout', { detail: `${chosen().provider} made no sound.` })));
      };
      const fail = (error: AywaError) => {
        if (over) return;
        current?.cancel();
        const another = advance(using, error);
        if (sounded || !another) return finish(sink.failed);
        start();
        for (const text of said) current?.say(text);
        if (ended) current?.end();
        if (said.length > 0) arm(patience());
      };
      const patience = () => (agent.tts[using + 1] ? FIRST_AUDIO_MS : LAST_FIRST_AUDIO_MS);
      const start = () => {
        using = index;
        const mine = using;
        const live = () => !over && mine === using;
        const active = voice;
        if (!active) return fail(new AywaError('provider_invalid', { detail: `This build has no voice provider "${chosen().provider}".` }));
        const convert: Converter | undefined = sameFormat(active.format, format) ? undefined : converter(active.format, format);
        current = active.speak({
          audio(bytes) {
            if (!live()) return;
            sounded = true;
            if (ended) arm(STALL_MS);
            else watch.cancel();
            sink.audio(convert ? convert.convert(bytes) : bytes);
          },
          word: (text, at, endAt) => live() && sink.word(text, at, endAt),
          done() {
            if (!live()) return;
            if (!sounded) return fail(new AywaError('provider_garbage', { detail: `${chosen().provider} gave no sound for the text.` }));
            const tail = convert?.flush();
            if (tail && tail.length > 0) sink.audio(tail);
            finish(sink.done);
          },
          failed: (error) => live() && fail(error),
        });
      };
      start();

      return {
        say(text) {
          if (over) return;
          said.push(text);
          if (!sounded) arm(patience());
          current?.say(text);
        },
        end() {
          if (over) return;
          ended = true;
          if (sounded) arm(STALL_MS);
          current?.end();
        },
        cancel() {
          current?.cancel();
          finish();
        },
      };
    },
  };
}
