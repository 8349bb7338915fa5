/** docs/add-a-provider.md, followed to the letter: its vendor is loaded, its fixture played, and the files it names are there. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessOf } from '../../src/providers/index.ts';
import type { Ears, SpeechToText } from '../../src/providers/stt/contract.ts';
import { earsOnTape, earsRecorder, MULAW } from './kit.ts';
import { type Driven, replayLines } from './replay.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/add-a-provider.md'), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';

let folder = '';
let hark: SpeechToText;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'add-a-provider-'));
  const code = block('ts')
    .replace(/from '(\.[^']+)'/g, (_, path: string) => `from '${pathToFileURL(resolve(root, 'src/providers/stt', path))}'`)
    .replace("from 'zod'", `from '${import.meta.resolve('zod')}'`);
  writeFileSync(join(folder, 'hark.ts'), code);
  ({ harkEars: hark } = (await import(/* @vite-ignore */ join(folder, 'hark.ts'))) as { harkEars: SpeechToText });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the page about new providers', () => {
  it('shows ears that work', async () => {
    await replayLines('docs/add-a-provider.md', block('jsonl'), (ctx): Driven => {
      const { listener, events } = earsRecorder();
      let open: Ears | undefined;
      return {
        given: events.items,
        call(line) {
          const access = { apiKey: 'key-0123456789abcdef', baseUrl: 'http://vendor' };
          const options = { format: MULAW, language: 'en', expected: [] };
          const settings = hark.settings.parse(line.listen ?? {});
          if (line.listen) open = earsOnTape(MULAW, (history) => hark.listen({ ...options, history }, settings, access, listener, ctx));
          if (typeof line.silenceMs === 'number') open?.write(new Uint8Array(line.silenceMs * 8).fill(0xff));
          if (line.flush) open?.flush();
        },
      };
    });
  });

  it('describes the key as it says', () => {
    expect(() => accessOf(hark, {})).toThrow(/HARK_API_KEY/);
    expect(accessOf(hark, { HARK_API_KEY: 'k' })).toEqual({ apiKey: 'k', baseUrl: 'https://api.hark.example' });
  });

  it('names only files that are there', () => {
    const named = [...page.matchAll(/`((?:src|test|docs)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
