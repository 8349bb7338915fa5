/** The dashboard's files as a browser gets them: the app for its own addresses, assets for ever, inline scripts by their hash only. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveDashboard } from '../../src/api/dashboard.ts';
import type { Api, ZodRequests } from '../../src/api/deps.ts';

const folder = mkdtempSync(join(tmpdir(), 'aywa-dashboard-'));
const SCRIPT = `document.documentElement.dataset.theme = 'dark'`;
const HTML = `<!doctype html><script>${SCRIPT}</script><script type="module" src="/assets/app-1a2b.js"></script>`;
const app: Api = Fastify().withTypeProvider<ZodRequests>();
beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), HTML);
  writeFileSync(join(folder, 'assets', 'app-1a2b.js'), 'start()');
  writeFileSync(join(folder, 'icon.svg'), '<svg/>');
  await serveDashboard(app, folder);
  await app.ready();
});
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const get = (url: string, accept = 'text/html') => app.inject({ url, headers: { accept } });

describe('the dashboard', () => {
  it.each(['/', '/index.html', '/calls/42', '/assistants/new?from=list'])('answers %s with the app', async (url) => {
    const page = await get(url);
    expect([page.statusCode, page.body, page.headers['cache-control']]).toEqual([200, HTML, 'no-cache']);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain(`'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`);
  });

  it('lets browsers keep what has a hash in its name', async () => {
    const asset = await get('/assets/app-1a2b.js', '*/*');
    expect([asset.body, asset.headers['cache-control']]).toEqual(['start()', 'public, max-age=31536000, immutable']);
    expect((await get('/icon.svg', '*/*')).headers['cache-control']).toBe('no-cache');
  });

  it('has no page for what is missing among the assets', async () => {
    expect((await get('/assets/gone.js', '*/*')).statusCode).toBe(404);
  });
});
