import { describe, expect, test } from 'vitest';
import {
  ambientUsesOf,
  assignedFunctionsOf,
  breaches,
  covers,
  escapesOf,
  functionsOf,
  importsOf,
  readSources,
  source,
} from './_kit/source-rules.ts';
import type { Import, Source } from './_kit/source-rules.ts';
import manifest from '../package.json' with { type: 'json' };

// Paths are relative to src/. A pattern is `folder/`, `folder/name-*` or one file.

const ENTRY_POINTS = ['index.ts', 'http/index.ts', 'telemetry/prometheus.ts', 'ai-sdk/index.ts', 'state/redis.ts', 'testing/index.ts'];

/** Who may import whom, beside files of its own folder. `types` are imports that the compiler erases. */
const FOLDERS: Record<string, { own: string[]; values: string[]; types?: string[] }> = {
  core: { own: ['core/'], values: [] },
  lib: { own: ['lib/'], values: ['core/'] },
  // An adapter's own parts, and the wire that the OpenAI family shares.
  adapters: {
    own: ['openai', 'ollama', 'anthropic', 'huggingface', 'remote-gpu', 'cpu'].map((name) => `adapters/${name}-*`),
    values: ['core/', 'lib/'],
    types: ['adapters/context.ts'],
  },
  routing: { own: ['routing/'], values: ['core/error-codes.ts', 'core/capabilities.ts'], types: ['core/'] },
  breaker: { own: ['breaker/'], values: ['core/error-codes.ts'], types: ['core/'] },
  state: { own: ['state/'], values: ['core/', 'lib/'] },
  cache: { own: ['cache/'], values: ['core/', 'lib/'] },
  config: { own: ['config/'], values: ['core/', 'lib/'], types: ['adapters/registry.ts', 'state/store.ts'] },
  router: {
    own: ['router/'],
    values: ['core/', 'lib/', 'config/', 'routing/', 'breaker/', 'state/', 'cache/', 'adapters/registry.ts'],
  },
  http: { own: ['http/'], values: ENTRY_POINTS },
  cli: { own: ['cli/'], values: ENTRY_POINTS },
  // The page in the browser: of the library it knows what its server says to it, and the words for that.
  admin: { own: ['admin/'], values: [], types: ['http/admin-contract.ts', 'index.ts'] },
  telemetry: { own: ['telemetry/otel-*', 'telemetry/prometheus-*'], values: ENTRY_POINTS },
  'ai-sdk': { own: ['ai-sdk/'], values: ENTRY_POINTS },
  testing: { own: ['testing/'], values: ENTRY_POINTS },
};

/** Files whose whole job is to join others. */
const JOINS: Record<string, string[]> = {
  // Everything a consumer of the root may see; the outer folders have entry points of their own.
  'index.ts': ['core/', 'lib/', 'adapters/', 'routing/', 'breaker/', 'state/', 'cache/', 'config/', 'router/'],
  'adapters/registry.ts': ['adapters/', 'core/', 'lib/'],
};

/**
 * Where each package may be imported. `lazy` peers may be missing, so only `import()` or a type may name them; a `peer` belongs to an
 * entry point of its own, which needs it. What is `bundled` is no dependency of users: one file is loaded faster than several, and it
 * holds no more than is used.
 */
const PACKAGES: Record<string, { in: string[]; lazy?: true; peer?: true; bundled?: true }> = {
  // Configuration, and the bodies of requests: what is unknown at the wire is parsed once.
  zod: { in: ['config/', 'http/', 'state/facts.ts'], bundled: true },
  ofetch: { in: ['lib/transport.ts'] },
  'p-retry': { in: ['router/', 'lib/'], bundled: true },
  'p-timeout': { in: ['router/', 'lib/'], bundled: true },
  eventemitter3: { in: ['router/', 'core/emitter.ts'], bundled: true },
  'eventsource-parser': { in: ['lib/sse.ts'], bundled: true },
  // In `lib/` their types alone: what runs there asks for the modules when they are needed.
  node: { in: ['lib/node-*.ts', 'lib/undici-*.ts', 'http/node.ts', 'http/node-request.ts', 'cli/', 'state/redis*.ts', 'testing/'] },
  'node-llama-cpp': { in: ['adapters/cpu*.ts'], lazy: true },
  '@huggingface/transformers': { in: ['adapters/cpu*.ts'], lazy: true },
  '@pydantic/genai-prices': { in: ['config/prices.ts'], lazy: true },
  commander: { in: ['cli/'], bundled: true },
  // In the text of the admin page's script.
  preact: { in: ['admin/'], bundled: true },
  uplot: { in: ['admin/'], bundled: true },
  msw: { in: ['testing/'], peer: true },
  redis: { in: ['state/redis*.ts'], peer: true },
  undici: { in: ['lib/undici-*.ts'], peer: true },
  '@ai-sdk/provider': { in: ['ai-sdk/'], peer: true },
  '@opentelemetry/api': { in: ['telemetry/otel*'], peer: true },
  'prom-client': { in: ['telemetry/prometheus*'], peer: true },
};

