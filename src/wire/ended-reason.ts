/**
 * Our reasons for the end of a call in Vapi's published names. Only names of the published set come out, because clients compare
 * them; where it has no exact counterpart, the nearest one that puts the fault on the right side is taken.
 */
import type { Channel } from '../agent/plan.ts';
import type { EndReason } from '../call/events.ts';

/** `provider` is the vendor at fault for `stt-failed`, `llm-failed` and `tts-failed`; a vendor without a published name gives a general one. */
export function endedReasonOf(reason: EndReason, provider: string | null, channel: Channel): string {
  switch (reason) {
    case 'llm-failed':
      return named(LLM, provider, 'llm-failed') ?? 'call.in-progress.error-pipeline-no-available-llm-model';
    case 'tts-failed':
      return named(VOICE, provider, 'voice-failed') ?? 'pipeline-error-custom-voice-failed';
    case 'stt-failed':
      return named(TRANSCRIBER, provider, 'transcriber-failed') ?? 'pipeline-error-custom-transcriber-failed';
    case 'never-connected':
      // A browser that never sends audio has refused the microphone; anything else has lost its transport.
      return channel === 'web'
        ? 'customer-did-not-give-microphone-permission'
        : 'call.in-progress.error-providerfault-transport-never-connected';
    default:
      return NAMES[reason];
  }
}

const NAMES: Record<Exclude<EndReason, 'llm-failed' | 'tts-failed' | 'stt-failed' | 'never-connected'>, string> = {
  'caller-hung-up': 'customer-ended-call',
  'agent-hung-up': 'assistant-ended-call',
  'said-end-phrase': 'assistant-said-end-call-phrase',
  'said-last-words': 'assistant-ended-call-after-message-spoken',
  silence: 'silence-timed-out',
  duration: 'exceeded-max-duration',
  // The only published name that says: a person or a program outside the conversation ended it.
  api: 'manually-canceled',
  voicemail: 'voicemail',
  busy: 'customer-busy',
  'no-answer': 'customer-did-not-answer',
  canceled: 'manually-canceled',
  'dial-failed': 'twilio-failed-to-connect-call',
  transferred: 'assistant-forwarded-call',
  'carrier-lost': 'phone-call-provider-closed-websocket',
  'agent-invalid': 'assistant-not-valid',
  'host-lost': 'call.in-progress.error-vapifault-worker-died',
  'node-lost': 'call.in-progress.error-vapifault-worker-died',
  shutdown: 'worker-shutdown',
  bug: 'call.in-progress.error-vapifault-worker-died',
};

const LLM = new Set(
  'anthropic anthropic-bedrock anthropic-vertex anyscale azure-openai baseten cerebras custom-llm deep-seek deepinfra google groq inflection-ai minimax mistral openai openrouter perplexity-ai runpod together-ai xai'.split(
    ' ',
  ),
);
const VOICE = new Set(
  'azure cartesia deepgram eleven-labs hume inworld lmnt microsoft minimax neuphonic openai playht rime-ai sesame smallest-ai wellsaid xai'.split(
    ' ',
  ),
);
const TRANSCRIBER = new Set(
  'assembly-ai azure-speech cartesia deepgram eleven-labs gladia google openai soniox speechmatics talkscriber xai'.split(' '),
);
/** Where the name in an assistant differs from the name in a reason. */
const SPELLED: Readonly<Record<string, string>> = { '11labs': 'eleven-labs', elevenlabs: 'eleven-labs', azure: 'azure-speech' };

function named(published: ReadonlySet<string>, provider: string | null, stem: string): string | undefined {
  const name = [provider ?? '', SPELLED[provider ?? ''] ?? ''].find((spelling) => published.has(spelling));
  return name && `pipeline-error-${name}-${stem}`;
}
