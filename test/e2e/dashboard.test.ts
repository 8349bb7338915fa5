/**
 * The dashboard in a real Chromium against a real runtime: what is said into the (fake) microphone is answered aloud and shown, in
 * writing too, and every screen stands in both themes and on a narrow phone without an error on the console.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Assistant, Call, Readiness } from '../../src/api/contract.ts';
import { wavHeader } from '../../src/audio/wav.ts';
import { type Runtime, start } from '../../src/main.ts';
import { flite } from '../../tools/flite.ts';

const RATE = 16_000;
/** The greeting is over by then. */
const QUIET_SECONDS = 6;
const PATIENCE = { timeout: 30_000 };

let folder: string;
let runtime: Runtime;
let browser: Browser;
let page: Page;
/** What a person with the developer tools open would see in red. */
let complaints: string[];

beforeAll(async () => {
  execFileSync('npm', ['run', 'build', '-w', 'dashboard'], { cwd: join(import.meta.dirname, '../..'), stdio: 'ignore' });
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  runtime = await start({ NODE_ENV: 'test', RUNTIME_PORT: '0', RUNTIME_DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'silent' });
  const microphone = join(folder, 'question.wav');
  writeFileSync(microphone, await spoken('when are you open'));
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
      `--use-file-for-fake-audio-capture=${microphone}%noloop`,
    ],
  });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await runtime?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await open({ viewport: { width: 1280, height: 860 }, permissions: ['microphone'] });
  // A browser, a recogniser and a voice on a small machine may keep the runtime from taking calls for a moment.
  await expect.poll(async () => (await get<Readiness>('/readyz')).ready, PATIENCE).toBe(true);
});

afterEach(async () => {
  await page.context().close();
  expect(complaints).toEqual([]);
});

test('a question that is spoken is answered aloud, appears in the transcript, and can be looked into afterwards', async () => {
  await page.goto(`${runtime.url}/#key=${runtime.apiKey}`);
  await page.getByRole('link', { name: 'New assistant' }).click();
  await page.getByLabel('Name').fill('Reception');
  await page.getByLabel('First message').fill('Hello, how can I help you?');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('link', { name: 'Talk to it' }).click();

  await page.getByRole('button', { name: 'Start talking' }).click();
  const words = page.getByRole('log');
  await words.getByText('Hello, how can I help you?').waitFor(PATIENCE);
  await words.getByText('when are you open').waitFor(PATIENCE);
  // The level is measured on what the playing worklet gives to the loudspeaker.
  await page.waitForFunction(
    `Number(document.querySelector('[data-levels]').style.getPropertyValue('--agent-level')) > 0.2`,
    null,
    PATIENCE,
  );
  await words.getByText('from nine in the morning to six in the evening').waitFor(PATIENCE);
  await words.getByText(/answered in \d/).waitFor(PATIENCE);
  await page.getByRole('button', { name: 'Hang up' }).click();

  await page.getByRole('link', { name: 'Look into the call' }).click();
  const waveform = page.getByRole('slider', { name: /place in the recording/i });
  await waveform.and(page.locator('[data-ready]')).waitFor(PATIENCE);
  expect(await waveform.locator('canvas').count()).toBeGreaterThanOrEqual(2);
  await page.getByText(/Decide \d+ ms/).waitFor(PATIENCE);
  await page
    .getByRole('button', { name: /^Play from/ })
    .first()
    .click();
  await expect.poll(async () => Number(await waveform.getAttribute('aria-valuenow')), PATIENCE).toBeGreaterThan(1);
  await page.getByRole('button', { name: 'Pause' }).click();
}, 120_000);

test('a conversation in writing needs no microphone', async () => {
  const { id } = await post<Assistant>('/assistant', {
    name: 'In writing',
    firstMessage: 'Hello in writing.',
    model: { provider: 'lab' },
    endCallPhrases: ['goodbye'],
  });
  await open({ viewport: { width: 1280, height: 860 } });
  await page.goto(`${runtime.url}/talk?assistant=${id}#key=${runtime.apiKey}`);
  await page.getByRole('button', { name: 'Talk in writing' }).click();
  const words = page.getByRole('log');
  await words.getByText('Hello in writing.').waitFor(PATIENCE);
  await page.getByLabel('Write to the agent').fill('where is my order');
  await page.keyboard.press('Enter');
  await words.getByText('What is your order number, please?').waitFor(PATIENCE);
  await page.getByLabel('Write to the agent').fill('thank you goodbye');
  await page.keyboard.press('Enter');
  await page.getByText('The call is over').waitFor(PATIENCE);
}, 60_000);

