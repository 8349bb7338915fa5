/**
 * Settings that a vendor takes for some of its models only. All others that stand in a vendor's description reach it always; a test sends
 * each of them and looks at the wire. Data only.
 */
interface Limit {
  readonly limit: string;
  readonly only: (part: Readonly<Record<string, unknown>>) => boolean;
}

const modelOf = ({ model }: Readonly<Record<string, unknown>>) => (typeof model === 'string' ? model : '');
const flux: Limit = { limit: 'models of the flux family', only: (part) => modelOf(part).startsWith('flux') };
const words: Limit = { limit: 'models but those of the flux family', only: (part) => !modelOf(part).startsWith('flux') };

/** By kind, vendor and setting. */
export const VENDOR_LIMITS: Readonly<Record<string, Limit>> = {
  'stt.deepgram.smartFormat': words,
  'stt.deepgram.numerals': words,
  'stt.deepgram.profanityFilter': words,
  'stt.deepgram.redaction': words,
  'stt.deepgram.confidenceThreshold': words,
  'stt.deepgram.endpointing': words,
  'stt.deepgram.languages': flux,
  'stt.deepgram.eotThreshold': flux,
  'stt.deepgram.eagerEotThreshold': flux,
  'stt.deepgram.eotTimeoutMs': flux,
  'tts.11labs.language': {
    limit: 'models whose name ends in _v2_5',
    only: (part) => modelOf(part) === '' || modelOf(part).endsWith('_v2_5'),
  },
};