/** Files outside of the command line that need a `node:` module, each with the reason that nothing portable will do. */
const ADAPTER_NODE: Record<string, string> = {
  'config/file-text.ts': 'reads a configuration file; imported at first use only',
  'adapters/cpu-files.ts': 'checks a model file before the native library reads it; imported at first use only',
};

/** The only files that may touch time, chance or the network, each with its reason. */
const SEAMS: Record<string, { uses: string[]; reason: string }> = {
  'lib/clock.ts': {
    uses: ['Date.now', 'performance.now', 'setTimeout', 'setInterval', 'Math.random', 'AbortSignal.timeout'],
    reason: 'the system clock and random source behind the injected ones',
  },
  'lib/transport.ts': { uses: ['fetch'], reason: 'the default transport behind the injected one' },
  'admin/browser.ts': {
    uses: ['Date.now', 'setTimeout', 'Math.random', 'fetch'],
    reason: 'what the admin page takes of the browser that it runs in',
  },
};

/** The one import of a file against the table: at its first use only, so that nothing of it is loaded with the file. */
const LATE: Record<string, { file: string; reason: string }> = {
  'router/own-fetch.ts': {
    file: 'http/own-fetch.ts',
    reason: 'users ask for `fetch` on the router itself, and the routes of three APIs must not weigh on those who do not',
  },
  'telemetry/otel.ts': {
    file: 'http/own-fetch.ts',
    reason: 'the `fetch` of a traced router makes traced calls, and is loaded as late as that of any other',
  },
};

const FILE_LINES = 260;
const FUNCTION_LINES = 60;
const USUAL_FUNCTION_LINES = 35;
const USUAL_SHARE = 0.9;
const VAGUE_NAMES = /^(?:utils?|helpers?|commons?|services?|managers?)$/;

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.indexOf('/'), 0));
}

function mayImportFile(from: string, file: string, kind: Import['kind']): boolean {
  const allows = (patterns: readonly string[] = []): boolean => patterns.some((pattern) => covers(pattern, file));
  const joins = JOINS[from];
  if (joins !== undefined) return allows(joins);
  if (kind === 'dynamic' && LATE[from]?.file === file) return true;
  const rule = FOLDERS[folderOf(from)];
  if (rule === undefined) return false;
  return allows(rule.own) || allows(rule.values) || (kind === 'type' && allows(rule.types));
}

function mayImportPackage(from: string, name: string, kind: Import['kind']): boolean {
  if (name === 'node' && from in ADAPTER_NODE) return true;
  const rule = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined;
  if (rule === undefined || (rule.lazy && kind === 'value')) return false;
  return rule.in.some((pattern) => covers(pattern, from));
}

function wrongFolder({ path }: Source): string[] {
  return path === 'index.ts' || folderOf(path) in FOLDERS ? [] : ['stands in no folder of the table'];
}

function wrongFileImports(file: Source): string[] {
  return importsOf(file).flatMap(({ file: target, kind, specifier }) =>
    target === undefined || mayImportFile(file.path, target, kind) ? [] : [`may not import ${specifier} (${kind})`],
  );
}

function wrongPackageImports(file: Source): string[] {
  return importsOf(file).flatMap(({ package: name, kind, specifier }) =>
    name === undefined || mayImportPackage(file.path, name, kind) ? [] : [`may not import ${specifier} (${kind})`],
  );
}

function ambientUses(file: Source): string[] {
  return ambientUsesOf(file)
    .filter(({ name }) => SEAMS[file.path]?.uses.includes(name) !== true)
    .map(({ name, line }) => `line ${line}: ${name}`);
}

function longFile({ text }: Source): string[] {
  const lines = text.trimEnd().split('\n').length;
  return lines > FILE_LINES ? [`${lines} lines`] : [];
}

