/** What a production install weighs: `npm ci` without development and lab packages, in a copy of the manifests. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../lib/bench.ts';

const root = join(import.meta.dirname, '../..');

export const installSize: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-size-'));
  try {
    mkdirSync(join(folder, 'dashboard'));
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'dashboard/package.json'])
      cpSync(join(root, file), join(folder, file));
    const install = (omit: readonly string[]) => {
      execFileSync('npm', ['ci', ...omit, '--workspaces=false', '--ignore-scripts', '--silent'], { cwd: folder, stdio: 'ignore' });
      return Number(execFileSync('du', ['-sk', 'node_modules'], { cwd: folder, encoding: 'utf8' }).split('\t')[0]) / 1024;
    };
    const withLab = install(['--omit=dev']);
    const megabytes = install(['--omit=dev', '--omit=optional']);
    return [
      {
        name: 'size, production node_modules',
        figure: `${Math.round(megabytes)} MB (${Math.round(withLab)} with the lab's optional packages)`,
        goal: '<= 120 MB',
        met: megabytes <= 120,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
