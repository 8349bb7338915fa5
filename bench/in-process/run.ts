/** One subject in process, as the suite orders it; a peer is loaded only in its own process, and our engine only in its. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DisturbedResult, disturbances } from './disturbances.ts';
import { runScenario, type ScenarioResult } from './scenario.ts';
import type { LiveKitSettings } from './subjects/livekit.ts';
import type { OurOptions } from './subjects/ours.ts';

export interface ScenarioOrder {
  readonly ours?: OurOptions;
  readonly livekit?: LiveKitSettings;
  readonly calls: number;
  readonly seconds: number;
  /** A stable transcript before the final, and the share of turns whose final says something else. */
  readonly preflight?: boolean;
  readonly revised?: number;
  /** Finals 0 to 500 ms after speech. */
  readonly race?: boolean;
}

export const livekitInstalled = () => existsSync(join(import.meta.dirname, '../.peers/node_modules/@livekit/agents'));

const ours = async (options: OurOptions) => (await import('./subjects/ours.ts')).ours(options);
const peer = async (settings: LiveKitSettings) => (await import('./subjects/livekit.ts')).livekit(settings);

export async function scenario({ calls, seconds, preflight, revised, race, ...subject }: ScenarioOrder): Promise<ScenarioResult> {
  return await runScenario(subject.livekit ? await peer(subject.livekit) : await ours(subject.ours ?? { settings: 'default' }), {
    calls,
    seconds,
    ...(preflight && { preflight }),
    ...(revised && { revised }),
    ...(race && { finalDelay: () => Math.random() * 500 }),
  });
}

export async function disturbed(order: { voiceSeconds?: number; callsPerClass: number; trials: number }): Promise<DisturbedResult> {
  const { voiceSeconds, ...options } = order;
  return await disturbances(await ours({ settings: 'default', ...(voiceSeconds !== undefined && { voiceSeconds }) }), options);
}

export async function peerFirstText(): Promise<number[]> {
  return (await import('./subjects/livekit.ts')).livekitFirstText();
}
