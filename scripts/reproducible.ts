import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Is the package the same, whoever builds it? `npm run check:reproducible` builds it twice, in fresh copies of the tree that lie in different
// folders, under another time zone, language and number of threads, and compares what `npm pack` makes of them. It prints the integrity of
// the tarball, as the registry has it. `-- <folder>` keeps the tarball there.

const home = fileURLToPath(new URL('..', import.meta.url));

/** Where each copy lies, and what is different around it. */
const surroundings: readonly { readonly folder: string; readonly env: Readonly<Record<string, string>> }[] = [
  { folder: 'one', env: { TZ: 'UTC', LC_ALL: 'C' } },
  { folder: 'elsewhere/and deeper', env: { TZ: 'Asia/Kathmandu', LC_ALL: 'de_DE.UTF-8', GOMAXPROCS: '1', NODE_ENV: 'production' } },
];

export interface PackedFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** What is not the same in both, a sentence each. */
export function differences(first: readonly PackedFile[], second: readonly PackedFile[]): string[] {
  const paths = [...new Set([...first, ...second].map(({ path }) => path))].sort();
  return paths.flatMap((path) => {
    const one = first.find((file) => file.path === path);
    const other = second.find((file) => file.path === path);
    if (one === undefined || other === undefined) return [`${path} is in one of them only`];
    if (one.mode !== other.mode) return [`${path} has the modes ${one.mode.toString(8)} and ${other.mode.toString(8)}`];
    return one.bytes.equals(other.bytes) ? [] : [`${path} differs`];
  });
}

/** As the registry and package-lock.json write it. */
export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** What git knows, and what is new and not ignored; with the packages that are installed, which are linked where the disk can. */
function copyTree(target: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: home, encoding: 'utf8' });
  for (const path of listed.split('\0').filter((each) => each !== '' && existsSync(join(home, each)))) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    copyFileSync(join(home, path), join(target, path));
    // npm packs the modes that it finds, and those of a checkout are up to whoever made it.
    chmodSync(join(target, path), (statSync(join(home, path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
  mkdirSync(join(target, 'node_modules'), { recursive: true });
  for (const name of readdirSync(join(home, 'node_modules'))) {
    // The rest of what begins with a dot are caches of tools, which come and go.
    if (!name.startsWith('.') || name === '.bin') linkTree(join(home, 'node_modules', name), join(target, 'node_modules', name));
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkFile(source, target);
  }
}

function linkFile(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    // Another disk.
    copyFileSync(source, target);
  }
}

interface Packed {
  readonly filename: string;
  readonly bytes: Buffer;
  readonly files: readonly PackedFile[];
}

function build(folder: string, env: Readonly<Record<string, string>>): Packed {
  const npm = (...words: readonly string[]): string =>
    execFileSync('npm', words, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  npm('run', '--silent', 'build');
  const [packed] = JSON.parse(npm('pack', '--json')) as [{ filename: string; files: { path: string }[] }];
  const files = packed.files.map(({ path }) => {
    return { path, mode: statSync(join(folder, path)).mode & 0o777, bytes: readFileSync(join(folder, path)) };
  });
  return { filename: packed.filename, bytes: readFileSync(join(folder, packed.filename)), files };
}

function report(keepIn: string | undefined): void {
  process.umask(0o022);
  const parent = mkdtempSync(join(tmpdir(), 'inferlane-reproducible-'));
  try {
    // Both before anything is built, so that whoever edits meanwhile makes no difference.
    for (const { folder } of surroundings) copyTree(join(parent, folder));
    const [first, second] = surroundings.map(({ folder, env }) => build(join(parent, folder), env)) as [Packed, Packed];
    const found = differences(first.files, second.files);
    if (found.length === 0 && !first.bytes.equals(second.bytes)) found.push('the files are the same, and the tarballs are not');
    for (const sentence of found) console.error(sentence);
    if (found.length > 0) {
      process.exitCode = 1;
      return;
    }
    console.log(`${first.filename} ${integrityOf(first.bytes)}`);
    if (keepIn !== undefined) keep(first, keepIn);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function keep({ filename, bytes }: Packed, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, filename), bytes);
}

if (import.meta.main) report(process.argv[2]);
