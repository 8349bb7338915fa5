/** The dependency rule, the banned globals and the length of files: read from the sources, so that a breach fails here and not in production. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(src, file), 'utf8') }));

/** room -> what it may import. `providers/*` is split: a contract, a helper beside the vendors, and the vendors themselves. */
const MAY: Record<string, readonly RegExp[]> = {
  'main.ts': [/.*/],
  'config.ts': [/^kernel\//],
  cli: [/^operations\//, /^api\/contract\.ts$/, /^config\.ts$/, /^kernel\//],
  operations: [/^store\//, /^journal\//, /^config\.ts$/, /^kernel\//],
  api: [
    /^call\/(events|control)\.ts$/,
    /^wire\//,
    /^switchboard\//,
    /^host\/protocol\.ts$/,
    /^agent\//,
    /^journal\//,
    /^store\//,
    /^operations\//,
    /^providers\/(index|contract)\.ts$/,
    /^carriers\/(index|carrier)\.ts$/,
    /^audio\//,
    /^config\.ts$/,
    /^kernel\//,
  ],
  switchboard: [
    /^call\/(events|control)\.ts$/,
    /^host\/protocol\.ts$/,
    /^agent\//,
    /^journal\//,
    /^store\//,
    /^providers\/(index|contract)\.ts$/,
    /^carriers\/(index|carrier)\.ts$/,
    /^config\.ts$/,
    /^kernel\//,
  ],
  host: [/^call\//, /^wire\//, /^agent\//, /^providers\//, /^carriers\//, /^audio\//, /^kernel\//],
  journal: [/^call\/events\.ts$/, /^wire\//, /^agent\/desk\.ts$/, /^providers\/contract\.ts$/, /^store\//, /^kernel\//],
  wire: [/^call\/(events|control)\.ts$/, /^agent\/plan\.ts$/, /^providers\/contract\.ts$/, /^kernel\//],
  call: [/^agent\//, /^providers\/(\w+\/contract|contract|llm\/(tokens|prompt))\.ts$/, /^carriers\/carrier\.ts$/, /^audio\//, /^kernel\//],
  agent: [/^providers\/(\w+\/)?contract\.ts$/, /^kernel\//],
  providers: [/^audio\//, /^kernel\//],
  carriers: [/^audio\//, /^kernel\//],
  lab: [/.*/],
  store: [/^kernel\//],
  audio: [/^kernel\//],
  kernel: [],
};

/** The rooms inside `call/`: `hear`, `turn` and `play` do not know each other, `answer` knows `turn`, and only `call/` itself composes them. */
const INSIDE_CALL: Record<string, readonly RegExp[]> = {
  hear: [/^call\/events\.ts$/],
  turn: [/^call\/events\.ts$/],
  play: [/^call\/events\.ts$/],
  answer: [/^call\/events\.ts$/, /^call\/turn\//],
};

/** Files over 400 lines, each with its reason. */
const LONG: Record<string, string> = {};

const roomOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : file);
const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)'/gms), ...text.matchAll(/import\('(\.[^']+)'\)/g)].map((m) => m[1] ?? '');

describe('the house', () => {
  it('keeps the dependency rule', () => {
    const breaches: string[] = [];
    for (const { file, text } of sources) {
      const room = roomOf(file);
      const rules = MAY[room];
      if (!rules) breaches.push(`${file} stands in no room`);
      for (const path of importsOf(text)) {
        const target = relative(src, resolve(src, dirname(file), path));
        if (target.startsWith('..')) breaches.push(`${file} -> ${target} leaves src/`);
        else if (roomOf(target) !== room && !rules?.some((rule) => rule.test(target))) breaches.push(`${file} -> ${target}`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it('keeps the rooms of a call apart', () => {
    const breaches: string[] = [];
    for (const { file, text } of sources) {
      const [, room = ''] = /^call\/(\w+)\//.exec(file) ?? [];
      const rules = INSIDE_CALL[room];
      if (!file.startsWith('call/') || !file.slice(5).includes('/')) continue;
      if (!rules) breaches.push(`${file} stands in no room`);
      for (const path of importsOf(text)) {
        const target = relative(src, resolve(src, dirname(file), path));
        const inside = target.startsWith('call/') && !target.startsWith(`call/${room}/`);
        if (inside && !rules?.some((rule) => rule.test(target))) breaches.push(`${file} -> ${target}`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it('lets no vendor know another vendor', () => {
    const breaches: string[] = [];
    for (const { file, text } of sources) {
      const kind = /^(providers\/\w+|carriers)\/(?!index|contract|carrier)/.exec(file)?.[1];
      if (!kind) continue;
      const vendors = vendorsOf(kind);
      const self = file.slice(kind.length + 1);
      for (const path of importsOf(text)) {
        const target = relative(src, resolve(src, dirname(file), path));
        if (vendors.includes(self) && target.startsWith(`${kind}/`) && vendors.includes(target.slice(kind.length + 1)))
          breaches.push(`${file} -> ${target}`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it('keeps the platform behind the kernel', () => {
    const banned: [RegExp, RegExp][] = [
      [
        /\bDate\.now\(|\bperformance\.now\(|(?<![.\w])set(Timeout|Interval|Immediate)\(|\bPromise\.race\(|AbortSignal\.(any|timeout)\(/,
        /^kernel\//,
      ],
      [/\bconsole\.\w+\(/, /^(kernel|cli|lab)\//],
      [/\bprocess\.env\b/, /^(config|main)\.ts$|^lab\/demo\.ts$|^store\/migrate\.ts$|^host\/child-main\.ts$/],
      [/(?<![.\w])fetch\(|\bnet\.connect\(|\btls\.connect\(|new WebSocket\(|from 'undici'/, /^kernel\/|^lab\//],
      [/from '(pg|ioredis)'/, /^store\//],
    ];
    const breaches: string[] = [];
    for (const { file, text } of sources) {
      for (const [pattern, allowed] of banned) {
        if (allowed.test(file)) continue;
        text.split('\n').forEach((line, index) => {
          if (pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line)) breaches.push(`${file}:${index + 1} ${line.trim().slice(0, 100)}`);
        });
      }
    }
    expect(breaches).toEqual([]);
  });

  it('has no file over 400 lines without a reason', () => {
    const long = sources.filter(({ file, text }) => text.split('\n').length > 401 && !(file in LONG)).map(({ file }) => file);
    expect(long).toEqual([]);
  });
});

/** Vendor files of a folder: those that its index lists. */
function vendorsOf(kind: string): string[] {
  const index = kind === 'carriers' ? 'carriers/index.ts' : 'providers/index.ts';
  const text = sources.find(({ file }) => file === index)?.text ?? '';
  return importsOf(text)
    .map((path) => relative(src, resolve(src, dirname(index), path)))
    .filter((target) => target.startsWith(`${kind}/`) && !/\/(contract|carrier)\.ts$/.test(target))
    .map((target) => target.slice(kind.length + 1));
}
