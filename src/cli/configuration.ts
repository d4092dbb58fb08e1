import { access } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import {
  type ConfigWarning,
  ConfigError,
  type EnvReading,
  fromFile,
  inspectEnv,
  isRouterError,
  type PresetName,
  providerTypes,
  type RouterOptions,
} from '../index.ts';
import { CommandFailure } from './exit-codes.ts';
import { configurationFailure } from './failure-text.ts';
import { listed } from './figures.ts';
import type { CliIo } from './io.ts';
import { type LocalServer, lookAround, providersOf } from './local-servers.ts';
import { type Unasked, unaskedOf } from './unasked.ts';

export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly preset?: PresetName | undefined;
}

/** Where the configuration comes from. */
export type Source =
  | { readonly kind: 'file'; readonly path: string; readonly because: '--config' | 'INFERLANE_CONFIG' | 'the folder' }
  | { readonly kind: 'environment'; readonly preset: PresetName | undefined };

export interface Configuration {
  readonly options: RouterOptions;
  /** In words: `inferlane.json`, `the environment`. */
  readonly from: string;
  /** What is odd about it but works. */
  readonly warnings: readonly ConfigWarning[];
  /** The servers that were found, where nothing was configured but a key, or not even that. */
  readonly found?: readonly LocalServer[];
  /** Nobody said that it may be paid. */
  readonly unasked?: Unasked;
}

export const usualFile = 'inferlane.json';

/** The flags, then INFERLANE_CONFIG, then the file of this folder, then the environment. */
export async function chooseSource({ config, preset }: GlobalOptions, { env, folder }: CliIo): Promise<Source> {
  if (config !== undefined && preset !== undefined) {
    throw new CommandFailure(2, '--config and --preset exclude each other: a preset is a way to read the environment.');
  }
  if (config !== undefined) return { kind: 'file', path: resolve(folder, config), because: '--config' };
  if (preset !== undefined) return { kind: 'environment', preset };
  const { INFERLANE_CONFIG: named = '' } = env;
  if (named !== '') return { kind: 'file', path: resolve(folder, named), because: 'INFERLANE_CONFIG' };
  const usual = resolve(folder, usualFile);
  if (await exists(usual)) return { kind: 'file', path: usual, because: 'the folder' };
  return { kind: 'environment', preset: undefined };
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** @throws {CommandFailure} where nothing is configured and no server is found. */
export async function findConfiguration(globals: GlobalOptions, io: CliIo): Promise<Configuration> {
  const source = await chooseSource(globals, io);
  try {
    return await readConfiguration(source, io);
  } catch (error) {
    if (!isRouterError(error, 'invalid_config')) throw error;
    const advice = source.kind === 'file' ? [] : ['`inferlane env` shows what each variable sets.'];
    throw configurationFailure(error, sourceName(source, io), advice);
  }
}

async function readConfiguration(source: Source, io: CliIo): Promise<Configuration> {
  const from = sourceName(source, io);
  if (source.kind === 'file') {
    const options = await fromFile(source.path, { env: io.env });
    return { options, from, warnings: options.warnings };
  }
  const reading = inspectEnv(io.env, { preset: source.preset });
  if (namesNobody(reading, source, io)) return findLocal(io);
  const { options, issues, warnings } = reading;
  if (options === undefined) throw new ConfigError(issues);
  const unasked = unaskedOf(reading);
  const configuration = { options, from, warnings };
  return unasked === undefined ? configuration : withLocal({ ...configuration, unasked }, io);
}

export function sourceName(source: Source, { env }: CliIo): string {
  if (source.kind === 'file') return `${basename(source.path)}${source.because === 'INFERLANE_CONFIG' ? ' (INFERLANE_CONFIG)' : ''}`;
  const { INFERLANE_PRESET: variable = '' } = env;
  if (source.preset !== undefined) return `the environment, by the preset ${source.preset}`;
  return variable === '' ? 'the environment' : `the environment, by the preset ${variable} (INFERLANE_PRESET)`;
}

/** Nothing is wrong with the environment but that it says nothing about providers. */
export function namesNobody({ issues }: EnvReading, { preset }: { readonly preset: PresetName | undefined }, { env }: CliIo): boolean {
  return preset === undefined && env['INFERLANE_PRESET'] === undefined && issues.length === 1 && issues[0]?.path === 'providers';
}

/** As `init` would write it: what answers here goes first, and clouds get no calls unless somebody says so. */
async function withLocal(configuration: Configuration, io: CliIo): Promise<Configuration> {
  const found = (await lookAround(io)).filter(isFound);
  if (found.length === 0) return configuration;
  const { options, from } = configuration;
  const clouds = Object.entries(options.providers).map(([id, cloud]) => [id, { ...cloud, priority: (cloud.priority ?? 0) + 1 }] as const);
  const providers = { ...providersOf(found), ...Object.fromEntries(clouds) };
  return { ...configuration, options: { ...options, providers }, from: `the usual ports of this machine and ${from}`, found };
}

async function findLocal(io: CliIo): Promise<Configuration> {
  const servers = await lookAround(io);
  const found = servers.filter(isFound);
  if (found.length === 0) throw new CommandFailure(1, `Nothing is configured, and ${nobodyHere(servers)}`, [...waysToBegin, madeByInit]);
  return { options: { providers: providersOf(found) }, from: 'the usual ports of this machine', warnings: [], found };
}

function isFound({ found }: LocalServer): boolean {
  return found !== undefined;
}

export function nobodyHere(servers: readonly LocalServer[]): string {
  const ports = servers.map(({ url }) => new URL(url).port);
  const others = servers.flatMap(({ problem }) => (problem === undefined ? [] : [`\n  ${problem}`]));
  return `no inference server answers on the usual ports of this machine (${listed(ports)}).${others.join('')}`;
}

const keys = Object.values(providerTypes).flatMap(({ keyVariable }) => (keyVariable === undefined ? [] : [keyVariable]));

export const waysToBegin: readonly string[] = [
  'Start a server, such as Ollama (`ollama serve`), and try again.',
  'Name one that runs elsewhere: `export OLLAMA_BASE_URL=http://gpu-box:11434`.',
  `Or use a cloud: put its key into ${listed(keys, 'or')}.`,
];

const madeByInit = 'For everything else write a file; `inferlane init` makes one from what it finds.';
