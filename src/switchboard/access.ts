/**
 * How an organisation reaches its providers and carriers: its credentials over the operator's environment, under the same variable
 * names, with a note of who set what: a tenant's address gets no key of the operator's. Opened secrets live as long as the request.
 */
import type { Carrier } from '../carriers/carrier.ts';
import { accountFields, CARRIERS } from '../carriers/index.ts';
import { AywaError } from '../kernel/errors.ts';
import { PROVIDERS, type Tenant } from '../providers/index.ts';
import type { PlacingDeps } from './deps.ts';

type Variables = Readonly<Record<string, string>>;

/** The keyless parts have nothing that a credential could change. */
const OUTSIDE = PROVIDERS.filter(({ name }) => name !== 'lab');

/** Who set which variable; `all` is what holds: the credentials over the environment. */
export interface Access {
  readonly operator: Variables;
  readonly tenant: Tenant;
  readonly all: Variables;
}

/** `DEEPGRAM_API_KEY`, `TWILIO_ACCOUNT_SID`, ...: the newest credential of a vendor wins over the environment. */
export async function accessFor({ config, store }: PlacingDeps, organization: string): Promise<Access> {
  const newest = new Map<string, string>();
  for (const { provider, id } of await store.credentials.list(organization, { limit: 1_000 })) {
    if (!newest.has(provider)) newest.set(provider, id);
  }
  const own: Record<string, string> = {};
  const opened = await Promise.all([...newest.values()].map((id) => store.credentials.open(organization, id)));
  for (const credential of opened) {
    if (!credential) continue;
    const fields: Readonly<Record<string, unknown>> = { ...credential.shown, ...credential.secrets };
    for (const { field, variable } of credentialFields(credential.provider)) {
      const value = fields[field];
      if (typeof value === 'string' && value) own[variable] = value;
    }
  }
  // In the lab everybody is the operator, and models run on the same machine.
  const reach = config.mode === 'lab' ? 'any' : 'public';
  return { operator: config.vendors, tenant: { variables: own, reach }, all: { ...config.vendors, ...own } };
}

export function carrierNamed(name: string): Carrier {
  const carrier = CARRIERS.find((one) => one.name === name);
  if (!carrier) throw new AywaError('not_found', { detail: `No carrier is called ${name.slice(0, 40)}.` });
  return carrier;
}

interface CredentialField {
  readonly field: string;
  /** The variable that it stands for. */
  readonly variable: string;
  readonly secret: boolean;
  readonly needed: boolean;
}

/** What a vendor's credential is made of; empty for a vendor that this build does not know. */
export function credentialFields(name: string): readonly CredentialField[] {
  const carrier = CARRIERS.find((one) => one.name === name);
  // Where a carrier's API is stays the operator's: its account's secret goes there.
  if (carrier) return accountFields(carrier).filter(({ field }) => field !== 'baseUrl');
  const provider = OUTSIDE.find((one) => one.name === name || one.aliases?.includes(name));
  if (!provider) return [];
  return [
    { field: 'apiKey', variable: `${provider.env}_API_KEY`, secret: true, needed: true },
    { field: 'baseUrl', variable: `${provider.env}_BASE_URL`, secret: false, needed: false },
  ];
}

/** Every vendor that a credential can be for. */
export function knownVendors(): string[] {
  return [...new Set([...CARRIERS, ...OUTSIDE].map(({ name }) => name))].sort();
}
