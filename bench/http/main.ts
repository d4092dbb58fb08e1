import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chatCells, piecesOfStream, streamCells } from './cells.ts';
import { measure, type Subject } from './measure.ts';
import { httpLoadPage } from './page.ts';
import { cores, freePort, pinSelf, type Running, start } from './processes.ts';

// What the HTTP handler can carry on one core, and what it adds to a call, beside a gateway of npm; writes docs/reference/http-load.md.
// node bench/http/main.ts [--rounds 9] [--seconds 2] [--dry]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    dry: { type: 'boolean', default: false },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const here = import.meta.dirname;
const root = join(here, '../..');
const installed = join(here, 'node_modules');
const gateway = '@portkey-ai/gateway';

const folder = await mkdtemp(join(tmpdir(), 'inferlane-http-load-'));
const running: Running[] = [];
const loadBefore = loadavg()[1] ?? 0;
try {
  await buildInto(folder);
  pinSelf(cores.others);
  const subjects = await startAll();
  const atStart = await Promise.all(subjects.map(async ({ running }) => (await running.sample()).rssBytes));
  const results = await measure(subjects, [...chatCells, ...streamCells], rounds, seconds * 1_000);
  const atEnd = await Promise.all(subjects.map(async ({ running }) => (await running.sample()).rssBytes));
  const memory = subjects.map(({ name }, index) => ({ name, startBytes: atStart[index] ?? 0, endBytes: atEnd[index] ?? 0 }));
  const versions = {
    inferlane: await versionIn(root),
    gateway: await versionIn(join(installed, gateway)),
    gatewayServer: await versionIn(join(installed, '@hono/node-server')),
  };
  const page = httpLoadPage({ results, memory, versions, rounds, seconds, loadBefore, loadAfter: loadavg()[1] ?? 0 });
  if (!values.dry) await writeFile(join(root, 'docs/reference/http-load.md'), page);
  console.log(page);
} finally {
  await Promise.all(running.map((each) => each.stop()));
  await rm(folder, { recursive: true });
}

/** What runs is what is published: JavaScript, as the package's own build makes it. */
async function buildInto(outDir: string): Promise<void> {
  // It works where it was loaded.
  process.chdir(root);
  const { build } = await import('tsup');
  await build({
    entry: { 'our-server': join(here, 'our-server.ts'), backend: join(here, 'backend.ts'), probe: join(here, 'probe.ts') },
    outDir,
    format: 'esm',
    target: ['node22', 'es2023'],
    removeNodeProtocol: false,
    config: false,
    silent: true,
  });
  await symlink(join(root, 'node_modules'), join(outDir, 'node_modules'));
  await writeFile(join(outDir, 'package.json'), '{ "type": "module" }');
}

async function startAll(): Promise<Subject[]> {
  const [apiKey, token] = [randomBytes(24).toString('hex'), randomBytes(24).toString('base64')];
  const backend = await started(join(folder, 'backend.js'), [String(piecesOfStream)], cores.others);
  const url = `http://127.0.0.1:${backend.port}`;
  const alone = await started(join(folder, 'backend.js'), [String(piecesOfStream)], cores.measured);
  const ours = await started(join(folder, 'our-server.js'), [url, apiKey, token], cores.measured);
  const port = await freePort();
  const program = join(installed, gateway, 'build/start-server.js');
  const theirs = await started(program, ['--headless', `--port=${port}`], cores.measured, port);
  const toBackend = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${url}/v1` };
  return [
    { name: 'direct', running: alone, headers: { authorization: `Bearer ${apiKey}` }, backend: undefined },
    { name: 'inferlane', running: ours, headers: { authorization: `Bearer ${token}` }, backend },
    { name: 'portkey', running: theirs, headers: { authorization: `Bearer ${apiKey}`, ...toBackend }, backend },
  ];
}

async function started(file: string, args: readonly string[], core: number, port?: number): Promise<Running> {
  const one = await start({ file, args, core, probe: join(folder, 'probe.js'), ...(port !== undefined && { port }) });
  running.push(one);
  return one;
}

async function versionIn(path: string): Promise<string> {
  return (JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as { version: string }).version;
}
