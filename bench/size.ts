/** What a production install weighs: `npm ci` without development and lab packages, in a copy of the manifests. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export async function installSize(): Promise<{ megabytes: number; withLab: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-size-'));
  try {
    mkdirSync(join(folder, 'dashboard'));
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'dashboard/package.json'])
      cpSync(join(root, file), join(folder, file));
    const install = (omit: readonly string[]) => {
      execFileSync('npm', ['ci', ...omit, '--workspaces=false', '--ignore-scripts', '--silent'], { cwd: folder, stdio: 'ignore' });
      return Number(execFileSync('du', ['-sk', 'node_modules'], { cwd: folder, encoding: 'utf8' }).split('\t')[0]) / 1024;
    };
    return { withLab: install(['--omit=dev']), megabytes: install(['--omit=dev', '--omit=optional']) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
