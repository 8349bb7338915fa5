/**
 * What becomes of every field of an assistant: obeyed, with the tests that show it; refused when it is saved; or not obeyed yet, with
 * the reason. A field that is accepted and silently does nothing is a fault: whoever adds one to `assistant.ts` adds it here. Data only.
 */
import { SPEECH_LIMITS } from './plan.ts';

/** Is it true of this value in a call of this language? */
type Only = (value: unknown, language: string) => boolean;

export type Row =
  /** `only`: the values for which it is true, where it is not true of all. */
  | { readonly state: 'obeyed'; readonly tests: readonly string[]; readonly only?: Only; readonly limit?: string }
  | { readonly state: 'refused'; readonly tests: readonly string[] }
  /** `anyway`: values that ask for what happens anyway. `always`: so do `false` and what is empty. */
  | { readonly state: 'later'; readonly why: string; readonly anyway: readonly unknown[]; readonly always: boolean }
  /** A setting that some vendors have: see `VENDOR_SETTINGS`. */
  | { readonly state: 'vendor' };

const by = (...tests: string[]): Row => ({ state: 'obeyed', tests });
const partly = (limit: string, only: Only, ...tests: string[]): Row => ({ state: 'obeyed', tests, only, limit });
const refused = (...tests: string[]): Row => ({ state: 'refused', tests });
const later = (why: string, ...anyway: unknown[]): Row => ({ state: 'later', why, anyway, always: true });
/** Where `false` asks for something too. */
const unless = (why: string, ...anyway: unknown[]): Row => ({ state: 'later', why, anyway, always: false });
const vendor: Row = { state: 'vendor' };

const NAMED = 'name every unsupported part at once';
const CHAINS = 'come as chains with their own settings only';
const TOOLS = 'become specs, messages, fixed values and targets, without secrets';
const OLDER = 'mean what they meant';
const TARGETS = 'are the assistant and the tools that have a server of their own';
const GIVEN = 'goes when the agent has said so, and the call ends as transferred';
const TURNS = 'obeys what the plans say';
const HOOK = 'a hook that speaks into silence is an idle plan';
const IDLE = 'a quiet caller is asked and then left';

const server = (path: string): Record<string, Row> => ({
  [`${path}.url`]: by(TARGETS),
  [`${path}.timeoutSeconds`]: by(TOOLS, 'a tool that hangs is given up at its deadline'),
  [`${path}.headers`]: by('cannot be replaced by the headers of a target, which else go along'),
  [`${path}.secret`]: by('hold for the reference library, with both forms of secret'),
  [`${path}.credentialId`]: later('webhooks are signed; credentials for them come with their resource'),
  [`${path}.backoffPlan`]: later('a webhook is repeated on the schedule of this server, a tool call never'),
  [`${path}.encryptedPaths`]: later('bodies are not encrypted in part'),
  [`${path}.staticIpAddressesEnabled`]: later('this server calls from the address that it has'),
});

const toolFunction = (path: string): Record<string, Row> => ({
  [`${path}.name`]: by(TOOLS),
  [`${path}.description`]: by('are filled from the call, given variables and overrides, in this order'),
  [`${path}.parameters`]: by(TOOLS),
  [`${path}.strict`]: later('schemas are told to the model, not enforced by its vendor'),
});

