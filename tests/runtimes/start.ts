import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { type ProgramStart, programs, type Runtime } from './runtimes.ts';
import type { Given } from './smoke/ground.ts';

export const folder: string = import.meta.dirname;

export function programFile({ package: name, file }: ProgramStart): string {
  return join(folder, 'node_modules', name, file);
}

/** What one run of the program had to say. */
export interface Said {
  readonly lines: readonly string[];
  /** Null for one that has no end, or had to be ended. */
  readonly exitCode: number | null;
  /** What it wrote beside its lines. */
  readonly errors: string;
}

/** Neither a line nor its end for so long: longer than a check may take. */
const mostSilenceMs = 60_000;

export function runProgram({ program }: Runtime, given: Given, onLine: (line: string) => void): Promise<Said> {
  const start = programs[program];
  return start.flags === undefined ? askWorker(start, given, onLine) : runProcess(start, start.flags, given, onLine);
}

/** The names that applications use; nothing else of the environment of this process but where caches may lie. */
function environment({ urls }: Given): Record<string, string> {
  return { HOME: process.env['HOME'] ?? '', NO_COLOR: '1', VLLM_BASE_URL: urls.good };
}

async function runProcess(start: ProgramStart, flags: readonly string[], given: Given, onLine: (line: string) => void): Promise<Said> {
  const child = spawn(programFile(start), [...flags, 'start-process.ts', JSON.stringify(given)], {
    cwd: folder,
    env: environment(given),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const lines: string[] = [];
  let silence = setTimeout(() => child.kill('SIGKILL'), mostSilenceMs);
  createInterface(child.stdout).on('line', (line) => {
    clearTimeout(silence);
    silence = setTimeout(() => child.kill('SIGKILL'), mostSilenceMs);
    lines.push(line);
    onLine(line);
  });
  const errors = textOf(child.stderr);
  const [exitCode] = await closed;
  clearTimeout(silence);
  return { lines, exitCode, errors: await errors };
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) text += piece as string;
  return text;
}

async function askWorker(start: ProgramStart, given: Given, onLine: (line: string) => void): Promise<Said> {
  const made = await mkdtemp(join(tmpdir(), 'inferlane-worker-'));
  let child: ChildProcess | undefined;
  try {
    await writeFile(join(made, 'worker.capnp'), workerConfig(await bundleInto(made)));
    child = spawn(programFile(start), ['serve', 'worker.capnp', '--control-fd=1'], {
      cwd: made,
      env: environment(given),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors = textOf(child.stderr as Readable);
    const port = await portIn(child.stdout as Readable);
    if (port === undefined) throw new Error(`workerd did not begin to listen. ${await errors}`);
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify(given) });
    const lines = (await response.text()).split('\n');
    lines.forEach(onLine);
    child.kill('SIGKILL');
    return { lines, exitCode: null, errors: await errors };
  } finally {
    child?.kill('SIGKILL');
    await rm(made, { recursive: true });
  }
}

/** What a Worker is made of: no packages, but files beside each other, and what is loaded late in files of its own. */
async function bundleInto(made: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [join(folder, 'start-worker.ts')],
    absWorkingDir: folder,
    outdir: made,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2023',
    external: ['node:*', 'node-llama-cpp', '@huggingface/transformers', '@pydantic/genai-prices'],
    metafile: true,
    logLevel: 'error',
  });
  if (metafile.inputs['node_modules/inferlane/dist/index.js'] === undefined)
    throw new Error('The Worker does not hold the installed package.');
  const names = Object.keys(metafile.outputs).map((path) => path.slice(path.lastIndexOf('/') + 1));
  // The first one is the Worker itself.
  return names.toSorted((a, b) => Number(b === 'start-worker.js') - Number(a === 'start-worker.js'));
}

function workerConfig(names: readonly string[]): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${names.map((name) => `(name = "${name}", esModule = embed "${name}")`).join(', ')}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [(name = "VLLM_BASE_URL", fromEnvironment = "VLLM_BASE_URL")],
);
`;
}

async function portIn(control: Readable): Promise<string | undefined> {
  for await (const line of createInterface(control)) {
    const port = /"socket":"http","port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) return port;
  }
  return undefined;
}

/** The version that is installed. */
export async function installedVersion(name: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
