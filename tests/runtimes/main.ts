import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { table } from '../../scripts/markdown-table.ts';
import { runtimesPage } from './page.ts';
import { checkNames, endsByItself, exceptionOf, programs, type RuntimeId, runtimes } from './runtimes.ts';
import { openServers } from './servers.ts';
import { installedVersion, runProgram } from './start.ts';

// The installed package on every runtime: node tests/runtimes/main.ts [--only deno,node-22] [--page]
// Exits with 1 where a cell is not `ok` and no known exception, or is both. --page: writes docs/reference/runtimes.md as well.

/** `ok`, or what is wrong, by check; nothing where nothing was said. */
type Cells = ReadonlyMap<string, string>;

const { values } = parseArgs({ options: { only: { type: 'string' }, page: { type: 'boolean', default: false } } });
const only = values.only?.split(',');
const unknown = only?.filter((name) => !(name in programs)) ?? [];
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: there are ${Object.keys(programs).join(', ')}.`);
const ids = (Object.keys(runtimes) as RuntimeId[]).filter((id) => only === undefined || only.includes(runtimes[id].program));

const columns = new Map<RuntimeId, Cells>();
const troubles: string[] = [];
for (const id of ids) {
  const { cells, errors } = await tryOn(id);
  columns.set(id, cells);
  const found = checkNames.flatMap((check) => troubleIn(check, id));
  if (found.length > 0 && errors !== '') console.log(errors);
  troubles.push(...found);
}
printTable();
for (const trouble of troubles) console.log(trouble);
if (values.page) await writePage();
process.exitCode = troubles.length === 0 ? 0 : 1;

async function tryOn(id: RuntimeId): Promise<{ readonly cells: Cells; readonly errors: string }> {
  const runtime = runtimes[id];
  console.log(`\n${runtime.name} (${await installedVersion(programs[runtime.program].package)})`);
  await using servers = await openServers();
  const { carriedBy, isGiven } = runtime;
  const given = { urls: servers.urls, seenUrl: servers.seenUrl, carriedBy, isGiven };
  const { lines, exitCode, errors } = await runProgram(runtime, given, (line) => console.log(`  ${line}`));
  const cells = new Map<string, string>();
  for (const line of lines) {
    const [, word, name = '', wrong = ''] = /^(ok|FAIL) +(.+?)(?:: {2}(.*))?$/.exec(line) ?? [];
    cells.set(name, word === 'ok' ? word : wrong);
  }
  if (exitCode === 0) cells.set(endsByItself, 'ok');
  return { cells, errors };
}

function wordOf(check: string, id: RuntimeId): string {
  const isOk = columns.get(id)?.get(check) === 'ok';
  if (exceptionOf(check, id) === undefined) return isOk ? 'ok' : 'FAILED';
  return isOk ? 'OK NOW' : 'known';
}

function printTable(): void {
  const rows = checkNames.map((check) => [check, ...ids.map((id) => wordOf(check, id))]);
  console.log(`\n${table(['', ...ids.map((id) => runtimes[id].name.replaceAll('`', ''))], rows)}`);
}

function troubleIn(check: string, id: RuntimeId): string[] {
  const word = wordOf(check, id);
  const { name } = runtimes[id];
  if (word === 'OK NOW') return [`${name}, ${check}: is a known exception, and holds.`];
  return word === 'FAILED' ? [`${name}, ${check}: ${columns.get(id)?.get(check) ?? 'was not said.'}`] : [];
}

/** Only what was seen in whole and holds. */
async function writePage(): Promise<void> {
  if (troubles.length > 0 || only !== undefined) throw new Error('The page is written of a run of everything in which everything holds.');
  const versions = new Map<string, string>();
  for (const { package: name } of Object.values(programs)) versions.set(name, await installedVersion(name));
  await writeFile(new URL('../../docs/reference/runtimes.md', import.meta.url), runtimesPage(versions));
}