function longFunctions(file: Source): string[] {
  return functionsOf(file)
    .filter(({ lines }) => lines > FUNCTION_LINES)
    .map(({ name, line, lines }) => `line ${line}: ${name} has ${lines} lines`);
}

function usualShare(files: readonly Source[]): number {
  const functions = files.flatMap(functionsOf);
  if (functions.length === 0) throw new Error('no function was read');
  return functions.filter(({ lines }) => lines <= USUAL_FUNCTION_LINES).length / functions.length;
}

/**
 * V8 makes such a function in the old space, and until the next full collection it holds on to whatever it can reach: of every call that is
 * recorded that was 3 KB. One that has a name first is made where all others are.
 */
function assignedFunctions(file: Source): string[] {
  return assignedFunctionsOf(file).map((line) => `line ${line}: a function is made where a property is set; give it a name first`);
}

function vagueNames({ path }: Source): string[] {
  return path.split('/').filter((part) => VAGUE_NAMES.test(part.replace(/\.ts$/, '')));
}

const RULES: Record<string, (file: Source) => string[]> = {
  'every file stands in a folder of the table': wrongFolder,
  'folders import only what the table allows': wrongFileImports,
  'packages are imported only where they have a job': wrongPackageImports,
  'time, chance, network and console stay behind their seams': ambientUses,
  'no any, and no comment that silences the compiler': escapesOf,
  [`a file has at most ${FILE_LINES} lines`]: longFile,
  [`a function has at most ${FUNCTION_LINES} lines`]: longFunctions,
  'no function is made where a property is set': assignedFunctions,
  'no file or folder is called utils, helpers, common, services or manager': vagueNames,
};

describe('src', () => {
  const sources = readSources(new URL('../src/', import.meta.url));

  test.each(Object.entries(RULES))('%s', (_name, rule) => {
    expect(breaches(sources, rule)).toEqual([]);
  });

  test(`${USUAL_SHARE * 100}% of functions have at most ${USUAL_FUNCTION_LINES} lines`, () => {
    expect(usualShare(sources)).toBeGreaterThanOrEqual(USUAL_SHARE);
  });

  test('the run-time dependencies are those with a row in the table', () => {
    const rows = Object.keys(PACKAGES).filter(
      (name) => name !== 'node' && !PACKAGES[name]?.lazy && !PACKAGES[name]?.peer && !PACKAGES[name]?.bundled,
    );
    expect(Object.keys(manifest.dependencies).toSorted()).toEqual(rows.toSorted());
  });
});

/** A function whose body spans that many lines. */
const block = (lines: number): string => `function long() {${'\n'.repeat(lines - 1)}}`;

