import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { envTable } from '../../src/config/env-table.ts';
import { run } from '../cli/cli-kit.ts';
import type { CodeBlock } from './code-blocks.ts';
import { readPage, root } from './pages.ts';
import { type Command, commandsIn } from './shell-lines.ts';

/** Where a command would run: the folder of the repository, or that of its page. */
interface Place {
  folder: string;
  readonly page: string;
}

type Check = (words: readonly string[], place: Place) => readonly string[] | Promise<readonly string[]>;

/** What a page may tell people to run, and what of it can be looked up here. Others have to be added. */
const checks: Readonly<Record<string, Check>> = {
  npm,
  npx: (words, place) => checkWords(words, place),
  node: ([script = ''], place) => missingFile(script, place),
  inferlane,
  curl,
  cd: ([folder = ''], place) => {
    place.folder = join(place.folder, folder);
    return existsSync(join(root, place.folder)) ? [] : [`there is no folder ${folder}`];
  },
  cp: (words, place) => words.slice(0, -1).flatMap((path) => missingFile(path, place)),
  docker,
  systemctl: (words, place) =>
    words.filter((word) => word.includes('@')).flatMap((unit) => missingFile(`systemd/${unit.replace(/@.*/, '@.service')}`, place)),
  mkdir: () => [],
  loginctl: ([verb = '']) => (verb === 'enable-linger' ? [] : [`loginctl has no ${verb} here`]),
  export: (words, place) => words.flatMap((word) => unknownVariable(word.slice(0, word.indexOf('=')), place)),
};

/** What is wrong with the commands of a block, a sentence for each. */
export async function faultsOf({ page, code }: CodeBlock): Promise<readonly string[]> {
  const place: Place = { folder: '', page };
  const faults: string[] = [];
  for (const { variables, words } of commandsIn(code)) {
    faults.push(...variables.flatMap((name) => unknownVariable(name, place, words)));
    if (words.length > 0) faults.push(...(await checkWords(words, place)));
  }
  return faults;
}

async function checkWords([program = '', ...words]: Command['words'], place: Place): Promise<readonly string[]> {
  const check = checks[program];
  return check === undefined ? [`nobody knows how to check ${program}: add it to tests/docs/shell-checks.ts`] : check(words, place);
}

/** Patterns, and from the root of the repository as well as from the folder of the page. */
function missingFile(path: string, { folder, page }: Place): readonly string[] {
  const isThere = [folder, dirname(page)].some((from) => globSync(path, { cwd: join(root, from) }).length > 0);
  return isThere ? [] : [`there is no file ${path}`];
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

function npm([verb = '', ...words]: readonly string[], { folder }: Place): readonly string[] {
  const { scripts = {} } = manifestIn(folder);
  const names = words.filter((word) => !word.startsWith('-'));
  const lacks = (script: string): readonly string[] =>
    script in scripts ? [] : [`${join(folder, 'package.json')} has no script ${script}`];
  if (verb === 'ci') return existsSync(join(root, folder, 'package-lock.json')) ? [] : [`${folder} has no lock file`];
  if (verb === 'run') return lacks(names[0] ?? '');
  if (verb === 'test' || verb === 'start') return lacks(verb);
  if (verb !== 'install') return [`nobody knows how to check npm ${verb}`];
  const { dependencies, devDependencies, peerDependencies } = manifestIn('');
  const known = { inferlane: '', ...dependencies, ...devDependencies, ...peerDependencies };
  return names.filter((name) => !(name in known)).map((name) => `package.json does not know ${name}`);
}

/** The verb and its options, as its own help lists them. */
async function inferlane(words: readonly string[]): Promise<readonly string[]> {
  const verb = words.find((word) => !word.startsWith('-'));
  const help = await run(verb === undefined ? ['--help'] : ['help', verb]);
  if (help.code !== 0) return [`inferlane has no command ${verb}`];
  const options = words.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*/, ''));
  return options
    .filter((option) => !new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(help.out))
    .map((option) => `inferlane ${verb} has no ${option}`);
}

const routes = readPage('docs/reference/http.md').text;

/** A path of the handler, below whatever it is mounted at, and a body that is JSON. */
function curl(words: readonly string[]): readonly string[] {
  const url = words.find((word) => /^(?:https?:\/\/)?localhost/.test(word)) ?? '';
  const [, ...parts] = url.replace(/^https?:\/\//, '').split('/');
  const isRoute = parts.some((_, index) => routes.includes(`/${parts.slice(index).join('/')}\``));
  const faults = isRoute ? [] : [`the handler has no route ${url}`];
  const at = words.indexOf('-d');
  if (at !== -1) JSON.parse(words[at + 1] ?? '');
  return faults;
}

function docker(words: readonly string[], { page }: Place): readonly string[] {
  const { services } = parse(readFileSync(join(root, dirname(page), 'compose.yaml'), 'utf8')) as {
    services: Record<string, { profiles: string[] }>;
  };
  const profiles = new Set(Object.values(services).flatMap((service) => service.profiles));
  const named = words.filter((_, index) => words[index - 1] === '--profile');
  const executed = words.filter((_, index) => words[index - 1] === 'exec');
  return [
    ...(words[0] === 'compose' ? [] : [`docker ${words[0]} is not checked`]),
    ...named.filter((name) => !profiles.has(name)).map((name) => `compose.yaml has no profile ${name}`),
    ...executed.filter((name) => !(name in services)).map((name) => `compose.yaml has no service ${name}`),
  ];
}

/** A variable of ours, or one that stands in a file beside the program. */
function unknownVariable(name: string, { folder }: Place, [, script = ''] = [] as readonly string[]): readonly string[] {
  if (name in envTable) return [];
  const beside = join(root, folder, dirname(script).replace(/^\.$/, ''));
  const files = globSync('*.{ts,mjs,capnp}', { cwd: beside });
  return files.some((file) => readFileSync(join(beside, file), 'utf8').includes(name)) ? [] : [`nobody reads the variable ${name}`];
}
