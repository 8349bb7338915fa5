/**
 * The assistant as clients write it: Vapi's field names, each typed and bounded, everything else kept as it came. What becomes of each
 * field stands in `obedience.ts`; this file never says what one means.
 */
import { z } from 'zod';
import { FORMATTERS } from './plan.ts';

/** Objects whose further fields belong to somebody else (a vendor, the user): unknown names in them are no typing errors. */
export const openEnded = new WeakSet<z.ZodType>();
function open<T extends z.ZodRawShape>(shape: T) {
  const schema = z.looseObject(shape);
  openEnded.add(schema);
  return schema;
}

const httpUrl = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http(s) URL');
const seconds = (from: number, to: number) => z.number().min(from).max(to);
const anyObject = open({});
const switched = z.looseObject({ enabled: z.boolean().optional() });
/** Lists are bounded where each entry costs something in every turn of every call. */
const listOf = <T extends z.ZodType>(entry: T, most: number) => z.array(entry).max(most);
/** A pattern is compiled for each call and searched in every turn. */
const pattern = z.string().max(1_000);
const phrases = (entry: z.ZodString) => listOf(entry, 300);
const fallbacks = <T extends z.ZodType>(entry: T) => listOf(entry, 10);

const Server = z.looseObject({
  url: httpUrl.optional(),
  timeoutSeconds: seconds(1, 300).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  secret: z.string().optional(),
  credentialId: z.string().optional(),
  backoffPlan: z
    .looseObject({
      type: z.enum(['fixed', 'exponential']).optional(),
      maxRetries: z.int().min(0).max(10).optional(),
      baseDelaySeconds: seconds(0, 10).optional(),
      excludedStatusCodes: listOf(z.int(), 100).optional(),
    })
    .optional(),
  encryptedPaths: listOf(z.string(), 100).optional(),
  staticIpAddressesEnabled: z.boolean().optional(),
});

const ToolFunction = z.looseObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'),
  description: z.string().max(1_000).optional(),
  parameters: anyObject.optional(),
  strict: z.boolean().optional(),
});

const ToolMessage = z.looseObject({
  type: z.string(),
  content: z.string().max(1_000).optional(),
  contents: listOf(open({ type: z.string().optional(), text: z.string().optional(), language: z.string().optional() }), 50).optional(),
  role: z.enum(['assistant', 'system']).optional(),
  blocking: z.boolean().optional(),
  endCallAfterSpokenEnabled: z.boolean().optional(),
  timingMilliseconds: z.number().min(100).max(120_000).optional(),
  conditions: listOf(anyObject, 50).optional(),
});

const Destination = open({
  type: z.string(),
  number: z.string().max(100).optional(),
  sipUri: z.string().max(400).optional(),
  assistantName: z.string().max(200).optional(),
  extension: z.string().max(20).optional(),
  callerId: z.string().max(40).optional(),
  numberE164CheckEnabled: z.boolean().optional(),
  sipHeaders: anyObject.optional(),
  message: z.unknown().optional(),
  description: z.string().max(1_000).optional(),
  transferPlan: anyObject.optional(),
  transferMode: z.string().max(100).optional(),
});

/** Open, because each type has fields of its own. */
const Tool = open({
  id: z.string().optional(),
  type: z.string().min(1),
  function: ToolFunction.optional(),
  messages: listOf(ToolMessage, 50).optional(),
  server: Server.optional(),
  async: z.boolean().optional(),
  /** Ours: runs to its end even when the caller interrupts (a payment). */
  finishes: z.boolean().optional(),
  parameters: listOf(z.looseObject({ key: z.string(), value: z.unknown() }), 100).optional(),
  destinations: listOf(Destination, 100).optional(),
  rejectionPlan: anyObject.optional(),
  variableExtractionPlan: anyObject.optional(),
  sipInfoDtmfEnabled: z.boolean().optional(),
});

const LegacyFunction = z.looseObject({ ...ToolFunction.shape, async: z.boolean().optional(), serverUrl: httpUrl.optional() });

