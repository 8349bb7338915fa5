/**
 * The agent's ears and voice for one format of audio. They are opened while the leg is on its way, so that nobody waits for a handshake,
 * and opened anew only when the leg brings another format. It decides nothing about the conversation.
 */
import type { AgentPlan } from '../agent/plan.ts';
import { type AudioFormat, sameFormat } from '../audio/format.ts';
import type { ProviderContext, ProviderSet } from '../providers/contract.ts';
import type { OpenVoiceActivity } from '../providers/vad/contract.ts';
import { openVoices, type Voices } from './answer/voice-chain.ts';
import type { CallEventBody } from './events.ts';
import { perceivedEvent } from './happenings.ts';
import { type Listening, openListening } from './hear/listening.ts';

export interface Senses {
  /** `null` where there is no sound. */
  readonly voices: Voices | null;
  /** Media time: milliseconds of the caller's audio since its first byte. */
  readonly mediaMs: number;
  open(format: AudioFormat): void;
  /** The caller's audio in that format. */
  hear(bytes: Uint8Array): void;
  agentSpeaking(on: boolean): void;
  /** Another agent has entered: its ears and voice, where they are others. */
  agentChanged(): void;
  /** The voice stops; the ears may still owe the last words. */
  silence(): void;
  /** Waits briefly for words that are in flight, then lets go of the ears. */
  finish(): Promise<void>;
  /** There is no sound on this line. */
  close(): void;
}

export interface SensesParts {
  readonly agent: () => AgentPlan;
  readonly providers: ProviderSet;
  readonly vad: OpenVoiceActivity;
  readonly ctx: ProviderContext;
  tell(event: CallEventBody): void;
}

export function createSenses({ agent, providers, vad, ctx, tell }: SensesParts): Senses {
  const { clock } = ctx.scope;
  const startedAt = clock.now();
  let format: AudioFormat | undefined;
  let listening: Listening | undefined;
  let voices: Voices | null = null;
  const close = () => {
    listening?.close();
    voices?.close();
    listening = undefined;
    voices = null;
    format = undefined;
  };
  return {
    get voices() {
      return voices;
    },
    get mediaMs() {
      return listening?.mediaMs ?? clock.now() - startedAt;
    },
    open(wanted) {
      if (format && sameFormat(format, wanted)) return;
      close();
      format = wanted;
      const perceived = (told: Parameters<typeof perceivedEvent>[0]) => {
        const event = perceivedEvent(told);
        if (event) tell(event);
      };
      listening = openListening({ format, agent, providers, vad, perceived, ctx });
      voices = openVoices({ agent, format, providers, ctx, tell });
    },
    hear: (bytes) => listening?.write(bytes),
    agentSpeaking: (on) => listening?.agentSpeaking(on),
    agentChanged() {
      listening?.agentChanged();
      voices?.agentChanged();
    },
    silence: () => voices?.close(),
    async finish() {
      await listening?.finish();
    },
    close,
  };
}
