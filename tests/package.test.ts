import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { contentsOfBuild, type Sbom, sbomOf, textOf } from '../scripts/sbom.ts';

// The package as users get it: built, packed, unpacked into an empty project beside nothing but its own dependencies.

const root = join(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'inferlane-package-'));
const home = join(project, 'node_modules', 'inferlane');
let listed: readonly string[] = [];
let packedBytes = 0;

beforeAll(() => {
  const quiet = { cwd: root, encoding: 'utf8', stdio: 'pipe' } as const;
  execFileSync('npm', ['run', '--silent', 'build'], quiet);
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', project], quiet)) as [Packed];
  listed = packed.files.map(({ path }) => path);
  packedBytes = packed.size;
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', join(project, packed.filename), '-C', home, '--strip-components=1']);
  for (const name of dependenciesOf(root)) link(name);
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** The run-time dependencies and theirs, as npm would install them for a user. */
function dependenciesOf(folder: string, known: Set<string> = new Set()): ReadonlySet<string> {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> };
  for (const name of Object.keys(dependencies)) {
    if (known.has(name)) continue;
    known.add(name);
    dependenciesOf(join(root, 'node_modules', name), known);
  }
  return known;
}

function link(name: string): void {
  const target = join(project, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  if (!existsSync(target)) symlinkSync(join(root, 'node_modules', name), target);
}

function run(code: string, type: 'module' | 'commonjs'): string {
  return execFileSync(process.execPath, [`--input-type=${type}`, '--eval', code], { cwd: project, encoding: 'utf8' });
}

const use = `
  const router = createRouter({ providers: { last: { type: 'stub', reply: 'packed' } } });
  router.chat({ messages: [{ role: 'user', content: 'Hi' }] }).then(async (answer) => {
    console.log(answer.choices[0].message.content, answer.degraded);
    await router.close();
  });`;

test('has the command, which needs nothing that is not packed', () => {
  const command = join(home, manifest.bin.inferlane);
  expect(execFileSync(command, ['--version'], { cwd: project, encoding: 'utf8' }).trim()).toBe(manifest.version);
});

test('has the views', () => {
  expect(run("import { views } from 'inferlane/http'; console.log(Object.keys(views).length > 0);", 'module')).toBe('true\n');
});

test('can be imported and used', () => {
  expect(run(`import { createRouter } from 'inferlane';${use}`, 'module')).toBe('packed true\n');
});

test('importing it makes Node load neither its `fetch` nor its `http`, which take longer than all of ours', () => {
  const tell = 'console.log(process.moduleLoadList.filter((name) => /undici|http/.test(name)).length);';
  expect(Number(run(`import 'node:http'; ${tell}`, 'module'))).toBeGreaterThan(1);
  for (const name of ['inferlane', 'inferlane/http']) expect(run(`import '${name}'; ${tell}`, 'module')).toBe(run(tell, 'module'));
});

/** The files of the build that come with one of them before anything is called. */
function loadedWith(file: string, known: Set<string> = new Set()): ReadonlySet<string> {
  if (known.has(file)) return known;
  known.add(file);
  const text = readFileSync(join(home, 'dist', file), 'utf8');
  for (const [, name = ''] of text.matchAll(/^(?:import|export)[^'"]*from ?['"]\.\/([^'"]+)['"]/gm)) loadedWith(name, known);
  for (const [, name = ''] of text.matchAll(/^import ['"]\.\/([^'"]+)['"]/gm)) loadedWith(name, known);
  return known;
}

test('the root loads the routes of router.fetch with its first call, and from the files of the handler', () => {
  const holders = readdirSync(join(home, 'dist')).filter((name) => {
    return (
      name.endsWith('.js') &&
      name !== 'cli.js' &&
      /path: ['"]\/v1\/chat\/completions['"]/.test(readFileSync(join(home, 'dist', name), 'utf8'))
    );
  });
  expect(holders).toHaveLength(1);
  expect(loadedWith('http.js')).toContain(holders[0]);
  expect(loadedWith('index.js').size).toBeGreaterThan(1);
  expect(loadedWith('index.js')).not.toContain(holders[0]);
});

test('router.fetch answers in the package as well', () => {
  const code = `
    import { createRouter } from 'inferlane';
    const { fetch } = createRouter({ providers: { last: { type: 'stub', reply: 'packed' } } });
    const body = JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'Hi' }] });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const answer = await (await fetch('https://api.openai.com/v1/chat/completions', init)).json();
    console.log(answer.choices[0].message.content);`;
  expect(run(code, 'module')).toBe('packed\n');
});

test('can be required and used', () => {
  expect(run(`const { createRouter } = require('inferlane');${use}`, 'commonjs')).toBe('packed true\n');
});

test('works where the optional peer is missing, and says what to install', () => {
  writeFileSync(join(project, 'model.gguf'), 'GGUF and nothing more');
  const code = `
    import { createRouter } from 'inferlane';
    const router = createRouter({ providers: { cpu: { type: 'cpu', modelPath: 'model.gguf' } } });
    await router.chat({ messages: [{ role: 'user', content: 'Hi' }] }).catch((error) => console.log(error.attempts[0].error.message));
    await router.close();`;
  expect(run(code, 'module')).toContain('npm install node-llama-cpp');
});

test('the test kit plays servers where its peer is missing, and says what the handlers need', () => {
  const code = `
    import { createRouter } from 'inferlane';
    import { fakeBackend, reply } from 'inferlane/testing';
    const backend = fakeBackend('vllm', reply('played'));
    await using server = await backend.listen();
    await using router = createRouter({ providers: { gpu: { type: 'vllm', url: server.url } } });
    const answer = await router.chat({ messages: [{ role: 'user', content: 'Hi' }] });
    console.log(answer.choices[0].message.content);
    try { backend.handlers; } catch (error) { console.log(error.message); }`;
  expect(run(code, 'module')).toMatch(/^played\n.*npm install.* msw/);
});

/** Names of chunks carry a hash of what is in them. */
function withoutHash(path: string): string {
  return path.replace(/-[A-Z0-9]{8}\.js$/, '-HASH.js').replace(/-[\w-]{8}\.d\.ts$/, '-HASH.d.ts');
}

// SECURITY.md and CONTRIBUTING.md stay out: they are for those who have the repository, and age with it and not with a version.
test('holds what the list in tests/fixtures has, and nothing else; `npx vitest run tests/package.test.ts --update` writes it', async () => {
  const paths = listed.map(withoutHash).sort();
  await expect(`${paths.join('\n')}\n`).toMatchFileSnapshot('fixtures/package-files.txt');
});

test('the archive is no larger than it was, but for a tenth', () => {
  expect(packedBytes).toBeGreaterThan(0);
  expect(packedBytes).toBeLessThan(580_000);
});

const keys =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:npm_\w{36}|gh[oprsu]_\w{36}|github_pat_\w{22}|hf_\w{34}|AKIA[A-Z\d]{16}|sk-[\w-]{32})/;
const buildFolders = [`${root}/src/`, `${root}/node_modules/`, '../node_modules/'];

test.each<[string, (text: string) => boolean]>([
  ['a source map', (text) => text.includes('sourceMappingURL')],
  ['the folder it was built in', (text) => buildFolders.some((folder) => text.includes(folder))],
  ['what looks like a key', (text) => keys.test(text)],
])('no file names %s', (_what, isIn) => {
  const found = listed.filter((path) => isIn(readFileSync(join(home, path), 'utf8')));
  expect({ found, isRead: listed.length > 0 }).toEqual({ found: [], isRead: true });
});

test('every export of the manifest leads to a file', () => {
  const paths = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
  expect(paths.filter((path) => !existsSync(join(home, path)))).toEqual([]);
});

test('no published type names zod or an optional peer', () => {
  const types = readFileSync(join(home, 'dist', 'index.d.ts'), 'utf8');
  expect(types.match(/from '(?:zod|node-llama-cpp)[^']*'/g)).toBeNull();
});

/** In the build of the library; the script of the admin page has its own two. */
const bundledPackages = ['commander', 'eventemitter3', 'eventsource-parser', 'is-network-error', 'p-retry', 'p-timeout', 'zod'];

test('what is bundled has its licence with it', () => {
  const built = readdirSync(join(home, 'dist')).filter((name) => name.endsWith('.js'));
  const texts = built.map((name) => readFileSync(join(home, 'dist', name), 'utf8'));
  const paths = texts.flatMap((text) => [...text.matchAll(/^\/\/ (.*node_modules\/)((?:@[^/\n]+\/)?[^/\n]+)/gm)]);
  const bundled = new Set(paths.map(([, , name = '']) => name));
  expect([...bundled].sort()).toEqual(bundledPackages);
  // Of each there is one version, at the top, which is the one whose licence and version are told.
  expect(new Set(paths.map(([, folder]) => folder))).toEqual(new Set(['node_modules/']));
  for (const name of bundled) {
    for (const text of texts.filter((each) => each.includes(`node_modules/${name}/`)))
      expect(text).toMatch(new RegExp(`\\(\\*! ${name}: .*Copyright`));
  }
});

test('its list of parts has each of them, in the version and under the licence that were bundled', () => {
  const text = readFileSync(join(home, 'dist', 'sbom.cdx.json'), 'utf8');
  const { metadata, components } = JSON.parse(text) as Sbom;
  const told = components.map(({ name, version, licenses: [licence], properties }) => {
    return [name, { version, licence, isBundled: properties?.[0].name === 'cdx:npm:package:bundled' }] as const;
  });
  const bundled = [...bundledPackages, 'preact', 'uplot'];
  const expected = [...bundled, ...dependenciesOf(root)].map((name) => {
    const file = join(root, 'node_modules', name, 'package.json');
    const { version, license } = JSON.parse(readFileSync(file, 'utf8')) as { version: string; license: string };
    return [name, { version, licence: { license: { id: license } }, isBundled: bundled.includes(name) }] as const;
  });
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(expected));
  expect(metadata.component).toMatchObject({ name: 'inferlane', version: manifest.version });
  expect(text).toBe(textOf(sbomOf(contentsOfBuild())));
});