describe('the rules themselves', () => {
  test('a rule that read no file fails', () => {
    for (const rule of Object.values(RULES)) expect(() => breaches([], rule)).toThrow('no source file');
    expect(() => usualShare([source('core/a.ts', 'export const a = 1;')])).toThrow('no function');
  });

  test.each<[(file: Source) => string[], string, string]>([
    [wrongFolder, 'engine/a.ts', ''],
    [wrongFolder, 'extra.ts', ''],
    [wrongFileImports, 'core/a.ts', "import { b } from '../lib/b.ts'"],
    [wrongFileImports, 'core/a.ts', "export * from '../lib/b.ts'"],
    [wrongFileImports, 'core/a.ts', "await import('../lib/b.ts')"],
    [wrongFileImports, 'core/a.ts', "import type { B } from '../lib/b.ts'"],
    [wrongFileImports, 'core/a.ts', "type B = import('../lib/b.ts').B"],
    [wrongFileImports, 'adapters/vllm.ts', "import { ollama } from './ollama.ts'"],
    [wrongFileImports, 'routing/plan.ts', "import { RouterError } from '../core/errors.ts'"],
    [wrongFileImports, 'config/env.ts', "import { registry } from '../adapters/registry.ts'"],
    [wrongFileImports, 'router/attempts.ts', "import { vllm } from '../adapters/vllm.ts'"],
    [wrongFileImports, 'http/handler.ts', "import { postJson } from '../lib/http.ts'"],
    [wrongFileImports, 'index.ts', "export * from './testing/index.ts'"],
    [wrongFileImports, 'router/own-fetch.ts', "import { createFetch } from '../http/own-fetch.ts'"],
    [wrongFileImports, 'router/own-fetch.ts', "await import('../http/handler.ts')"],
    [wrongFileImports, 'router/create-router.ts', "await import('../http/own-fetch.ts')"],
    [wrongPackageImports, 'router/a.ts', "import { z } from 'zod/mini'"],
    [wrongPackageImports, 'lib/http.ts', "import { ofetch } from 'ofetch'"],
    [wrongPackageImports, 'lib/a.ts', "import fs from 'fs'"],
    [wrongPackageImports, 'adapters/cpu.ts', "import * as os from 'node:os'"],
    [wrongPackageImports, 'adapters/cpu.ts', "import { getLlama } from 'node-llama-cpp'"],
    [wrongPackageImports, 'adapters/vllm.ts', "await import('node-llama-cpp')"],
    [wrongPackageImports, 'lib/a.ts', "const name = 'zod'; await import(name)"],
    [wrongPackageImports, 'lib/a.ts', "import _ from 'lodash'"],
    [ambientUses, 'router/a.ts', 'const started = Date.now()'],
    [ambientUses, 'router/a.ts', 'const started = new Date()'],
    [ambientUses, 'router/a.ts', 'const started = performance.now()'],
    [ambientUses, 'router/a.ts', 'const { random = Math.random } = options'],
    [ambientUses, 'router/a.ts', 'globalThis.setTimeout(run, 1)'],
    [ambientUses, 'router/a.ts', 'const repeat = { setInterval }'],
    [ambientUses, 'router/a.ts', 'const signal = AbortSignal.timeout(5)'],
    [ambientUses, 'router/a.ts', 'console.warn(1)'],
    [ambientUses, 'lib/clock.ts', 'await fetch(url)'],
    [escapesOf, 'core/a.ts', 'export const a = (b: any[]) => b'],
    [escapesOf, 'core/a.ts', '// @ts-ignore'],
    [longFile, 'core/a.ts', '\n'.repeat(FILE_LINES) + 'export {}'],
    [longFunctions, 'core/a.ts', block(FUNCTION_LINES + 1)],
    [assignedFunctions, 'router/a.ts', 'run.end = () => told()'],
    [assignedFunctions, 'router/a.ts', 'run.end ??= async (it) => told(it)'],
    [assignedFunctions, 'router/a.ts', "listeners['end'] = function () { told(); }"],
    [vagueNames, 'lib/utils/a.ts', ''],
    [vagueNames, 'lib/helpers.ts', ''],
  ])('%o reports a breach in %s: %s', (rule, path, text) => {
    expect(breaches([source(path, text)], rule)).toHaveLength(1);
  });

  test.each<[(file: Source) => string[], string, string]>([
    [wrongFileImports, 'core/a.ts', "import { b } from './b.ts'"],
    [wrongFileImports, 'adapters/vllm.ts', "import { wire } from './openai-wire.ts'"],
    [wrongFileImports, 'adapters/registry.ts', "import { vllm } from './vllm.ts'"],
    [wrongFileImports, 'router/own-fetch.ts', "await import('../http/own-fetch.ts')"],
    [wrongFileImports, 'routing/plan.ts', "import { type Call } from '../core/adapter.ts'"],
    [wrongFileImports, 'config/env.ts', "import type { AdapterType } from '../adapters/registry.ts'"],
    [wrongPackageImports, 'adapters/cpu-llama.ts', "await import('node-llama-cpp')"],
    [ambientUses, 'lib/clock.ts', 'export const now = () => Date.now()'],
    [ambientUses, 'router/a.ts', 'clock.setTimeout(run, 1); options.fetch; const at = new Date(0); type F = typeof fetch'],
    [ambientUses, 'core/a.ts', 'export interface Transport { fetch(url: string): void }; // fetch( in words'],
    [escapesOf, 'core/a.ts', 'export const any = "any" // any'],
    [longFunctions, 'core/a.ts', block(FUNCTION_LINES)],
    [assignedFunctions, 'router/a.ts', 'const end = () => told(); run.end = end; let say; say = () => end()'],
    [assignedFunctions, 'router/a.ts', 'class Run { readonly end = () => told(); say = { end: () => told() } }'],
  ])('%o allows in %s: %s', (rule, path, text) => {
    expect(breaches([source(path, text)], rule)).toEqual([]);
  });

  test('the share of usual functions falls when they grow', () => {
    expect(usualShare([source('core/a.ts', `${block(USUAL_FUNCTION_LINES)}\n${block(USUAL_FUNCTION_LINES + 1)}`)])).toBe(0.5);
  });
});
