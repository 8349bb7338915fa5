/**
 * The recognisers of one call, one at a time: the first choice, then its fallbacks. A recogniser that is lost is replaced by the
 * next; what a replaced one still says is not heard. Words come out in the call's media time. Never touches voice activity.
 */
import type { AgentPlan } from '../../agent/plan.ts';
import { type AudioFormat, msOf } from '../../audio/format.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { Scope } from '../../kernel/scope.ts';
import type { ProviderContext, ProviderSet } from '../../providers/contract.ts';
import type { Ears, Recognised } from '../../providers/stt/contract.ts';
import type { Perceived } from './listening.ts';

type Words = Extract<Recognised, { type: 'partial' | 'final' | 'turnEnd' }>;

export interface RecogniserChain {
  /** Is there a recogniser to write to? */
  readonly open: boolean;
  write(audio: Uint8Array): void;
  flush(): void;
  /** Gives up the present recogniser, for a new connection to the same one or, when `next` and there is one, for the next. */
  replace(error: AywaError, next: boolean): void;
  /** Is there no other one behind the present one? */
  readonly last: boolean;
  /** Ends the recognition and tells what was used. */
  close(): void;
}

export interface RecogniserChainOptions {
  readonly format: AudioFormat;
  readonly agent: () => AgentPlan;
  readonly providers: ProviderSet;
  perceived(h: Perceived): void;
  readonly ctx: ProviderContext;
}

export interface ChainListener {
  words(words: Words): void;
  /** A recogniser begins: gives the media time of the first audio it will get. */
  rewind(): number;
  /** It may be written to. */
  ready(): void;
}

export function recogniserChain(options: RecogniserChainOptions, listener: ChainListener): RecogniserChain {
  const { format, providers, perceived, ctx } = options;
  const { stt: chain, language, expected } = options.agent();
  /** Bytes that each choice was given. */
  const given = chain.map(() => 0);
  let current = 0;
  let connection = 0;
  let ears: Ears | undefined;
  let scope: Scope | undefined;

  const connect = (index: number) => {
    const choice = chain[index];
    if (!choice) return;
    current = index;
    connection += 1;
    const mine = connection;
    const startMs = listener.rewind();
    const stt = providers.stt(choice.provider);
    if (!stt)
      return lose(new AywaError('provider_invalid', { detail: `This build has no speech recognition "${choice.provider}".` }), true);
    scope = ctx.scope.child(`stt/${choice.provider}`);
    const opened = stt.listen(
      { format, language, expected },
      choice.settings,
      choice.access,
      {
        recognised(words) {
          if (mine !== connection || words.type === 'speech') return;
          listener.words(words.type === 'turnEnd' ? words : { ...words, from: words.from + startMs, to: words.to + startMs });
        },
        failed(error) {
          if (mine === connection) lose(error, true);
        },
      },
      { ...ctx, scope },
    );
    // It may have failed already, and another one may stand in its place.
    if (mine !== connection) return;
    ears = opened;
    listener.ready();
  };

  const drop = (reason: string) => {
    connection += 1;
    ears = undefined;
    void scope?.close(reason);
    scope = undefined;
  };

  const lose = (error: AywaError, next: boolean) => {
    const from = chain[current];
    if (!from) return;
    const successor = next ? chain[current + 1] : from;
    drop(error.code);
    const mine = connection;
    perceived({ type: 'failed', provider: from.provider, error, final: successor === undefined });
    // Whoever hears of it may end the call.
    if (!successor || mine !== connection) return;
    if (next) perceived({ type: 'switched', from: from.provider, to: successor.provider });
    if (mine === connection) connect(next ? current + 1 : current);
  };

  connect(0);

  return {
    get open() {
      return ears !== undefined;
    },
    write(audio) {
      given[current] = (given[current] ?? 0) + audio.length;
      ears?.write(audio);
    },
    flush() {
      ears?.flush();
    },
    replace(error, next) {
      if (ears) lose(error, next && current + 1 < chain.length);
    },
    get last() {
      return current + 1 >= chain.length;
    },
    close() {
      drop('closed');
      chain.forEach((choice, index) => {
        const bytes = given[index] ?? 0;
        const model = choice.settings.model;
        if (bytes === 0) return;
        const seconds = Math.round(msOf(format, bytes)) / 1_000;
        perceived({ type: 'usage', provider: choice.provider, model: typeof model === 'string' ? model : '', seconds });
      });
    },
  };
}
