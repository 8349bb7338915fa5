/**
 * Which key may call which route: one row per route, and a route without a row does not start. `public` needs nothing; `signed`
 * checks a carrier's signature or a secret in the path itself; everything else needs a key with that scope.
 */
import { UNSUPPORTED } from './unsupported.ts';

export type KeyScope =
  | 'assistant:read'
  | 'assistant:write'
  | 'call:read'
  | 'call:create'
  | 'call:write'
  | 'call:control'
  | 'credential:read'
  | 'credential:write'
  | 'provider:read';
export type Permission = 'public' | 'signed' | KeyScope;

export const PERMISSIONS: Readonly<Record<string, Permission>> = {
  'GET /health': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /*': 'public',

  'POST /assistant': 'assistant:write',
  'GET /assistant': 'assistant:read',
  'GET /assistant/:id': 'assistant:read',
  'PATCH /assistant/:id': 'assistant:write',
  'DELETE /assistant/:id': 'assistant:write',

  'POST /call': 'call:create',
  'POST /call/phone': 'call:create',
  'POST /call/web': 'call:create',
  'GET /call': 'call:read',
  'GET /call/:id': 'call:read',
  'PATCH /call/:id': 'call:write',
  'DELETE /call/:id': 'call:write',
  'GET /call/:id/timeline': 'call:read',
  'GET /call/:id/events': 'call:read',
  'GET /call/:id/recording': 'call:read',
  'GET /call/:id/mono-recording': 'call:read',
  'GET /call/:id/recording/stereo': 'call:read',
  'GET /call/:id/stereo-recording': 'call:read',
  'POST /call/:id/control': 'call:control',
  'POST /call/:id/control/:token': 'signed',

  'POST /credential': 'credential:write',
  'GET /credential': 'credential:read',
  'GET /credential/:id': 'credential:read',
  'DELETE /credential/:id': 'credential:write',

  'GET /providers': 'provider:read',

  'POST /telephony/:carrier/inbound': 'signed',
  'POST /telephony/:carrier/inbound/:assistant': 'signed',
  'POST /telephony/:carrier/status/:call': 'signed',
  'POST /telephony/:carrier/continue/:call': 'signed',

  ...Object.fromEntries(
    UNSUPPORTED.flatMap(({ path }): [string, Permission][] => [
      [`GET ${path}`, 'provider:read'],
      [`POST ${path}`, 'assistant:write'],
    ]),
  ),
};

const ROLES = new Map<string, (permission: KeyScope) => boolean>([
  ['admin', () => true],
  ['editor', (permission) => permission !== 'credential:write'],
  ['viewer', (permission) => permission.endsWith(':read')],
]);

/** Do a key's scopes (`call:read`, `call:*`, `*`, or a role's name) include this permission? */
export function allows(scopes: readonly string[], permission: KeyScope): boolean {
  const resource = permission.slice(0, permission.indexOf(':'));
  return scopes.some(
    (scope) => scope === '*' || scope === permission || scope === `${resource}:*` || (ROLES.get(scope)?.(permission) ?? false),
  );
}
