/** The settings that each vendor of this build reads, from its own schema: what else an assistant holds for it is not obeyed. */
import { z } from 'zod';
import type { SettingsOf } from '../agent/obedience.ts';
import { providerSet } from '../providers/index.ts';

export const settingsOf: SettingsOf = (kind, name) => {
  const vendor = providerSet[kind](name);
  const settings: unknown = vendor?.settings;
  if (!vendor || !(settings instanceof z.ZodObject)) return undefined;
  return { vendor: vendor.name, names: new Set(Object.keys(settings.shape)) };
};
