// Acts somebody who has never seen the package, and prints all that they see and how long each step takes:
// node scripts/first-ten-minutes.ts [--without-clone]
// A clone of what is committed, with the README's two commands but the tests; then an empty folder, the package as it would be published,
// the README's example and every command of docs/start.md, against two Ollamas that are played at the usual ports. Exits with 1 where a
// step ends other than the page says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fakeBackend, models, outOfMemory, reply, type ScriptItem } from '../src/testing/index.ts';
import { blocksOf, type CodeBlock } from '../tests/docs/code-blocks.ts';
import { readPage } from '../tests/docs/pages.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'first-ten-minutes-'));
const spoken = reply('Air scatters short waves of light more than long ones, so blue comes from everywhere.');
const named = models(['llama3.1:8b', 'nomic-embed-text']);
/** What stands at the two ports, by the word behind `console` on the page. */
const scenes: Readonly<Record<string, { readonly gpu?: readonly ScriptItem[]; readonly cpu?: readonly ScriptItem[] }>> = {
  both: { gpu: [named, spoken], cpu: [named, spoken] },
  stopped: { cpu: [named, spoken] },
  full: { gpu: [named, outOfMemory('cuda')], cpu: [named, spoken] },
  nobody: {},
};
/** The page says of this one that it ends with an error. */
const endsBadly: ReadonlySet<string> = new Set(['nobody']);

const own = ownSettings();
/** Without what `npm run` hands on of this repository's own settings: npm would warn of them, and nobody has them in an empty folder. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.has(name)));

let wrong = 0;
const startMs = performance.now();
try {
  if (!process.argv.includes('--without-clone')) await clone();
  await install();
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(
  `\nAll of it took ${seconds(startMs)} s. ${wrong === 0 ? 'Every step ended as the pages say.' : `${wrong} steps did not end as the pages say.`}`,
);
process.exitCode = wrong === 0 ? 0 : 1;

async function clone(): Promise<void> {
  console.log('## A clone\n');
  const folder = join(home, 'clone');
  await show(`git clone --quiet ${root} ${folder}`, home, `git clone … inferlane`);
  await show('npm ci --no-audit --no-fund', folder);
  await show('npm run demo', folder);
}

async function install(): Promise<void> {
  console.log('\n## An empty folder\n');
  const folder = mkdtempSync(join(home, 'app-'));
  const { text } = await run(`npm pack --silent --pack-destination ${home}`, root);
  const tarball = join(home, text.trim().split('\n').at(-1) ?? '');
  await show(`npm install --no-audit --no-fund ${tarball}`, folder, 'npm install inferlane');
  writeFileSync(join(folder, 'readme.mts'), programIn(blocksOf(readPage('README.md')), 'ts'));
  await inScene('both', () => show('node readme.mts', folder));
  const blocks = blocksOf(readPage('docs/start.md'));
  writeFileSync(join(folder, 'chat.mjs'), programIn(blocks, 'js'));
  for (const { name, code } of blocks.filter(({ language }) => language === 'console')) {
    const command = code.slice('$ '.length, code.indexOf('\n'));
    await inScene(name || 'both', () => show(command, folder, command, endsBadly.has(name)));
  }
}

/** The first of that language. */
function programIn(blocks: readonly CodeBlock[], wanted: string): string {
  const found = blocks.find(({ language }) => language === wanted);
  if (found === undefined) throw new Error(`There is no program in ${wanted}.`);
  return found.code;
}

async function inScene(name: string, act: () => Promise<void>): Promise<void> {
  const { gpu, cpu } = scenes[name] ?? {};
  const standing = [await stand(11_434, gpu), await stand(11_435, cpu)];
  try {
    await act();
  } finally {
    for (const leave of standing) await leave();
  }
}

/** Plays an Ollama at a port. Without steps nobody listens there. */
async function stand(port: number, steps: readonly ScriptItem[] | undefined): Promise<() => Promise<void>> {
  if (steps === undefined) return async () => undefined;
  const played = await fakeBackend('ollama', [...steps]).listen();
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const upstream = connect(Number(new URL(played.url).port), '127.0.0.1');
    for (const each of [socket, upstream]) sockets.add(each.on('error', () => undefined));
    socket.pipe(upstream).pipe(socket);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await played.close();
  };
}

async function show(command: string, folder: string, shown: string = command, isBad: boolean = false): Promise<void> {
  const beganMs = performance.now();
  const { code, text } = await run(command, folder);
  const isWrong = (code !== 0) !== isBad;
  if (isWrong) wrong += 1;
  console.log(`$ ${shown}\n${text.trimEnd()}\n[${seconds(beganMs)} s${isWrong ? `, ended with ${code}` : ''}]\n`);
}

async function run(command: string, folder: string): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(command, { cwd: folder, env: environment, shell: true, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, text };
}

/** The names of the variables in which npm passes on what stands in `.npmrc`. */
function ownSettings(): ReadonlySet<string> {
  const lines = readFileSync(join(root, '.npmrc'), 'utf8').matchAll(/^([\w-]+)=/gm);
  return new Set(Array.from(lines, ([, name = '']) => `npm_config_${name.replaceAll('-', '_')}`));
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(1);
}
