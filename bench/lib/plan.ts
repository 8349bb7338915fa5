/** The plan of a call in process, made by the product from an assistant: what ships is what is measured. The only place that knows a plan. */
import { makePlan, type PlanInput } from '../../src/agent/make-plan.ts';
import type { CallPlan } from '../../src/agent/plan.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';

/** `tuned` waits for nothing after the final, as the peers' most favourable settings do; `default` and `spec` are what ships. */
export type OurSettings = 'tuned' | 'default' | 'spec';

export const ASSISTANT: PlanInput['assistant'] = {
  name: 'bench',
  firstMessageMode: 'assistant-waits-for-user',
  transcriber: { provider: 'scripted', language: 'en' },
  model: { provider: 'scripted', messages: [{ role: 'system', content: 'You are a receptionist.' }] },
  voice: { provider: 'scripted' },
  silenceTimeoutSeconds: 3600,
  maxDurationSeconds: 3600,
};

const NO_WAIT = {
  waitSeconds: 0,
  transcriptionEndpointingPlan: { onPunctuationSeconds: 0, onNoPunctuationSeconds: 0, onNumberSeconds: 0 },
};

/** `voiceSeconds`: how much voice interrupts, instead of the shipped default. */
export function planOf(settings: OurSettings, organization: string, voiceSeconds?: number): CallPlan {
  return makePlan({
    assistant: {
      ...ASSISTANT,
      ...(settings === 'tuned' && { startSpeakingPlan: NO_WAIT }),
      ...(voiceSeconds !== undefined && { stopSpeakingPlan: { voiceSeconds } }),
    },
    variables: {},
    call: { id: uuidv7(Date.now()), organization, channel: 'phone-inbound', assistantId: null, from: null, to: null },
    choose: () => ({ provider: 'scripted', settings: {}, access: { apiKey: '', baseUrl: '' } }),
    now: Date.now(),
  });
}
