/**
 * How an organisation reaches its providers and carriers: its credentials laid over the operator's environment, under the same
 * variable names, so that everything behind this file knows one way only. Opened secrets live as long as the request.
 */
import type { Carrier } from '../carriers/carrier.ts';
import { CARRIERS } from '../carriers/index.ts';
import { AywaError } from '../kernel/errors.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { ApiDeps } from './deps.ts';

export type Variables = Readonly<Record<string, string>>;

/** `DEEPGRAM_API_KEY`, `TWILIO_ACCOUNT_SID`, ...: the newest credential of a vendor wins over the environment. */
export async function variablesOf({ config, store }: ApiDeps, organization: string): Promise<Variables> {
  const newest = new Map<string, string>();
  for (const { provider, id } of await store.credentials.list(organization, { limit: 1_000 })) {
    if (!newest.has(provider)) newest.set(provider, id);
  }
  if (newest.size === 0) return config.vendors;
  const variables: Record<string, string> = { ...config.vendors };
  const opened = await Promise.all([...newest.values()].map((id) => store.credentials.open(organization, id)));
  for (const credential of opened) {
    if (!credential) continue;
    const fields: Readonly<Record<string, unknown>> = { ...credential.shown, ...credential.secrets };
    for (const [field, variable] of Object.entries(variableNames(credential.provider))) {
      const value = fields[field];
      if (typeof value === 'string' && value) variables[variable] = value;
    }
  }
  return variables;
}

export function carrierNamed(name: string): Carrier {
  const carrier = CARRIERS.find((one) => one.name === name);
  if (!carrier) throw new AywaError('not_found', { detail: `No carrier is called ${name.slice(0, 40)}.` });
  return carrier;
}

/** Which variable each field of a vendor's credential stands for; empty for a vendor that this build does not know. */
export function variableNames(name: string): Readonly<Record<string, string>> {
  const carrier = CARRIERS.find((one) => one.name === name);
  if (carrier) return { accountSid: carrier.env.id, authToken: carrier.env.secret, phoneNumber: carrier.env.number };
  const provider = PROVIDERS.find((one) => one.name === name || one.aliases?.includes(name));
  return provider ? { apiKey: `${provider.env}_API_KEY` } : {};
}

/** Every vendor that a credential can be for. */
export function knownVendors(): string[] {
  const providers = PROVIDERS.filter((provider) => provider.needsKey).map((provider) => provider.name);
  return [...new Set([...CARRIERS.map((carrier) => carrier.name), ...providers])].sort();
}
