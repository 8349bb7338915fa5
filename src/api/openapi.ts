/**
 * The API's own description: OpenAPI 3.1 made from the routes' schemas at `/openapi.json`, and a page that lists them at `/docs`.
 * Nothing is written by hand twice and nothing is loaded from another host.
 */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api } from './deps.ts';

/** Must be registered before the routes that it describes. */
export async function describeApi(app: Api, version: string, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Aywa Runtime',
        version,
        description: 'Assistants and calls of a private voice-agent runtime. Resources follow the shapes that Vapi clients know.',
      },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) =>
      onlyReferenced(jsonSchemaTransformObject(document) as Description) as ReturnType<typeof jsonSchemaTransformObject>,
  });

  app.get('/openapi.json', { schema: { hide: true, response: { 200: z.unknown() } } }, async () => app.swagger());
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache');
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    return page(app.swagger() as Description);
  });
}

/** The generator makes an input and an output form of every schema; the one that no route uses says nothing. */
function onlyReferenced(description: Description): Description {
  const schemas = description.components?.schemas ?? {};
  const text = (value: unknown) => JSON.stringify(value);
  let kept = schemas;
  for (let before = -1; before !== Object.keys(kept).length; ) {
    before = Object.keys(kept).length;
    const used = text(description.paths) + text(kept);
    kept = Object.fromEntries(Object.entries(kept).filter(([name]) => used.includes(`"#/components/schemas/${name}"`)));
  }
  return { ...description, components: { ...description.components, schemas: kept } };
}

interface Description {
  components?: { schemas?: Record<string, unknown> };
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, { summary?: string; tags?: string[]; security?: unknown[] }>>;
}

function page({ info, paths = {} }: Description): string {
  const groups = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const tag = route.tags?.[0] ?? 'More';
      const row =
        `<tr><td><code class="${method}">${method.toUpperCase()}</code></td><td><code>${escaped(path)}</code></td>` +
        `<td>${escaped(route.summary ?? '')}${route.security?.length === 0 ? ' <small>no key</small>' : ''}</td></tr>`;
      groups.set(tag, [...(groups.get(tag) ?? []), row]);
    }
  }
  const tables = [...groups].map(([tag, rows]) => `<h2>${escaped(tag)}</h2><table>${rows.join('')}</table>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(info.title)} API</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}
h2{margin-top:2.5rem;font-size:1.1rem}table{border-collapse:collapse;width:100%}td{padding:.4rem .8rem .4rem 0;border-top:1px solid #8884;vertical-align:top}
code{font:13px ui-monospace,monospace}td:first-child{width:5rem}small{opacity:.6}.delete{color:#c33}.post,.patch{color:#27a}
</style></head><body><h1>${escaped(info.title)} <small>${escaped(info.version)}</small></h1><p>${escaped(info.description ?? '')}</p>
<p>Send <code>Authorization: Bearer &lt;key&gt;</code> or <code>X-API-Key: &lt;key&gt;</code>. The full description, for tools and code
generators: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>${tables}</body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
