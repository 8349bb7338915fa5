/**
 * How soon after the acoustic onset of speech is it known? The shipped listening (Silero, hysteresis, default plan) over every recording of
 * Debian's asterisk-core-sounds-en-wav after a second of near silence, at a random phase; counted in media time as the frames arrive.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentPlan } from '../../src/agent/plan.ts';
import { MULAW_8K } from '../../src/audio/format.ts';
import { encodeG711, MULAW } from '../../src/audio/g711.ts';
import { openListening } from '../../src/call/hear/listening.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { createSilero } from '../../src/providers/vad/silero.ts';
import { planOf } from '../lib/plan.ts';
import { type Summary, summary } from '../lib/stats.ts';

const ROOT = '/usr/share/asterisk/sounds/en_US_f_Allison';
const NO_SPEECH = /beep|tone|silence|ring|click/;

export interface OnsetResult {
  /** Onset -> told, ms. */
  onset: Summary;
  missed: number;
}

/** `voiceSeconds`: another amount than the shipped one. */
export async function bargeOnset({ voiceSeconds }: { voiceSeconds?: number }): Promise<OnsetResult> {
  const { agent } = planOf('default', 'bench', voiceSeconds);
  const detector = createSilero();
  const times: number[] = [];
  let missed = 0;
  let seed = 12_345;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  for (const file of recordings(ROOT)) {
    const pcm = samples(file);
    const first = onset(pcm);
    if (first < 0 || pcm.length - first < 8_000) continue;
    const lead = 8_000 + Math.floor(random() * 256);
    const signal = new Int16Array(lead + pcm.length - first);
    for (let i = 0; i < lead; i++) signal[i] = Math.trunc(random() * 8 - 4);
    signal.set(pcm.subarray(first), lead);
    const at = heardAt(detector, agent, signal, lead);
    if (at === undefined) missed += 1;
    else times.push(at);
  }
  return { onset: summary(times), missed };
}

/** Milliseconds from the onset to the end of the 20 ms frame that told. */
function heardAt(detector: ReturnType<typeof createSilero>, agent: AgentPlan, signal: Int16Array, lead: number): number | undefined {
  const scope = rootScope('bench');
  let started = false;
  const ears = {
    name: 'none',
    kind: 'stt',
    env: 'NONE',
    origin: '',
    needsKey: false,
    settings: undefined as never,
    listen: () => ({ write() {}, flush() {} }),
  } as const;
  const listening = openListening({
    format: MULAW_8K,
    agent: () => agent,
    providers: { stt: () => ears, llm: () => undefined, tts: () => undefined },
    vad: detector.open,
    perceived: (told) => {
      started ||= told.type === 'started';
    },
    ctx: { scope, egress: createEgress('any'), log: silentLog },
  });
  listening.agentSpeaking(true);
  const bytes = new Uint8Array(160);
  let result: number | undefined;
  for (let i = 0; i + 160 <= signal.length && result === undefined; i += 160) {
    encodeG711(MULAW, signal.subarray(i, i + 160), 160, bytes);
    listening.write(bytes);
    if (started && i + 160 > lead) result = (i + 160 - lead) / 8;
    started = false;
  }
  listening.close();
  void scope.close('done');
  return result;
}

function recordings(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return recordings(path);
    return name.endsWith('.wav') && !NO_SPEECH.test(path) ? [path] : [];
  });
}

function samples(path: string): Int16Array {
  const bytes = readFileSync(path);
  const data = bytes.indexOf('data') + 8;
  const pcm = new Int16Array((bytes.length - data) >> 1);
  for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(data + i * 2);
  return pcm;
}

/** The first 10 ms that are louder than breath. */
function onset(pcm: Int16Array): number {
  for (let i = 0; i + 80 < pcm.length; i += 80)
    if (pcm.subarray(i, i + 80).reduce((sum, sample) => sum + Math.abs(sample), 0) / 80 > 300) return i;
  return -1;
}