const MODEL: Record<string, Row> = {
  'model.provider': by(CHAINS),
  'model.model': vendor,
  'model.messages[].role': by(OLDER),
  'model.messages[].content': by('are filled from the call, given variables and overrides, in this order'),
  'model.tools[].id': by(TOOLS),
  'model.tools[].type': partly(
    'function, endCall and transferCall; dtmf is not carried out yet, others are refused',
    (type) => type !== 'dtmf',
    TOOLS,
    GIVEN,
    NAMED,
    'the agent hangs up with a farewell that is heard to its end',
  ),
  ...toolFunction('model.tools[].function'),
  'model.tools[].messages[].type': by(TOOLS, 'a tool that takes long says so'),
  'model.tools[].messages[].content': by(TOOLS),
  'model.tools[].messages[].contents': by('say their messages in the language of the call'),
  'model.tools[].messages[].role': by(TOOLS),
  'model.tools[].messages[].blocking': later('messages are spoken while the tool runs'),
  'model.tools[].messages[].endCallAfterSpokenEnabled': by(TOOLS, 'a message for completion is spoken instead of asking the model'),
  'model.tools[].messages[].timingMilliseconds': by('a tool that takes long says so'),
  'model.tools[].messages[].conditions': refused('refuse conditions and rejections that nothing judges'),
  ...server('model.tools[].server'),
  'model.tools[].async': by('an asynchronous tool is sent and not waited for'),
  'model.tools[].finishes': by('a payment is not interrupted and not repeated'),
  'model.tools[].parameters': by('hide the parameters whose values they fix'),
  'model.tools[].destinations[].type': partly('number and sip', (type) => type === 'number' || type === 'sip', GIVEN),
  'model.tools[].destinations[].number': by(TOOLS, GIVEN),
  'model.tools[].destinations[].sipUri': by('transfers to %s by another document, and the end of the stream is ours'),
  'model.tools[].destinations[].assistantName': later('assistants do not hand over to each other'),
  'model.tools[].destinations[].extension': later('no keys are pressed at the other end'),
  'model.tools[].destinations[].callerId': later('the carrier shows the number of the call'),
  'model.tools[].destinations[].numberE164CheckEnabled': unless('a number must be E.164', true),
  'model.tools[].destinations[].sipHeaders': later('a SIP address is called without further headers'),
  'model.tools[].destinations[].message': later('the words before a transfer are those of the tool'),
  'model.tools[].destinations[].description': later('the model is told the places, not what they are for'),
  'model.tools[].destinations[].transferPlan': later('a caller is given away without a word to the other side'),
  'model.tools[].destinations[].transferMode': later('assistants do not hand over to each other'),
  'model.tools[].rejectionPlan': refused('refuse conditions and rejections that nothing judges'),
  'model.tools[].variableExtractionPlan': later('results reach the model, not the variables'),
  'model.tools[].sipInfoDtmfEnabled': later('no line here speaks SIP'),
  'model.toolIds': refused(NAMED),
  'model.toolRefs': refused('refuse tools that are stored elsewhere'),
  ...toolFunction('model.functions[]'),
  'model.functions[].async': by('are numbered as in the effective assistant'),
  'model.functions[].serverUrl': by('are numbered as in the effective assistant'),
  'model.systemPrompt': by(OLDER),
  'model.temperature': vendor,
  'model.maxTokens': vendor,
  'model.emotionRecognitionEnabled': later('feelings are not recognised'),
  'model.numFastTurns': later('every turn is answered by the model that is named'),
  'model.fallbackModels': by(CHAINS, 'the second model answers when the first refuses'),
  'model.fallbackPlan.models[].provider': by('names the fallbacks of each part', 'the second model answers when the first is silent'),
  'model.knowledgeBase': later('documents come with their resource'),
  'model.knowledgeBaseId': later('documents come with their resource'),
};

/** Formatters that say written signs as words, which are those of one language. */
const ENGLISH_ONLY = Object.keys(SPEECH_LIMITS).flatMap((path) => /^formatPlan\.formattersEnabled\.(.+)$/.exec(path)?.[1] ?? []);
const SPEECH = 'text becomes speech as the plan says';
const VOICE: Record<string, Row> = {
  'voice.provider': by(CHAINS),
  'voice.voiceId': vendor,
  'voice.cachingEnabled': later('speech is made anew each time', true),
  'voice.inputPunctuationBoundaries': by(SPEECH),
  'voice.chunkPlan.enabled': partly(`${SPEECH_LIMITS.enabled}`, (enabled) => enabled !== false, SPEECH),
  'voice.chunkPlan.minCharacters': by(SPEECH, 'cuts at the sizes and marks of the user'),
  'voice.chunkPlan.punctuationBoundaries': by(SPEECH, 'cuts at the sizes and marks of the user'),
  'voice.chunkPlan.formatPlan.enabled': by(SPEECH, 'leaves the text alone when it is switched off'),
  'voice.chunkPlan.formatPlan.numberToDigitsCutoff': partly(
    'in English',
    (_, language) => isEnglish(language),
    SPEECH,
    'reads numbers by their digits above the cutoff',
  ),
  'voice.chunkPlan.formatPlan.replacements': by(SPEECH, 'makes the replacements of the user, whatever the deltas'),
  'voice.chunkPlan.formatPlan.formattersEnabled': partly(
    `${ENGLISH_ONLY.join(', ')} in English, the others in every language`,
    (named, language) => isEnglish(language) || !(Array.isArray(named) && named.some((name) => ENGLISH_ONLY.includes(name))),
    SPEECH,
    'obeys each formatter by itself',
  ),
  'voice.fallbackPlan.voices[].provider': by(
    'names the fallbacks of each part',
    'the second voice speaks when the first is mute and stays',
  ),
};

const TRANSCRIBER: Record<string, Row> = {
  'transcriber.provider': by(CHAINS),
  'transcriber.model': vendor,
  'transcriber.language': by('say their messages in the language of the call', CHAINS),
  'transcriber.keywords': by('tell the recogniser what to expect'),
  'transcriber.keyterm': by('tell the recogniser what to expect'),
  'transcriber.fallbackPlan.transcribers[].provider': by(
    'names the fallbacks of each part',
    'the second recogniser takes over when the first dies',
  ),
};

