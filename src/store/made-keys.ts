/**
 * What the lab needs and nobody gave: the encryption key, the webhook secret and the administrator's key, made once and kept in the
 * data folder. In production all three are given, or the configuration was refused: nothing is made or written then.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomToken } from '../kernel/ids.ts';
import { makeKey } from './api-keys.ts';
import { kept } from './kept-file.ts';

export interface MadeKeys {
  readonly encryptionKey: string;
  readonly webhookSecret: string;
  readonly apiKey: string;
}

export interface KeptKeys extends MadeKeys {
  /** The administrator's key is one of ours, which may be printed; an operator's own never is. */
  readonly apiKeyMade: boolean;
}

/** The given values, with a kept one in the place of each that is undefined. */
export function madeKeys(dataDir: string, given: { readonly [K in keyof MadeKeys]: string | undefined }): KeptKeys {
  const keep = (name: string, make: () => string) => {
    mkdirSync(dataDir, { recursive: true }); // By itself: the closed mode below is not for the data folder, where others' files are.
    const folder = join(dataDir, 'keys');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return kept(join(folder, name), make);
  };
  return {
    encryptionKey: given.encryptionKey ?? keep('encryption-key', () => randomToken()),
    // Standard Webhooks 1.0: `whsec_` and base64 of 24 to 64 bytes.
    webhookSecret: given.webhookSecret ?? keep('webhook-secret', () => `whsec_${randomBytes(32).toString('base64')}`),
    apiKey: given.apiKey ?? keep('api-key', () => makeKey('lab')),
    apiKeyMade: given.apiKey === undefined,
  };
}
