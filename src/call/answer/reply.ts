/**
 * One reply in the making: model, tools, text, voice. It makes its words and sounds whether or not it may be heard, and has no way to the
 * caller until `adopt` gives it a number and a track. A draft is a reply that has not been adopted. It never decides whose turn it is,
 * and never fails silently: it says the fallback, or the apology.
 */
import type { AgentPlan, CallPlan } from '../../agent/plan.ts';
import type { LineAbilities } from '../../carriers/carrier.ts';
import { AywaError, asAywaError } from '../../kernel/errors.ts';
import { createPatience } from '../../kernel/patience.ts';
import { isCancelled, type Scope } from '../../kernel/scope.ts';
import type { ProviderContext } from '../../providers/contract.ts';
import type { Message, ToolCall } from '../../providers/llm/contract.ts';
import type { CallEventBody, EndReason } from '../events.ts';
import { hasPhrase } from '../turn/endpointing.ts';
import { APOLOGY_TEXT } from './apology.ts';
import type { Conversation } from './conversation.ts';
import type { ModelChain } from './model-chain.ts';
import { offered } from './offered.ts';
import type { Tools } from './tool-round.ts';
import { turnBudget } from './turn-budget.ts';
import { createUtterance, type ReplyTrack } from './utterance.ts';
import type { Voices } from './voice-chain.ts';

export interface ReplyParts {
  readonly call: CallPlan;
  readonly agent: () => AgentPlan;
  /** What the line can do, once it is there. */
  readonly can: () => LineAbilities | undefined;
  readonly models: ModelChain;
  /** `null` on a text line: the words themselves are sent. */
  readonly voices: Voices | null;
  readonly tools: Tools;
  readonly conversation: Conversation;
  readonly ctx: ProviderContext;
  tell(event: CallEventBody): void;
}

/** What it says: given words, or the model's answer to the conversation, with `asked` as the caller's last words while they are no turn yet. */
export type Script = { readonly text: string; readonly endAfter: boolean } | { readonly asked: string | undefined };

/** What the caller has heard of a reply. */
export interface Heard {
  readonly text: string;
  readonly ms: number;
}
export const NOTHING_HEARD: Heard = { text: '', ms: 0 };

/** Whatever makes replies: models and voices, or a model that speaks by itself. */
export type Compose = (script: Script) => Reply;

export interface Reply {
  /** From now on it is heard. `broken` tells, instead of the track's `ended`, that no more sound than these milliseconds will come. */
  adopt(number: number, track: ReplyTrack, broken: (soundMs: number) => void): void;
  /** Everything stops and is released; nothing reaches the track after it returns. `heard`: what a model that speaks by itself must know of its own words. */
  cancel(heard: Heard): void;
  readonly failed: boolean;
  /** Why the call ends after it, decided by its own words or tools. */
  readonly closes: EndReason | null;
}

/** A model that still calls tools after so many rounds goes in circles. */
const ROUNDS = 8;
/** A model that works without a word for so long makes a pause: what it has said is spoken to its last word. */
const PAUSE_MS = 400;
/** The same of one that gives no sign of life: slow models are silent for less between the parts of a word. */
const SILENT_PAUSE_MS = 1_000;

