import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

// The package as users get it: built, packed, unpacked into an empty project beside nothing but its own dependencies.

const root = join(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'inferlane-package-'));
const home = join(project, 'node_modules', 'inferlane');
let listed: readonly string[] = [];

beforeAll(() => {
  const quiet = { cwd: root, encoding: 'utf8', stdio: 'pipe' } as const;
  execFileSync('npm', ['run', '--silent', 'build'], quiet);
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', project], quiet)) as [Packed];
  listed = packed.files.map(({ path }) => path);
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', join(project, packed.filename), '-C', home, '--strip-components=1']);
  for (const name of dependenciesOf(root)) link(name);
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

interface Packed {
  readonly filename: string;
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

test('holds the build, the texts of the root and nothing else', () => {
  const built = readdirSync(join(root, 'dist')).map((name) => `dist/${name}`);
  expect([...listed].sort()).toEqual(
    [...built, 'CHANGELOG.md', 'LICENSE', 'README.md', 'docs/reference/config.schema.json', 'package.json'].sort(),
  );
});

test('every export of the manifest leads to a file', () => {
  const paths = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
  expect(paths.filter((path) => !existsSync(join(home, path)))).toEqual([]);
});

test('no published type names zod or an optional peer', () => {
  const types = readFileSync(join(home, 'dist', 'index.d.ts'), 'utf8');
  expect(types.match(/from '(?:zod|node-llama-cpp)[^']*'/g)).toBeNull();
});

test('what is bundled has its licence with it', () => {
  const built = readdirSync(join(home, 'dist')).filter((name) => name.endsWith('.js'));
  const texts = built.map((name) => readFileSync(join(home, 'dist', name), 'utf8'));
  const bundled = new Set(
    texts.flatMap((text) => [...text.matchAll(/^\/\/ (?:.*\/)?node_modules\/((?:@[^/\n]+\/)?[^/\n]+)/gm)].map(([, name = '']) => name)),
  );
  expect([...bundled].sort()).toEqual(
    ['commander', 'eventemitter3', 'eventsource-parser', 'is-network-error', 'p-retry', 'p-timeout', 'zod'].sort(),
  );
  for (const name of bundled) {
    for (const text of texts.filter((each) => each.includes(`node_modules/${name}/`)))
      expect(text).toMatch(new RegExp(`\\(\\*! ${name}: .*Copyright`));
  }
});
