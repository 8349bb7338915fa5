/**
 * One reply in the making: model, tools, pieces of text, voice. It makes its words and sounds whether or not it may be heard, and has
 * no way to the caller until `adopt` gives it a number and a track; what it made before is held in memory. A draft is a reply
 * that has not been adopted. It never decides whose turn it is, and never fails silently: it says the fallback, or the apology.
 */
import type { AgentPlan, CallPlan } from '../../agent/plan.ts';
import { msOf } from '../../audio/format.ts';
import { AywaError, asAywaError } from '../../kernel/errors.ts';
import { isCancelled, type Scope } from '../../kernel/scope.ts';
import type { ProviderContext } from '../../providers/contract.ts';
import type { Message, ToolCall } from '../../providers/llm/contract.ts';
import type { Speech } from '../../providers/tts/contract.ts';
import type { CallEventBody, EndReason } from '../events.ts';
import { hasPhrase } from '../turn/endpointing.ts';
import { APOLOGY_TEXT, apology } from './apology.ts';
import { clauses } from './clauses.ts';
import type { Conversation } from './conversation.ts';
import type { ModelChain } from './model-chain.ts';
import type { Tools } from './tool-round.ts';
import type { Voices } from './voice-chain.ts';

export interface ReplyParts {
  readonly call: CallPlan;
  readonly agent: () => AgentPlan;
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

/** The way to the caller's ear: what a reply makes of its track. After the reply was cut everything does nothing. */
export interface ReplyTrack {
  /** Audio in the line's format, any length; copied. */
  write(bytes: Uint8Array): void;
  /** Text whose audio follows. */
  text(piece: string): void;
  /** Text whose audio has not come will have none: its voice is gone. */
  lose(): void;
  /** A spoken word: milliseconds from the first byte of this track. */
  word(text: string, atMs: number, endAtMs: number): void;
  /** No more audio will come. */
  end(): void;
}

export interface Reply {
  /** From now on it is heard. `broken` tells, instead of the track's `ended`, that no more sound than these milliseconds will come. */
  adopt(number: number, track: ReplyTrack, broken: (soundMs: number) => void): void;
  /** Everything stops and is released; nothing reaches the track after it returns. */
  cancel(): void;
  readonly failed: boolean;
  /** Why the call ends after it, decided by its own words or tools. */
  readonly closes: EndReason | null;
}

/** A model that still calls tools after so many rounds goes in circles. */
const ROUNDS = 8;

export function startReply(script: Script, parts: ReplyParts): Reply {
  const { voices, tools, conversation, tell } = parts;
  const agent = parts.agent();
  const scope: Scope = parts.ctx.scope.child('text' in script ? 'saying' : 'reply');
  const adopted = Promise.withResolvers<number>();
  const held: (() => void)[] = [];
  const cutter = clauses(voices ? voices.prefers : 'tokens');
  /** What each round of tool calls was introduced with, by the first call's id. */
  const rounds = new Map<string, { text: string; calls: readonly ToolCall[] }>();
  let number: number | undefined;
  let track: ReplyTrack | undefined;
  let broken = (_soundMs: number) => {};
  let soundMs = 0;
  /** Text whose voice has not begun: it counts as said from the first sound on, and not at all if there is none. */
  let unvoiced: string[] = [];
  let speech: Speech | undefined;
  /** Every voice has failed it: the apology is its last sound. */
  let voiceless = false;
  let spoken = '';
  /** Where the present answer of the model begins in it, after fillers and earlier rounds. */
  let answerFrom = 0;
  let failed = false;
  let closes: EndReason | null = null;
  const reached = { token: false, audio: false };

  /** Done now, or once there is a track. */
  const out = (act: () => void) => {
    if (scope.closed) return;
    if (track) act();
    else held.push(act);
  };
  const mark = (stage: 'token' | 'audio') => {
    if (reached[stage]) return;
    reached[stage] = true;
    out(() => tell({ type: stage === 'token' ? 'reply.first_token' : 'reply.first_audio', reply: number ?? 0 }));
  };
  const sound = (bytes: Uint8Array) => {
    mark('audio');
    for (const piece of unvoiced.splice(0)) out(() => track?.text(piece));
    if (voices) soundMs += msOf(voices.format, bytes.length);
    if (track) return track.write(bytes);
    const copy = bytes.slice();
    held.push(() => track?.write(copy));
  };

  const openSpeech = () =>
    voices?.speak({
      audio: (bytes) => !scope.closed && sound(bytes),
      word: (text, at, endAt) => out(() => track?.word(text, at, endAt)),
      done: () => out(() => track?.end()),
      failed() {
        failed = true;
        voiceless = true;
        out(() => track?.lose());
        unvoiced = [APOLOGY_TEXT];
        if (voices) sound(apology(voices.format));
        out(() => track?.end());
      },
    });

  const speak = (piece: string) => {
    spoken += piece;
    if (voiceless) return;
    if (voices && !reached.audio) unvoiced.push(piece);
    else out(() => track?.text(piece));
    if (!voices) return;
    speech ??= openSpeech();
    speech?.say(piece);
  };
  const write = (text: string) => {
    for (const piece of cutter.push(text)) speak(piece);
  };
  const flush = () => {
    for (const piece of cutter.flush()) speak(piece);
  };
  /** A sentence of its own, apart from what was said before it. */
  const sayWhole = (text: string) => {
    flush();
    speak(spoken !== '' && !/\s$/.test(spoken) ? ` ${text}` : text);
  };

  const prompt = (asked: string | undefined): Message[] =>
    conversation.messages(asked).map((message) => {
      const round = message.role === 'assistant' && message.toolCalls?.[0] ? rounds.get(message.toolCalls[0].id) : undefined;
      return round ? { role: 'assistant', content: round.text, toolCalls: round.calls } : message;
    });

  const converse = async (asked: string | undefined) => {
    for (let round = 0; round < ROUNDS; round++) {
      const calls: ToolCall[] = [];
      answerFrom = spoken.length;
      const request = {
        messages: prompt(round === 0 ? asked : undefined),
        tools: agent.tools.map((tool) => tool.spec),
        metadata: parts.call.metadata,
      };
      for await (const said of parts.models.answer(request, { ...parts.ctx, scope }, tell)) {
        if (said.type === 'text') {
          if (said.text.trim() !== '') mark('token');
          write(said.text);
        }
        if (said.type === 'tool') {
          mark('token');
          calls.push(said.call);
        }
      }
      flush();
      const [first] = calls;
      if (!first && spoken.slice(answerFrom).trim() === '') throw misbehaved('The model gave an empty answer.');
      if (!first) return;
      // A tool may do something that cannot be undone: it waits until this reply is the one.
      const reply = number ?? (await scope.wait(adopted.promise));
      rounds.set(first.id, { text: spoken.slice(answerFrom).trim(), calls });
      const outcome = await tools.run(reply, calls, sayWhole, scope);
      if (outcome.endsCall) closes = 'agent-hung-up';
      if (outcome.answered) return;
      if (spoken !== '' && !/\s$/.test(spoken)) write(' ');
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
      if ('text' in script) sayWhole(script.text);
      else await converse(script.asked);
      closes ??= 'text' in script ? (script.endAfter ? 'said-last-words' : null) : endPhraseIn(spoken, agent.endPhrases);
    } catch (error) {
      if (scope.closed || isCancelled(error)) throw error;
      failed = true;
      if (asAywaError(error).kind === 'bug') parts.ctx.log.error('reply_failed', { detail: asAywaError(error).message });
      flush();
      sayWhole(agent.fallback || APOLOGY_TEXT);
    }
    if (speech && !voiceless) speech.end();
    else if (spoken !== '') out(() => track?.end());
    else out(() => broken(0));
  };
  scope.spawn('compose', async () => {
    try {
      await compose();
    } catch (error) {
      if (scope.closed || isCancelled(error)) throw error;
      // Whatever broke, the reply must end, or the call would think for ever.
      failed = true;
      parts.ctx.log.error('reply_failed', { detail: asAywaError(error).message, stack: asAywaError(error).stack });
      out(() => broken(soundMs));
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
      track = onto;
      broken = onBroken;
      for (const act of held.splice(0)) act();
      adopted.resolve(given);
    },
    cancel() {
      if (scope.closed) return;
      void scope.close('cut');
      speech?.cancel();
      held.length = 0;
      if (number !== undefined) tools.abandon(number);
    },
  };
}

/** An end-call phrase anywhere in the agent's own words, case and punctuation aside. */
function endPhraseIn(text: string, phrases: readonly string[]): EndReason | null {
  return phrases.some((phrase) => hasPhrase(text, phrase)) ? 'said-end-phrase' : null;
}
