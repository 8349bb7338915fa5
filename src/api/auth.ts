/**
 * Who is asking. A key comes in a header that browsers never add by themselves, so a foreign page cannot act with it (no CSRF, no DNS
 * rebinding). Every route must have a row in the permission table before the server starts.
 */
import type { FastifyRequest } from 'fastify';
import { AywaError } from '../kernel/errors.ts';
import type { ApiKeyRow } from '../store/api-keys.ts';
import type { Api } from './deps.ts';
import { allows, type KeyScope, PERMISSIONS, type Permission } from './permissions.ts';

/** The key's organisation is the only one that the request can see. */
type Identity = Pick<ApiKeyRow, 'organization' | 'scopes'>;

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | null;
  }
  interface FastifyContextConfig {
    permission?: Permission;
  }
}

/** Must run before the first route is registered. `find` gives nothing for a key that is unknown or revoked. */
export function guardRoutes(app: Api, find: (key: string) => Promise<Identity | undefined>): void {
  app.decorateRequest('identity', null);

  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      if (method === 'OPTIONS') continue;
      const row = `${method === 'HEAD' ? 'GET' : method} ${route.url}`;
      const permission = PERMISSIONS[row];
      if (!permission) throw new AywaError('bug', { detail: `The route ${row} has no row in api/permissions.ts.` });
      route.config = { ...route.config, permission };
      if (permission === 'public' || permission === 'signed') route.schema = { ...route.schema, security: [] };
    }
  });

  app.addHook('onRequest', async (request) => {
    const permission = request.routeOptions.config.permission;
    if (permission === undefined || permission === 'public' || permission === 'signed') return;
    const key = keyOf(request);
    if (!key) throw new AywaError('unauthorized', { detail: 'The request has no key.' });
    const identity = await find(key);
    if (!identity) throw new AywaError('unauthorized');
    if (!allows(identity.scopes, permission)) throw new AywaError('forbidden', { detail: `It needs the scope ${permission}.` });
    request.identity = identity;
  });
}

/** The organisation of a request that passed the guard. */
export function organizationOf(request: FastifyRequest): string {
  if (!request.identity) throw new AywaError('bug', { detail: 'A public route asked for its organisation.' });
  return request.identity.organization;
}

/** May the key of this request do more than its route asks for? */
export function mayDo(request: FastifyRequest, permission: KeyScope): boolean {
  return request.identity !== null && allows(request.identity.scopes, permission);
}

function keyOf(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim();
  const header = request.headers['x-api-key'];
  return bearer ?? (typeof header === 'string' ? header.trim() : undefined);
}