test('what the server refuses is shown at its field, and unsaved words are not lost by accident', async () => {
  const { id } = await post<Assistant>('/assistant', { name: 'Faulty', model: { provider: 'lab' } });
  await page.goto(`${runtime.url}/assistants/${id}#key=${runtime.apiKey}`);
  const limit = page.getByLabel('Silence limit (seconds)');
  await limit.fill('3');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('It was not saved').waitFor(PATIENCE);
  expect(await limit.getAttribute('aria-invalid')).toBe('true');
  await page.getByRole('navigation').getByRole('link', { name: 'Calls' }).first().click();
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await question.waitFor(PATIENCE);
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await limit.fill('20');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Saved', { exact: true }).first().waitFor(PATIENCE);
  expect((await get<Assistant>(`/assistant/${id}`)).silenceTimeoutSeconds).toBe(20);
  // The browser itself reports the refused request; it was asked for.
  complaints = complaints.filter((complaint) => !complaint.includes('400 (Bad Request)'));
}, 60_000);

test('a browser without a key signs in, and a wrong key is told', async () => {
  await page.goto(runtime.url);
  await page.getByLabel('Key').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('does not know this key').waitFor(PATIENCE);
  await page.getByLabel('Key').fill(runtime.apiKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Assistants' }).waitFor(PATIENCE);
  complaints = complaints.filter((complaint) => !complaint.includes('401 (Unauthorized)'));
}, 60_000);

test.each(['light', 'dark'] as const)(
  'every screen fits a narrow phone (%s)',
  async (colorScheme) => {
    await open({ viewport: { width: 360, height: 740 }, colorScheme });
    await page.goto(`${runtime.url}/#key=${runtime.apiKey}`);
    await page.getByRole('heading', { name: 'Assistants' }).waitFor(PATIENCE);
    expect(page.url()).not.toContain('key=');
    const [assistant] = await get<Assistant[]>('/assistant');
    const [call] = await get<Call[]>('/call');
    for (const path of ['/assistants', '/assistants/new', `/assistants/${assistant?.id}`, '/talk', '/calls', `/calls/${call?.id}`]) {
      await page.goto(runtime.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor(PATIENCE);
      await page.getByText('Lab:').waitFor(PATIENCE);
      expect([path, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([path, 0]);
      expect([path, await page.evaluate('document.documentElement.dataset.theme')]).toEqual([path, colorScheme]);
    }
  },
  60_000,
);

/** A fresh browser profile with a watch on its console. */
async function open(options: BrowserContextOptions): Promise<void> {
  await page?.context().close();
  complaints = [];
  page = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage();
  page.on('console', (message) => {
    const refused = message.location().url.endsWith('/readyz');
    if (!refused && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
}

async function get<T>(path: string): Promise<T> {
  const response = await page.request.get(runtime.url + path, { headers: { authorization: `Bearer ${runtime.apiKey}` } });
  return (await response.json()) as T;
}

async function post<T>(path: string, data: unknown): Promise<T> {
  const response = await page.request.post(runtime.url + path, { data, headers: { authorization: `Bearer ${runtime.apiKey}` } });
  return (await response.json()) as T;
}

/** A WAV file: quiet, one sentence, quiet. */
async function spoken(sentence: string): Promise<Buffer> {
  const { samples } = await flite(sentence, 'rms');
  const track = new Int16Array(RATE * 2 * QUIET_SECONDS + samples.length);
  track.set(samples, RATE * QUIET_SECONDS);
  return Buffer.concat([wavHeader({ encoding: 'pcm16', rate: RATE, channels: 1 }, track.byteLength), Buffer.from(track.buffer)]);
}
