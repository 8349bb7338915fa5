/**
 * The numbers of turn-taking of one assistant. What its start- and stop-speaking plans say is obeyed to the millisecond; what they
 * leave open is fast by default: Vapi's own defaults (1.5 s without punctuation, then 0.4 s) are what its users complain about.
 */
import type { FieldFault } from '../kernel/errors.ts';
import type { Assistant } from './assistant.ts';
import { patternFault } from './patterns.ts';
import type { EndpointingRule, TurnPolicy } from './plan.ts';

const ms = (seconds: number | undefined, otherwise: number) => (seconds === undefined ? otherwise : Math.round(seconds * 1000));

/** Small words of somebody who listens: Vapi's list. */
const ACKNOWLEDGEMENTS = (
  'i understand, i see, i got it, i hear you, im listening, im with you, right, okay, ok, sure, alright, got it, understood, yeah, yes, ' +
  'uh-huh, mm-hmm, gotcha, mhmm, ah, yeah okay, yeah sure'
).split(', ');

/** Words that stop an agent at once: Vapi's list. */
const INTERRUPTIONS =
  'stop, shut, up, enough, quiet, silence, but, dont, not, no, hold, wait, cut, pause, nope, nah, nevermind, never, bad, actually'.split(
    ', ',
  );

/** Faults of unsupported parts go to `fault`. */
export function planTurns(assistant: Assistant, fault: (fault: FieldFault) => void): TurnPolicy {
  const start = assistant.startSpeakingPlan;
  const stop = assistant.stopSpeakingPlan;
  const words = start?.transcriptionEndpointingPlan;
  if (start?.smartEndpointingPlan?.provider === 'custom-endpointing-model')
    fault({ path: 'startSpeakingPlan.smartEndpointingPlan.provider', message: 'custom-endpointing-model is not supported' });
  return {
    // Words that look complete need only the time in which a speaker would have gone on without a breath.
    waitCompleteMs: ms(words?.onPunctuationSeconds, 300),
    waitIncompleteMs: ms(words?.onNoPunctuationSeconds, 900),
    // People pause between groups of digits.
    waitNumberMs: ms(words?.onNumberSeconds, 500),
    explicit: {
      complete: words?.onPunctuationSeconds !== undefined,
      incomplete: words?.onNoPunctuationSeconds !== undefined,
      number: words?.onNumberSeconds !== undefined,
    },
    waitBeforeSpeakingMs: ms(start?.waitSeconds ?? assistant.responseDelaySeconds ?? assistant.llmRequestDelaySeconds, 0),
    interruptWords: stop?.numWords ?? assistant.numWordsToInterruptAssistant ?? 0,
    // Two windows of voice: the agent falls silent at once, and goes on where it was last heard when it was only a noise.
    interruptVoiceMs: ms(stop?.voiceSeconds, 64),
    // A cough or a chair is over by then; a recogniser's words of real speech have come.
    falseAlarmMs: 1_200,
    backoffMs: ms(stop?.backoffSeconds, 0),
    acknowledgements: stop?.acknowledgementPhrases ?? ACKNOWLEDGEMENTS,
    interruptions: stop?.interruptionPhrases ?? INTERRUPTIONS,
    rules: (start?.customEndpointingRules ?? []).map((rule, index) => {
      judgePatterns(rule, `startSpeakingPlan.customEndpointingRules[${index}]`, fault);
      return ruleOf(rule);
    }),
    drafts: true,
  };
}

type Rule = NonNullable<NonNullable<Assistant['startSpeakingPlan']>['customEndpointingRules']>[number];

/** A rule without its pattern would fit everything, one with a pattern that cannot run would fit nothing. */
function judgePatterns(rule: Rule, path: string, fault: (fault: FieldFault) => void): void {
  const needed = rule.type === 'both' ? (['assistantRegex', 'customerRegex'] as const) : (['regex'] as const);
  for (const field of needed) {
    const pattern = rule[field] ?? (rule.type === 'both' ? undefined : rule[`${rule.type}Regex`]);
    const message = pattern ? patternFault(pattern) : 'is required';
    if (message) fault({ path: `${path}.${field}`, message });
  }
}

function ruleOf(rule: Rule): EndpointingRule {
  const options = [...(rule.regexOptions ?? []), ...(rule.assistantRegexOptions ?? []), ...(rule.customerRegexOptions ?? [])];
  return {
    of: rule.type === 'assistant' ? 'agent' : rule.type === 'customer' ? 'caller' : 'both',
    agentPattern: rule.assistantRegex ?? (rule.type === 'assistant' ? (rule.regex ?? '') : ''),
    callerPattern: rule.customerRegex ?? (rule.type === 'customer' ? (rule.regex ?? '') : ''),
    ignoreCase: options.some((option) => option.type === 'ignore-case' && option.enabled),
    waitMs: Math.round(rule.timeoutSeconds * 1000),
  };
}
