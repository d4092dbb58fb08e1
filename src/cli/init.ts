import { writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fromJson, type ProviderOptions, type ProviderType, providerTypes } from '../index.ts';
import type { Cli } from './cli.ts';
import { exists, nobodyHere, usualFile, waysToBegin } from './configuration.ts';
import { CommandFailure } from './exit-codes.ts';
import { listed } from './figures.ts';
import { withExamples } from './help-text.ts';
import type { CliIo } from './io.ts';
import { fetchesModel, isBare, isOnCpu, type LocalServer, lookAround, providersOf } from './local-servers.ts';
import { plainLine, toJson } from './plain-text.ts';

interface InitOptions {
  readonly force?: true;
  readonly print?: true;
}

const examples = [
  ['inferlane init', 'writes inferlane.json into this folder'],
  ['inferlane init --print', 'shows what it would hold, and writes nothing'],
  ['inferlane init --config lab.json --force', 'another file, in place of the one that is there'],
] as const;

export function addInit(cli: Cli): void {
  const command = cli.program
    .command('init')
    .summary('writes a configuration by looking at what is here')
    .description(
      'Looks at what answers on the usual ports of this machine, and which variables hold keys of clouds, and writes a configuration with that.\nKeys are not written into it: it refers to their variables.',
    )
    .option('--force', 'overwrites the file')
    .option('--print', 'shows it instead of writing it')
    .action(cli.does((options: InitOptions) => init(cli, options)));
  withExamples(command, examples);
}

async function init(cli: Cli, { force, print }: InitOptions): Promise<number> {
  const { io } = cli;
  const path = resolve(io.folder, cli.globals().config ?? usualFile);
  const servers = await lookAround(io);
  const providers = { ...providersOf(servers), ...cloudsOf(io.env) };
  if (Object.keys(providers).length === 0) throw new CommandFailure(1, `Nothing to write: ${nobodyHere(servers)}`, waysToBegin);
  const text = await documentOf(providers, path);
  fromJson(text, { env: io.env, source: path });
  if (print === true) await cli.print(text);
  else await write(path, text, force === true);
  for (const line of told(servers, providers)) await cli.note(line);
  if (print !== true) await cli.note(`Written to ${basename(path)}. Next: \`inferlane check\`, then \`inferlane chat "Hello!"\`.`);
  return 0;
}

/** Clouds whose keys are here, each with a reference in place of its key. */
function cloudsOf(env: CliIo['env']): Readonly<Record<string, ProviderOptions>> {
  const clouds: Record<string, ProviderOptions> = {};
  for (const [type, { keyVariable }] of Object.entries(providerTypes) as [ProviderType, { readonly keyVariable: string | undefined }][]) {
    if (keyVariable !== undefined && (env[keyVariable] ?? '').trim() !== '') clouds[type] = { type, apiKey: `\${${keyVariable}}` };
  }
  return clouds;
}

/** Editors find the schema where the package is a dependency of the project. */
async function documentOf(providers: Readonly<Record<string, ProviderOptions>>, path: string): Promise<string> {
  const schema = './node_modules/inferlane/docs/reference/config.schema.json';
  const hasSchema = await exists(join(dirname(path), schema));
  return toJson({ ...(hasSchema && { $schema: schema }), providers });
}

async function write(path: string, text: string, mayOverwrite: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: mayOverwrite ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === 'EEXIST') throw isThere(path);
    const where = code === 'ENOENT' ? 'its folder does not exist' : `the system says ${code ?? 'no'}`;
    throw new CommandFailure(1, `${basename(path)} could not be written: ${where}.`);
  }
}

function isThere(path: string): CommandFailure {
  return new CommandFailure(2, `${basename(path)} is there already, and was left as it is.`, [
    '--force overwrites it, --print shows what would be written.',
  ]);
}

function told(servers: readonly LocalServer[], providers: Readonly<Record<string, ProviderOptions>>): readonly string[] {
  const here = servers.flatMap((server) => {
    const { url, found, problem } = server;
    if (problem !== undefined) return [`left out: ${plainLine(problem)}`];
    if (found === undefined) return [];
    const version = found.version === undefined ? '' : ` ${plainLine(found.version)}`;
    const name = `found: ${providerTypes[found.type].title}${version} at ${new URL(url).host}`;
    return [[name, ...(isOnCpu(server) ? ['taken for one on the processor'] : []), ...(isBare(server) ? [fetchesModel] : [])].join(', ')];
  });
  const clouds = Object.entries(providers).filter(([, { apiKey }]) => apiKey !== undefined);
  const ids = listed(clouds.map(([id]) => id));
  const whenMade =
    clouds.length < Object.keys(providers).length
      ? ' only where --provider names it, or where the file says "allowPaid": true'
      : ': nothing that is free is in the file';
  return [
    ...here,
    ...clouds.map(([id, { apiKey }]) => `found: a key for ${id}, as ${String(apiKey)}`),
    ...(clouds.length > 0 ? [`Calls to ${ids} cost money, and are made${whenMade}.`] : []),
  ];
}
