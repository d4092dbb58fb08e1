import { ConfigError, type ConfigIssue } from '../core/errors.ts';
import type { PriceTable } from '../core/prices.ts';
import { isJsonObject } from '../lib/json.ts';
import type { ConfigWarning } from './config.ts';
import { copyOptions } from './copy-options.ts';
import type { EnvSetting } from './env-trail.ts';
import type { Env } from './env-values.ts';
import { fileName, largestFileBytes, readConfigText } from './file-text.ts';
import { createFindings, type Findings, type Path, pathText } from './findings.ts';
import { backendsOrigins, fromBackendsFile } from './json-backends.ts';
import { isBackendsFile } from './json-backends-schema.ts';
import { refuseCode, warnOfPlainKeys } from './json-checks.ts';
import { isOfReference, type References, resolveReferences } from './json-references.ts';
import { type Place, placesIn, readJsonText } from './json-text.ts';
import type { RouterOptions } from './options.ts';
import { resolveConfig } from './resolve.ts';

/** Plain options, which can be spread and changed before `createRouter()` gets them. The two lists do not show up when they are spread. */
export interface LoadedOptions extends RouterOptions {
  /** One row for each environment variable that was used, and the options that it produced. */
  readonly report: readonly EnvSetting[];
  /** What is odd but works, such as a key that is written out. */
  readonly warnings: readonly ConfigWarning[];
}

/**
 * Reads a JSON file of at most 1 MiB: our own options, or the format with `priority`, `nvidia`, `together_ai` and `cpu`. See
 * `docs/guides/configuration.md`. Nothing in it is run.
 * @throws {ConfigError} with every issue; each names the file without its folder, line, column and option, and shows no value.
 */
export async function fromFile(path: string | URL, options: { readonly env?: Env | undefined } = {}): Promise<LoadedOptions> {
  const source = path instanceof URL || typeof path === 'string' ? fileName(path) : '';
  return fromJson(await readConfigText(path, source), { env: options.env, source });
}

/**
 * The same without a file: of a JSON text, or of the value that it stands for.
 * @param options `env`: where `${NAME}` looks, by default the environment of the process. `source`: what issues call the document.
 * @throws {ConfigError} with every issue; none shows a value.
 */
export function fromJson(
  document: unknown,
  options: { readonly env?: Env | undefined; readonly source?: string | undefined } = {},
): LoadedOptions {
  const findings = createFindings();
  const text = typeof document === 'string' ? document : undefined;
  const source = options.source === undefined ? (text === undefined ? '' : 'JSON') : fileName(options.source);
  const value = text === undefined ? document : parse(text, source, findings);
  const isBackends = isJsonObject(value) && isBackendsFile(value);
  const place = createPlaces(text, source, isBackends ? backendsOrigins : {});
  const { made, references } = readDocument(value, options.env ?? environment(), isBackends, findings);
  const refused = new Set(findings.issues.map(({ path }) => path));
  // What was found wrong before needs no mention of its consequences.
  const later = made === undefined ? [] : issuesOf(made).filter(({ path }) => !isWithin(place.label(path), refused));
  const placed = ({ path, message }: ConfigIssue): ConfigIssue => ({
    path: place.of(path),
    message: withOrigin(path, message, references),
  });
  // As they are come across by whoever mends the file.
  const inOrder = [...findings.issues, ...later].toSorted((left, right) => place.offset(left.path) - place.offset(right.path));
  const issues = inOrder.map(placed);
  if (issues.length > 0) throw new ConfigError(issues);
  return Object.defineProperties(
    { ...(made as RouterOptions) },
    {
      report: { value: references.report().map((row) => (isBackends ? withOptions(row) : row)) },
      // They are of what is written, so where its parts come from explains none of them.
      warnings: { value: findings.warnings.map(({ path, message }) => ({ path: place.of(path), message })) },
    },
  ) as LoadedOptions;
}

