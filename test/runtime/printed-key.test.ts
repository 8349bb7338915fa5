/** The start's output: an operator's own key never appears in it, whatever the log's level; a key that the lab made does, for the dashboard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_KEY, createWorld, type Env, outside, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function output(env: Env): Promise<string> {
  const runtime = outside(world, { ...env, LOG_LEVEL: 'debug' });
  const client = await runtime.ready;
  await client.ask('GET', '/assistant');
  runtime.kill('SIGTERM');
  const { stderr } = await runtime.exited;
  expect(stderr).toContain('Dashboard: http');
  return stderr + JSON.stringify(runtime.log);
}

it('does not hold the key of an operator', async () => {
  expect(await output(world.env)).not.toContain(API_KEY);
});

it('holds the key that the lab made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-'));
  world.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { RUNTIME_API_KEY: _, ...env } = world.env;
  expect(await output({ ...env, RUNTIME_DATA_DIR: folder })).toMatch(/Dashboard: http:\/\/[^\s]+\/#key=\S{20,}/);
});
