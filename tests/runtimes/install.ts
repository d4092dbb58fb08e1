import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Packs what was built, and installs that beside the runtimes, as a user's `npm install` would; the lock file knows nothing of it.

const folder = mkdtempSync(join(tmpdir(), 'inferlane-packed-'));
try {
  const pack = ['pack', '--json', '--pack-destination', folder];
  const packed = execFileSync('npm', pack, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8', stdio: 'pipe' });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const install = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)];
  execFileSync('npm', install, { cwd: import.meta.dirname, stdio: 'pipe' });
} finally {
  rmSync(folder, { recursive: true });
}
