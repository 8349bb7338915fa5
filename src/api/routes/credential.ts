/** `/credential`: provider keys and carrier accounts. What is secret is sealed when it comes and never given back. */
import { z } from 'zod';
import { AywaError } from '../../kernel/errors.ts';
import { credentialFields, knownVendors } from '../../switchboard/access.ts';
import { organizationOf } from '../auth.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { createOnce } from '../once.ts';
import { presentCredential } from '../presenters.ts';
import { answers, ById, CreateCredential, Credential, ListQuery } from '../schemas.ts';

const tags = ['Credentials'];
const SCHEMES = ['http:', 'https:', 'ws:', 'wss:'];

export function credentialRoutes(app: Api, deps: ApiDeps): void {
  const { store } = deps;

  app.post(
    '/credential',
    { schema: { tags, summary: 'Create a credential', body: CreateCredential, response: answers(Credential, 201) } },
    (request, reply) =>
      createOnce(deps, request, reply, async () => {
        const { provider, name, ...fields } = request.body;
        judge(provider, fields);
        const entries = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
        // What is not known to be no secret is one.
        const open = new Set(['baseUrl', ...credentialFields(provider).flatMap(({ field, secret }) => (secret ? [] : [field]))]);
        const shown = Object.fromEntries(entries.filter(([field]) => open.has(field)));
        const secrets = Object.fromEntries(entries.filter(([field]) => !open.has(field)));
        return presentCredential(await store.credentials.create(organizationOf(request), { provider, name: name ?? null, shown, secrets }));
      }),
  );

  app.get(
    '/credential',
    { schema: { tags, summary: 'List credentials, newest first', querystring: ListQuery, response: answers(z.array(Credential)) } },
    async (request) => (await store.credentials.list(organizationOf(request), request.query)).map(presentCredential),
  );

  app.get(
    '/credential/:id',
    { schema: { tags, summary: 'Read a credential, without its secrets', params: ById, response: answers(Credential) } },
    async (request) => present(await store.credentials.get(organizationOf(request), request.params.id)),
  );

  app.delete(
    '/credential/:id',
    { schema: { tags, summary: 'Delete a credential', params: ById, response: answers(Credential) } },
    async (request) => present(await store.credentials.remove(organizationOf(request), request.params.id)),
  );
}

function present(row: Parameters<typeof presentCredential>[0] | undefined): Record<string, unknown> {
  if (!row) throw new AywaError('not_found');
  return presentCredential(row);
}

/** A credential that nothing could use is refused, instead of being kept and never looked at. */
function judge(provider: string, fields: Readonly<Record<string, unknown>>): void {
  const known = credentialFields(provider);
  if (known.length === 0) throw new AywaError('unsupported', { detail: `provider ${provider} is none of ${knownVendors().join(', ')}.` });
  const faults = known
    .filter(({ field, needed }) => needed && !fields[field])
    .map(({ field }) => ({ path: field, message: `must be given for ${provider}` }));
  const { baseUrl } = fields;
  if (baseUrl != null && !(typeof baseUrl === 'string' && URL.canParse(baseUrl) && SCHEMES.includes(new URL(baseUrl).protocol)))
    faults.push({ path: 'baseUrl', message: 'must be an http(s) or ws(s) URL' });
  if (faults.length > 0) throw new AywaError('invalid_request', { faults });
}
