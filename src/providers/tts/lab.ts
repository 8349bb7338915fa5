/**
 * The lab's voice: a real synthesiser that needs no key. Each clause is spoken in a thread in the line's own format and delivered in
 * short pieces as soon as it is ready; what was spoken lately is kept. It knows English only.
 */
import { z } from 'zod';
import { type AudioFormat, bytesOf } from '../../audio/format.ts';
import { channel } from '../../kernel/channel.ts';
import { asAywaError } from '../../kernel/errors.ts';
import { isCancelled } from '../../kernel/scope.ts';
import { thread } from '../thread.ts';
import type { TextToSpeech } from './contract.ts';
import { VOICES, type VoiceName } from './flite.ts';
import type { Line } from './lab-worker.ts';

/** A voice that another vendor knows by this name is spoken by the first of ours. */
const Settings = z.looseObject({ voiceId: z.enum(VOICES).catch(VOICES[0]) });
type Settings = z.infer<typeof Settings>;

/** Delivered at once, so that a line never waits for a whole sentence and a cancelled speech stops within one piece. */
const PIECE_MS = 100;
/** About a minute of speech on a telephone line each, at most. */
const KEPT = 64;

const synthesise = thread<Line, Uint8Array>('lab voice', new URL('./lab-worker.ts', import.meta.url));
const kept = new Map<string, Promise<Uint8Array>>();

export const labVoice: TextToSpeech<Settings> = {
  name: 'lab',
  kind: 'tts',
  env: 'LAB',
  origin: '',
  needsKey: false,
  settings: Settings,
  open({ format }, { voiceId }, _access, ctx) {
    // The thread takes a moment to start: it is awake before the first sentence. Whether it could is the sentence's to find out.
    spoken(voiceId, 'Hello.', format).catch(() => {});
    return {
      format,
      prefers: 'clauses',
      speak(listener) {
        const scope = ctx.scope.child('lab speech');
        const clauses = channel<{ sound: Promise<Uint8Array> }>(scope);
        scope.spawn('deliver', async () => {
          try {
            for await (const { sound } of clauses) {
              const bytes = await scope.wait(sound);
              const piece = bytesOf(format, PIECE_MS);
              for (let at = 0; at < bytes.length && !scope.closed; at += piece) listener.audio(bytes.subarray(at, at + piece));
            }
            if (!scope.closed) listener.done();
          } catch (error) {
            if (!isCancelled(error)) listener.failed(asAywaError(error));
          }
          void scope.close('spoken');
        });
        return {
          say(text) {
            // Words only: a clause of punctuation has no sound.
            if (/[a-z0-9]/i.test(text)) clauses.push({ sound: spoken(voiceId, text.trim(), format) });
          },
          end: () => clauses.close(),
          cancel: () => void scope.close('cancelled'),
        };
      },
    };
  },
};

/** The sound of a text, from memory when it was spoken lately; failures are not kept. */
export function spoken(voice: VoiceName, text: string, format: AudioFormat): Promise<Uint8Array> {
  const key = `${voice} ${format.encoding} ${format.rate} ${text}`;
  const known = kept.get(key);
  const sound = known ?? synthesise({ voice, text, format });
  kept.delete(key);
  kept.set(key, sound);
  if (!known) sound.catch(() => kept.delete(key));
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
  return sound;
}