const rule = (field: string): Row =>
  field.endsWith('Options')
    ? partly('ignore-case', (options) => onlyIgnoresCase(options), TURNS)
    : by(TURNS, 'is what the first matching rule says');

const SPEAKING: Record<string, Row> = {
  'startSpeakingPlan.waitSeconds': by(TURNS),
  'startSpeakingPlan.smartEndpointingPlan.provider': later('turns end by the words, the voice and the recogniser'),
  'startSpeakingPlan.smartEndpointingPlan.waitFunction': later('turns end by the words, the voice and the recogniser'),
  'startSpeakingPlan.smartEndpointingPlan.threshold': later('turns end by the words, the voice and the recogniser'),
  'startSpeakingPlan.smartEndpointingPlan.server': refused(NAMED),
  'startSpeakingPlan.smartEndpointingEnabled': later('turns end by the words, the voice and the recogniser'),
  'startSpeakingPlan.customEndpointingRules[].type': by(TURNS),
  ...Object.fromEntries(
    ['regex', 'regexOptions', 'assistantRegex', 'assistantRegexOptions', 'customerRegex', 'customerRegexOptions'].map((field) => [
      `startSpeakingPlan.customEndpointingRules[].${field}`,
      rule(field),
    ]),
  ),
  'startSpeakingPlan.customEndpointingRules[].timeoutSeconds': by(TURNS, 'a rule of the agent decides how long to wait'),
  'startSpeakingPlan.transcriptionEndpointingPlan.onPunctuationSeconds': by(TURNS),
  'startSpeakingPlan.transcriptionEndpointingPlan.onNoPunctuationSeconds': by(TURNS, 'an unfinished sentence is waited for'),
  'startSpeakingPlan.transcriptionEndpointingPlan.onNumberSeconds': by(TURNS),
  'stopSpeakingPlan.numWords': by(TURNS, 'three words interrupt where three are needed'),
  'stopSpeakingPlan.voiceSeconds': by(TURNS),
  'stopSpeakingPlan.backoffSeconds': by(TURNS, 'after an interruption the agent pauses before it speaks again'),
  'stopSpeakingPlan.acknowledgementPhrases': by(TURNS, 'a murmur does not interrupt'),
  'stopSpeakingPlan.interruptionPhrases': by(TURNS, 'stop interrupts although three words are needed'),
};

const RECORD = 'recordings are WAV files of two channels, kept by this server';
const REPORT = 'what is said after a call comes with its analysis';
const PLANS: Record<string, Row> = {
  analysisPlan: later(REPORT),
  'artifactPlan.recordingEnabled': by('give way to those of today', 'a recorded call stores both voices before it ends'),
  'artifactPlan.recordingFormat': later(RECORD, 'wav;l16'),
  'artifactPlan.recordingUseCustomStorageEnabled': later(RECORD),
  'artifactPlan.recordingPath': later(RECORD),
  'artifactPlan.videoRecordingEnabled': later('there is no picture'),
  'artifactPlan.fullMessageHistoryEnabled': later('the record holds what was said'),
  'artifactPlan.pcapEnabled': later('no line here speaks SIP'),
  'artifactPlan.pcapS3PathPrefix': later('no line here speaks SIP'),
  'artifactPlan.pcapUseCustomStorageEnabled': later('no line here speaks SIP'),
  'artifactPlan.loggingEnabled': unless('the timeline of a call is always kept', true),
  'artifactPlan.loggingPath': later('the timeline of a call is kept by this server'),
  'artifactPlan.loggingUseCustomStorageEnabled': later('the timeline of a call is kept by this server'),
  'artifactPlan.transcriptPlan.enabled': unless('a transcript is always written', true),
  'artifactPlan.transcriptPlan.assistantName': later('the transcript names AI and User', 'AI'),
  'artifactPlan.transcriptPlan.userName': later('the transcript names AI and User', 'User'),
  'artifactPlan.structuredOutputIds': later(REPORT),
  'artifactPlan.structuredOutputs': later(REPORT),
  'artifactPlan.scorecardIds': later(REPORT),
  'artifactPlan.scorecards': later(REPORT),
  'monitorPlan.listenEnabled': later('calls cannot be listened to'),
  'monitorPlan.listenAuthenticationEnabled': later('calls cannot be listened to'),
  'monitorPlan.controlEnabled': unless('a live call can always be commanded by its own URL', true),
  'monitorPlan.controlAuthenticationEnabled': later('the control URL is its own secret'),
  'monitorPlan.monitorIds': later('monitors are not known here'),
  'compliancePlan.hipaaEnabled': later('keeps recordings out; words and events of the call are still stored'),
  'compliancePlan.pciEnabled': later('nothing is taken out of the record'),
  'compliancePlan.securityFilterPlan': later('what callers say is not filtered'),
  'compliancePlan.recordingConsentPlan': later('consent is not asked for'),
  observabilityPlan: later('traces go nowhere else'),
};