const Model = open({
  provider: z.string().min(1),
  model: z.string().optional(),
  messages: listOf(
    z.looseObject({
      role: z.enum(['system', 'user', 'assistant', 'tool', 'function', 'developer']),
      content: z.string().nullable().optional(),
    }),
    1_000,
  ).optional(),
  tools: listOf(Tool, 128).optional(),
  toolIds: listOf(z.string(), 128).optional(),
  toolRefs: listOf(anyObject, 128).optional(),
  functions: listOf(LegacyFunction, 128).optional(),
  systemPrompt: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(50).max(10_000).optional(),
  emotionRecognitionEnabled: z.boolean().optional(),
  numFastTurns: z.number().min(0).optional(),
  fallbackModels: fallbacks(z.string()).optional(),
  fallbackPlan: z.looseObject({ models: fallbacks(open({ provider: z.string().min(1) })).optional() }).optional(),
  knowledgeBase: anyObject.optional(),
  knowledgeBaseId: z.string().optional(),
});

const regexOptions = listOf(z.looseObject({ type: z.string(), enabled: z.boolean() }), 10).optional();
const FormatPlan = z.looseObject({
  enabled: z.boolean().optional(),
  numberToDigitsCutoff: z.number().min(0).optional(),
  replacements: listOf(
    z.looseObject({
      type: z.enum(['exact', 'regex']),
      key: z.string().max(1_000).optional(),
      regex: pattern.optional(),
      options: regexOptions,
      value: z.string().max(1_000),
      replaceAllEnabled: z.boolean().optional(),
    }),
    200,
  ).optional(),
  formattersEnabled: listOf(z.enum(FORMATTERS), 50).optional(),
});

const Voice = open({
  provider: z.string().min(1),
  voiceId: z.string().optional(),
  cachingEnabled: z.boolean().optional(),
  inputPunctuationBoundaries: listOf(z.string(), 50).optional(),
  chunkPlan: z
    .looseObject({
      enabled: z.boolean().optional(),
      minCharacters: z.number().min(1).max(80).optional(),
      punctuationBoundaries: listOf(z.string(), 50).optional(),
      formatPlan: FormatPlan.optional(),
    })
    .optional(),
  fallbackPlan: z.looseObject({ voices: fallbacks(open({ provider: z.string().min(1) })).optional() }).optional(),
});

const Transcriber = open({
  provider: z.string().min(1),
  model: z.string().optional(),
  language: z.string().optional(),
  keywords: phrases(z.string()).optional(),
  keyterm: phrases(z.string()).optional(),
  fallbackPlan: z.looseObject({ transcribers: fallbacks(open({ provider: z.string().min(1) })).optional() }).optional(),
});

const StartSpeakingPlan = z.looseObject({
  waitSeconds: seconds(0, 5).optional(),
  smartEndpointingPlan: z
    .looseObject({
      provider: z.string(),
      waitFunction: z.string().max(1_000).optional(),
      threshold: z.number().min(0).max(1).optional(),
      server: Server.optional(),
    })
    .optional(),
  smartEndpointingEnabled: z.union([z.boolean(), z.literal('livekit')]).optional(),
  customEndpointingRules: listOf(
    z.looseObject({
      type: z.enum(['assistant', 'customer', 'both']),
      regex: pattern.optional(),
      regexOptions,
      assistantRegex: pattern.optional(),
      assistantRegexOptions: regexOptions,
      customerRegex: pattern.optional(),
      customerRegexOptions: regexOptions,
      timeoutSeconds: seconds(0, 15),
    }),
    50,
  ).optional(),
  transcriptionEndpointingPlan: z
    .looseObject({
      onPunctuationSeconds: seconds(0, 3).optional(),
      onNoPunctuationSeconds: seconds(0, 3).optional(),
      onNumberSeconds: seconds(0, 3).optional(),
    })
    .optional(),
});

const StopSpeakingPlan = z.looseObject({
  numWords: z.int().min(0).max(10).optional(),
  voiceSeconds: seconds(0, 0.5).optional(),
  backoffSeconds: seconds(0, 10).optional(),
  acknowledgementPhrases: phrases(z.string().max(240)).optional(),
  interruptionPhrases: phrases(z.string().max(240)).optional(),
});

