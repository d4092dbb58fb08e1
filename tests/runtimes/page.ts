import { table } from '../../scripts/markdown-table.ts';
import {
  checkNames,
  exceptionOf,
  type KnownException,
  knownExceptions,
  type ProgramStart,
  programs,
  type RuntimeId,
  runtimes,
} from './runtimes.ts';

/**
 * docs/reference/runtimes.md, of a run in which everything holds but the known exceptions. `versions`: by the names of the packages that
 * hold the programs.
 */
export function runtimesPage(versions: ReadonlyMap<string, string>): string {
  return [
    '<!-- Written by `npm run test:runtimes -- --page`. -->\n',
    '# Runtimes\n',
    intro,
    startTable(versions),
    '## What holds\n',
    'A number is a known exception, told below.\n',
    cellTable(),
    meanings,
    '## What does not\n',
    knownExceptions.map((known, index) => `${index + 1}. ${exceptionText(known)}\n`).join(''),
    '## To know\n',
    remarks,
  ].join('\n');
}

const intro = `The package as it is published (built, packed, and installed from the tarball), tried on the runtimes themselves: its root, \`/http\` and \`/testing\`, against
real servers on the loopback. The program is the same everywhere. \`npm run test:runtimes\` installs the runtimes into \`tests/runtimes\`, for Linux on x64, and
fails where something is not as this page says, be it that a check fails, or that an exception holds by now; \`-- --only deno\` tries one of them.
`;

/** Without the number of the file, which is the program's own. */
function startOf(start: ProgramStart): string {
  const name = start.file.slice(start.file.lastIndexOf('/') + 1);
  return start.flags === undefined
    ? 'bundled by esbuild, `enable_request_signal`'
    : `\`${[name, ...start.flags, 'program.ts'].join(' ')}\``;
}

function versionIn(versions: ReadonlyMap<string, string>, { package: name }: ProgramStart): string {
  const version = versions.get(name);
  if (version === undefined) throw new Error(`The version of ${name} is not known.`);
  return version;
}

function startTable(versions: ReadonlyMap<string, string>): string {
  const rows = Object.values(runtimes).map(({ name, program, carriedBy, isGiven }) => {
    const start = programs[program];
    const transport = carriedBy === 'fetch' ? '`ofetchTransport()`' : '`nodeHttpTransport()`';
    return [name, versionIn(versions, start), startOf(start), isGiven ? `${transport}, given` : `${transport}, by default`];
  });
  return table(['Runtime', 'Version', 'Started as', 'Calls go over'], rows);
}

function cellOf(check: string, id: RuntimeId): string {
  const known = exceptionOf(check, id);
  return known === undefined ? 'ok' : String(knownExceptions.indexOf(known) + 1);
}

function cellTable(): string {
  const ids = Object.keys(runtimes) as RuntimeId[];
  return table(
    ['', ...ids.map((id) => runtimes[id].name)],
    checkNames.map((check) => [check, ...ids.map((id) => cellOf(check, id))]),
  );
}

function exceptionText({ checks, runtimes: where, reason }: KnownException): string {
  return `**${checks.join(', ')}** (${where.map((id) => runtimes[id].name).join('; ')}): ${reason}`;
}

const meanings = `- **its transport**: calls go over what the first table says.
- **failover: …**: from a server that fails so, with its event.
- **a refusal is told as one**: the error of a refused connection has the phase \`connect\`.
- **a stream that is left**, **abort of …**, **deadline**, **/http: a caller who leaves**: the server sees its connection end, and an abort gives the reason of its signal.
- **connections closed by the server**: twenty calls to one that promises to keep connections, and closes each after its answer.
- **an answer that is packed**: by a server that was asked not to.
- **a fake server**: \`fakeBackend()\` with \`listen()\`; **on a test clock**: with a router of \`createTestRouter()\`, a hundred times over.
- **ends by itself**: the process, once its routers are closed, whatever connections were kept.
`;

const remarks = `- **Bun and Deno** carry calls by their own \`fetch\` unless told otherwise: it goes by \`HTTP_PROXY\` and its kin, which their \`node:http\` does only where
  \`nodeHttpTransport({ proxy: process.env })\` says so. [Transports](../guides/transports.md) tells what speaks for either.
- **Deno** asks for \`--allow-net\` and no more. \`createRouter()\` without options and \`fromEnv(process.env)\` read the environment and need \`--allow-env\`; so does
  \`nodeHttpTransport()\`, which looks there for a proxy.
- **Workers** are shown by [an example](../../examples/workers/README.md). The root and \`/http\` need a compatibility date of 2025-05-05 or later and nothing of Node; \`/testing\` needs
  one of 2026-08-04 or later, and so does the environment, unless the flag \`nodejs_compat\` is set.
`;
