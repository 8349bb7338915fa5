/**
 * Which addresses the runtime may connect to. The judgement falls on the numeric address that is about to be used, inside the
 * connection's own name lookup, so that odd spellings, rebinding and several answers cannot slip through a check made earlier.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { buildConnector } from 'undici';
import { AywaError } from './errors.ts';

/** `any`: set by the operator (provider base URLs). `public`: set by a tenant, a caller or a model. */
export type Reach = 'any' | 'public';

const DENIED = new BlockList();
// IANA special-purpose registries (RFC 6890 and its updates): everything that is not the public internet.
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  DENIED.addSubnet(net, bits, 'ipv4'); // prettier keeps this a table
for (const [net, bits] of [
  ['::', 128],
  ['::1', 128],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  DENIED.addSubnet(net, bits, 'ipv6');

/** May a connection go to this numeric address? IPv4 inside IPv6 is judged as the IPv4 address it is. */
export function isPublicAddress(address: string): boolean {
  const plain = address.split('%')[0] ?? '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped) return isPublicAddress(mapped);
  const family = isIP(plain);
  if (family === 0) return false;
  return !DENIED.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Refuses URLs that could never be right: another scheme, credentials in the address, a literal that the reach forbids. */
export function judgeUrl(url: string, schemes: readonly string[], reach: Reach): URL {
  if (!URL.canParse(url)) throw new AywaError('egress_denied', { detail: 'The address is not a URL.' });
  const parsed = new URL(url);
  if (!schemes.includes(parsed.protocol))
    throw new AywaError('egress_denied', { detail: `Only ${schemes.join(' ')} addresses are allowed.` });
  if (parsed.username || parsed.password)
    throw new AywaError('egress_denied', { detail: 'The address must not hold a user name or password.' });
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (reach === 'public' && isIP(host) && !isPublicAddress(host)) throw refused(host);
  return parsed;
}

function refused(address: string): AywaError {
  return new AywaError('egress_denied', { detail: `${address} is not a public address.` });
}

function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [], 0);
      const bad = reach === 'public' ? addresses.find((entry) => !isPublicAddress(entry.address)) : undefined;
      if (bad) return callback(Object.assign(refused(bad.address), { errno: 0 }) as NodeJS.ErrnoException, [], 0);
      if (options.all) return callback(null, addresses);
      const first = addresses[0];
      callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}

/** A connector for undici whose name lookup judges every answer. */
export function guardedConnect(reach: Reach, onConnect: () => void): buildConnector.connector {
  const connect = buildConnector({ timeout: 3_000, lookup: guardedLookup(reach), keepAlive: true });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    if (reach === 'public' && isIP(host) && !isPublicAddress(host)) return callback(refused(host), null);
    onConnect();
    connect(options, (...result) => {
      const socket = result[1];
      if (socket && 'setNoDelay' in socket) socket.setNoDelay(true);
      callback(...(result as Parameters<typeof callback>));
    });
  };
}

/** The same judgement for a socket that another library drives. */
guardedConnect.raw = (reach: Reach, options: Record<string, unknown>, secure: boolean): Socket => {
  const host = String(options.host ?? options.hostname ?? '');
  if (reach === 'public' && isIP(host) && !isPublicAddress(host)) throw refused(host);
  const target = { ...options, host, port: Number(options.port), path: undefined, lookup: guardedLookup(reach) };
  const socket = secure ? tlsConnect({ ...target, servername: isIP(host) ? '' : host } as never) : tcpConnect(target as never);
  socket.setNoDelay(true);
  return socket;
};