const HOOKS: Record<string, Row> = {
  'hooks[].on': by(HOOK, IDLE),
  'hooks[].name': by(HOOK),
  'hooks[].filters': later('a hook speaks to everybody'),
  'hooks[].options.timeoutSeconds': by(HOOK),
  'hooks[].options.triggerMaxCount': by(HOOK, IDLE),
  'hooks[].options.triggerResetMode': unless('what the caller says starts the count anew', 'onUserSpeech'),
  'hooks[].options.seconds': later('only silence triggers a hook'),
  'hooks[].do[].type': by(HOOK),
  'hooks[].do[].exact': by(HOOK),
  'hooks[].do[].prompt': later('hooks say words that are written down'),
};

const TOP: Record<string, Row> = {
  name: by('are filled from the call, given variables and overrides, in this order'),
  firstMessage: by('are filled from the call, given variables and overrides, in this order', 'the agent greets at once'),
  firstMessageMode: by('the opening is the one that the mode names', 'the model finds the first words'),
  firstMessageInterruptionsEnabled: by('the opening is the one that the mode names', 'a first message that must be heard is heard'),
  voicemailDetection: later('who answers is not screened', 'off'),
  voicemailDetectionTypes: later('who answers is not screened'),
  voicemailMessage: later('who answers is not screened'),
  endCallMessage: by(
    'the limits and the last words are those of the assistant',
    'the agent hangs up with a farewell that is heard to its end',
  ),
  endCallPhrases: by(
    'the limits and the last words are those of the assistant',
    "an end phrase in the agent's words ends the call after its last sound",
  ),
  maxDurationSeconds: by('the limits and the last words are those of the assistant', 'the time is up'),
  silenceTimeoutSeconds: by('the limits and the last words are those of the assistant', 'silence ends the call'),
  backgroundSound: later('the line is quiet', 'off'),
  backgroundSpeechDenoisingPlan: later('the line is heard as it is'),
  backgroundDenoisingEnabled: later('the line is heard as it is'),
  modelOutputInMessagesEnabled: later('messages hold what was heard'),
  clientMessages: later('a client is told everything that it knows'),
  serverMessages: by('are signed, come in order and tell everything'),
  ...server('server'),
  transportConfigurations: later('calls are dialled with the settings of this server'),
  'keypadInputPlan.enabled': by('keys are collected as the plan says', "keys become the caller's words"),
  'keypadInputPlan.timeoutSeconds': by('keys are collected as the plan says'),
  'keypadInputPlan.delimiters': by('keys are collected as the plan says', 'refuse a delimiter that no telephone has'),
  credentialIds: later('all credentials of the organisation are used'),
  credentials: later('credentials are a resource of their own'),
  metadata: by('the metadata of the assistant goes to the model server'),
  serverUrl: by(OLDER, TARGETS),
  serverUrlSecret: by(TARGETS),
  'messagePlan.idleMessages': by(OLDER, IDLE),
  'messagePlan.idleMessageMaxSpokenCount': by('the silence of a caller is counted as the plan says', IDLE),
  'messagePlan.idleTimeoutSeconds': by(OLDER, IDLE),
  'messagePlan.idleMessageResetCountOnUserSpeechEnabled': unless('what the caller says starts the count anew', true),
  'messagePlan.silenceTimeoutMessage': later('silence ends the call without a word'),
  recordingEnabled: by(OLDER),
  hipaaEnabled: later('keeps recordings out; words and events of the call are still stored'),
  endCallFunctionEnabled: by(OLDER),
  dialKeypadFunctionEnabled: later('keys are not pressed yet'),
  forwardingPhoneNumber: by(OLDER, GIVEN),
  forwardingPhoneNumbers: later('one number can be forwarded to; more are destinations of a transferCall tool'),
  customerJoinTimeoutSeconds: later('a browser has 15 s to join', 15),
  numWordsToInterruptAssistant: by(OLDER),
  responseDelaySeconds: by(OLDER),
  llmRequestDelaySeconds: by('an older delay is a wait before speaking'),
  smartEndpointingEnabled: later('turns end by the words, the voice and the recogniser'),
};

/** Path -> row; `[]` stands for every entry of a list. A row speaks for everything below it. */
export const FIELDS: Readonly<Record<string, Row>> = {
  ...TOP,
  ...MODEL,
  ...VOICE,
  ...TRANSCRIBER,
  ...SPEAKING,
  ...PLANS,
  ...HOOKS,
};

function isEnglish(language: string): boolean {
  return /^en\b/i.test(language);
}

function onlyIgnoresCase(options: unknown): boolean {
  return Array.isArray(options) && options.every(({ type, enabled }) => type === 'ignore-case' || enabled === false);
}