export function startReply(script: Script, parts: ReplyParts): Reply {
  const { voices, tools, conversation, tell } = parts;
  const agent = parts.agent();
  const scope: Scope = parts.ctx.scope.child('text' in script ? 'saying' : 'reply');
  const { clock } = scope;
  const budget = turnBudget(clock);
  const adopted = Promise.withResolvers<number>();
  /** What is told about it once it has a number. */
  const held: (() => void)[] = [];
  /** What each round of tool calls was introduced with, by the first call's id. */
  const rounds = new Map<string, { text: string; calls: readonly ToolCall[] }>();
  let number: number | undefined;
  let broken = (_soundMs: number) => {};
  /** Where the present answer of the model begins in what is said, after fillers and earlier rounds. */
  let answerFrom = 0;
  let failed = false;
  let closes: EndReason | null = null;
  const reached = { token: false, audio: false };

  /** Done now, or once it is adopted. */
  const out = (act: () => void) => {
    if (scope.closed) return;
    if (number !== undefined) act();
    else held.push(act);
  };
  const mark = (stage: 'token' | 'audio') => {
    if (reached[stage]) return;
    reached[stage] = true;
    out(() => tell({ type: stage === 'token' ? 'reply.first_token' : 'reply.first_audio', reply: number ?? 0 }));
  };
  const fail = () => {
    failed = true;
  };
  const mouth = createUtterance({ agent, voices, budget, begun: () => mark('audio'), failed: fail });
  /** What a model has said before it fell silent is not kept from the caller. */
  const silence = createPatience(clock, mouth.pause);
  /** Words around a tool: nothing may follow them for long. */
  const sayAside = (text: string) => {
    mouth.sayWhole(text);
    mouth.pause();
  };

  const prompt = (asked: string | undefined): Message[] =>
    conversation.messages(asked).map((message) => {
      const round = message.role === 'assistant' && message.toolCalls?.[0] ? rounds.get(message.toolCalls[0].id) : undefined;
      return round ? { role: 'assistant', content: round.text, toolCalls: round.calls } : message;
    });

  /** One answer of the models, spoken as it comes; gives its tool calls. */
  const answer = async (asked: string | undefined): Promise<ToolCall[]> => {
    const calls: ToolCall[] = [];
    answerFrom = mouth.said.length;
    const request = { messages: prompt(asked), tools: offered(agent, parts.can()), metadata: parts.call.metadata };
    let wroteAt: number | undefined;
    for await (const said of parts.models.answer(request, { ...parts.ctx, scope }, tell, budget)) {
      if (said.type === 'text') {
        if (said.text.trim() !== '') mark('token');
        mouth.write(said.text);
        wroteAt = clock.now();
        silence.extend(SILENT_PAUSE_MS);
      } else if (said.type === 'tool') {
        mark('token');
        calls.push(said.call);
      } else if (said.type === 'alive' && wroteAt !== undefined && clock.now() - wroteAt >= PAUSE_MS) {
        mouth.pause();
        wroteAt = undefined;
      }
    }
    silence.stop();
    mouth.flush();
    return calls;
  };

  const converse = async (asked: string | undefined) => {
    for (let round = 0; round < ROUNDS; round++) {
      const askedAt = clock.now();
      const calls = await answer(round === 0 ? asked : undefined);
      const introduction = mouth.said.slice(answerFrom).trim();
      if (calls.length === 0 && introduction === '') throw misbehaved('The model gave an empty answer.');
      if (calls.length === 0) return;
      mouth.pause();
      // A tool may do something that cannot be undone: it waits until this reply is the one.
      const reply = number ?? (await scope.wait(adopted.promise));
      const outcome = await tools.run(reply, calls, sayAside, scope, askedAt);
      rounds.set(outcome.calls[0]?.id ?? '', { text: introduction, calls: outcome.calls });
      if (outcome.endsCall) closes = 'agent-hung-up';
      if (outcome.answered) return;
      budget.renew();
      if (mouth.said !== '' && !/\s$/.test(mouth.said)) mouth.write(' ');
    }
    throw misbehaved(`The model called tools ${ROUNDS} times without an answer.`);
  };

  const misbehaved = (detail: string): AywaError => {
    const error = new AywaError('provider_garbage', { detail });
    tell({ type: 'provider.failed', kind: 'llm', provider: agent.llm[0].provider, code: error.code, detail: error.message, final: true });
    return error;
  };

  const compose = async () => {
    try {
      if ('text' in script) mouth.sayWhole(script.text);
      else await converse(script.asked);
      closes ??=
        'text' in script ? (script.endAfter ? 'said-last-words' : null) : endPhraseIn([mouth.said, mouth.written], agent.endPhrases);
    } catch (error) {
      silence.stop();
      if (scope.closed || isCancelled(error)) throw error;
      failed = true;
      if (asAywaError(error).kind === 'bug') parts.ctx.log.error('reply_failed', { detail: asAywaError(error).message });
      mouth.flush();
      mouth.sayWhole(agent.fallback || APOLOGY_TEXT);
    }
    if (!mouth.end()) out(() => broken(0));
  };
  scope.spawn('compose', async () => {
    try {
      await compose();
    } catch (error) {
      if (scope.closed || isCancelled(error)) throw error;
      // Whatever broke, the reply must end, or the call would think for ever.
      failed = true;
      parts.ctx.log.error('reply_failed', { detail: asAywaError(error).message, stack: asAywaError(error).stack });
      out(() => broken(mouth.soundMs));
    }
  });

  return {
    get failed() {
      return failed;
    },
    get closes() {
      return closes;
    },
    adopt(given, onto, onBroken) {
      number = given;
      broken = onBroken;
      budget.begin();
      for (const act of held.splice(0)) act();
      mouth.adopt(onto);
      adopted.resolve(given);
    },
    cancel() {
      if (scope.closed) return;
      void scope.close('cut');
      silence.stop();
      mouth.cancel();
      held.length = 0;
      if (number !== undefined) tools.abandon(number);
    },
  };
}

/** An end-call phrase anywhere in the agent's own words, as they were written or as they are spoken; case and punctuation aside. */
function endPhraseIn(texts: readonly string[], phrases: readonly string[]): EndReason | null {
  return phrases.some((phrase) => texts.some((text) => hasPhrase(text, phrase))) ? 'said-end-phrase' : null;
}