/** Stops at the first place where the text is no JSON: what stands behind it cannot be told. */
function parse(text: string, source: string, findings: Findings): unknown {
  if (text.length > largestFileBytes) throw new ConfigError([{ path: source, message: `is longer than ${largestFileBytes} characters` }]);
  const twice = new Set<string>();
  const result = readJsonText(text, { value: () => {}, duplicate: (path) => void twice.add(JSON.stringify(path)) });
  for (const path of twice)
    findings.refuse(JSON.parse(path) as Path, 'is there twice, and only the last one would count; take one of them out');
  if ('value' in result) return result.value;
  throw new ConfigError([{ path: placed(source, placesIn(text)(result.offset)), message: `is no JSON from here on: ${result.problem}` }]);
}

interface DocumentReading {
  /** The options that it makes, unchecked; undefined where nothing is left to check. */
  readonly made: unknown;
  readonly references: References;
}

/** The document as options, with the values of variables in it. */
function readDocument(value: unknown, env: Env, isBackends: boolean, findings: Findings): DocumentReading {
  const copy = copyOptions(value, findings);
  if (!isJsonObject(copy)) return { made: copy ?? null, references: resolveReferences({}, env, findings) };
  if (copy['$schema'] !== undefined && typeof copy['$schema'] !== 'string') findings.refuse(['$schema'], 'must be text');
  Reflect.deleteProperty(copy, '$schema');
  refuseCode(copy, findings);
  warnOfPlainKeys(copy, findings);
  const references = resolveReferences(copy, env, findings);
  return { made: isBackends ? fromBackendsFile(copy, references, findings) : copy, references };
}

/** What `createRouter` would refuse. Prices are no part of a document, and may be added to it. */
function issuesOf(options: unknown): readonly ConfigIssue[] {
  try {
    resolveConfig((isJsonObject(options) ? { ...options, prices: noPrices } : options) as RouterOptions);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

const noPrices: PriceTable = Object.freeze({ date: '', source: '', priceOf: () => undefined });

/** Whether a path, or one that it lies in, is among these. */
function isWithin(path: string, paths: ReadonlySet<string>): boolean {
  return paths.has(path) || (path !== '' && isWithin(outer(path), paths));
}

/** The path of what an option stands in; empty for the document. */
function outer(path: string): string {
  return path.slice(0, Math.max(0, path.search(/[.[][^.[]*$/)));
}

function withOrigin(path: string, message: string, references: References): string {
  const names = references.at(path);
  return names.length === 0 || isOfReference(message) ? message : `${message}; its value is the text of ${names.join(' and ')}`;
}

/** The paths of the other format as those of the options that they became. */
function withOptions({ variable, sets }: EnvSetting): EnvSetting {
  return { variable, sets: sets.map((path) => Object.entries(backendsOrigins).find(([, origin]) => origin === path)?.[0] ?? path) };
}

interface Places {
  /** The path of an option as the document writes it. */
  label(path: string): string;
  /** Where the option stands in the text, or what it would stand in; 0 where there is no text. */
  offset(path: string): number;
  /** The label with the name of the source, line and column in front. */
  of(path: string): string;
}

function createPlaces(text: string | undefined, source: string, origins: Readonly<Record<string, string>>): Places {
  let offsets: ReadonlyMap<string, number> | undefined;
  let placeOf: ((offset: number) => Place) | undefined;
  const label = (path: string): string => origins[path] ?? path;
  const offset = (path: string): number => {
    // Only a document with something wrong is read a second time.
    offsets ??= text === undefined ? new Map() : offsetsIn(text);
    const found = offsets.get(label(path));
    if (found !== undefined || path === '') return found ?? 0;
    return offset(outer(path));
  };
  return {
    label,
    offset,
    of(path) {
      if (text !== undefined) placeOf ??= placesIn(text);
      const at = placeOf === undefined ? source : placed(source, placeOf(offset(path)));
      return [at, label(path)].filter((part) => part !== '').join(' ');
    },
  };
}

function offsetsIn(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  readJsonText(text, { value: (path, offset) => void offsets.set(pathText(path), offset), duplicate: () => {} });
  return offsets;
}

/** `inferlane.json:12:5`, which editors and terminals open at that place. */
function placed(source: string, { line, column }: Place): string {
  return `${source}:${line}:${column}`;
}

function environment(): Env {
  const { process } = globalThis as { process?: { env?: Env } };
  return process?.env ?? {};
}
