/**
 * The dashboard's built files at `/`, and what a browser gets for an address that no route knows: the app, which routes by itself.
 * API clients get the error body instead. The app holds no secret, so its files need no key.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { AywaError } from '../kernel/errors.ts';
import type { Api } from './deps.ts';

/** `folder` holds `index.html` and its assets; without it a page says how to build it. */
export async function serveDashboard(app: Api, folder: string): Promise<void> {
  const index = join(folder, 'index.html');
  const built = existsSync(index);
  const html = built ? readFileSync(index, 'utf8') : NOT_BUILT;
  const policy = contentPolicy(html);

  if (built) {
    await app.register(fastifyStatic, {
      root: folder,
      index: false,
      // The page itself and folders are the not-found handler's: it knows the page's policy.
      allowedPath: (path) => path !== '/index.html' && /\.\w+$/.test(path),
      // Asset names carry a hash of their content.
      setHeaders: (response, path) => {
        const hashed = path.startsWith(join(folder, 'assets'));
        response.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  }

  app.setNotFoundHandler(async (request, reply) => {
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage) throw new AywaError('no_route', { detail: `${request.method} is not answered here.` });
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').header('content-security-policy', policy);
    return html;
  });
}

/** Scripts only from here, and the inline ones of the page itself by their hash. */
function contentPolicy(html: string): string {
  const inline = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) =>
      `'sha256-${createHash('sha256')
        .update(match[1] ?? '')
        .digest('base64')}'`,
  );
  return [
    `default-src 'self'`,
    `script-src 'self' ${inline.join(' ')}`.trim(),
    `style-src 'self' 'unsafe-inline'`,
    `img-src 'self' data: blob:`,
    `media-src 'self' blob:`,
    `connect-src 'self' ws: wss: blob: data:`,
    `worker-src 'self' blob:`,
    `object-src 'none'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}

const NOT_BUILT = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Aywa Runtime</title>
<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}code{font:14px ui-monospace,monospace}</style>
</head><body><h1>The runtime is up.</h1><p>Its dashboard is not built yet: run <code>npm run build</code> and start again.</p>
<p>The API is described at <a href="/docs">/docs</a>; <a href="/readyz">/readyz</a> tells how the parts are.</p></body></html>`;
