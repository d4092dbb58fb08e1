import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { notTested } from '../_kit/not-tested.ts';
import { examples } from './example-process.ts';

// Examples with packages of their own, which are too large to come with `npm ci` of this repository.

const root = join(examples, '..');
/** Not the kind that blocks: the runner wants to hear from its workers within a minute. */
const run = promisify(execFile);

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestIn(...path: readonly string[]): Manifest | undefined {
  const file = join(examples, ...path, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

/** Every package of the manifest is there, in the version that it names. */
function isInstalled(folder: string): boolean {
  const { dependencies, devDependencies } = manifestIn(folder) ?? {};
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, wanted]) => {
    const version = manifestIn(folder, 'node_modules', name)?.version;
    return wanted.startsWith('file:') ? version !== undefined : version === wanted;
  });
}

/** Installs what the lock file says; gives why that cannot be done. */
async function install(folder: string): Promise<string | undefined> {
  if (isInstalled(folder)) return undefined;
  process.stderr.write(`\nInstalling the packages of examples/${folder} …\n`);
  let reason = '';
  // It packs this repository as well, which a test beside this one may be building: that is over when it is tried again.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await run('npm', ['ci', '--prefix', join('examples', folder), '--no-audit', '--no-fund'], { cwd: root, timeout: 240_000 });
      return undefined;
    } catch (error) {
      reason = (error as { readonly stderr?: string }).stderr ?? String(error);
    }
  }
  const lines = reason.split('\n').filter((line) => !line.startsWith('npm warn'));
  return lines.slice(0, 6).join('\n');
}

/** Puts what is built of the sources as they are now in the place of what was installed. `types`: its declarations as well, for 15 s more. */
export async function buildInto(folder: string, { types }: { readonly types: boolean }): Promise<void> {
  const home = join(examples, folder, 'node_modules/inferlane');
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js');
  await run(process.execPath, [tsup, '--silent', '--out-dir', join(home, 'dist'), ...(types ? [] : ['--no-dts'])], { cwd: root });
  copyFileSync(join(root, 'package.json'), join(home, 'package.json'));
}

/** One of the scripts of the example's own manifest; gives what it printed. */
export async function runScript(folder: string, script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const options = { cwd: root, env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1', ...env } };
  const { stdout, stderr } = await run('npm', ['run', '--silent', '--prefix', join('examples', folder), script], options);
  return stdout + stderr;
}

/** Tests that need the example's packages. Where they cannot be installed they say so; on a build server that is a failure. */
export async function describeInstalled(folder: string, body: () => void): Promise<void> {
  const reason = await install(folder);
  if (reason === undefined) {
    describe(`the example ${folder}`, body);
    return;
  }
  notTested(`its packages could not be installed: examples/${folder}`, reason);
}