const Hook = open({
  on: z.string().max(200),
  name: z.string().max(200).optional(),
  filters: listOf(anyObject, 50).optional(),
  options: open({
    timeoutSeconds: seconds(1, 1_000).optional(),
    triggerMaxCount: z.int().min(1).max(10).optional(),
    triggerResetMode: z.enum(['never', 'onUserSpeech']).optional(),
    seconds: seconds(1, 3_600).optional(),
  }).optional(),
  do: listOf(
    open({ type: z.string(), exact: z.union([z.string(), listOf(z.string(), 100)]).optional(), prompt: z.unknown().optional() }),
    20,
  ).optional(),
});

const AnalysisPart = z.looseObject({
  enabled: z.boolean().optional(),
  timeoutSeconds: seconds(1, 60).optional(),
  messages: listOf(anyObject, 100).optional(),
});
const AnalysisPlan = z.looseObject({
  minMessagesThreshold: z.number().min(0).optional(),
  summaryPlan: AnalysisPart.optional(),
  structuredDataPlan: AnalysisPart.extend({ schema: anyObject.optional() }).optional(),
  structuredDataMultiPlan: listOf(anyObject, 100).optional(),
  successEvaluationPlan: AnalysisPart.extend({ rubric: z.string().optional() }).optional(),
  outcomeIds: listOf(z.string(), 100).optional(),
});

const ArtifactPlan = z.looseObject({
  recordingEnabled: z.boolean().optional(),
  recordingFormat: z.enum(['wav;l16', 'mp3']).optional(),
  recordingUseCustomStorageEnabled: z.boolean().optional(),
  recordingPath: z.string().optional(),
  videoRecordingEnabled: z.boolean().optional(),
  fullMessageHistoryEnabled: z.boolean().optional(),
  pcapEnabled: z.boolean().optional(),
  pcapS3PathPrefix: z.string().optional(),
  pcapUseCustomStorageEnabled: z.boolean().optional(),
  loggingEnabled: z.boolean().optional(),
  loggingPath: z.string().optional(),
  loggingUseCustomStorageEnabled: z.boolean().optional(),
  transcriptPlan: z
    .looseObject({
      enabled: z.boolean().optional(),
      assistantName: z.string().max(200).optional(),
      userName: z.string().max(200).optional(),
    })
    .optional(),
  structuredOutputIds: listOf(z.string(), 100).optional(),
  structuredOutputs: listOf(anyObject, 100).optional(),
  scorecardIds: listOf(z.string(), 100).optional(),
  scorecards: listOf(anyObject, 100).optional(),
});

const MonitorPlan = z.looseObject({
  listenEnabled: z.boolean().optional(),
  listenAuthenticationEnabled: z.boolean().optional(),
  controlEnabled: z.boolean().optional(),
  controlAuthenticationEnabled: z.boolean().optional(),
  monitorIds: listOf(z.string(), 100).optional(),
});

const CompliancePlan = z.looseObject({
  hipaaEnabled: z.boolean().optional(),
  pciEnabled: z.boolean().optional(),
  securityFilterPlan: switched
    .extend({
      filters: listOf(anyObject, 100).optional(),
      mode: z.enum(['sanitize', 'reject', 'replace']).optional(),
      replacementText: z.string().optional(),
    })
    .optional(),
  recordingConsentPlan: anyObject.optional(),
});

const VoicemailDetection = z.looseObject({
  provider: z.string().optional(),
  type: z.enum(['audio', 'transcript']).optional(),
  enabled: z.boolean().optional(),
  beepMaxAwaitSeconds: seconds(0, 60).optional(),
  backoffPlan: z
    .looseObject({
      startAtSeconds: z.number().min(0).optional(),
      frequencySeconds: z.number().min(2.5).optional(),
      maxRetries: z.number().min(0).optional(),
    })
    .optional(),
  voicemailDetectionTypes: listOf(z.string(), 20).optional(),
  machineDetectionTimeout: z.number().min(3).max(59).optional(),
  machineDetectionSpeechThreshold: z.number().min(1_000).max(6_000).optional(),
  machineDetectionSpeechEndThreshold: z.number().min(500).max(5_000).optional(),
  machineDetectionSilenceTimeout: z.number().min(2_000).max(10_000).optional(),
});

const filters = z.union([z.string(), listOf(z.string(), 100)]);
const delimiters = z
  .union([z.string(), z.array(z.string())])
  .refine((named) => [named].flat().every((key) => ['#', '*', ''].includes(key)), 'must be #, * or empty, or a list of these');

