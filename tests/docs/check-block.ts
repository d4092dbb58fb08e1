import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { createRouter, fromJson } from '../../src/index.ts';
import { classifyResponse } from '../../src/lib/classify.ts';
import { fakeBackend } from '../../src/testing/index.ts';
import { failuresOf } from './ask-routers.ts';
import { byLanguage, type Check, type Row, rows } from './checks.ts';
import type { CodeBlock } from './code-blocks.ts';
import { readPage, root } from './pages.ts';
import { parseBlock, withAddresses } from './parsed-block.ts';
import { programOf } from './program-block.ts';
import { type Ran, runBlock } from './run-block.ts';
import { faultsOf } from './shell-checks.ts';
import { commandsIn } from './shell-lines.ts';

export function isFor(row: Row, { page, language, code }: CodeBlock): boolean {
  const isPage = row.page.endsWith('/') ? page.startsWith(row.page) : page === row.page;
  return isPage && ('holds' in row ? code.includes(row.holds) : language === row.language);
}

/** How a block is checked; undefined where nobody says. */
export function checkFor(block: CodeBlock): Check | undefined {
  const row = rows.find((each) => isFor(each, block));
  if (row !== undefined) return row;
  return block.language === 'ts' && block.name !== '' ? { as: 'file' } : byLanguage[block.language];
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Rejects where the block is not what its check says. All but the compiler, which reads all programs at once. */
export async function checkBlock(block: CodeBlock, check: Check, tested: readonly CodeBlock[]): Promise<void> {
  if (check.as === 'program') return runProgram(block, check);
  if (check.as === 'file') return checkFile(block);
  if (check.as === 'commands') return checkCommands(block, check.isRun === true);
  if (check.as === 'json') return checkJson(block, check.like);
  if (check.as === 'promql') return checkMetrics(block);
  if (check.as === 'memory') return checkMemoryTexts(block);
  if (check.as === 'notebook') return checkNotebook(block);
  if (check.as === 'drawing') return checkDrawing(block);
  if (check.as === 'copy') return refuse(tested.some(({ code }) => code === block.code) ? [] : ['no tested block says the same']);
  if (check.as === 'tested') return checkTest(block, check.by);
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

async function runProgram(block: CodeBlock, { afterwards, onSockets }: Extract<Check, { as: 'program' }>): Promise<void> {
  const look = async (ran: Ran): Promise<void> => {
    await afterwards?.(ran);
    refuse([...(await failuresOf(ran)), ...ran.strangers.map((request) => `no server was played for ${request}`)]);
  };
  if (onSockets !== true) return runBlock(programOf(block), look);
  const { servers } = parseBlock(block.code);
  const listening = await Promise.all(servers.map(({ type }) => fakeBackend(type).listen()));
  const urls = listening.map(({ url }) => url);
  try {
    await runBlock(programOf({ ...block, code: withAddresses(block.code, servers, urls) }), look);
    for (const { calls } of listening) expect(calls.length).toBeGreaterThan(0);
  } finally {
    await Promise.all(listening.map(({ close }) => close()));
  }
}

function checkFile({ name, code }: CodeBlock): void {
  expect(code).toBe(`${read(name).trimEnd()}\n`);
  expect(isTested(name), `no test names ${name}`).toBe(true);
}

/** A test, or what a test names, or what such a file imports. */
function isTested(name: string): boolean {
  if (name.endsWith('.test.ts')) return true;
  const inFolder = globSync(`${dirname(name)}/*.ts`, { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  const tests = [...inFolder.filter((path) => path.endsWith('.test.ts')), ...globSync('tests/examples/*.ts', { cwd: root })];
  if (tests.some((path) => read(path).includes(basename(name)))) return true;
  return inFolder.some((path) => path !== name && read(path).includes(`from './${basename(name)}'`) && isTested(path));
}

async function checkCommands(block: CodeBlock, isRun: boolean): Promise<void> {
  expect(commandsIn(block.code).length).toBeGreaterThan(0);
  refuse(await faultsOf(block));
  if (!isRun) return;
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-docs-'));
  try {
    symlinkSync(join(root, 'examples'), join(folder, 'examples'));
    for (const { words } of commandsIn(block.code)) execFileSync(words[0] ?? '', words.slice(1), { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function checkJson({ code }: CodeBlock, like: (() => Promise<object>) | undefined): Promise<void> {
  const value = JSON.parse(code) as object;
  if (like === undefined) {
    const variables = Array.from(code.matchAll(/\$\{(\w+)/g), ([, name = '']) => [
      name,
      name.endsWith('URL') ? 'http://127.0.0.1:8000' : 'a-key',
    ]);
    await createRouter({ ...fromJson(code, { env: Object.fromEntries(variables) }), health: false, checkModels: false }).close();
    return;
  }
  const real = Object.entries(await like());
  expect(kindsOf(Object.entries(value))).toEqual(kindsOf(real));
  const { level, event, msg } = value as Record<string, unknown>;
  expect({ level, event, msg }).toEqual(Object.fromEntries(real.filter(([name]) => ['level', 'event', 'msg'].includes(name))));
}

function kindsOf(fields: readonly (readonly [string, unknown])[]): readonly (readonly [string, string])[] {
  return fields.map(([name, value]) => [name, typeof value]);
}

/** The page of the metrics is held to what is counted. */
function checkMetrics({ code }: CodeBlock): void {
  const table = new Map(
    Array.from(readPage('docs/reference/metrics.md').text.matchAll(/^\| `(inferlane_\w+)` +\| (.*?) +\|/gm), ([, name, labels]) => [
      name,
      labels,
    ]),
  );
  const used = code.split('\n').filter((line) => !line.startsWith('#') && line.trim() !== '');
  for (const line of used) {
    const names = [...line.matchAll(/inferlane_\w+/g)].map(([name]) => name);
    expect(names.length, line).toBeGreaterThan(0);
    const labels = [...line.matchAll(/by \(([^)]*)\)|\{(\w+)/g)].flatMap(([, by, one]) => (by ?? one ?? '').split(', '));
    for (const name of names) for (const label of labels) expect(table.get(name), `${name} has no ${label}`).toContain(`\`${label}\``);
    for (const name of names) expect([...table.keys()]).toContain(name);
  }
}

/** One on each line; ⏎ stands for the end of a line, … for a rest. */
function checkMemoryTexts({ code }: CodeBlock): void {
  for (const line of code.trimEnd().split('\n')) {
    const bodyText = JSON.stringify({ error: line.replaceAll(' ⏎ ', '\n') });
    expect(classifyResponse({ status: 500, header: () => null, bodyText }, 0).code, line).toBe('out_of_memory');
  }
}

function checkNotebook({ page, code }: CodeBlock): void {
  const folder = dirname(page);
  const [, name = ''] = /^import (\w+)$/m.exec(code.replace('import os\n', '')) ?? [];
  const [path = ''] = globSync(`${folder}/**/${name}.py`, { cwd: root });
  const server = read(path);
  for (const [, called] of code.matchAll(new RegExp(`${name}\\.(\\w+)\\(`, 'g')))
    expect(server).toMatch(new RegExp(`^def ${called}\\(`, 'm'));
  const prefixes = [...server.matchAll(/"([A-Z_]+_)\{name\}/g)].map(([, prefix = '']) => prefix);
  for (const [, variable = ''] of code.matchAll(/os\.environ\["(\w+)"\]/g)) {
    const isKnown =
      server.includes(variable) ||
      prefixes.some((prefix) => variable.startsWith(prefix) && server.includes(variable.slice(prefix.length).toLowerCase()));
    expect(isKnown, `nobody reads ${variable}`).toBe(true);
  }
  for (const [, file = ''] of code.matchAll(/-r (\S+)/g)) expect(existsSync(join(root, dirname(path), file))).toBe(true);
}

function checkDrawing({ code }: CodeBlock): void {
  const drawn = [...code.matchAll(/(?<![\w/])([a-z]+)\/(?![\w])/g)].map(([, name = '']) => name);
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((each) => each.isDirectory());
  expect(drawn.length).toBeGreaterThan(5);
  expect(folders.map(({ name }) => name)).toEqual(expect.arrayContaining(drawn));
}

function checkTest({ page }: CodeBlock, by: string): void {
  expect(read(by)).toContain(basename(page));
}
