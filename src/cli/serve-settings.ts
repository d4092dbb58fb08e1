import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, type ConfigIssue, isRouterError } from '../index.ts';
import { CommandFailure } from './exit-codes.ts';
import { configurationFailure, issuesOf } from './failure-text.ts';
import type { CliIo } from './io.ts';

/** Where the server listens, and whom it answers. */
export interface ServeSettings {
  /** Without brackets. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tokens: readonly string[];
  /** Names under which it is reached, beside those of this machine. */
  readonly hosts: readonly string[] | 'any';
  readonly origins: readonly string[];
  readonly adminToken: string | undefined;
  /** What is odd but works. */
  readonly warnings: readonly string[];
}

/** What the command line said; it stands before the environment. */
export interface Asked {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** None of the usual ports of inference servers, nor of what people run beside them. */
export const usualPort = 11_500;

const usualHost = '127.0.0.1';
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);
/** They mean every address of the machine. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const makesToken = '`openssl rand -base64 24` makes one';

/** @throws {CommandFailure} with everything that is wrong in the environment, or where others were let in and nobody had to say who they are. */
export async function readSettings({ host: flag, port }: Asked, io: CliIo): Promise<ServeSettings> {
  const issues: ConfigIssue[] = [];
  const read = (variable: string): string | undefined => textOf(variable, io, issues);
  const host = bare(flag ?? read('HOST') ?? usualHost);
  const ownPort = port ?? portOf(read('PORT'), issues);
  const tokens = await tokensOf(read('INFERLANE_TOKENS'), read('INFERLANE_TOKEN_FILE'), io, issues);
  const named = listOf(read('INFERLANE_HOSTS'));
  const origins = listOf(read('ALLOWED_ORIGINS'));
  const adminToken = read('INFERLANE_ADMIN_TOKEN')?.trim();
  if (issues.length > 0) throw settingsFailure(issues);
  if (tokens.length === 0 && !loopback.has(host)) throw openToOthers(flag === undefined ? 'HOST' : '--host');
  const isAny = named.length === 1 && named[0] === 'any';
  // Without tokens only this machine is answered, whatever name it uses.
  const hosts = tokens.length === 0 ? [] : isAny ? 'any' : [...named, ...ownName(host)];
  const warnings = [
    ...(tokens.length === 0 && named.length > 0 ? [noEffect] : []),
    ...(hosts.length === 0 && wildcards.has(host) ? [nameless] : []),
  ];
  return { host, port: ownPort, tokens, hosts, origins, adminToken, warnings };
}

const noEffect = 'INFERLANE_HOSTS has no effect without tokens: only this machine is answered, under its own names.';
const nameless =
  'others cannot call yet: the server answers to names that it knows, and knows only those of this machine. Set INFERLANE_HOSTS to the names or addresses by which it is reached, with commas between them, or to "any".';

export function isWildcard(host: string): boolean {
  return wildcards.has(host);
}

/** As it stands in an address. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host.replace(/%.*$/, '')}]` : host;
}

function bare(host: string): string {
  return host
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

function ownName(host: string): readonly string[] {
  return loopback.has(host) || wildcards.has(host) ? [] : [inUrl(host)];
}

function textOf(variable: string, { env }: CliIo, issues: ConfigIssue[]): string | undefined {
  const text = env[variable];
  // Empty is what a variable becomes that was to be filled from another one: to go on without tokens would let everybody in.
  if (text?.trim() === '') issues.push({ path: variable, message: 'is empty; give it a value, or unset it' });
  return text;
}

function portOf(text: string | undefined, issues: ConfigIssue[]): number {
  const port = text === undefined ? usualPort : readPort(text);
  if (port === undefined && text?.trim() !== '') issues.push({ path: 'PORT', message: mustBePort });
  return port ?? usualPort;
}

export const mustBePort = 'must be a whole number from 0 to 65535; 0 takes a port that is free';

export function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : undefined;
  return port !== undefined && port <= 65_535 ? port : undefined;
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',').map((each) => each.trim());
}

async function tokensOf(text: string | undefined, file: string | undefined, io: CliIo, issues: ConfigIssue[]): Promise<readonly string[]> {
  if (file === undefined || file.trim() === '') return listOf(text);
  if (text !== undefined) issues.push({ path: 'INFERLANE_TOKENS', message: 'stands beside INFERLANE_TOKEN_FILE; unset one of the two' });
  try {
    const lines = (await readShort(resolve(io.folder, file.trim()))).split(/\r?\n/);
    const tokens = lines.map((line) => line.trim()).filter((line) => line !== '');
    if (tokens.length === 0) issues.push({ path: 'INFERLANE_TOKEN_FILE', message: 'names a file without a token; write one on each line' });
    return tokens;
  } catch (error) {
    issues.push({ path: 'INFERLANE_TOKEN_FILE', message: `names a file that cannot be read: ${problemOf(error)}` });
    return [];
  }
}

/** Thousands of tokens are shorter. */
const mostBytes = 256 * 1_024;

async function readShort(path: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(path, { end: mostBytes })) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  if (bytes.length > mostBytes) throw new CommandFailure(3, 'it is longer than 256 KiB');
  return new TextDecoder().decode(bytes);
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

function problemOf(error: unknown): string {
  if (error instanceof CommandFailure) return error.message;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return problems[code] ?? code;
}

function settingsFailure(issues: readonly ConfigIssue[]): CommandFailure {
  return configurationFailure(new ConfigError(issues), 'the environment');
}

/** What the handler refuses, by the variables that it came from. */
export function namedByVariables(error: unknown, env: CliIo['env']): unknown {
  if (!isRouterError(error, 'invalid_config')) return error;
  const tokens = env['INFERLANE_TOKENS'] === undefined ? 'INFERLANE_TOKEN_FILE' : 'INFERLANE_TOKENS';
  const variables: Readonly<Record<string, string>> = {
    tokens,
    hosts: 'INFERLANE_HOSTS',
    origins: 'ALLOWED_ORIGINS',
    'admin.token': 'INFERLANE_ADMIN_TOKEN',
  };
  const renamed = issuesOf(error).map(({ path, message }): ConfigIssue => {
    const [, option = '', index] = /^(.*?)(?:\.(\d+))?$/.exec(path) ?? [];
    return { path: `${variables[option] ?? path}${index === undefined ? '' : `, entry ${Number(index) + 1}`}`, message };
  });
  return settingsFailure(renamed);
}

function openToOthers(source: string): CommandFailure {
  return new CommandFailure(2, `${source} would let other machines in, and no token says who may call.`, [
    `Set INFERLANE_TOKENS to tokens, with commas between them, or INFERLANE_TOKEN_FILE to a file with one on each line; ${makesToken}.`,
    `Or listen on ${usualHost}, where this machine alone is answered.`,
  ]);
}
