import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { vi } from 'vitest';
import * as inferlane from '../../src/index.ts';
import { envTable } from '../../src/config/env-table.ts';
import { presetNames, type Router, type RouterOptions } from '../../src/index.ts';
import type { Create } from './given/every-page.ts';
import { entryPoints } from './entry-points.ts';
import { listenAnywhere, urlOf } from './listening.ts';
import { openNetwork, type PlayedServer } from './network.ts';
import { root } from './pages.ts';
import { isServer, parseBlock } from './parsed-block.ts';
import { type ProgramBlock, valuesFor } from './program-block.ts';

export interface MadeRouter {
  readonly router: Router;
  /** What it was made with; undefined: the environment. */
  readonly options: RouterOptions | undefined;
}

/** What came of it. */
export interface Ran {
  /** Every router that it made, in order. */
  readonly routers: readonly MadeRouter[];
  /** The values that it made, by their names. */
  readonly made: Named;
  /** The values that it was given. */
  readonly given: Named;
  /** What it wrote to the console and to the standard output. */
  readonly printed: string;
  /** Where its servers listen: on free ports, whichever it named. */
  readonly listening: readonly string[];
  /** The paths of the calls for answers that arrived at the servers it speaks of. */
  readonly calls: readonly string[];
  /** Requests to where no server was played. */
  readonly strangers: readonly string[];
}

/** Values, by the names that a block knows them by. */
type Named = Readonly<Record<string, unknown>>;

/** Long enough for every use, also that of the admin page. */
export const someKey = 'key-of-the-docs-Jp4kW9-tZq2_x7Lr';
const isKey = /(?:KEY|TOKEN|SECRET)$/;

/** Runs a block as the body of an asynchronous function, lets `look` see what came of it, and takes all of it away. */
export async function runBlock(program: ProgramBlock, look: (ran: Ran) => Promise<void>): Promise<void> {
  const { scene } = program;
  const env = environmentOf(program);
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-docs-'));
  const home = process.cwd();
  const network = openNetwork([...(scene.servers ?? []), ...program.parsed.servers, ...serversIn(env, program.code)]);
  const world = openWorld(network.letThrough);
  try {
    for (const [name, text] of Object.entries((await scene.files?.()) ?? {})) writeFileSync(join(folder, name), text);
    process.chdir(folder);
    for (const name of Object.keys(envTable)) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const { routers } = world;
    const given = await valuesFor(program, remembering(routers));
    const made = await evaluate(program, given, routers);
    await look({ ...world.told(), ...network.told(), routers, made, given });
  } finally {
    process.chdir(home);
    vi.unstubAllEnvs();
    await world.close();
    network.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the machine that this runs on nothing is left that the library reads. */
function environmentOf({ code, parsed, scene, variables }: ProgramBlock): Readonly<Record<string, string>> {
  const keys = parsed.variables.filter((name) => isKey.test(name)).map((name) => [name, someKey]);
  const usual = /createRouter\(\)/.test(code) ? { OLLAMA_BASE_URL: 'http://127.0.0.1:11434' } : {};
  return { ...usual, ...Object.fromEntries(keys), ...scene.env, ...variables };
}

/** Those that a preset makes of variables: no block names them. */
function serversIn(env: Readonly<Record<string, string>>, code: string): readonly PlayedServer[] {
  const preset = presetNames.find((name) => code.includes(`preset: '${name}'`));
  if (preset === undefined || !Object.keys(env).some((name) => name in envTable)) return [];
  const providers = Object.values(inferlane.inspectEnv(env, { preset }).options?.providers ?? {});
  return providers.flatMap(({ type, url = '' }) => (isServer(type) && url !== '' ? [{ type, url }] : []));
}

/** What is printed and what listens, kept from the machine that this runs on. */
function openWorld(letThrough: (url: string) => void): World {
  const routers: MadeRouter[] = [];
  let printed = '';
  const print = (...words: readonly unknown[]): void => void (printed += `${words.join(' ')}\n`);
  const write = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  const spies = [
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((level) => vi.spyOn(console, level).mockImplementation(print)),
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
  ];
  const { servers, stop } = listenAnywhere(letThrough);
  return {
    routers,
    told: () => ({ printed, listening: servers.filter(({ listening }) => listening).map(urlOf) }),
    async close() {
      stop();
      for (const spy of spies) spy.mockRestore();
      await Promise.all(routers.map(({ router }) => router.close({ drainMs: 0 })));
      for (const server of servers) server.close();
    },
  };
}

interface World {
  readonly routers: MadeRouter[];
  told(): Pick<Ran, 'printed' | 'listening'>;
  close(): Promise<void>;
}

type Body = (
  require: (name: string) => unknown,
  exports: object,
  tell: (made: Named) => void,
  ...given: readonly unknown[]
) => Promise<void>;
const AsyncFunction = (async () => undefined).constructor as new (...words: readonly string[]) => Body;

async function evaluate({ code, parsed, scene }: ProgramBlock, given: Named, routers: MadeRouter[]): Promise<Named> {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ESNext };
  const { outputText } = ts.transpileModule(`${code}\n$tell({ ${parsed.makes.join(', ')} });`, { compilerOptions });
  const modules = new Map<string, unknown>();
  for (const { from } of parseBlock(code).imports) modules.set(from, await load(from, scene.folder ?? ''));
  modules.set('inferlane', { ...inferlane, createRouter: remembering(routers) });
  let made: Named = {};
  // A block may have names of its own for what is given, so it stands in braces of its own.
  const body = new AsyncFunction('require', 'exports', '$tell', ...Object.keys(given), `'use strict'; {\n${outputText}\n}`);
  await body(
    (name) => modules.get(name),
    {},
    (told) => void (made = told),
    ...Object.values(given),
  );
  return made;
}

/** The package is its sources, so that nothing has to be built. */
function load(name: string, folder: string): Promise<unknown> {
  const source = entryPoints[name];
  if (source !== undefined) return import(/* @vite-ignore */ join(root, 'src', source));
  return import(/* @vite-ignore */ name.startsWith('.') ? join(root, folder, name) : name);
}

function remembering(routers: MadeRouter[]): Create {
  return (options) => {
    const router = inferlane.createRouter(options);
    routers.push({ router, options });
    return router;
  };
}
