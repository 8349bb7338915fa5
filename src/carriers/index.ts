/** The carriers and lines that this build knows. A new one is a file beside this one and a row here. */
import type { z } from 'zod';
import { AywaError } from '../kernel/errors.ts';
import { isSecret } from '../kernel/secret.ts';
import type { Carrier, CarrierAccount, Connector } from './carrier.ts';
import { textLine } from './text.ts';
import { twilio } from './twilio.ts';
import { websocketLine } from './websocket.ts';

export const CARRIERS: readonly Carrier[] = [twilio];

/** Lines of our own clients: no account, no webhooks. */
const CLIENT_LINES: Readonly<Record<string, Connector>> = { websocket: websocketLine, text: textLine };

/** What a call host or the switchboard needs of the carriers, by name; injected, so that a test can add one of its own. */
export interface CarrierSet {
  carrier(name: string): Carrier | undefined;
  connector(name: string): Connector | undefined;
}

export function carrierSet(carriers: readonly Carrier[] = CARRIERS): CarrierSet {
  const byName = new Map(carriers.map((carrier) => [carrier.name, carrier]));
  return {
    carrier: (name) => byName.get(name),
    connector: (name) => byName.get(name)?.line ?? (Object.hasOwn(CLIENT_LINES, name) ? CLIENT_LINES[name] : undefined),
  };
}

/** A field of an account, and how it is called in the environment. */
interface AccountField {
  readonly field: string;
  readonly variable: string;
  readonly secret: boolean;
  readonly needed: boolean;
  readonly what: string;
}

/** Every field of a carrier's account, the common ones (number, address of the API) last. */
export function accountFields({ name, account, origin }: Carrier): AccountField[] {
  const own = Object.entries(account.shape as Record<string, z.ZodType>).map(([field, schema]) => ({
    field,
    variable: variableOf(name, field),
    secret: isSecret(schema),
    needed: !schema.isOptional(),
    what: schema.description ?? '',
  }));
  const common = {
    phoneNumber: `The number that ${name} calls are placed from unless the request names one.`,
    baseUrl: `Where ${name}'s API is; \`${origin}\` unless set.`,
  };
  const shared = Object.entries(common).map(([field, what]) => ({
    field,
    what,
    variable: variableOf(name, field),
    secret: false,
    needed: false,
  }));
  return [...own, ...shared];
}

/** `accountSid` of `twilio` is `TWILIO_ACCOUNT_SID`. */
function variableOf(carrier: string, field: string): string {
  return `${carrier}_${field.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.replace(/-/g, '_').toUpperCase();
}

/** An account as a number or a stored credential gives it; what is missing comes from the environment. */
export interface AccountSource {
  readonly fields?: Readonly<Record<string, string | undefined>>;
  readonly number?: string;
}

/**
 * The account at a carrier: from `given` (the number or a credential) or from `variables` (the environment). An id that is given
 * brings its own secrets: the environment's belong to another account. Throws `carrier_missing` naming what is not set or not right.
 */
export function accountOf(carrier: Carrier, variables: Readonly<Record<string, string>>, given: AccountSource = {}): CarrierAccount {
  const own = given.fields?.[carrier.idField] !== undefined;
  const found: Record<string, string> = {};
  for (const { field, variable } of accountFields(carrier)) {
    const value = given.fields?.[field] ?? (own ? undefined : variables[variable]);
    if (value) found[field] = value;
  }
  const read = carrier.account.safeParse(found);
  if (!read.success) {
    const wrong = [...new Set(read.error.issues.map(({ path }) => String(path[0])))];
    const names = (fields: readonly string[]) => fields.map((field) => variableOf(carrier.name, field)).join(' and ');
    const missing = wrong.filter((field) => found[field] === undefined);
    const detail =
      missing.length > 0
        ? `${names(missing)} ${missing.length > 1 ? 'are' : 'is'} not set.`
        : `${names(wrong)} ${wrong.length > 1 ? 'are' : 'is'} not what ${carrier.name} gives.`;
    throw new AywaError('carrier_missing', { detail });
  }
  const fields = read.data as Record<string, string>;
  const numberOfOperator = variables[variableOf(carrier.name, 'phoneNumber')];
  const baseUrl = (variables[variableOf(carrier.name, 'baseUrl')] ?? carrier.origin).replace(/\/+$/, '');
  return { carrier: carrier.name, id: fields[carrier.idField] ?? '', fields, number: given.number ?? numberOfOperator ?? '', baseUrl };
}

/** Every environment name that the carriers read, and what it is. */
export function accountNames(): { name: string; what: string }[] {
  return CARRIERS.flatMap((carrier) => accountFields(carrier).map(({ variable, what }) => ({ name: variable, what })));
}
