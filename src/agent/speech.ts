/**
 * How the text of one assistant becomes speech: `voice.chunkPlan` and its `formatPlan`. What they say is obeyed; what they leave open is
 * formatted like Vapi does and cut as early as it can be spoken. A replacement that cannot be made is a fault with its path.
 */
import type { FieldFault } from '../kernel/errors.ts';
import type { Assistant } from './assistant.ts';
import { patternFault } from './patterns.ts';
import { DEFAULT_SPEECH, type Replacement, type SpeechPlan } from './plan.ts';

/** Faults go to `fault`. */
export function planSpeech({ voice }: Assistant, fault: (fault: FieldFault) => void): SpeechPlan {
  const chunks = voice?.chunkPlan;
  const format = chunks?.formatPlan;
  const boundaries = chunks?.punctuationBoundaries ?? voice?.inputPunctuationBoundaries ?? [];
  return {
    format: (chunks?.enabled ?? true) && (format?.enabled ?? true),
    formatters: format?.formattersEnabled ?? DEFAULT_SPEECH.formatters,
    replacements: (format?.replacements ?? []).flatMap((entry, index) =>
      replacementOf(entry, `voice.chunkPlan.formatPlan.replacements[${index}]`, fault),
    ),
    digitsAbove: format?.numberToDigitsCutoff ?? DEFAULT_SPEECH.digitsAbove,
    minCharacters: chunks?.minCharacters ?? null,
    boundaries: boundaries.length > 0 ? boundaries : null,
  };
}

type FormatPlan = NonNullable<NonNullable<NonNullable<Assistant['voice']>['chunkPlan']>['formatPlan']>;
type Entry = NonNullable<FormatPlan['replacements']>[number];

function replacementOf(entry: Entry, path: string, fault: (fault: FieldFault) => void): Replacement[] {
  const { type, value } = entry;
  if (type === 'exact') {
    if (entry.key) return [{ type, key: entry.key, value, all: entry.replaceAllEnabled ?? false }];
    fault({ path: `${path}.key`, message: 'is required' });
    return [];
  }
  const message = entry.regex ? patternFault(entry.regex) : 'is required';
  if (message) fault({ path: `${path}.regex`, message });
  const on = (name: string) => (entry.options ?? []).some((option) => option.type === name && option.enabled);
  return entry.regex
    ? [
        {
          type,
          pattern: entry.regex,
          value,
          ignoreCase: on('ignore-case'),
          wholeWord: on('whole-word'),
          multiLine: on('multi-line'),
        },
      ]
    : [];
}
