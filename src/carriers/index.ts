/** The carriers and lines that this build knows. A new one is a file beside this one and a row here. */
import { AywaError } from '../kernel/errors.ts';
import type { Carrier, CarrierAccount, ConnectLine } from './carrier.ts';
import { connectText } from './text.ts';
import { twilio } from './twilio.ts';
import { connectWebsocket } from './websocket.ts';

export const CARRIERS: readonly Carrier[] = [twilio];

/** Lines of our own clients: no account, no webhooks. */
const CLIENT_LINES: Readonly<Record<string, ConnectLine>> = { websocket: connectWebsocket, text: connectText };

/** What a call host or the switchboard needs of the carriers, by name; injected, so that a test can add one of its own. */
export interface CarrierSet {
  carrier(name: string): Carrier | undefined;
  connector(name: string): ConnectLine | undefined;
}

export function carrierSet(carriers: readonly Carrier[] = CARRIERS): CarrierSet {
  const byName = new Map(carriers.map((carrier) => [carrier.name, carrier]));
  return {
    carrier: (name) => byName.get(name),
    connector: (name) => byName.get(name)?.connect ?? (Object.hasOwn(CLIENT_LINES, name) ? CLIENT_LINES[name] : undefined),
  };
}

/** An account as a number or a stored credential gives it; what is missing comes from the environment. */
export interface AccountSource {
  readonly id?: string;
  readonly secret?: string;
  readonly number?: string;
}

/**
 * The account at a carrier: from `given` (the number or a credential) or from `variables` (the environment). An id that is given
 * brings its own secret: the environment's belongs to another account. Throws `carrier_missing` naming what is not set.
 */
export function accountOf(carrier: Carrier, variables: Readonly<Record<string, string>>, given: AccountSource = {}): CarrierAccount {
  const { env } = carrier;
  const id = given.id ?? variables[env.id];
  const secret = given.id ? given.secret : (given.secret ?? variables[env.secret]);
  const missing = [...(id ? [] : [env.id]), ...(secret ? [] : [env.secret])];
  if (!id || !secret) {
    throw new AywaError('carrier_missing', { detail: `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set.` });
  }
  const baseUrl = (variables[env.baseUrl] ?? carrier.origin).replace(/\/+$/, '');
  return { carrier: carrier.name, id, secret, number: given.number ?? variables[env.number] ?? '', baseUrl };
}

/** Every environment name that the carriers read, and what it is. */
export function accountNames(): { name: string; what: string }[] {
  return CARRIERS.flatMap(({ name, env, origin }) => [
    { name: env.id, what: `The account at ${name}.` },
    { name: env.secret, what: `The secret of the ${name} account; it also verifies the signature of its callbacks.` },
    { name: env.number, what: `The number that ${name} calls are placed from unless the request names one.` },
    { name: env.baseUrl, what: `Where ${name}'s API is; \`${origin}\` unless set.` },
  ]);
}
