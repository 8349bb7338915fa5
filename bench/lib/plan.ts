/** The plan of a call in the benches: one place, so that a change of the plan is one change here. */
import type { CallPlan, TurnPolicy } from '../../src/agent/plan.ts';
import { uuidv7 } from '../../src/kernel/ids.ts';

const POLICY: TurnPolicy = {
  waitCompleteMs: 300,
  waitIncompleteMs: 900,
  waitNumberMs: 500,
  explicit: { complete: false, incomplete: false, number: false },
  waitBeforeSpeakingMs: 0,
  interruptWords: 0,
  interruptVoiceMs: 64,
  falseAlarmMs: 1_200,
  backoffMs: 0,
  acknowledgements: ['okay', 'mm-hmm'],
  interruptions: ['stop', 'wait'],
  rules: [],
  drafts: true,
};

export type OurSettings = 'tuned' | 'default' | 'spec';

/** `tuned` waits for nothing after the final, as the peers' most favourable settings do; `default` is what ships. */
export function planOf(settings: OurSettings): CallPlan {
  const choice = { provider: 'scripted', settings: {}, access: { apiKey: '', baseUrl: '' } };
  return {
    call: uuidv7(Date.now()),
    organization: 'bench',
    channel: 'phone-inbound',
    from: null,
    to: null,
    agent: {
      assistantId: null,
      name: 'bench',
      language: 'en',
      opening: { mode: 'caller', text: '', interruptible: true },
      screening: null,
      prompt: [{ role: 'system', content: 'You are a receptionist.' }],
      tools: [],
      stt: [choice],
      llm: [choice],
      tts: [choice],
      expected: [],
      turns: settings === 'tuned' ? { ...POLICY, waitCompleteMs: 0, waitIncompleteMs: 0, waitNumberMs: 0 } : POLICY,
      keypad: null,
      idle: { afterMs: 0, texts: [], most: 0 },
      silenceMs: 3_600_000,
      endPhrases: [],
      farewell: '',
      fallback: 'Sorry, I am having trouble.',
    },
    durationMs: 3_600_000,
    record: true,
    metadata: {},
  };
}
