/**
 * Who may bring the media of a call: single-use tokens, the carrier's signature, a browser's origin. It reads a request and answers
 * with a call or a refusal; the socket is none of its business.
 */
import type { IncomingMessage } from 'node:http';
import type { CarrierSet } from '../carriers/index.ts';
import type { LegPlan } from '../host/protocol.ts';
import type { Clock } from '../kernel/clock.ts';
import { AywaError } from '../kernel/errors.ts';
import { randomToken, sha256 } from '../kernel/ids.ts';

export interface MediaDoor {
  /** A token of 256 bits for the leg of this call, in the place of an earlier one. Only its hash is kept. */
  admit(call: string, leg: LegPlan): string;
  /** The leg may take another minute: the carrier reports progress. */
  renew(call: string): void;
  /** Forgets the token of a call that is over. */
  close(call: string): void;
  /** The call whose leg this is; its token is spent. Throws `not_found`, `media_token_unknown`, `signature_wrong` or `forbidden`. */
  enter(request: IncomingMessage): string;
}

export interface MediaDoorOptions {
  readonly clock: Clock;
  readonly carriers: CarrierSet;
  readonly publicUrl: string;
  readonly corsOrigins: readonly string[];
}

const TOKEN_LIVES_MS = 60_000;
const CARRIER_PATH = /^\/telephony\/([a-z0-9-]{1,32})\/media\/([\w-]{1,128})$/;
const CLIENT_PATH = /^\/call\/([\w-]{1,64})\/transport\/([\w-]{1,128})$/;

interface Ticket {
  readonly call: string;
  readonly leg: LegPlan;
  expiresAt: number;
}

export function mediaDoor({ clock, carriers, publicUrl, corsOrigins }: MediaDoorOptions): MediaDoor {
  /** By hash of the token, and the hash by call. */
  const tickets = new Map<string, Ticket>();
  const hashes = new Map<string, string>();
  const forget = (call: string) => {
    tickets.delete(hashes.get(call) ?? '');
    hashes.delete(call);
  };
  /** An unknown and an expired token get the same answer, whatever else is wrong with the request. */
  const find = (token: string, fits: (ticket: Ticket) => boolean): Ticket => {
    const ticket = tickets.get(sha256(token));
    if (!ticket || ticket.expiresAt < clock.now() || !fits(ticket)) throw new AywaError('media_token_unknown');
    return ticket;
  };
  const checkOrigin = (origin: string | undefined) => {
    if (origin !== undefined && !sameOrigin(origin, publicUrl) && !corsOrigins.includes(origin))
      throw new AywaError('forbidden', { detail: 'Pages of this origin may not open calls; CORS_ORIGINS names those that may.' });
  };
  const checkSignature = (request: IncomingMessage, { leg }: Ticket) => {
    const carrier = carriers.carrier(leg.carrier);
    if (!carrier || !leg.account) return;
    // Never from the Host header: behind a proxy it is not what the carrier signed, and a stranger writes what he likes into it.
    const url = publicUrl.replace(/^http/, 'ws') + request.url;
    if (!carrier.verify({ url, headers: flat(request.headers), form: {} }, leg.account)) throw new AywaError('signature_wrong');
  };

  return {
    admit(call, leg) {
      forget(call);
      const token = randomToken();
      const hash = sha256(token);
      tickets.set(hash, { call, leg, expiresAt: clock.now() + TOKEN_LIVES_MS });
      hashes.set(call, hash);
      return token;
    },
    renew(call) {
      const ticket = tickets.get(hashes.get(call) ?? '');
      if (ticket) ticket.expiresAt = clock.now() + TOKEN_LIVES_MS;
    },
    close: forget,
    enter(request) {
      const path = (request.url ?? '').split('?')[0] ?? '';
      checkOrigin(request.headers.origin);
      const byCarrier = CARRIER_PATH.exec(path);
      const byClient = CLIENT_PATH.exec(path);
      const [, subject = '', token = ''] = byCarrier ?? byClient ?? [];
      if (!token) throw new AywaError('not_found');
      const ticket = find(token, ({ call, leg }) =>
        byCarrier ? leg.carrier === subject && carriers.carrier(subject) !== undefined : call === subject && !carriers.carrier(leg.carrier),
      );
      checkSignature(request, ticket);
      forget(ticket.call);
      return ticket.call;
    },
  };
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A lab is reached by any name of this machine, whichever one its public URL has. */
function sameOrigin(origin: string, publicUrl: string): boolean {
  if (!URL.canParse(origin)) return false;
  const [a, b] = [new URL(origin), new URL(publicUrl)];
  return a.origin === b.origin || (a.protocol === b.protocol && a.port === b.port && LOOPBACK.has(a.hostname) && LOOPBACK.has(b.hostname));
}

function flat(headers: IncomingMessage['headers']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}

/** An address of ours for a websocket: the public origin, as `ws` or `wss`. */
export function websocketUrl(publicUrl: string, path: string): string {
  return publicUrl.replace(/^http/, 'ws') + path;
}