export const Assistant = z.looseObject({
  name: z.string().max(40).optional(),
  model: Model.optional(),
  voice: Voice.optional(),
  transcriber: Transcriber.optional(),
  firstMessage: z.string().optional(),
  firstMessageMode: z
    .enum(['assistant-speaks-first', 'assistant-waits-for-user', 'assistant-speaks-first-with-model-generated-message'])
    .optional(),
  firstMessageInterruptionsEnabled: z.boolean().optional(),
  voicemailDetection: z.union([z.literal('off'), VoicemailDetection]).optional(),
  voicemailMessage: z.string().max(1_000).optional(),
  endCallMessage: z.string().max(1_000).optional(),
  endCallPhrases: phrases(z.string().min(2).max(140)).optional(),
  maxDurationSeconds: seconds(10, 43_200).optional(),
  silenceTimeoutSeconds: seconds(10, 3_600).optional(),
  backgroundSound: z.string().max(2_000).optional(),
  backgroundSpeechDenoisingPlan: z
    .looseObject({
      smartDenoisingPlan: switched.optional(),
      fourierDenoisingPlan: switched
        .extend({
          mediaDetectionEnabled: z.boolean().optional(),
          staticThreshold: z.number().min(-80).max(0).optional(),
          baselineOffsetDb: z.number().min(-30).max(-5).optional(),
          windowSizeMs: z.number().min(1_000).max(30_000).optional(),
          baselinePercentile: z.number().min(1).max(99).optional(),
        })
        .optional(),
    })
    .optional(),
  modelOutputInMessagesEnabled: z.boolean().optional(),
  clientMessages: filters.optional(),
  serverMessages: filters.optional(),
  server: Server.optional(),
  transportConfigurations: listOf(anyObject, 10).optional(),
  startSpeakingPlan: StartSpeakingPlan.optional(),
  stopSpeakingPlan: StopSpeakingPlan.optional(),
  analysisPlan: AnalysisPlan.optional(),
  artifactPlan: ArtifactPlan.optional(),
  monitorPlan: MonitorPlan.optional(),
  compliancePlan: CompliancePlan.optional(),
  observabilityPlan: anyObject.optional(),
  hooks: listOf(Hook, 50).optional(),
  keypadInputPlan: switched
    .extend({
      timeoutSeconds: seconds(0, 10).optional(),
      delimiters: delimiters.optional(),
    })
    .optional(),
  credentialIds: listOf(z.string(), 200).optional(),
  credentials: listOf(anyObject, 200).optional(),
  metadata: anyObject.optional(),

  // Older fields that stored configurations still hold.
  serverUrl: httpUrl.optional(),
  serverUrlSecret: z.string().optional(),
  messagePlan: z
    .looseObject({
      idleMessages: listOf(z.string().max(1_000), 100).optional(),
      idleMessageMaxSpokenCount: z.int().min(1).max(10).optional(),
      idleTimeoutSeconds: seconds(1, 60).optional(),
      idleMessageResetCountOnUserSpeechEnabled: z.boolean().optional(),
      silenceTimeoutMessage: z.string().max(1_000).optional(),
    })
    .optional(),
  recordingEnabled: z.boolean().optional(),
  hipaaEnabled: z.boolean().optional(),
  endCallFunctionEnabled: z.boolean().optional(),
  dialKeypadFunctionEnabled: z.boolean().optional(),
  forwardingPhoneNumber: z.string().optional(),
  forwardingPhoneNumbers: listOf(anyObject, 100).optional(),
  backgroundDenoisingEnabled: z.boolean().optional(),
  customerJoinTimeoutSeconds: seconds(1, 60).optional(),
  numWordsToInterruptAssistant: z.int().min(0).max(10).optional(),
  responseDelaySeconds: seconds(0, 5).optional(),
  llmRequestDelaySeconds: seconds(0, 5).optional(),
  smartEndpointingEnabled: z.union([z.boolean(), z.literal('livekit')]).optional(),
  voicemailDetectionTypes: listOf(z.string(), 20).optional(),
});
export type Assistant = z.infer<typeof Assistant>;
export type AssistantTool = z.infer<typeof Tool>;
